"""Maps rows to domain objects and back: column lists, and one function each way."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql import notice_snapshots
from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.notice_snapshots import INCIDENT as INCIDENT
from siaga_gateway.adapters.sql.notice_snapshots import INCIDENT_LAYOUT, POSITION, POSITION_COLUMNS
from siaga_gateway.adapters.sql.row_layout import Columns, Layout, optional, sound
from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.incident import Change, Incident
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Attempt, Delivery, DeliveryState, Enrolled, Settled, UnknownDevice

_ID_AT: Final = INCIDENT_LAYOUT.at("id")
_OWNER_AT: Final = INCIDENT_LAYOUT.at("owner")
_NOTE_AT: Final = INCIDENT_LAYOUT.at("note")
_NOTE_COLUMN: Final = INCIDENT.index("note")

OWNER: Final = ("id", "name", "nik", "phone", "address", "language", "key_id")
DEVICE: Final = (
    "device_id",
    "public_xy",
    "owner_id",
    "state",
    "label",
    "enrolled_at_ms",
    "valid_until_ms",
    "installed_latitude",
    "installed_longitude",
    "checkin_s",
    "suspended_until_ms",
    "registrar_until_ms",
    "sim_until_ms",
    "sim_quota_mb",
)


def _health(status: Status) -> bytes:
    """Return the 8 bytes that Status.from_body reads."""
    return struct.pack(
        ">BBBbBBBB",
        *status.version,
        status.signal,
        status.bearer << 4 | status.waiting,
        status.uptime_hours,
        status.restarts,
        status.rejected,
    )


_STATUS: Final = Layout(
    DeviceStatus,
    {
        "position": POSITION_COLUMNS,
        "health": Columns(("health",), optional(_health), optional(Status.from_body)),
        "clock": Layout(ClockLag, {"at_ms": Columns(("lag_at_ms",))}).nested(),
    },
)
_IN_PLACE: Final = frozenset(POSITION)
STATUS: Final = tuple(name for name in _STATUS.names if name not in _IN_PLACE)
# A table of its own: it is forgotten soon, and no backup has it.
LAST_POSITION: Final = ("device_id", *POSITION)
# What a frame changes of its device's status as a rule.
STATUS_MOVING: Final = (
    "highest_counter",
    "events",
    "last_seen_ms",
    "battery",
    "battery_counter",
    "told_counter",
    "told_ms",
    "checkins",
)
status_row: Final = _STATUS.part([each.name for each in fields(DeviceStatus) if each.name != "position"])
position_row: Final = _STATUS.part(("device_id", "position"))
moving_status_row: Final = _STATUS.part(("device_id", *STATUS_MOVING))


def _same(cls: type[Any], but: Collection[str]) -> Callable[[Any, Any], bool]:
    """Return whether two values of a class hold the very same in all fields but these. Written as one expression, as in
    Layout: a loop would take several times as long for each press."""
    rest = (each.name for each in fields(cls) if each.name not in but)
    same: Callable[[Any, Any], bool] = eval(  # noqa: S307
        f"lambda one, other: {' and '.join(f'one.{name} is other.{name}' for name in rest)}"
    )
    return same


status_moved: Final = _same(DeviceStatus, {"position", *STATUS_MOVING})  # whether nothing else changed
# What a further press at the same place changes: neither of them is in an index, nor decides what is in one.
INCIDENT_MOVING: Final = (
    "opening_counter",
    "pressed_at_ms",
    "accuracy_m",
    "fix_age_s",
    "position_source",
    "position_at_ms",
    "presses",
    "battery",
    "sequence",
    "last_press",
    "last_cancel",
    "told_latitude",
    "told_longitude",
    "told_accuracy_m",
)
_INCIDENT_REST: Final = _same(Incident, {"position", "told_place", *INCIDENT_MOVING})


def only_moved(before: Incident, after: Incident) -> bool:
    """Whether no other column of the incident's row changed than those of INCIDENT_MOVING."""
    if not _INCIDENT_REST(before, after):
        return False
    old, new = before.position, after.position
    if old is None or new is None:
        return old is new
    return old.latitude == new.latitude and old.longitude == new.longitude


