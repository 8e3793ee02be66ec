"""Rows follow from the fields of the class (adapters/sql/row_layout.py), and the tables have a column for each."""

from __future__ import annotations

from enum import StrEnum

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import sample_store
from gateway.rule_values import any_of, incident
from siaga_gateway.adapters.sql import SqlStore, notice_snapshots
from siaga_gateway.adapters.sql.notice_snapshots import INCIDENT, INCIDENT_LAYOUT, POSITION
from siaga_gateway.adapters.sql.row_layout import Columns, Layout
from siaga_gateway.adapters.sql.rows import (
    LAST_POSITION,
    STATUS,
    position_row,
    status_columns,
    status_of,
    status_row,
)
from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.domain.value import copied, record

# Of a snapshot of each version since snapshots are arrays, in this order for ever.
KEPT = (
    *("id", "identifier", "mode", "state", "device_id", "device_label", "registration", "owner_id"),
    *("opening_counter", "opened_at_ms", "pressed_at_ms", "delayed_s"),
    *("latitude", "longitude", "accuracy_m", "fix_age_s", "position_source", "position_at_ms"),
    *("presses", "silent", "duress", "cancelled_by_holder", "held", "battery", "seen_by", "seen_at_ms"),
    *("unit", "eta_minutes", "closed_by", "closed_at_ms", "disposition", "note", "sequence", "last_press"),
    *("last_cancel", "told_latitude", "told_longitude", "told_accuracy_m", "key_copied", "claimed_s"),
)
HEALTH = Status.from_body(bytes((1, 2, 0, 176, 0x13, 5, 0, 0)))


class Colour(StrEnum):
    RED = "red"


@record
class Plain:
    number: int
    name: str
    raw: bytes
    yes: bool
    colour: Colour
    may: bool | None = None
    hue: Colour | None = Colour.RED
    pair: tuple[int, int] | None = None


PLAIN = Layout(Plain, {"pair": Columns(("one", "other"), lambda pair: pair or (None, None), lambda row: row)})


def test_each_field_of_a_plain_type_is_a_column_of_its_name() -> None:
    assert PLAIN.names == ("number", "name", "raw", "yes", "colour", "may", "hue", "one", "other")
    assert PLAIN.row(Plain(1, "a", b"b", True, Colour.RED)) == (1, "a", b"b", 1, "red", None, "red", None, None)
    full = Plain(1, "a", b"b", False, Colour.RED, False, None, (3, 4))
    row = PLAIN.row(full)
    assert [type(value) for value in row if value in (0, 1)] == [int, int, int], (
        "a snapshot has numbers, no true and false"
    )
    assert row == (1, "a", b"b", 0, "red", 0, None, 3, 4)
    assert PLAIN.value((*row, "of another table")) == full
    assert PLAIN.absent == (None, None, None, None, None, None, "red", None, None)
    assert PLAIN.values(row)[PLAIN.at("pair")] == (3, 4)


def test_an_unknown_member_of_an_enumeration_and_an_unknown_type_are_refused() -> None:
    with pytest.raises(KeyError, match="blue"):
        PLAIN.value((1, "a", b"b", 1, "blue", None, None, None, None))

    @record
    class Odd:
        places: list[int]

    Odd.__annotations__["places"] = list[int]
    with pytest.raises(TypeError, match=r"Odd\.places: list\[int\] is no plain type"):
        Layout(Odd)


@given(any_of(Incident))
def test_an_incident_comes_back_from_its_row_and_from_its_snapshot(before: Incident) -> None:
    row = INCIDENT_LAYOUT.row(before)
    found = INCIDENT_LAYOUT.values(row)
    owner = INCIDENT_LAYOUT.at("owner")
    assert found[owner] == (None if before.owner is None else before.owner.id)
    found[owner] = before.owner
    assert Incident(*found) == before
    assert notice_snapshots.row(notice_snapshots.packed(row)) == row


def joined(status: DeviceStatus) -> dict[str, object]:
    """What a read of both tables finds, by column."""
    kept = dict(zip(STATUS, status_row(status), strict=True))
    kept |= {} if status.position is None else dict(zip(LAST_POSITION, position_row(status), strict=True))
    return {name: kept.get(name) for name in (each.rpartition(".")[2] for each in status_columns().split(", "))}


@given(any_of(DeviceStatus, health=st.sampled_from([None, HEALTH])))
def test_a_status_comes_back_from_its_row(before: DeviceStatus) -> None:
    assert status_of(tuple(joined(before).values())) == before


def test_what_is_None_is_null_in_all_of_its_columns() -> None:
    row = joined(DeviceStatus(b"contoh-1", 1, 2, 3, 4))
    assert [row[name] for name in ("latitude", "position_at_ms", "health", "lag_s", "lag_at_ms", "drift_ppm")] == [
        None
    ] * 6
    slow = joined(DeviceStatus(b"contoh-1", 1, 2, 3, 4, clock=ClockLag(3, 4, 5)))
    assert [slow[name] for name in ("lag_s", "lag_at_ms", "drift_ppm")] == [3, 4, 5]


def test_columns_of_snapshots_are_only_appended() -> None:
    assert INCIDENT[: len(KEPT)] == KEPT, "a new field of Incident goes to its end"


def test_what_a_version_before_did_not_keep_is_as_in_a_new_incident() -> None:
    row = INCIDENT_LAYOUT.row(incident(claimed_s=7, key_copied=True, presses=3))
    kept = orjson.loads(notice_snapshots.packed(row))
    before = len(KEPT) - 2  # columns, of the version that had neither
    older = orjson.dumps(kept[:before]).decode()
    assert notice_snapshots.row(older)[: len(KEPT)] == (*row[:before], 0, None)
    named = dict(zip(INCIDENT, kept, strict=True))
    oldest = {name: value for name, value in named.items() if value is not None and name in KEPT[:before]}
    assert notice_snapshots.row(orjson.dumps(oldest).decode()) == notice_snapshots.row(older)


@pytest.mark.parametrize(("table", "names"), [("incident", INCIDENT), ("device_status", STATUS)])
def test_the_table_has_a_column_for_each_field(store: SqlStore, table: str, names: tuple[str, ...]) -> None:
    if store.engine.kind == "sqlite":
        there = {row[1] for row in store.engine.fetch(f"PRAGMA table_info({table})")}
    else:
        there = {
            row[0]
            for row in store.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = ?", (table,))
        }
    assert sorted(set(names) - there) == [], "fields without a column: write a migration"
    left = set(POSITION) if table == "device_status" else set()  # for the version before, see migration 39
    assert there - set(names) == left, "columns without a field"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=any_of(Incident))
def test_the_store_gives_back_any_incident_and_what_was_told_of_it(store: SqlStore, chosen: Incident) -> None:
    """Each anew, and in place of the one that was there, apart from what never changes."""
    with store.transaction() as transaction:
        number = transaction.next_incident_id()
    owner = None if chosen.owner is None else store.owners()[0]
    note = None if chosen.note is None else chosen.note or "kosong"
    before = copied(
        chosen, id=number, identifier=f"siaga.test-{number}", device_id=sample_store.DEVICE_ID, owner=owner, note=note
    )
    with store.transaction() as transaction:
        transaction.put_incident(before)
        transaction.add_notice(Notice(before, Change.OPENED, 1, sample_store.NOW_MS), ("cad",))
    assert store.incident(number) == before
    (pending,) = [each for each in store.pending("cad") if each.incident_id == number]
    assert store.notices([pending])[pending.id].incident == before
