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


def test_a_call_that_cannot_be_read_is_told_while_it_is_open(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path)
    try:
        spoilt = district.press(counter=1)
        district.press(counter=2)
        district.go_on()
        district.spoil(spoilt)
        assert StuckCalls(district.store, JournalNotifier(), district.clock).troubles() == ["calls_unreadable"]
        district.go_on(60)
        told = StuckCalls(district.store, JournalNotifier(), district.clock).troubles()
        assert told == ["escalations", "calls_unreadable"], "what is due for it stays due"
        with district.store.engine.transaction() as session:
            session.run("UPDATE incident SET state = 'closed' WHERE id = ?", (spoilt.id,))
        told = StuckCalls(district.store, JournalNotifier(), district.clock).troubles()
        assert "calls_unreadable" not in told
    finally:
        district.close()
