"""One unit of work on the writing connection. Writes are gathered and handed to SQLite many at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql import commands, maintenance
from siaga_gateway.adapters.sql.engine import failing
from siaga_gateway.adapters.sql.quarantine import let_go, merge
from siaga_gateway.adapters.sql.rows import (
    DEVICE,
    INCIDENT,
    INCIDENT_FIXED,
    OWNER,
    STATUS,
    Row,
    columns,
    incident_of,
    incident_row,
    json_text,
    snapshot,
    status_of,
    status_row,
    upsert,
)
from siaga_gateway.domain.command import Command
from siaga_gateway.domain.incident import Incident, IncidentState, Notice
from siaga_gateway.domain.outcome import Mark
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.domain.supervision import Case
from siaga_gateway.service.store import (
    Attempt,
    DeliveryState,
    EventKey,
    MarkedPress,
    MarkKey,
    NewEvent,
    StoredEvent,
    Stranger,
)

INCIDENTS: Final = (
    f"SELECT {columns(INCIDENT, 'incident')}, {columns(OWNER, 'owner')} "  # noqa: S608 - constants
    "FROM incident LEFT JOIN owner ON owner.id = incident.owner_id"
)
# In the order in which they are written, so that what is referred to is there first.
_INCIDENT: Final = upsert("incident", INCIDENT, ("id",), INCIDENT_FIXED)
_INCIDENT_SAME_STATE: Final = upsert("incident", INCIDENT, ("id",), INCIDENT_FIXED | {"state"})
_STATUS: Final = upsert("device_status", STATUS, ("device_id",))
_EVENT: Final = (
    "INSERT INTO event (device_id, counter, kind, suite, frame, signature, received_ms, bearer, incident_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SIGNATURE: Final = "UPDATE event SET signature = ? WHERE device_id = ? AND counter = ? AND signature IS NULL"
_PRESS: Final = upsert(
    "press", ("device_id", "counter", "test", "incident_id", "opening", "arrived"), ("device_id", "counter", "test")
)
_JOURNAL: Final = (
    "INSERT INTO journal (at_ms, kind, incident_id, device_id, actor, facts, frame) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_NOTICE: Final = "INSERT INTO notice (incident_id, sequence, change, made_at_ms, incident) VALUES (?, ?, ?, ?, ?)"
_OUTBOX: Final = "INSERT INTO outbox (output, incident_id, sequence, state) VALUES (?, ?, ?, 'pending')"
_ATTEMPT: Final = "INSERT INTO attempt (outbox_id, at_ms, state, detail) VALUES (?, ?, ?, ?)"
_ATTEMPTED: Final = "UPDATE outbox SET state = ?, attempts = attempts + 1, last_attempt_ms = ?, detail = ? WHERE id = ?"
_ORDER: Final = (_EVENT, _SIGNATURE, _PRESS, _JOURNAL, _NOTICE, _OUTBOX, _ATTEMPT, _ATTEMPTED, maintenance.PUT)


# Keys as a table that is joined: for `(a, b) IN (VALUES ...)` SQLite reads the whole table. CROSS JOIN keeps the order.


def events_query(count: int) -> str:
    """Events by (device_id, counter)."""
    return (
        f"WITH wanted (a, b) AS (VALUES {_marks(range(count), '(?, ?)')}) "  # noqa: S608 - marks only
        "SELECT device_id, counter, frame, signature IS NOT NULL, incident_id "
        "FROM wanted CROSS JOIN event ON device_id = a AND counter = b"
    )


def marks_query(count: int) -> str:
    """Presses by (device_id, counter, test)."""
    return (
        f"WITH wanted (a, b, c) AS (VALUES {_marks(range(count), '(?, ?, ?)')}) "  # noqa: S608 - marks only
        "SELECT device_id, counter, test, incident_id, opening, arrived "
        "FROM wanted CROSS JOIN press ON device_id = a AND counter = b AND test = c"
    )


class SqlTransaction:
    """Implements service.store.Transaction. Made by SqlStore.transaction()."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, list[Row]] = {statement: [] for statement in _ORDER}
        self._incidents: dict[int, Incident] = {}
        self._states: dict[int, IncidentState] = {}  # of those that this transaction read or wrote
        self._statuses: dict[bytes, DeviceStatus] = {}
        self._registry: int | None = None

    def flush(self) -> None:
        """Hand all that waits to SQLite."""
        with failing():
            if self._incidents:
                self._put_incidents()
            if self._statuses:
                self._connection.executemany(_STATUS, map(status_row, self._statuses.values()))
                self._statuses.clear()
            for statement, rows in self._waiting.items():
                if rows:
                    self._connection.executemany(statement, rows)
                    rows.clear()

    def _put_incidents(self) -> None:
        same: list[Row] = []
        other: list[Row] = []
        for incident in self._incidents.values():
            known = self._states.get(incident.id)
            (same if incident.state is known else other).append(incident_row(incident))
            self._states[incident.id] = incident.state
        self._incidents.clear()
        self._connection.executemany(_INCIDENT, other)
        self._connection.executemany(_INCIDENT_SAME_STATE, same)

    def _fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.flush()
        with failing():
            return self._connection.execute(statement, parameters).fetchall()

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        self.flush()
        with failing():
            return self._connection.execute(statement, parameters)

    # An incoming batch

    def events(self, keys: Collection[EventKey]) -> Mapping[EventKey, StoredEvent]:
        if not keys:
            return {}
        rows = self._fetch(events_query(len(keys)), [part for key in keys for part in key])
        return {(row[0], row[1]): StoredEvent(row[2], bool(row[3]), row[4]) for row in rows}

    def statuses(self, device_ids: Collection[bytes]) -> Mapping[bytes, DeviceStatus]:
        if not device_ids:
            return {}
        rows = self._fetch(
            f"SELECT {columns(STATUS)} FROM device_status WHERE device_id IN ({_marks(device_ids)})",  # noqa: S608
            list(device_ids),
        )
        return {row[0]: status_of(row) for row in rows}

    def open_incidents_of(self, device_ids: Collection[bytes]) -> Mapping[bytes, Incident]:
        if not device_ids:
            return {}
        rows = self._fetch(
            f"{INCIDENTS} WHERE incident.state <> 'closed' AND incident.device_id IN ({_marks(device_ids)}) "
            "ORDER BY incident.id",
            list(device_ids),
        )
        return {incident.device_id: incident for incident in self._read(rows)}

    def marks(self, keys: Collection[MarkKey]) -> Mapping[MarkKey, MarkedPress]:
        if not keys:
            return {}
        rows = self._fetch(
            marks_query(len(keys)),
            [part for device_id, counter, test in keys for part in (device_id, counter, int(test))],
        )
        return {(row[0], row[1], bool(row[2])): MarkedPress(row[3], bool(row[4]), bool(row[5])) for row in rows}

    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        if not ids:
            return {}
        rows = self._fetch(f"{INCIDENTS} WHERE incident.id IN ({_marks(ids)})", list(ids))
        return {incident.id: incident for incident in self._read(rows)}

    def _read(self, rows: Iterable[Row]) -> list[Incident]:
        incidents = [incident_of(row) for row in rows]
        self._states.update({incident.id: incident.state for incident in incidents})
        return incidents

    def next_incident_id(self) -> int:
        number: int = self._fetch("SELECT coalesce(max(id), 0) + 1 FROM incident")[0][0]
        return number

    def add_event(self, event: NewEvent) -> None:
        self._waiting[_EVENT].append(
            (
                event.device_id,
                event.counter,
                event.kind.value,
                event.suite.value,
                event.frame,
                event.signature,
                event.received_ms,
                event.bearer,
                event.incident_id,
            )
        )

    def add_signature(self, key: EventKey, signature: bytes) -> None:
        self._waiting[_SIGNATURE].append((signature, *key))

    def put_status(self, status: DeviceStatus) -> None:
        self._statuses[status.device_id] = status

    def put_incident(self, incident: Incident) -> None:
        self._incidents[incident.id] = incident

    def put_mark(self, device_id: bytes, test: bool, mark: Mark, incident_id: int) -> None:
        self._waiting[_PRESS].append(
            (device_id, mark.counter, int(test), incident_id, int(mark.opening), int(mark.arrived))
        )

    def note(
        self,
        kind: str,
        at_ms: int,
        facts: Mapping[str, Any] | None = None,
        *,
        incident_id: int | None = None,
        device_id: bytes | None = None,
        actor: str | None = None,
        frame: bytes | None = None,
    ) -> None:
        text = json_text(facts) if facts else "{}"
        self._waiting[_JOURNAL].append((at_ms, kind, incident_id, device_id, actor, text, frame))

    def remember(self, name: str, value: str) -> None:
        self._run(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        incident = notice.incident
        self._waiting[_NOTICE].append(
            (incident.id, notice.sequence, notice.change.value, notice.sent_at_ms, snapshot(incident))
        )
        self._waiting[_OUTBOX].extend((output, incident.id, notice.sequence) for output in outputs)

    def openings(self, incident_id: int) -> Sequence[int]:
        rows = self._fetch(
            "SELECT counter FROM press WHERE incident_id = ? AND opening = 1 ORDER BY counter", (incident_id,)
        )
        return [row[0] for row in rows]

    # Strangers

    def quarantine(self, strangers: Collection[Stranger], limit: int) -> int:
        self.flush()
        with failing():
            merge(self._connection, strangers)
            return let_go(self._connection, limit)

    def release(self, device_id: bytes) -> None:
        self._run("DELETE FROM quarantine WHERE device_id = ?", (device_id,))

    # Registry

    def _next_registry_version(self) -> int:
        if self._registry is None:
            row = self._run(
                "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'registry' "
                "RETURNING CAST(value AS INTEGER)"
            ).fetchone()
            self._registry = int(row[0])
        return self._registry

    def add_owner(self, owner: Owner, at_ms: int) -> int:
        self._next_registry_version()
        row = self._run(
            "INSERT INTO owner (name, nik, phone, address, language, created_at_ms) VALUES (?, ?, ?, ?, ?, ?) "
            "RETURNING id",
            (owner.name, owner.nik, owner.phone, owner.address, owner.language, at_ms),
        ).fetchone()
        return int(row[0])

    def add_device(self, device: Device) -> None:
        version = self._next_registry_version()
        row = (
            device.device_id,
            device.public_xy,
            device.owner_id,
            device.state.value,
            device.label,
            device.enrolled_at_ms,
            device.valid_until_ms,
            device.installed_latitude,
            device.installed_longitude,
            device.checkin_s,
        )
        names = (*DEVICE, "changed")
        self._run(
            f"INSERT INTO device ({columns(names)}) VALUES ({_marks(names)})",  # noqa: S608 - constants
            (*row, version),
        )

    def set_registration(self, device_id: bytes, state: RegistrationState) -> None:
        version = self._next_registry_version()
        self._run("UPDATE device SET state = ?, changed = ? WHERE device_id = ?", (state.value, version, device_id))

    # Commands

    def last_down_counter(self, device_id: bytes) -> int | None:
        self.flush()
        with failing():
            return commands.last_counter(self._connection, device_id)

    def command(self, device_id: bytes, down_counter: int) -> Command | None:
        self.flush()
        with failing():
            return commands.one(self._connection, device_id, down_counter)

    def add_command(self, command: Command) -> None:
        self.flush()
        with failing():
            commands.add(self._connection, command)

    def put_command(self, command: Command) -> None:
        self.flush()
        with failing():
            commands.put(self._connection, command)

    # Maintenance

    def case(self, case_id: int) -> Case | None:
        rows = self._fetch(maintenance.ONE, (case_id,))
        return maintenance.case_of(rows[0]) if rows else None

    def next_case_id(self) -> int:
        number: int = self._fetch(maintenance.NEXT_ID)[0][0]
        return number

    def put_case(self, case: Case) -> None:
        self._waiting[maintenance.PUT].append(maintenance.case_row(case))

    def put_members(self, fold: Case) -> None:
        self._run(maintenance.PUT_MEMBERS, (fold.closed_ms, fold.closed_by, fold.note, fold.id))

    def release_members(self, fold_id: int) -> None:
        self._run(maintenance.RELEASE, (fold_id,))

    def set_checkin(self, device_id: bytes, checkin_s: int | None) -> None:
        self._run(maintenance.CHECKIN, (checkin_s, self._next_registry_version(), device_id))

    def add_deafness(self, way: str, from_ms: int, to_ms: int) -> None:
        self._run(maintenance.FORGET_DEAF, (to_ms - maintenance.REMEMBERED_MS,))
        self._run(maintenance.DEAF, (way, from_ms, to_ms))

    # Outbox

    def record(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            state = attempt.state.value
            self._waiting[_ATTEMPT].append((attempt.delivery_id, attempt.at_ms, state, attempt.detail))
            self._waiting[_ATTEMPTED].append((state, attempt.at_ms, attempt.detail, attempt.delivery_id))

    def ask_again(self, *, key: str | None = None, output: str | None = None) -> Mapping[str, int]:
        wanted, parameters = [f"state <> '{DeliveryState.DELIVERED.value}'"], []
        if key is not None:
            wanted.append(
                "id IN (SELECT outbox.id FROM outbox JOIN incident ON incident.id = outbox.incident_id "
                "WHERE incident.identifier || '.' || outbox.sequence || '.' || output = ?)"
            )
            parameters.append(key)
        if output is not None:
            wanted.append("output = ?")
            parameters.append(output)
        rows = self._run(
            "UPDATE outbox SET state = 'pending', asked = asked + 1 "  # noqa: S608 - columns named above
            f"WHERE {' AND '.join(wanted)} RETURNING output",
            parameters,
        ).fetchall()
        if rows:
            self._run("UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'outbox'")
        counts: dict[str, int] = {}
        for (name,) in rows:
            counts[name] = counts.get(name, 0) + 1
        return counts


def _marks(values: Iterable[object], mark: str = "?") -> str:
    return ", ".join(mark for _ in values)
