"""The contract of service/store/figures.py, kept by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from databases import Place
from gateway import sample_store
from gateway.dispatch.listed_places import SW
from gateway.reports.counted_calls import call
from gateway.sample_store import DEVICE_ID, NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.figures import OPENED, SILENT
from siaga_gateway.adapters.sql.incident_search import found_where
from siaga_gateway.adapters.sql.incidents import SELECT
from siaga_gateway.domain.call_record import CallRecord
from siaga_gateway.domain.incident import Disposition, IncidentState, Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store.figures import Registered, Silence
from siaga_gateway.service.store.incident_search import IncidentSearch

HOUR_MS = 3_600_000
FULL = CallRecord(
    1, NOW_MS, "actual", "polsek-sw", NOW_MS - 1, NOW_MS + 1, NOW_MS + 2, NOW_MS + 3, NOW_MS + 4, "abuse", 5, 1
)


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    """With the open incidents 1 to 4."""
    kept = sample_store.new_store(place)
    sample_store.with_device(kept)
    assert [sample_store.open_incident(kept, counter).id for counter in range(1, 5)] == [1, 2, 3, 4]
    yield kept
    kept.close()


def put(store: SqlStore, *records: CallRecord) -> None:
    with store.transaction() as transaction:
        transaction.put_call_records(records)


def test_every_field_of_a_record_comes_back_and_the_next_takes_its_place(store: SqlStore) -> None:
    other = call(NOW_MS - 5, 2)
    put(store, FULL, other)
    assert store.call_records([1, 2, 3]) == {1: FULL, 2: other}
    changed = FULL._replace(
        opened_at_ms=NOW_MS + 9,
        mode="exercise",
        station=None,
        acknowledged_ms=None,
        disposition="verified",
        presses=6,
        held=0,
    )
    put(store, changed)
    assert store.call_records([1]) == {1: changed}
    assert store.call_records([]) == {}


def test_what_calls_say_of_themselves_without_tests(store: SqlStore) -> None:
    with store.transaction() as transaction:
        found = transaction.incidents([1, 2])
        transaction.put_incident(copied(found[1], state=IncidentState.CLOSED, closed_at_ms=NOW_MS + 9, presses=3))
    with store.engine.transaction() as session:
        session.run("UPDATE incident SET mode = ? WHERE id = 2", (Mode.TEST.value,))
    facts = store.call_facts([1, 2, 3, 99])
    assert set(facts) == {1, 3}
    assert facts[1] == (1, NOW_MS, "actual", NOW_MS - 900, 3, NOW_MS + 9, None)
    assert store.call_facts([]) == {}


def test_calls_are_read_page_by_page_in_the_order_of_their_opening(store: SqlStore) -> None:
    put(store, call(NOW_MS, 3), call(NOW_MS, 1), call(NOW_MS + 5, 2), call(NOW_MS + 6, 4))
    seen: list[int] = []
    after = (NOW_MS, 0)
    while page := store.calls_opened(NOW_MS, NOW_MS + 6, after, 2):
        assert len(page) <= 2
        seen += [each.incident_id for each in page]
        after = (page[-1].opened_at_ms, page[-1].incident_id)
    assert seen == [1, 3, 2], "the end is outside"
    assert store.calls_opened(NOW_MS + 1, NOW_MS + 6, (NOW_MS + 1, 0), 9) == [call(NOW_MS + 5, 2)]


def test_old_records_are_counted_and_forgotten(store: SqlStore) -> None:
    put(store, call(NOW_MS, 1), call(NOW_MS + 5, 2))
    assert (store.expired_call_records(NOW_MS), store.expired_call_records(NOW_MS + 1)) == (0, 1)
    with store.transaction() as transaction:
        assert transaction.forget_call_records(NOW_MS + 1, 9) == 1
    assert set(store.call_records([1, 2])) == {2}


def test_a_button_serves_from_its_enrolment_to_the_end_of_its_registration(store: SqlStore) -> None:
    day = (NOW_MS - 12 * HOUR_MS, NOW_MS + 12 * HOUR_MS)
    assert store.registered_buttons(*day) == [Registered(None, 1, 12 * HOUR_MS)]
    assert store.registered_buttons(NOW_MS - 9, NOW_MS) == []
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([SW])
        transaction.set_home_station(1, SW.key)
        transaction.set_registration(DEVICE_ID, RegistrationState.SUSPENDED, NOW_MS + HOUR_MS)
    assert store.registered_buttons(*day) == [Registered(SW.key, 1, HOUR_MS)]
    with store.engine.transaction() as session:
        session.run("UPDATE device SET state = 'active', valid_until_ms = ?", (NOW_MS + 2 * HOUR_MS,))
    assert store.registered_buttons(*day) == [Registered(SW.key, 1, 2 * HOUR_MS)]


def test_a_silence_goes_from_the_last_sign_of_life_until_the_cause_is_gone(store: SqlStore) -> None:
    case = Case(1, DEVICE_ID, Cause.SILENT, 3_600, NOW_MS)
    since = NOW_MS - HOUR_MS

    def found(changed: Case, from_ms: int = NOW_MS, to_ms: int = NOW_MS + 9 * HOUR_MS) -> list[Silence]:
        with store.transaction() as transaction:
            transaction.put_case(changed)
        return list(store.silences(from_ms, to_ms))

    assert found(case) == [Silence(None, DEVICE_ID, since, None)]
    later = NOW_MS + 4 * HOUR_MS
    by_hand = replace(case, closed_ms=later, closed_by="Rina", note="x", level=5 * 3_600)
    assert found(by_hand) == [Silence(None, DEVICE_ID, since, None)], "closed by a person, and still silent"
    assert found(replace(by_hand, stands=False, gone_ms=later + 1)) == [Silence(None, DEVICE_ID, since, later + 1)]
    gone = replace(case, stands=False, closed_ms=later, gone_ms=later)
    assert found(gone) == [Silence(None, DEVICE_ID, since, later)]
    assert found(gone, later, later + 1) == [] == found(gone, since - 9, since)
    assert found(gone, since - 9, NOW_MS) == [Silence(None, DEVICE_ID, since, later)], "noticed after the time only"
    assert store.cases_of(DEVICE_ID) == [gone]
    assert found(replace(gone, id=2, cause=Cause.TAMPER), later - 1, later) == [Silence(None, DEVICE_ID, since, later)]


def test_a_silence_in_a_fold_that_a_person_closes_is_told_whole(store: SqlStore) -> None:
    fold = Case(1, None, Cause.SILENT, 30, NOW_MS)
    later = NOW_MS + 48 * HOUR_MS
    with store.transaction() as transaction:
        transaction.put_case(fold)
        transaction.put_case(Case(2, DEVICE_ID, Cause.SILENT, 3_600, NOW_MS, fold=1))
    with store.transaction() as transaction:
        transaction.put_members(replace(fold, closed_ms=later, closed_by="Rina", note="x"))
    assert store.silences(NOW_MS, later) == [Silence(None, DEVICE_ID, NOW_MS - HOUR_MS, None)]


def test_a_report_reads_by_index(store: SqlStore) -> None:
    if store.engine.kind != "sqlite":
        return
    for statement, index, values in (
        (OPENED, "incident_figures_opened", (NOW_MS, 0, NOW_MS, NOW_MS + 1, 10)),
        (SILENT, "maintenance_silence", (NOW_MS, NOW_MS, NOW_MS)),
    ):
        plan = [row[3] for row in store.fetch(f"EXPLAIN QUERY PLAN {statement}", values)]
        assert any(index in step for step in plan), plan
        assert not any(step.startswith("SCAN") for step in plan), plan
        assert sum(index in step for step in plan) == (2 if statement is SILENT else 1), plan


def found(store: SqlStore, **wanted: Any) -> list[int]:
    return [each.id for each in store.found_incidents(IncidentSearch(**wanted), 2**62, 50)]


def test_a_call_is_found_by_its_station_when_its_figures_are_long_gone(store: SqlStore) -> None:
    put(store, FULL, call(NOW_MS, 2, station="polsek-sw"), call(NOW_MS + 1, 3))
    assert found(store, station="polsek-sw") == [2, 1]
    with store.transaction() as transaction:
        assert transaction.forget_call_records(NOW_MS + 2, 10) == 3
        transaction.put_call_stations({2: "polsek-se", 4: "polsek-se"})
    assert store.call_records([1, 2, 3, 4]) == {}
    assert found(store, station="polsek-sw") == [2, 1], "what is known of a call stays"
    assert found(store, station="polsek-se") == [4]


def test_a_time_finds_what_was_opened_then_though_the_clock_was_set_back(store: SqlStore) -> None:
    with store.engine.transaction() as session:
        for number, opened_ms in ((1, 5_000), (2, 1_000), (3, 5_000), (4, 2_000)):
            session.run("UPDATE incident SET opened_at_ms = ? WHERE id = ?", (opened_ms, number))
    assert found(store, from_ms=1_000, to_ms=2_001) == [4, 2]
    assert found(store, from_ms=5_000) == [3, 1] and found(store, to_ms=5_000) == [4, 2]
    assert found(store, from_ms=6_000) == []


def test_each_condition_of_a_search_has_its_index(store: SqlStore) -> None:
    if store.engine.kind != "sqlite":
        return
    for wanted, indexes in (
        (IncidentSearch(from_ms=NOW_MS, to_ms=NOW_MS + 1), ["incident_opened"]),
        (IncidentSearch(disposition=Disposition.ABUSE), ["incident_disposition"]),
        (IncidentSearch(mode=Mode.EXERCISE), ["incident_exercise"]),
        (IncidentSearch(mode=Mode.TEST), ["incident_test"]),
        (IncidentSearch(station="polsek-sw"), ["incident_figures_station", "incident_station_found"]),
        (IncidentSearch(text="toko"), ["incident_label"]),
        (IncidentSearch(text="01ab"), ["incident_label", "incident_device"]),
    ):
        condition, values = found_where(wanted)
        whole = f"EXPLAIN QUERY PLAN {SELECT} WHERE incident.id < ?{condition} ORDER BY incident.id DESC LIMIT ?"
        plan = [row[3] for row in store.fetch(whole, (2**62, *values, 50))]
        for index in indexes:
            assert any(f"INDEX {index} " in step for step in plan), (wanted, plan)
        scans = [step for step in plan if step.startswith("SCAN") and "known" not in step and "CONSTANT" not in step]
        assert not scans, (wanted, plan)


@pytest.mark.parametrize("text", ["toko", "100%", "TOKO CONTOH", "1_", "\\", "kasir", "-"])
def test_a_part_of_a_label_finds_each_incident_that_had_it(store: SqlStore, text: str) -> None:
    labels = {1: "Toko Contoh", 2: "100%", 3: "a\\b", 4: "1_2 kasir"}
    with store.engine.transaction() as session:
        for number, label in labels.items():
            session.run("UPDATE incident SET device_label = ? WHERE id = ?", (label, number))
    assert found(store, text=text) == [each for each in (4, 3, 2, 1) if text.lower() in labels[each].lower()]
