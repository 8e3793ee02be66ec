"""Events in the store, their devices' statuses, and the incidents that presses' counters name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql import acknowledged_uplinks, audit
from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.incidents import IncidentWriting
from siaga_gateway.adapters.sql.journal import JournalWriting
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import only, sound
from siaga_gateway.adapters.sql.rows import (
    LAST_POSITION,
    STATUS,
    STATUS_JOIN,
    STATUS_MOVING,
    columns,
    moving_status_row,
    position_row,
    status_columns,
    status_moved,
    status_of,
    status_row,
)
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.incident_outcome import Mark
from siaga_gateway.service.store import EventKey, MarkedPress, MarkKey, NewEvent, PlacedFrame, StoredEvent
from siaga_gateway.service.store.audit import EventRow

_STATUS: Final = Insert("device_status", STATUS, ("device_id",))
_STATUS_MOVED: Final = Insert("device_status", ("device_id", *STATUS_MOVING), ("device_id",))
_PLACE: Final = Insert("last_position", LAST_POSITION, ("device_id",))
_DAY: Final = Insert("device_day", ("day", "device_id", "hours"), ("day", "device_id"))
_STATUSES: Final = f"SELECT {status_columns()} FROM device_status {STATUS_JOIN}"  # noqa: S608 - constants
_PRESS: Final = Insert(
    "press", ("device_id", "counter", "test", "incident_id", "arrived"), ("device_id", "counter", "test")
)
_EVENT: Final = Insert("event", audit.EVENT)
_SIGNATURE: Final = (
    "UPDATE event SET signature = ? WHERE device_id = ? AND counter = ? AND digest = ? AND signature IS NULL"
)
_EVENTS_OF: Final = (
    f"SELECT id, {columns(audit.EVENT)} FROM event "  # noqa: S608
    "WHERE device_id = ? AND (counter, id) > (?, ?) ORDER BY counter, id LIMIT ?"
)
_FRAMES_OF: Final = "SELECT frame, received_ms FROM event WHERE incident_id = ? ORDER BY id DESC LIMIT ?"
_EVENTS_OF_INCIDENT: Final = f"SELECT id, {columns(audit.EVENT)} FROM event WHERE incident_id = ? ORDER BY id LIMIT ?"  # noqa: S608
# The rows lie by day, then by device: each day is asked for the device, and no index is read from end to end.
DAYS: Final = (
    "WITH RECURSIVE days (day) AS (SELECT min(day) FROM device_day UNION ALL "
    "SELECT (SELECT min(device_day.day) FROM device_day WHERE device_day.day > days.day) "
    "FROM days WHERE days.day IS NOT NULL) "
)
OF_DEVICE: Final = (
    f"{DAYS}SELECT device_day.day, device_day.hours FROM days JOIN device_day "  # noqa: S608 - constants
    "ON device_day.day = days.day AND device_day.device_id = ? WHERE days.day >= ? ORDER BY device_day.day"
)
_OF_EACH: Final = (
    f"{DAYS}SELECT device_day.device_id, device_day.day, device_day.hours FROM days JOIN device_day "  # noqa: S608
    "ON device_day.day = days.day AND {among} WHERE days.day >= ? ORDER BY device_day.day"
)


class EventWriting(IncidentWriting, JournalWriting):
    """Implements service.store.events.EventWriting."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._statuses: dict[bytes, DeviceStatus] = {}
        self._stored_statuses: dict[bytes, DeviceStatus] = {}  # as they are in the store, of those above
        self._days: dict[tuple[int, bytes], bytes] = {}
        self._marks: dict[Row, Row] = {}
        self._events: list[Row] = []
        self._signatures: list[Row] = []

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
        rows = self._fetch(f"{_STATUSES} WHERE {among}", parameters)
        return {each.device_id: each for each in sound(status_of, rows, "device_status")}

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

    def add_event(self, event: NewEvent) -> None:
        self.touched = True
        if self._batch is None:
            self._batch = audit.Batch(self._session.batch_number())
        self._events.append(self._batch.row(event))

    def add_signature(self, key: EventKey, digest: bytes, signature: bytes, at_ms: int) -> None:
        self.touched = True
        self._signatures.append((signature, *key, digest))
        self._journal.append(audit.signature_entry(at_ms, *key, signature, digest))

    def put_status(self, status: DeviceStatus, before: DeviceStatus | None = None) -> None:
        self.touched = True
        if before is not None and status.device_id not in self._statuses:
            self._stored_statuses[status.device_id] = before
        self._statuses[status.device_id] = status

    def add_day(self, device_id: bytes, day: int, hours: bytes) -> None:
        self.touched = True
        self._days[day, device_id] = hours

    def put_mark(self, device_id: bytes, test: bool, mark: Mark, incident_id: int) -> None:
        self.touched = True
        row = (device_id, mark.counter, int(test), incident_id, int(mark.arrived))
        self._marks[row[:3]] = row

    def named_calls(self, incident_id: int, every_press: bool = False) -> Sequence[tuple[int, bytes]]:
        return acknowledged_uplinks.calls(self._fetch, incident_id, every_press)

    def _flush_events(self) -> None:
        if self._statuses:
            self._flush_statuses()
        if self._days:
            self._session.insert(_DAY, [(day, device_id, hours) for (day, device_id), hours in self._days.items()])
            self._days.clear()
        if self._marks:
            self._session.insert(_PRESS, list(self._marks.values()))
            self._marks.clear()
        self._hand_over(_EVENT, self._events)
        self._hand_over(_SIGNATURE, self._signatures)

    def _flush_statuses(self) -> None:
        moved: list[Row] = []
        same: list[Row] = []
        other: list[Row] = []
        places: list[Row] = []
        for device_id, status in self._statuses.items():
            before = self._stored_statuses.get(device_id)
            if before is None:
                other.append(status_row(status))
            elif status_moved(before, status):
                moved.append(moving_status_row(status))
            else:
                same.append(status_row(status))
            position = status.position
            if position is not None and (before is None or position != before.position):
                places.append(position_row(status))
        self._statuses.clear()
        self._stored_statuses.clear()
        if other:
            self._session.insert(_STATUS, other)
        if same:
            self._session.change(_STATUS, same)
        if moved:
            self._session.change(_STATUS_MOVED, moved)
        if places:
            self._session.insert(_PLACE, places)


