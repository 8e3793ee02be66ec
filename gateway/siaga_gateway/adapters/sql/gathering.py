"""Writes of one unit of work: gathered and handed to the engine many at a time; what is numbered in the order of
commits (the journal, the outbox) at the very end."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql import audit, maintenance
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.rows import INCIDENT, INCIDENT_FIXED, STATUS, incident_row, json_text, status_row
from siaga_gateway.adapters.sql.sealing import Sealing
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.status import DeviceStatus

# In the order in which they are written, so that what is referred to is there first.
_INCIDENT: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED)
_INCIDENT_SAME_STATE: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED | {"state"})
_STATUS: Final = Insert("device_status", STATUS, ("device_id",))
EVENT: Final = Insert("event", audit.EVENT)
SIGNATURE: Final = (
    "UPDATE event SET signature = ? WHERE device_id = ? AND counter = ? AND digest = ? AND signature IS NULL"
)
_PRESS: Final = Insert(
    "press", ("device_id", "counter", "test", "incident_id", "arrived"), ("device_id", "counter", "test")
)
NOTICE: Final = Insert("notice", ("incident_id", "sequence", "change", "made_at_ms", "incident"))
ATTEMPT: Final = Insert("attempt", ("outbox_id", "at_ms", "state", "detail"))
# What was delivered stays so: a worker that was thought dead may tell of its own failure later.
ATTEMPTED: Final = (
    "UPDATE outbox SET state = CASE WHEN state = 'delivered' THEN state ELSE ? END, attempts = attempts + 1, "
    "last_attempt_ms = ?, detail = ? WHERE id = ?"
)
_ORDER: Final = (EVENT, SIGNATURE, NOTICE, ATTEMPT, ATTEMPTED, maintenance.PUT)
_OUTBOX: Final = Insert("outbox", ("id", "output", "incident_id", "sequence", "state"))
CHANGED: Final = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = ?"


class Gathering:
    """What every topic of a transaction writes through."""

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
            self._session.run(CHANGED, (name,))
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

    def mark(self) -> Hashable | None:
        self._foreign = self._session.foreign()
        return None if self._foreign is None else (self._foreign, self._writes)

    def mark_after(self) -> Hashable | None:
        self.touched = True
        return None if self._foreign is None else (self._foreign, self._writes + 1)

    def lock(self, device_ids: Collection[bytes]) -> None:
        self._session.lock_devices(device_ids)

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

    def claim(self, what: str, now_ms: int, every_ms: int) -> bool:
        self._run("INSERT INTO meta (name, value) VALUES (?, '0') ON CONFLICT DO NOTHING", (f"done.{what}",))
        return bool(
            self._run(
                "UPDATE meta SET value = ? WHERE name = ? AND CAST(value AS BIGINT) <= ?",
                (str(now_ms), f"done.{what}", now_ms - every_ms),
            )
        )