# Never change in an existing incident.
INCIDENT_FIXED: Final = frozenset(
    {
        "identifier",
        "device_id",
        "device_label",
        "registration",
        "owner_id",
        "opened_at_ms",
        "delayed_s",
        "claimed_s",
    }
)
JOURNAL: Final = ("id", "at_ms", "kind", "incident_id", "device_id", "actor", "facts", "frame")
DELIVERY: Final = (
    "outbox.id",
    "incident.identifier || '.' || outbox.sequence || '.' || output",
    "output",
    "outbox.incident_id",
    "outbox.sequence",
    "notice.change",
    "outbox.state",
    "attempts",
    "asked",
    "notice.made_at_ms",
    "last_attempt_ms",
    "detail",
    "settled",
)


def json_text(value: Mapping[str, Any]) -> str:
    """Return compact JSON in UTF-8."""
    text: str = orjson.dumps(value).decode()
    return text


def columns(names: tuple[str, ...], table: str | None = None) -> str:
    """Return `a, b` or `table.a, table.b`."""
    return ", ".join(names if table is None else (f"{table}.{name}" for name in names))


def registration_of(word: str, device_id: bytes) -> RegistrationState:
    """Return a device's registration. One that cannot be read locks no button out: a person decides on its presses."""
    known = sound(_registration, [(device_id, word)], "device")
    return known[0] if known else RegistrationState.SUSPENDED


def _registration(row: Row) -> RegistrationState:
    return RegistrationState(row[1])


def device_of(row: Row) -> Device:
    device_id, public_xy, owner_id, state, *rest = row[: len(DEVICE)]
    return Device(device_id, public_xy, owner_id, registration_of(state, device_id), *rest)


def enrolled_of(row: Row, sealing: Sealing) -> Enrolled:
    return Enrolled(device_of(row), sealing.owner_of(row[len(DEVICE) :]))


def status_columns(*, placed: bool = True) -> str:
    """Return the columns that `status_of` reads, of device_status and last_position; placed: with the position."""
    return ", ".join(
        ("NULL" if not placed else f"last_position.{name}") if name in _IN_PLACE else f"device_status.{name}"
        for name in _STATUS.names
    )


STATUS_JOIN: Final = "LEFT JOIN last_position ON last_position.device_id = device_status.device_id"


def status_of(row: Row) -> DeviceStatus:
    return _STATUS.value(row)


def status_if_readable(row: Row) -> DeviceStatus | None:
    """Return a device's status; None: it has none, or that cannot be read. row: of a LEFT JOIN."""
    found = [] if row[0] is None else sound(status_of, [row], "device_status")
    return found[0] if found else None


def incident_of(row: Row, sealing: Sealing) -> Incident:
    """Return an incident from INCIDENT and OWNER columns, in this order."""
    values = INCIDENT_LAYOUT.values(row)
    values[_OWNER_AT] = sealing.owner_of(row[len(INCIDENT) :])
    values[_NOTE_AT] = sealing.open_note(values[_NOTE_AT], values[_ID_AT])
    return Incident(*values)


def incident_row(incident: Incident, sealing: Sealing) -> Row:
    row = INCIDENT_LAYOUT.row(incident)
    if incident.note is None:
        return row
    return (*row[:_NOTE_COLUMN], sealing.seal_note(incident.note, incident.id), *row[_NOTE_COLUMN + 1 :])


def from_snapshot(text: str, owner_row: Row, sealing: Sealing) -> Incident:
    """Return the incident as it was then, with the owner as known today."""
    return incident_of((*notice_snapshots.row(text), *owner_row), sealing)


def entry_of(row: Row) -> JournalEntry:
    id_, at_ms, kind, incident_id, device_id, actor, facts, frame = row
    return JournalEntry(id_, at_ms, kind, incident_id, device_id, actor, _facts(facts), frame)


def _facts(text: str) -> dict[str, Any]:
    """Return an entry's facts; if a bit was flipped, the raw text instead: one entry must not block a page."""
    try:
        told = orjson.loads(text)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"damaged": text}


def delivery_of(row: Row) -> Delivery:
    id_, key, output, incident_id, sequence, change, state, attempts, asked, made_ms, tried_ms, detail, settled = row
    return Delivery(
        id_,
        key,
        output,
        incident_id,
        sequence,
        Change(change),
        DeliveryState(state),
        attempts,
        asked,
        made_ms,
        tried_ms,
        detail,
        None if settled is None else Settled(settled),
    )


def attempt_of(row: Row) -> Attempt:
    delivery_id, at_ms, state, detail = row
    return Attempt(delivery_id, at_ms, DeliveryState(state), detail)


def stranger_of(row: Row) -> UnknownDevice:
    return UnknownDevice(*row)