class EventReading(Reads):
    """Implements service.store.events.EventReading."""

    def status(self, device_id: bytes) -> DeviceStatus | None:
        rows = self.fetch(f"{_STATUSES} WHERE device_status.device_id = ?", (device_id,))
        return only(status_of, rows, "device_status")

    def days_of(self, device_id: bytes, since_day: int) -> Sequence[tuple[int, bytes]]:
        rows = self.fetch(OF_DEVICE, (device_id, since_day))
        return [(row[0], row[1]) for row in rows]

    def days_of_each(
        self, device_ids: Collection[bytes], since_day: int
    ) -> Mapping[bytes, Sequence[tuple[int, bytes]]]:
        if not device_ids:
            return {}
        among, parameters = self.writing.among("device_day", "device_id", device_ids)
        found: dict[bytes, list[tuple[int, bytes]]] = {}
        for device_id, day, hours in self.fetch(_OF_EACH.replace("{among}", among), (*parameters, since_day)):
            found.setdefault(device_id, []).append((day, hours))
        return found

    def placed_frames(self, incident_id: int, limit: int) -> Sequence[PlacedFrame]:
        return [PlacedFrame(bytes(row[0]), row[1]) for row in reversed(self.fetch(_FRAMES_OF, (incident_id, limit)))]

    def frames_of(self, incident_id: int, limit: int) -> Sequence[EventRow]:
        return [EventRow(*row) for row in self.fetch(_EVENTS_OF_INCIDENT, (incident_id, limit))]

    def event_rows_of(self, device_id: bytes, after: tuple[int, int], limit: int) -> Sequence[EventRow]:
        rows = self.fetch(_EVENTS_OF, (device_id, *after, limit))
        return [EventRow(*row) for row in rows]
