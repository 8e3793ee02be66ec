"""The console's own look at whether calls for help go on."""

from __future__ import annotations

from pathlib import Path

from gateway.dispatch.called_district import CalledDistrict
from siaga_gateway.service.dispatch.stuck_calls import StuckCalls
from siaga_gateway.service.journal.notifier import JournalNotifier


def test_a_call_that_is_late_is_told_without_a_word_in_the_journal(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path)
    try:
        district.press()
        district.go_on()

        def troubles() -> list[str]:
            return StuckCalls(district.store, JournalNotifier(), district.clock).troubles()

        assert troubles() == []
        last = district.store.last_journal_id()
        district.clock.at_ms += 20_000
        assert troubles() == ["escalations"]
        assert district.store.last_journal_id() == last
        district.go_on()
        assert troubles() == []
    finally:
        district.close()
