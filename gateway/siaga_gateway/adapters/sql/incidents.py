"""Incidents in the store: one row each, read with their owners."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.incident_search import found_where
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import only, sound
from siaga_gateway.adapters.sql.rows import (
    INCIDENT,
    INCIDENT_FIXED,
    INCIDENT_MOVING,
    OWNER,
    columns,
    incident_of,
    incident_row,
    only_moved,
)
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.service.ports import UnreadableCall
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.service.store.incident_search import IncidentSearch

SELECT: Final = (
    f"SELECT {columns(INCIDENT, 'incident')}, {columns(OWNER, 'owner')} "  # noqa: S608 - constants
    "FROM incident LEFT JOIN owner ON owner.id = incident.owner_id"
)
_OPEN: Final = "incident.state <> 'closed'"
_RECENT: Final = (
    f"{SELECT} WHERE incident.state = 'closed' AND incident.mode <> 'test' "
    "ORDER BY incident.closed_at_ms DESC, incident.id DESC LIMIT ?"
)
_TESTS: Final = f"{SELECT} WHERE incident.mode = 'test' ORDER BY incident.id DESC LIMIT ?"
_NUMBERS: Final = "SELECT id FROM incident WHERE state <> 'closed' AND mode <> 'test' ORDER BY id"
_PAGE: Final = (
    "SELECT id FROM incident WHERE id < ? AND opened_at_ms >= ? AND opened_at_ms < ? AND mode <> 'test' "
    "AND state IN ({states}) ORDER BY id DESC LIMIT ?"
)
_END: Final = 2**63 - 1
_AS_KNOWN: Final = "SELECT opened_at_ms, device_id, device_label FROM incident WHERE id = ?"
_PUT: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED)
_PUT_SAME_STATE: Final = Insert("incident", INCIDENT, ("id",), INCIDENT_FIXED | {"state"})
_PUT_MOVED: Final = Insert("incident", ("id", *INCIDENT_MOVING), ("id",))
_moved_row: Final = itemgetter(*(INCIDENT.index(name) for name in _PUT_MOVED.names))


class IncidentWriting(WriteBatch):
    """The incidents' part of service.store.events.EventWriting."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._incidents: dict[int, Incident] = {}
        self._rows: dict[int, tuple[Incident, Row]] = {}
        self._stored: dict[int, Incident] = {}  # as they are in the store, of those that this transaction read or wrote
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

    def incident(self, incident_id: int) -> Incident | None:
        found = only(
            partial(incident_of, sealing=self._sealing),
            self._fetch(f"{SELECT} WHERE incident.id = ?", (incident_id,)),
            "incident",
        )
        if found is not None:
            self._stored[found.id] = found
        return found

    def _read(self, rows: Sequence[Row]) -> list[Incident]:
        incidents = sound(partial(incident_of, sealing=self._sealing), rows, "incident")
        self._stored.update({incident.id: incident for incident in incidents})
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
            self._stored.setdefault(incident.id, before)
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
        moved: list[Row] = []
        same: list[Row] = []
        other: list[Row] = []
        for incident in self._incidents.values():
            known, row = self._stored.get(incident.id), self._row(incident)
            if known is None or known.state is not incident.state:
                other.append(row)
            elif only_moved(known, incident):
                moved.append(_moved_row(row))
            else:
                same.append(row)
            self._stored[incident.id] = incident
        self._incidents.clear()
        if other:
            self._session.insert(_PUT, other)
        if same:
            self._session.change(_PUT_SAME_STATE, same)
        if moved:
            self._session.change(_PUT_MOVED, moved)


