"""What an incoming batch reads and writes: events, statuses, incidents, presses, notices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql import audit, named, snapshots
from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.gathering import EVENT, NOTICE, SIGNATURE, Gathering
from siaga_gateway.adapters.sql.rows import INCIDENT, OWNER, STATUS, columns, incident_of, status_of
from siaga_gateway.domain.incident import Incident, Notice
from siaga_gateway.domain.outcome import Mark
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service.store import EventKey, MarkedPress, MarkKey, NewEvent, StoredEvent

INCIDENTS: Final = (
    f"SELECT {columns(INCIDENT, 'incident')}, {columns(OWNER, 'owner')} "  # noqa: S608 - constants
    "FROM incident LEFT JOIN owner ON owner.id = incident.owner_id"
)


class EventWriting(Gathering):
    """Implements service.store.EventWriting."""

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
        self._waiting[EVENT].append(self._batch.row(event))

    def add_signature(self, key: EventKey, digest: bytes, signature: bytes, at_ms: int) -> None:
        self.touched = True
        self._waiting[SIGNATURE].append((signature, *key, digest))
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

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        incident = notice.incident
        self._waiting[NOTICE].append(
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
