"""Rows to domain objects and back: column lists, and one function each way."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql import snapshots
from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.sealing import Sealing
from siaga_gateway.adapters.sql.snapshots import INCIDENT as INCIDENT
from siaga_gateway.adapters.sql.snapshots import POSITION as POSITION
from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.report import Status
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Attempt, Delivery, DeliveryState, Enrolled, Stranger

# Enum members by value: a look-up is a tenth of what calling the class costs, and the hot path does it per event.
_MODES: Final = {str(member): member for member in Mode}
_STATES: Final = {str(member): member for member in IncidentState}
_REGISTRATIONS: Final = {str(member): member for member in RegistrationState}

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
STATUS: Final = (
    "device_id",
    "first_counter",
    "highest_counter",
    "events",
    "last_seen_ms",
    "battery",
    "battery_counter",
    "low_battery",
    "tamper_open",
    "external_power",
    *POSITION,
    "health",
    "restarts",
    "restarts_until_ms",
    "rejected_until_ms",
    "tampered_ms",
    "told_counter",
    "told_ms",
    "counter_faults",
    "counter_fault_ms",
    "jumped_over",
    "lag_s",
    "lag_at_ms",
    "drift_ppm",
)
# Never change once an incident is there.
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
)


def json_text(value: Mapping[str, Any]) -> str:
    """Without blanks, in UTF-8."""
    text: str = orjson.dumps(value).decode()
    return text


def columns(names: tuple[str, ...], table: str | None = None) -> str:
    """`a, b` or `table.a, table.b`."""
    return ", ".join(names if table is None else (f"{table}.{name}" for name in names))


def device_of(row: Row) -> Device:
    device_id, public_xy, owner_id, state, *rest = row[: len(DEVICE)]
    return Device(device_id, public_xy, owner_id, RegistrationState(state), *rest)


def enrolled_of(row: Row, sealing: Sealing) -> Enrolled:
    return Enrolled(device_of(row), sealing.owner_of(row[len(DEVICE) :]))


def _position_of(row: Row) -> Position | None:
    latitude, longitude, accuracy_m, fix_age_s, source, at_ms = row
    if latitude is None:
        return None
    return Position(latitude, longitude, accuracy_m, fix_age_s, source, at_ms)


def _position_row(position: Position | None) -> Row:
    if position is None:
        return (None,) * 6
    return (
        position.latitude,
        position.longitude,
        position.accuracy_m,
        position.fix_age_s,
        position.source,
        position.at_ms,
    )


def status_of(row: Row) -> DeviceStatus:
    device_id, first, highest, events, last_seen_ms, battery, battery_counter, low_battery, tamper_open, power = row[
        :10
    ]
    return DeviceStatus(
        device_id=device_id,
        first_counter=first,
        highest_counter=highest,
        events=events,
        last_seen_ms=last_seen_ms,
        battery=battery,
        battery_counter=battery_counter,
        low_battery=bool(low_battery),
        tamper_open=bool(tamper_open),
        external_power=bool(power),
        position=_position_of(row[10:16]),
        health=None if row[16] is None else Status.from_body(row[16]),
        restarts=row[17],
        restarts_until_ms=row[18],
        rejected_until_ms=row[19],
        tampered_ms=row[20],
        told_counter=row[21],
        told_ms=row[22],
        counter_faults=row[23],
        counter_fault_ms=row[24],
        jumped_over=row[25],
        clock=None if row[26] is None else ClockLag(row[26], row[27], row[28]),
    )


def status_row(status: DeviceStatus) -> Row:
    health, clock = status.health, status.clock
    return (
        status.device_id,
        status.first_counter,
        status.highest_counter,
        status.events,
        status.last_seen_ms,
        status.battery,
        status.battery_counter,
        int(status.low_battery),
        int(status.tamper_open),
        int(status.external_power),
        *_position_row(status.position),
        None if health is None else _health(health),
        status.restarts,
        status.restarts_until_ms,
        status.rejected_until_ms,
        status.tampered_ms,
        status.told_counter,
        status.told_ms,
        status.counter_faults,
        status.counter_fault_ms,
        status.jumped_over,
        *((None, None, None) if clock is None else (clock.lag_s, clock.at_ms, clock.drift_ppm)),
    )


def _health(status: Status) -> bytes:
    """The 8 bytes that Status.from_body reads."""
    return struct.pack(
        ">BBBbBBBB",
        *status.version,
        status.signal,
        status.bearer << 4 | status.waiting,
        status.uptime_hours,
        status.restarts,
        status.rejected,
    )


def incident_of(row: Row, sealing: Sealing) -> Incident:
    """From INCIDENT and OWNER columns, in this order."""
    n = len(INCIDENT)
    (id_, identifier, mode, state, device_id, label, registration, _, opening, opened, pressed, delayed) = row[:12]
    presses, silent, duress, cancelled, held, battery, seen_by, seen_at, unit, eta, closed_by, closed_at = row[18:30]
    disposition, note, sequence, last_press, last_cancel, told_latitude, told_longitude, told_accuracy = row[30:38]
    return Incident(
        id=id_,
        identifier=identifier,
        mode=_MODES[mode],
        state=_STATES[state],
        device_id=device_id,
        device_label=label,
        registration=_REGISTRATIONS[registration],
        owner=sealing.owner_of(row[n:]),
        opening_counter=opening,
        opened_at_ms=opened,
        pressed_at_ms=pressed,
        delayed_s=delayed,
        position=_position_of(row[12:18]),
        presses=presses,
        silent=bool(silent),
        duress=bool(duress),
        cancelled_by_holder=bool(cancelled),
        held=bool(held),
        battery=battery,
        seen_by=seen_by,
        seen_at_ms=seen_at,
        unit=unit,
        eta_minutes=eta,
        closed_by=closed_by,
        closed_at_ms=closed_at,
        disposition=None if disposition is None else Disposition(disposition),
        note=sealing.open_note(note, id_),
        sequence=sequence,
        last_press=last_press,
        last_cancel=last_cancel,
        told_place=None if told_latitude is None else (told_latitude, told_longitude, told_accuracy),
        key_copied=bool(row[38]),
        claimed_s=row[39],
    )


def incident_row(incident: Incident, sealing: Sealing) -> Row:
    return (
        incident.id,
        incident.identifier,
        incident.mode._value_,
        incident.state._value_,
        incident.device_id,
        incident.device_label,
        incident.registration._value_,
        None if incident.owner is None else incident.owner.id,
        incident.opening_counter,
        incident.opened_at_ms,
        incident.pressed_at_ms,
        incident.delayed_s,
        *_position_row(incident.position),
        incident.presses,
        int(incident.silent),
        int(incident.duress),
        int(incident.cancelled_by_holder),
        int(incident.held),
        incident.battery,
        incident.seen_by,
        incident.seen_at_ms,
        incident.unit,
        incident.eta_minutes,
        incident.closed_by,
        incident.closed_at_ms,
        None if incident.disposition is None else incident.disposition.value,
        sealing.seal_note(incident.note, incident.id),
        incident.sequence,
        incident.last_press,
        incident.last_cancel,
        *(incident.told_place or (None, None, None)),
        int(incident.key_copied),
        incident.claimed_s,
    )


def from_snapshot(text: str, owner_row: Row, sealing: Sealing) -> Incident:
    """The incident as it was, with the owner as known today."""
    return incident_of((*snapshots.row(text), *owner_row), sealing)


def entry_of(row: Row) -> JournalEntry:
    id_, at_ms, kind, incident_id, device_id, actor, facts, frame = row
    return JournalEntry(id_, at_ms, kind, incident_id, device_id, actor, orjson.loads(facts), frame)


def delivery_of(row: Row) -> Delivery:
    id_, key, output, incident_id, sequence, change, state, *rest = row
    return Delivery(id_, key, output, incident_id, sequence, Change(change), DeliveryState(state), *rest)


def attempt_of(row: Row) -> Attempt:
    delivery_id, at_ms, state, detail = row
    return Attempt(delivery_id, at_ms, DeliveryState(state), detail)


def stranger_of(row: Row) -> Stranger:
    return Stranger(*row)
