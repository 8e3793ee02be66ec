"""Rows that nearly every press changes: written by the few columns that change, and read back whole."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway import sample_store
from gateway.rule_values import any_of, incident
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.rows import INCIDENT_FIXED, INCIDENT_MOVING, STATUS_MOVING, only_moved, status_moved
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.value import copied

_STAYS = {"id", "owner", *INCIDENT_FIXED}
_HEALTH = Status((1, 2, 3), -70, 1, 0, 5, 0, 0)
_PLACE = Position(-54_000_000, 1_052_600_000, 10, 1, "gnss", 1_790_000_000_000)
_CHANGING = [each.name for each in fields(Incident) if each.name not in _STAYS]
_TOLD = [each.name for each in fields(DeviceStatus) if each.name != "device_id"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_of(Incident), any_of(Incident), st.sets(st.sampled_from(_CHANGING)))
@example(incident(), incident(presses=2, sequence=2, last_press=9, battery=None), {"presses", "sequence", "last_press"})
@example(incident(position=_PLACE), incident(position=copied(_PLACE, fix_age_s=9)), {"position", "told_place"})
@example(incident(position=_PLACE), incident(position=copied(_PLACE, latitude=5)), {"position"})
@example(incident(position=_PLACE), incident(position=None), {"position", "presses"})
def test_a_changed_incident_comes_back_whole(
    store: SqlStore, one: Incident, other: Incident, changed: set[str]
) -> None:
    with store.transaction() as transaction:
        number = transaction.next_incident_id()
        before = copied(
            one,
            id=number,
            identifier=f"siaga.test-{number}",
            device_id=sample_store.DEVICE_ID,
            owner=None,
            note=one.note or None,
        )
        transaction.put_incident(before)
    after = copied(before, **{name: getattr(other, name) for name in changed})
    after = copied(after, note=after.note or None)
    with store.transaction() as transaction:
        transaction.put_incident(after, before)
    assert store.incident(number) == after
    with store.transaction() as transaction:  # and as an operator's step does: what it read is what was there
        there = transaction.incident(number)
        assert there == after
        transaction.put_incident(copied(there, presses=after.presses ^ 1))
    assert store.incident(number) == copied(after, presses=after.presses ^ 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    any_of(DeviceStatus, health=st.sampled_from([None, _HEALTH])),
    any_of(DeviceStatus, health=st.sampled_from([None, _HEALTH])),
    st.sets(st.sampled_from(_TOLD)),
)
@example(
    DeviceStatus(b"contoh-1", 1, 2, 2, 5, position=_PLACE),
    DeviceStatus(b"contoh-1", 1, 3, 3, 6, position=_PLACE, checkins=b"w"),
    {"highest_counter", "events", "last_seen_ms", "checkins"},
)
def test_a_changed_status_comes_back_whole(
    store: SqlStore, one: DeviceStatus, other: DeviceStatus, changed: set[str]
) -> None:
    before = copied(one, device_id=sample_store.DEVICE_ID)
    with store.transaction() as transaction:
        transaction.put_status(before)
    standing = store.status(sample_store.DEVICE_ID)
    assert standing is not None  # the place of an earlier example stays where this one has none
    before = copied(before, position=standing.position)
    after = copied(before, **{name: getattr(other, name) for name in changed})
    if after.position is None:
        after = copied(after, position=before.position)
    with store.transaction() as transaction:
        transaction.put_status(copied(before, events=7), before)
        transaction.put_status(after, copied(before, events=7))  # the second frame of a batch
    assert store.status(sample_store.DEVICE_ID) == after


@pytest.mark.parametrize(("table", "moving"), [("incident", INCIDENT_MOVING), ("device_status", STATUS_MOVING)])
def test_no_index_has_what_a_press_changes(store: SqlStore, table: str, moving: tuple[str, ...]) -> None:
    """Nor a condition with it: each would be written anew with every press."""
    if store.engine.kind == "sqlite":
        found = store.fetch("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,))
    else:
        found = store.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = ?", (table,))
    indexes = [str(row[0]) for row in found if row[0] is not None]
    assert indexes, "no index of this table was looked at"
    words = {word.strip("(),") for each in indexes for word in each.replace(".", " ").split()}
    assert "device_id" in words
    assert sorted(words & set(moving)) == []


@pytest.mark.parametrize("name", [each.name for each in fields(Incident)])
def test_only_what_a_press_changes_is_left_out_of_the_comparison(name: str) -> None:
    before = incident(position=_PLACE)
    after = copied(before, **{name: object() if name != "position" else copied(_PLACE, accuracy_m=3)})
    assert only_moved(before, after) is (name in {"position", "told_place", *INCIDENT_MOVING})
    assert not only_moved(before, copied(before, position=copied(_PLACE, longitude=3)))
    assert not only_moved(before, copied(before, position=None))


@pytest.mark.parametrize("name", [each.name for each in fields(DeviceStatus)])
def test_only_what_a_frame_changes_is_left_out_of_the_comparison(name: str) -> None:
    before = DeviceStatus(b"contoh-1", 1, 2, 3, 4)
    after = copied(before, **{name: object()})
    assert status_moved(before, after) is (name in {"position", *STATUS_MOVING})


@pytest.mark.parametrize("at_once", [True, False])
def test_a_row_that_is_not_there_to_be_changed_is_seen_and_nothing_is_committed(store: SqlStore, at_once: bool) -> None:
    """Whether something asks for an answer before the commit, or not."""
    change = Insert("device_status", ("device_id", "battery", "checkins"), ("device_id",))
    there = DeviceStatus(sample_store.DEVICE_ID, 1, 2, 3, 4, battery=50)
    with store.transaction() as transaction:
        transaction.put_status(there)
    with pytest.raises(LookupError, match="device_status are not there to be changed"):
        change_rows(store, change, [(b"nobody--", 7, b"w"), (sample_store.DEVICE_ID, 7, b"w")], at_once)
    assert store.status(sample_store.DEVICE_ID) == there
    change_rows(store, change, [(sample_store.DEVICE_ID, 7, b"w")], at_once)
    assert store.status(sample_store.DEVICE_ID) == copied(there, battery=7, checkins=b"w")


def change_rows(store: SqlStore, change: Insert, rows: list[Row], at_once: bool) -> None:
    with store.engine.transaction() as session:
        session.run("UPDATE meta SET value = value WHERE name = 'store'")
        session.change(change, rows)
        if at_once:
            session.fetch("SELECT 1")


def test_an_incident_that_is_gone_is_not_changed_silently(store: SqlStore) -> None:
    before = incident(id=4711, identifier="siaga.test-4711", device_id=sample_store.DEVICE_ID, owner=None)
    with pytest.raises(LookupError, match="incident"), store.transaction() as transaction:
        transaction.put_incident(copied(before, presses=before.presses + 1), before)
    assert store.incident(4711) is None