class IncidentReading(Reads):
    """The incidents' part of service.ports.JournalReader."""

    def incident(self, incident_id: int) -> Incident | None:
        rows = self.fetch(f"{SELECT} WHERE incident.id = ?", (incident_id,))
        return only(partial(incident_of, sealing=self.sealing), rows, "incident")

    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        try:
            rows = self.fetch_around(lambda among: f"{SELECT} WHERE {among}", "incident", "id", list(ids))
        except StoreDamaged:  # all of these
            return {}
        return {each.id: each for each in self._sound(rows)}

    def open_incidents(self) -> Sequence[Incident]:
        try:
            return self._sound(self.fetch(f"{SELECT} WHERE {_OPEN} ORDER BY incident.opened_at_ms, incident.id"))
        except StoreDamaged:
            rows = self.fetch_around(
                lambda among: f"{SELECT} WHERE {among} AND {_OPEN}", "incident", "id", self.likely_open()
            )
            return sorted(self._sound(rows), key=lambda each: (each.opened_at_ms, each.id))

    def _sound(self, rows: Sequence[Row]) -> list[Incident]:
        return sound(partial(incident_of, sealing=self.sealing), rows, "incident")

    def unreadable_calls(self, known: Collection[int]) -> Sequence[UnreadableCall]:
        try:
            numbers = [number for (number,) in self.fetch(_NUMBERS) if number not in known]
        except StoreDamaged:
            numbers = [number for number in self.likely_open() if number not in known]
        readable = self.incidents(numbers)  # one that was opened just now, or closed
        return [self._as_known(number) for number in numbers if number not in readable and self._is_unreadable(number)]

    def _is_unreadable(self, incident_id: int) -> bool:
        try:
            self.incident(incident_id)
        except StoreDamaged:
            return True
        return False

    def _as_known(self, incident_id: int) -> UnreadableCall:
        try:
            ((opened_at_ms, device_id, label),) = self.fetch(_AS_KNOWN, (incident_id,))
        except (StoreDamaged, ValueError):
            return UnreadableCall(incident_id)
        return UnreadableCall(
            incident_id,
            opened_at_ms if isinstance(opened_at_ms, int) else None,
            device_id.hex() if isinstance(device_id, bytes) else "",
            str(label),
        )

    def incident_numbers(
        self,
        *,
        before: int | None,
        states: Collection[IncidentState],
        from_ms: int | None,
        before_ms: int | None,
        limit: int,
    ) -> Sequence[int]:
        wanted = sorted(states) or sorted(IncidentState)
        rows = self.fetch(
            _PAGE.format(states=", ".join("?" * len(wanted))),
            (
                _END if before is None else before,
                from_ms or 0,
                _END if before_ms is None else before_ms,
                *wanted,
                limit,
            ),
        )
        return [number for (number,) in rows]

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        return sound_incidents(self, _RECENT, (limit,))

    def found_incidents(self, wanted: IncidentSearch, before: int, limit: int) -> Sequence[Incident]:
        condition, values = found_where(wanted)
        whole = f"{SELECT} WHERE incident.id < ?{condition} ORDER BY incident.id DESC LIMIT ?"
        return sound_incidents(self, whole, (before, *values, limit))

    def recent_tests(self, limit: int = 50) -> Sequence[Incident]:
        return sound_incidents(self, _TESTS, (limit,))


def sound_incidents(reads: Reads, statement: str, parameters: Sequence[Any] = ()) -> list[Incident]:
    """Return what a statement that begins with SELECT finds, without incidents that cannot be read.

    Of a damaged page no more than what lies there is missing. Raises: StoreFailing; StoreDamaged if not even the
    numbers can be read.
    """
    try:
        rows = reads.fetch(statement, parameters)
    except StoreDamaged:
        wanted = f"SELECT incident.id FROM incident {statement.removeprefix(SELECT)}"  # noqa: S608 - constants
        numbers = [number for (number,) in reads.fetch(wanted, parameters)]
        rows = reads.fetch_around(lambda among: f"{SELECT} WHERE {among}", "incident", "id", numbers)
        rows.sort(key=lambda row: numbers.index(row[0]))
    return sound(partial(incident_of, sealing=reads.sealing), rows, "incident")
