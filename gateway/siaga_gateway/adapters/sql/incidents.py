"""Incidents in the store: one row each, read with their owners."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.rows import INCIDENT, INCIDENT_FIXED, OWNER, columns, incident_of, incident_row
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.incident import Incident, IncidentState

SELECT: Final = (
    f"SELECT {columns(INCIDENT, 'incident')}, {columns(OWNER, 'owner')} "  # noqa: S608 - constants
    "FROM incident LEFT JOIN owner ON owner.id = incident.owner_id"
)
_PUT: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED)
_PUT_SAME_STATE: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED | {"state"})


class IncidentWriting(WriteBatch):
    """The incidents' part of service.store.events.EventWriting."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._incidents: dict[int, Incident] = {}
        self._rows: dict[int, tuple[Incident, Row]] = {}
        self._states: dict[int, IncidentState] = {}  # of those that this transaction read or wrote
        self._numbers: list[int] = []  # drawn and unused ids
        self._expected = 1

    def open_incidents_of(self, device_ids: Collection[bytes]) -> Mapping[bytes, Incident]:
        if not device_ids:
            return {}
        among, parameters = self._writing.among("incident", "device_id", device_ids)
        rows = self._fetch(f"{SELECT} WHERE incident.state <> 'closed' AND {among} ORDER BY incident.id", parameters)
        return {incident.device_id: incident for incident in self._read(rows)}

    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        if not ids:
            return {}
        among, parameters = self._writing.among("incident", "id", ids)
        rows = self._fetch(f"{SELECT} WHERE {among}", parameters)
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

    def put_incident(self, incident: Incident, before: Incident | None = None) -> None:
        self.touched = True
        if before is not None and incident.id not in self._incidents:
            self._states.setdefault(incident.id, before.state)
        self._incidents[incident.id] = incident

    def _row(self, incident: Incident) -> Row:
        """Return the incident's row, made once: a change also brings a notice."""
        made = self._rows.get(incident.id)
        if made is None or made[0] is not incident:
            made = self._rows[incident.id] = (incident, incident_row(incident, self._sealing))
        return made[1]

    def _flush_incidents(self) -> None:
        if not self._incidents:
            return
        same: list[Row] = []
        other: list[Row] = []
        for incident in self._incidents.values():
            known = self._states.get(incident.id)
            (same if incident.state is known else other).append(self._row(incident))
            self._states[incident.id] = incident.state
        self._incidents.clear()
        if other:
            self._session.insert(_PUT, other)
        if same:
            self._session.change(_PUT_SAME_STATE, same)


class IncidentReading(Reads):
    """The incidents' part of service.ports.JournalReader."""

    def incident(self, incident_id: int) -> Incident | None:
        rows = self.fetch(f"{SELECT} WHERE incident.id = ?", (incident_id,))
        return incident_of(rows[0], self.sealing) if rows else None

    def open_incidents(self) -> Sequence[Incident]:
        rows = self.fetch(f"{SELECT} WHERE incident.state <> 'closed' ORDER BY incident.opened_at_ms, incident.id")
        return [incident_of(row, self.sealing) for row in rows]

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        rows = self.fetch(
            f"{SELECT} WHERE incident.state = 'closed' AND incident.mode <> 'test' "
            "ORDER BY incident.closed_at_ms DESC, incident.id DESC LIMIT ?",
            (limit,),
        )
        return [incident_of(row, self.sealing) for row in rows]

    def recent_tests(self, limit: int = 50) -> Sequence[Incident]:
        rows = self.fetch(f"{SELECT} WHERE incident.mode = 'test' ORDER BY incident.id DESC LIMIT ?", (limit,))
        return [incident_of(row, self.sealing) for row in rows]
