"""Records of calls follow the journal: from a real wave and real steps, after a crash, and of calls from before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.listed_places import POLDA, SE, SW, at
from gateway.reports.counted_calls import call
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.figures import FigureWriting
from siaga_gateway.domain.call_record import CallRecord, counts
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.reports.call_records import CURSOR, CallRecords, after
from siaga_gateway.service.reports.station_of_call import StationOfCall
from siaga_gateway.service.reports.stations_of_tests import CURSOR as TESTS
from siaga_gateway.service.reports.stations_of_tests import StationsOfTests
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.service.store.incident_search import IncidentSearch


class Counted(CalledDistrict):
    def follower(self) -> CallRecords:
        return CallRecords(self.store, StationOfCall(self.router, Origins(self.store).of))

    def record(self, incident: Incident) -> CallRecord:
        self.follower().work()
        return self.store.call_records([incident.id])[incident.id]


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Counted]:
    made = Counted(tmp_path)
    yield made
    made.close()


def test_a_call_from_the_press_to_its_end(district: Counted) -> None:
    incident = district.press()
    district.go_on(1)
    opened = call(NOW_MS, incident.id, pressed_at_ms=NOW_MS - 900, station=SW.key)
    assert district.record(incident) == opened
    district.go_on(4)
    district.operator.seen(incident.id, "Rina")
    seen = opened._replace(acknowledged_ms=NOW_MS + 5_000)
    assert district.record(incident) == seen
    district.go_on(5)
    district.operator.assign(incident.id, "Rina", "Raimas 1", 7)
    district.go_on(60)
    district.operator.assign(incident.id, "Rina", "Raimas 2", 7)
    district.operator.on_scene(incident.id, "Rina")
    there = seen._replace(assigned_ms=NOW_MS + 10_000, on_scene_ms=NOW_MS + 70_000)
    assert district.record(incident) == there, "the first of each"
    district.go_on(100)
    district.operator.close(incident.id, "Rina", "verified", "Wati, Jl. Contoh")
    closed = there._replace(closed_at_ms=NOW_MS + 170_000, disposition="verified")
    assert district.record(incident) == closed
    district.operator.correct(incident.id, "Dewi", "abuse", "the holder said so")
    closed = closed._replace(disposition="abuse")
    assert district.record(incident) == closed, "as it was corrected"
    for value in closed:
        assert not isinstance(value, str) or value in ("actual", SW.key, "abuse"), "no person, no place"


def test_whoever_closes_a_call_that_nobody_saw_has_it_from_then_on(district: Counted) -> None:
    incident = district.press()
    district.go_on(3_600)
    district.operator.close(incident.id, "Rina", "accidental", "")
    assert district.record(incident).acknowledged_ms == NOW_MS + 3_600_000


def test_a_responder_comes_and_arrives_without_a_desk(district: Counted) -> None:
    incident = district.press()
    district.go_on(2)
    district.note(incident, journal.RESPONDER_SAID, who="responder:budi", said="declined")
    district.note(incident, journal.RESPONDER_SAID, who="responder:sari", said="accepted", minutes=4)
    district.go_on(3)
    district.note(incident, journal.RESPONDER_SAID, who="responder:sari", said="arrived")
    found = district.record(incident)
    assert (found.acknowledged_ms, found.assigned_ms, found.on_scene_ms) == (None, NOW_MS + 2_000, NOW_MS + 5_000)


def test_the_station_is_the_first_wave_s_wherever_the_press_is_found_to_be_later(district: Counted) -> None:
    nowhere = district.press(None)
    district.go_on()
    assert district.record(nowhere).station == POLDA.key, "who was called"
    moving = district.press(counter=2)
    district.go_on()
    with district.store.transaction() as transaction:
        place = copied(moving.position, latitude=at(1.5, 0.5)[0], longitude=at(1.5, 0.5)[1])
        transaction.put_incident(copied(moving, position=place))
    district.operator.close(moving.id, "Rina", "verified", "")
    assert district.record(moving).station == SW.key


def test_a_call_of_before_has_its_station_by_what_is_known_now(district: Counted) -> None:
    incident = district.press(at(1.5, 0.5))
    district.note(incident, journal.CALLED, rung="1", wave=1)  # without a station, as it was
    assert district.record(incident).station is None
    district.operator.close(incident.id, "Rina", "verified", "")
    assert district.record(incident).station == SE.key


def test_an_exercise_that_becomes_real_counts_from_then_on(district: Counted) -> None:
    incident = district.press()
    drill = copied(incident, mode=Mode.EXERCISE)
    with district.store.transaction() as transaction:
        transaction.put_incident(drill)
    district.go_on(1)
    district.operator.seen(incident.id, "Rina")
    district.note(incident, journal.RESPONDER_SAID, who="responder:sari", said="accepted", minutes=4)
    found = district.record(incident)
    assert not counts(found) and found.acknowledged_ms == NOW_MS + 1_000
    district.go_on(600)
    with district.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([incident.id])[incident.id], mode=Mode.ACTUAL))
    district.note(incident, journal.MADE_REAL, why="said")
    begun = NOW_MS + 601_000
    real = call(begun, incident.id, station=SW.key)
    assert district.record(incident) == real and counts(real)
    district.go_on(2)
    district.operator.assign(incident.id, "Rina", "Raimas 1", 7)
    assigned = real._replace(acknowledged_ms=begun + 2_000, assigned_ms=begun + 2_000)
    assert district.record(incident) == assigned
    with district.store.transaction() as transaction:
        transaction.remember(CURSOR, "0")
    assert district.record(incident) == assigned, "also when all is read again"


def test_a_held_call_and_its_further_presses(district: Counted) -> None:
    incident = district.press()
    district.note(incident, journal.INCIDENT_OPENED, held=True)
    with district.store.transaction() as transaction:
        transaction.put_incident(copied(incident, presses=3))
    district.note(incident, journal.PRESSED_AGAIN, presses=3)
    assert (district.record(incident).held, district.record(incident).presses) == (1, 3)


def test_all_of_a_long_journal_is_followed_and_nothing_twice(district: Counted) -> None:
    incidents = [district.press(counter=counter) for counter in range(1, 9)]
    with district.store.transaction() as transaction:
        for number in range(4_100):
            kind = journal.SEEN if number % 400 == 399 else journal.REPEATED
            transaction.note(kind, NOW_MS + number, incident_id=incidents[number % 8].id)
    follower = district.follower()
    turns = 1
    while follower.follow():
        turns += 1
    assert turns == 3
    assert district.store.remembered(CURSOR) == str(district.store.last_journal_id())
    found = district.store.call_records([each.id for each in incidents])
    assert len(found) == 8 and found[incidents[399 % 8].id].acknowledged_ms == NOW_MS + 399
    with district.store.transaction() as transaction:
        transaction.remember(CURSOR, "0")
    before = district.store.last_journal_id()
    district.follower().work()
    assert district.store.call_records([each.id for each in incidents]) == found
    assert district.store.last_journal_id() == before, "figures write nothing into the journal"


def test_a_failed_commit_is_made_up_for(district: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = district.press()
    follower = district.follower()

    def full(*_: object) -> None:
        raise StoreFailing("store.closed")

    with monkeypatch.context() as patched:
        patched.setattr(FigureWriting, "put_call_records", full)
        with pytest.raises(StoreFailing):
            follower.follow()
    assert district.store.call_records([incident.id]) == {}
    follower.follow()
    assert set(district.store.call_records([incident.id])) == {incident.id}


def test_most_of_the_journal_is_followed_without_a_write(district: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = district.follower()
    while follower.follow():
        pass
    with district.store.transaction() as transaction:
        transaction.note(journal.REPEATED, NOW_MS)

    def no_write(store: SqlStore) -> None:
        raise AssertionError("a write for nothing")

    monkeypatch.setattr(SqlStore, "transaction", no_write)
    assert not follower.follow()


def test_a_damaged_entry_changes_nothing() -> None:
    record = call(NOW_MS)
    for kind in (journal.CALLED, journal.RESPONDER_SAID, journal.INCIDENT_OPENED, journal.POSITION, "of tomorrow"):
        for facts in ({}, {"damaged": "{"}, {"station": 7}, {"said": None}):
            assert after(record, [JournalEntry(1, NOW_MS, kind, 1, None, None, facts)]) == record


def test_a_call_that_cannot_be_read_holds_up_no_figure(district: Counted) -> None:
    spoilt, other = district.press(counter=1), district.press(counter=2)
    for each in (spoilt, other):
        district.operator.close(each.id, "Rina", "verified", "")
    district.spoil(spoilt)
    assert district.record(other).closed_at_ms is not None
    assert district.record(spoilt).station is None


def test_a_test_press_has_its_station_for_a_search_and_no_figure(district: Counted) -> None:
    incident = district.press()
    with district.store.transaction() as transaction:
        closed = copied(incident, mode=Mode.TEST, state=IncidentState.CLOSED)
        transaction.put_incident(closed)
    other = district.press(counter=2)
    for each in (incident, other):
        district.note(each, journal.TEST_PRESS, counter=1)
    tests = StationsOfTests(district.store, StationOfCall(district.router, Origins(district.store).of))
    tests.work()
    assert [each.id for each in district.store.found_incidents(IncidentSearch(station=SW.key), 2**62, 9)] == [1]
    assert district.store.call_records([incident.id, other.id]) == {}
    with district.store.transaction() as transaction:
        transaction.remember(TESTS, "0")
    StationsOfTests(district.store, StationOfCall(district.router, Origins(district.store).of)).work()
