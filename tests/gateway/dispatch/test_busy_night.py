"""After a busy night: each call has its whole history, and each promise was kept or is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from gateway.dispatch.busy_night import DEAD, WAYS, BusyNight
from siaga_gateway.domain.escalation_state import ContactKind, Phase
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import NotificationState, key_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry

STATE = NotificationState
RUNGS = ["stations", "chief", "region", "everyone"]
LONGEST_S = 60


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyNight]:
    made = BusyNight(tmp_path_factory.mktemp("night"))
    made.live()
    yield made
    made.desk.close()


@pytest.fixture(scope="module")
def incidents(night: BusyNight) -> list[Incident]:
    return list(night.store.recent_incidents(1_000))


def calls(entries: list[JournalEntry]) -> list[JournalEntry]:
    return [entry for entry in entries if entry.kind == journal.CALLED]


def test_the_night_had_all_that_it_should(night: BusyNight, incidents: list[Incident]) -> None:
    assert len(incidents) > 60
    assert any(each.duress for each in incidents) and any(each.presses > 1 for each in incidents)
    assert night.store.recent_tests(10)
    entries = night.store.journal_after(0, 100_000)
    kinds = {entry.kind for entry in entries}
    assert {journal.DISPATCHED_BY_PERSON, journal.PRESSED_AGAIN, journal.DURESS, journal.CALLED} <= kinds
    reached = {str(entry.facts["rung"]) for entry in calls(list(entries))}
    assert {*RUNGS, "operator", "supervisor"} <= reached
    whys = {str(entry.facts["why"]) for entry in calls(list(entries))}
    assert {"opened", "held", "unassigned", "not_arrived"} <= whys
    assert all(way.lost for way in night.ways[:1])
    assert night.faults == []


def test_each_call_has_a_complete_history_in_order(night: BusyNight, incidents: list[Incident]) -> None:
    for incident in incidents:
        entries = [
            each for each in night.store.journal_of_incident(incident.id) if not each.kind.startswith("delivery")
        ]
        assert entries[0].kind == journal.INCIDENT_OPENED
        assert all(a.at_ms <= b.at_ms for a, b in pairwise(entries))
        assert calls(entries), incident.id
        closed = [number for number, each in enumerate(entries) if each.kind == journal.CLOSED]
        assert len(closed) == 1
        assert calls(entries[closed[0] :]) == [], "nobody is called for what is over"
        assert incident.state is IncidentState.CLOSED
        escalation = night.store.escalation_of(incident.id)
        assert escalation is not None and escalation.phase is Phase.CLOSED


def test_a_ladder_climbs_rung_by_rung_within_each_wave(night: BusyNight, incidents: list[Incident]) -> None:
    for incident in incidents:
        waves: dict[object, list[str]] = {}
        for entry in calls(list(night.store.journal_of_incident(incident.id))):
            if entry.facts["why"] != "held":
                waves.setdefault(entry.facts["wave"], []).append(str(entry.facts["rung"]))
        for rungs in waves.values():
            heights = [RUNGS.index(rung) for rung in rungs]
            assert heights[0] == 0 and all(0 <= b - a <= 1 for a, b in pairwise(heights)), rungs


def test_as_long_as_no_desk_answers_somebody_is_called_each_minute(night: BusyNight, incidents: list[Incident]) -> None:
    """Within 60 s of the one before, however long the operator sleeps, and across the restart."""
    silences = []
    for incident in incidents:
        last = None
        for entry in night.store.journal_of_incident(incident.id):
            if last is not None and entry.kind in (journal.CALLED, journal.SEEN):
                silences.append((entry.at_ms - last) / 1_000)
            if entry.kind in (journal.INCIDENT_OPENED, journal.CALLED):
                last = entry.at_ms
            elif entry.kind in (journal.SEEN, journal.ASSIGNED, journal.CLOSED, journal.ACKNOWLEDGED):
                last = None
    assert len(silences) > 300
    assert max(silences) <= LONGEST_S
    assert night.late == []


def test_each_promise_was_kept_or_is_to_be_seen(night: BusyNight, incidents: list[Incident]) -> None:
    handed = 0
    for incident in incidents:
        for row in night.notifications(incident.id):
            assert row.state is not STATE.PENDING and row.next_at_ms is None
            if row.way not in WAYS:
                assert row.state is STATE.BY_HAND
                continue
            taken = night.ways[WAYS.index(row.way)].taken[key_of(incident.identifier, row)]
            if row.state is STATE.HANDED_OVER:
                handed += 1
                assert taken >= 1
            elif row.state is STATE.FAILED:
                assert DEAD in row.recipient and row.detail == "403"
            else:
                assert row.state in (STATE.WITHDRAWN, STATE.EXPIRED)
    assert handed > 500


def test_nobody_gets_again_what_is_known_to_have_arrived(night: BusyNight) -> None:
    """A message is sent a second time only where nobody knows what became of the first, and under the same key."""
    for way in night.ways:
        twice = {key for key, times in way.taken.items() if times > 1}
        assert twice <= way.lost
        assert all(way.taken[key] <= 3 for key in twice)


def test_who_is_called_first_is_who_must_come(night: BusyNight, incidents: list[Incident]) -> None:
    """Each call of an active registration that has a place called its station at once."""
    for incident in incidents:
        first = [row for row in night.notifications(incident.id) if row.number == 1 and row.kind is ContactKind.CALL]
        opened = night.store.journal_of_incident(incident.id)[0].facts
        if opened["has_position"] and first and first[0].rung == "stations":
            assert any("polsek" in row.recipient for row in first)
            assert {row.made_at_ms - incident.opened_at_ms for row in first} == {0}


def test_the_last_word_to_each_button_is_that_its_call_is_closed(night: BusyNight, incidents: list[Incident]) -> None:
    """Under whichever of its presses it waits for an answer by now."""
    for device_id in {incident.device_id for incident in incidents}:
        assert night.sent.of(device_id)[-1][18] == Stage.CLOSED
