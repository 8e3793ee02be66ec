"""One unit of work. Writes are gathered and handed to the engine many at a time; what is numbered in the order of
commits (the journal, the outbox) at the very end."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql import audit, commands, forgetting, maintenance, named, sealing, snapshots
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.quarantine import let_go, merge
from siaga_gateway.adapters.sql.rows import (
    DEVICE,
    INCIDENT,
    INCIDENT_FIXED,
    OWNER,
    STATUS,
    columns,
    incident_of,
    incident_row,
    json_text,
    status_of,
    status_row,
)
from siaga_gateway.adapters.sql.sealing import Sealing
from siaga_gateway.domain.command import Command
from siaga_gateway.domain.incident import Incident, IncidentState, Notice
from siaga_gateway.domain.outcome import Mark
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.domain.supervision import Case
from siaga_gateway.service.store import (
    Attempt,
    DeliveryState,
    Erased,
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
_INCIDENT: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED)
_INCIDENT_SAME_STATE: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED | {"state"})
_STATUS: Final = Insert("device_status", STATUS, ("device_id",))
_EVENT: Final = Insert("event", audit.EVENT)
_SIGNATURE: Final = (
    "UPDATE event SET signature = ? WHERE device_id = ? AND counter = ? AND digest = ? AND signature IS NULL"
)
_PRESS: Final = Insert(
    "press", ("device_id", "counter", "test", "incident_id", "arrived"), ("device_id", "counter", "test")
)
_NOTICE: Final = Insert("notice", ("incident_id", "sequence", "change", "made_at_ms", "incident"))
_ATTEMPT: Final = Insert("attempt", ("outbox_id", "at_ms", "state", "detail"))
# What was delivered stays so: a worker that was thought dead may tell of its own failure later.
_ATTEMPTED: Final = (
    "UPDATE outbox SET state = CASE WHEN state = 'delivered' THEN state ELSE ? END, attempts = attempts + 1, "
    "last_attempt_ms = ?, detail = ? WHERE id = ?"
)
_DEVICE: Final = Insert("device", (*DEVICE, "state_since_ms", "changed"))
_ORDER: Final = (_EVENT, _SIGNATURE, _NOTICE, _ATTEMPT, _ATTEMPTED, maintenance.PUT)
_OUTBOX: Final = Insert("outbox", ("id", "output", "incident_id", "sequence", "state"))
_CHANGED: Final = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = ?"


class SqlTransaction:
    """Implements service.store.Transaction. Made by SqlStore.transaction()."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        """writes: how many transactions of this process touched more than the journal and the outbox before it."""
        self._session = session
        self._writes = writes
        self._foreign: int | None = None
        self.touched = False
        self._writing = writing
        self._sealing = sealing
        self._waiting: dict[Insert | str, list[Row]] = {statement: [] for statement in _ORDER}
        self._incidents: dict[int, Incident] = {}
        self._rows: dict[int, tuple[Incident, Row]] = {}
        self._states: dict[int, IncidentState] = {}  # of those that this transaction read or wrote
        self._statuses: dict[bytes, DeviceStatus] = {}
        self._marks: dict[Row, Row] = {}
        self._numbers: list[int] = []  # of incidents, drawn and not used yet
        self._expected = 1
        self._registry: int | None = None
        self._changed: set[str] = set()  # versions that grow with this transaction
        # Written at the end, see finish: the journal's rows without their numbers, the outbox's without theirs.
        self._journal: list[Row] = []
        self._batch: audit.Batch | None = None  # of the events that this transaction stores
        self._outbox: list[Row] = []

    def flush(self) -> None:
        """Hand all that waits to the engine, apart from what is numbered at the end."""
        if self._incidents:
            self._put_incidents()
        if self._statuses:
            self._session.insert(_STATUS, [status_row(status) for status in self._statuses.values()])
            self._statuses.clear()
        if self._marks:
            self._session.insert(_PRESS, list(self._marks.values()))
            self._marks.clear()
        for statement, rows in self._waiting.items():
            if rows:
                if isinstance(statement, str):
                    self._session.many(statement, rows)
                else:
                    self._session.insert(statement, rows)
                rows.clear()

    def finish(self) -> None:
        """The last writes before the commit. Here, and only here, the journal's entries get their numbers: the engine
        lets one transaction at a time through from here to its commit, so that whoever has read up to a number has
        missed nothing below it. The outbox's rows likewise."""
        self.flush()
        for name in sorted(self._changed):
            self._session.run(_CHANGED, (name,))
        if not self._journal and not self._outbox and not self._changed and self._batch is None:
            return
        self._session.lock_end()
        if self._journal or self._batch is not None:
            audit.append(self._session, self._journal, self._batch)
        if self._outbox:
            last: int = self._session.fetch("SELECT coalesce(max(id), 0) FROM outbox")[0][0]
            self._session.insert(_OUTBOX, [(number, *row) for number, row in enumerate(self._outbox, last + 1)])

    def _put_incidents(self) -> None:
        same: list[Row] = []
        other: list[Row] = []
        for incident in self._incidents.values():
            known = self._states.get(incident.id)
            (same if incident.state is known else other).append(self._row(incident))
            self._states[incident.id] = incident.state
        self._incidents.clear()
        if other:
            self._session.insert(_INCIDENT, other)
        if same:
            self._session.change(_INCIDENT_SAME_STATE, same)

    def _row(self, incident: Incident) -> Row:
        """Its row, made once: with a change comes a notice of it."""
        made = self._rows.get(incident.id)
        if made is None or made[0] is not incident:
            made = self._rows[incident.id] = (incident, incident_row(incident, self._sealing))
        return made[1]

    def _fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.flush()
        return self._session.fetch(statement, parameters)

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        self.touched = True
        self.flush()
        return self._session.run(statement, parameters)

    # An incoming batch

    def mark(self) -> Hashable | None:
        self._foreign = self._session.foreign()
        return None if self._foreign is None else (self._foreign, self._writes)

    def mark_after(self) -> Hashable | None:
        self.touched = True
        return None if self._foreign is None else (self._foreign, self._writes + 1)

    def lock(self, device_ids: Collection[bytes]) -> None:
        self._session.lock_devices(device_ids)

    def events(self, keys: Collection[EventKey]) -> Mapping[EventKey, Sequence[StoredEvent]]:
        if not keys:
            return {}
        select = "id, device_id, counter, digest, frame, signature IS NOT NULL, incident_id"
        rows = self._fetch(*self._writing.by_keys(select, "event", ("device_id", "counter"), keys))
        found: dict[EventKey, list[StoredEvent]] = {}
        for _, device_id, counter, digest, frame, signed, incident_id in sorted(rows):
            found.setdefault((device_id, counter), []).append(StoredEvent(digest, frame, bool(signed), incident_id))
        return found

    def statuses(self, device_ids: Collection[bytes]) -> Mapping[bytes, DeviceStatus]:
        if not device_ids:
            return {}
        among, parameters = self._writing.among("device_status", "device_id", device_ids)
        rows = self._fetch(f"SELECT {columns(STATUS)} FROM device_status WHERE {among}", parameters)  # noqa: S608
        return {row[0]: status_of(row) for row in rows}

    def open_incidents_of(self, device_ids: Collection[bytes]) -> Mapping[bytes, Incident]:
        if not device_ids:
            return {}
        among, parameters = self._writing.among("incident", "device_id", device_ids)
        rows = self._fetch(f"{INCIDENTS} WHERE incident.state <> 'closed' AND {among} ORDER BY incident.id", parameters)
        return {incident.device_id: incident for incident in self._read(rows)}

    def marks(self, keys: Collection[MarkKey]) -> Mapping[MarkKey, MarkedPress]:
        if not keys:
            return {}
        rows = self._fetch(
            *self._writing.by_keys(
                "device_id, counter, test, incident_id, arrived",
                "press",
                ("device_id", "counter", "test"),
                [(device_id, counter, int(test)) for device_id, counter, test in keys],
            )
        )
        return {(row[0], row[1], bool(row[2])): MarkedPress(row[3], bool(row[4])) for row in rows}

    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        if not ids:
            return {}
        among, parameters = self._writing.among("incident", "id", ids)
        rows = self._fetch(f"{INCIDENTS} WHERE {among}", parameters)
        return {incident.id: incident for incident in self._read(rows)}

    def _read(self, rows: Iterable[Row]) -> list[Incident]:
        incidents = [incident_of(row, self._sealing) for row in rows]
        self._states.update({incident.id: incident.state for incident in incidents})
        return incidents

    def expect_incidents(self, count: int) -> None:
        self._expected = max(1, count)

    def next_incident_id(self) -> int:
        if not self._numbers:
            self.flush()
            self._numbers.extend(reversed(self._session.incident_ids(self._expected)))
            self._expected = 1
        return self._numbers.pop()

    def add_event(self, event: NewEvent) -> None:
        self.touched = True
        if self._batch is None:
            self._batch = audit.Batch(self._session.batch_number())
        self._waiting[_EVENT].append(self._batch.row(event))

    def add_signature(self, key: EventKey, digest: bytes, signature: bytes, at_ms: int) -> None:
        self.touched = True
        self._waiting[_SIGNATURE].append((signature, *key, digest))
        self._journal.append(audit.signature_entry(at_ms, *key, signature, digest))

    def put_status(self, status: DeviceStatus) -> None:
        self.touched = True
        self._statuses[status.device_id] = status

    def put_incident(self, incident: Incident, before: Incident | None = None) -> None:
        self.touched = True
        if before is not None and incident.id not in self._incidents:
            self._states.setdefault(incident.id, before.state)
        self._incidents[incident.id] = incident

    def put_mark(self, device_id: bytes, test: bool, mark: Mark, incident_id: int) -> None:
        self.touched = True
        row = (device_id, mark.counter, int(test), incident_id, int(mark.arrived))
        self._marks[row[:3]] = row

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
        self._journal.append((at_ms, kind, incident_id, device_id, actor, text, frame))

    def remember(self, name: str, value: str) -> None:
        self._run(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        incident = notice.incident
        self._waiting[_NOTICE].append(
            (
                incident.id,
                notice.sequence,
                notice.change.value,
                notice.sent_at_ms,
                snapshots.packed(self._row(incident)),
            )
        )
        self._outbox.extend((output, incident.id, notice.sequence, "pending") for output in outputs)

    def named_calls(self, incident_id: int, every_press: bool = False) -> Sequence[tuple[int, bytes]]:
        return named.calls(self._fetch, incident_id, every_press)

    # Strangers

    def quarantine(self, strangers: Collection[Stranger], limit: int) -> int:
        self.flush()
        merge(self._session, strangers)
        return let_go(self._session, limit)

    def release(self, device_id: bytes) -> None:
        self._run("DELETE FROM quarantine WHERE device_id = ?", (device_id,))

    # Registry

    def _next_registry_version(self) -> int:
        self.touched = True
        if self._registry is None:
            ((version,),) = self._fetch(f"{_CHANGED} RETURNING CAST(value AS BIGINT)", ("registry",))
            self._registry = int(version)
        return self._registry

    def add_owner(self, owner: Owner, at_ms: int) -> int:
        self._next_registry_version()
        index = self._sealing.keys.index(owner.nik)
        ((number,),) = self._fetch(
            "INSERT INTO owner (name, nik_index, phone, address, language, created_at_ms) VALUES ('', ?, '', '', ?, ?) "
            "RETURNING id",
            (index, owner.language, at_ms),
        )
        # What is sealed is bound to the number, so that comes second.
        self._session.run(sealing.SEAL_OWNER, (*self._sealing.owner_columns(number, owner), index, number))
        return int(number)

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
        self.flush()
        self._session.insert(_DEVICE, [(*row, device.enrolled_at_ms, version)])

    def set_registration(self, device_id: bytes, state: RegistrationState, at_ms: int) -> None:
        version = self._next_registry_version()
        self._run(
            "UPDATE device SET state = ?, state_since_ms = ?, changed = ? WHERE device_id = ?",
            (state.value, at_ms, version, device_id),
        )

    # What is forgotten

    def forget_statuses(self, device_ids: Collection[bytes], before_ms: int) -> int:
        self.touched = True
        self.flush()
        return forgetting.statuses(self._session, self._writing, device_ids, before_ms)

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        self.touched = True
        self.flush()
        return forgetting.incidents(self._session, self._writing, ids, positions_before_ms, notes_before_ms)

    def forget_strangers(self, before_ms: int) -> int:
        self.touched = True
        self.flush()
        return forgetting.strangers(self._session, before_ms)

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        version = self._next_registry_version()
        self.touched = True
        self.flush()
        return forgetting.owner(self._session, self._writing, owner_id, at_ms, version)

    def claim(self, what: str, now_ms: int, every_ms: int) -> bool:
        self._run("INSERT INTO meta (name, value) VALUES (?, '0') ON CONFLICT DO NOTHING", (f"done.{what}",))
        return bool(
            self._run(
                "UPDATE meta SET value = ? WHERE name = ? AND CAST(value AS BIGINT) <= ?",
                (str(now_ms), f"done.{what}", now_ms - every_ms),
            )
        )

    # Commands

    def last_down_counter(self, device_id: bytes) -> int | None:
        self.flush()
        return commands.last_counter(self._session, device_id)

    def command(self, device_id: bytes, down_counter: int) -> Command | None:
        self.flush()
        return commands.one(self._session, device_id, down_counter)

    def add_command(self, command: Command) -> None:
        self.flush()
        commands.add(self._session, command)
        self._changed.add("command")

    def put_command(self, command: Command) -> None:
        self.flush()
        commands.put(self._session, command)
        self._changed.add("command")

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
        rows = self._fetch(
            "UPDATE outbox SET state = 'pending', asked = asked + 1 "  # noqa: S608 - columns named above
            f"WHERE {' AND '.join(wanted)} RETURNING output",
            parameters,
        )
        if rows:
            self._changed.add("outbox")
        counts: dict[str, int] = {}
        for (name,) in rows:
            counts[name] = counts.get(name, 0) + 1
        return counts
