"""Maps rows to domain objects and back: column lists, and one function each way."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql import notice_snapshots
from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.notice_snapshots import INCIDENT as INCIDENT
from siaga_gateway.adapters.sql.notice_snapshots import INCIDENT_LAYOUT, POSITION_COLUMNS
from siaga_gateway.adapters.sql.row_layout import Columns, Layout, optional
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
STATUS: Final = _STATUS.names
# Never change in an existing incident.
INCIDENT_FIXED: Final = frozenset(
    {
        "identifier",
        "mode",
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


def device_of(row: Row) -> Device:
    device_id, public_xy, owner_id, state, *rest = row[: len(DEVICE)]
    return Device(device_id, public_xy, owner_id, RegistrationState(state), *rest)


def enrolled_of(row: Row, sealing: Sealing) -> Enrolled:
    return Enrolled(device_of(row), sealing.owner_of(row[len(DEVICE) :]))


def status_of(row: Row) -> DeviceStatus:
    return _STATUS.value(row)


def status_row(status: DeviceStatus) -> Row:
    return _STATUS.row(status)


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
