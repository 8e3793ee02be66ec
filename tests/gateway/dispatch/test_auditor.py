"""Whoever sees that the escalations go on: what it finds, tells and mends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import CalledDistrict
from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreFailing


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


@pytest.fixture
def auditor(district: CalledDistrict) -> Auditor:
    return Auditor(district.store, JournalNotifier(), district.clock, district.waves.adopt)


def told(district: CalledDistrict) -> list[tuple[str, object]]:
    entries = district.store.journal_after(0, 10_000)
    return [
        (entry.kind, entry.facts.get("fault"))
        for entry in entries
        if entry.kind in (journal.ESCALATION_FAULTY, journal.ESCALATION_SOUND)
    ]


def test_it_is_content_while_all_goes_on(district: CalledDistrict, auditor: Auditor) -> None:
    district.press()
    auditor.work()
    district.go_on()
    for _ in range(12):
        district.go_on(5)
        auditor.work()
        assert auditor.fault() == ""
    assert told(district) == []


def test_an_incident_that_stays_without_escalation_is_given_one(district: CalledDistrict, auditor: Auditor) -> None:
    incident = sample_store.open_incident(district.store, 1)  # and nothing of it in the journal
    auditor.work()
    assert (auditor.fault(), district.store.escalation_of(incident.id)) == ("", None), "it may be new this moment"
    auditor.work()
    assert auditor.fault() == "unescalated"
    assert district.called(incident) == ["stations"]
    auditor.work()
    assert auditor.fault() == ""
    assert told(district) == [(journal.ESCALATION_FAULTY, "unescalated"), (journal.ESCALATION_SOUND, None)]


def test_a_step_that_is_5_s_late_is_told_once_and_so_is_its_end(district: CalledDistrict, auditor: Auditor) -> None:
    district.press()
    district.go_on()
    district.clock.at_ms += 15_000
    auditor.work()
    assert auditor.fault() == ""
    district.clock.at_ms += 1
    for _ in range(3):
        auditor.work()
        assert auditor.fault() == "late"
    district.go_on()
    auditor.work()
    assert auditor.fault() == ""
    assert told(district) == [(journal.ESCALATION_FAULTY, "late"), (journal.ESCALATION_SOUND, None)]


def test_of_several_workers_one_writes_it_down(district: CalledDistrict) -> None:
    other = Auditor(district.store, JournalNotifier(), district.clock, district.waves.adopt, tells=False)
    district.press()
    district.go_on()
    district.clock.at_ms += 60_000
    other.work()
    assert (other.fault(), told(district)) == ("late", [])


def test_what_the_store_could_not_take_is_told_at_the_next_look(
    district: CalledDistrict, auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.press()
    district.go_on()
    district.clock.at_ms += 60_000

    def fails() -> object:
        raise StoreFailing("passed_on", why="a full disk")

    monkeypatch.setattr(district.store, "transaction", fails)
    with pytest.raises(StoreFailing):
        auditor.work()
    assert auditor.fault() == "late"
    monkeypatch.undo()
    auditor.work()
    assert told(district) == [(journal.ESCALATION_FAULTY, "late")]
