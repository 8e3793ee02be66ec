"""What came in and what followed from it: frames, the status of their devices, incidents, the journal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.frame import Kind, Stage, Suite
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.incident_outcome import Mark
from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store.audit import EventRow

EventKey = tuple[bytes, int]  # device_id, counter
MarkKey = tuple[bytes, int, bool]  # device_id, a PRESS's counter, whether among tests


@record
class NewEvent:
    """A verified frame to keep for ever. No check-in is one, unless it belongs to an incident."""

    device_id: bytes
    counter: int
    kind: Kind
    suite: Suite
    frame: bytes  # as received
    signature: bytes | None  # of the ES256 form, once known
    received_ms: int
    bearer: str
    incident_id: int | None
    digest: bytes  # domain.frame.event_digest: identifies it, together with device and counter
    answer: Stage = Stage.RECEIVED  # the stage sent to its button


@record
class PlacedFrame:
    """A frame of an incident, and when it came."""

    frame: bytes
    received_ms: int


@record
class StoredEvent:
    """What tells a repetition from a contradiction."""

    digest: bytes
    frame: bytes
    has_signature: bool
    incident_id: int | None


@record
class MarkedPress:
    """The incident that a PRESS's counter names."""

    incident_id: int
    arrived: bool


class EventWriting(Protocol):
    """Writes an incoming batch and its decisions."""

    # Each of these is one query, however many keys there are.
    def events(self, keys: Collection[EventKey]) -> Mapping[EventKey, Sequence[StoredEvent]]:
        """Return everything stored under each of these counters, in order of arrival."""
        ...

    def statuses(self, device_ids: Collection[bytes]) -> Mapping[bytes, DeviceStatus]: ...
    def open_incidents_of(self, device_ids: Collection[bytes]) -> Mapping[bytes, Incident]:
        """Without one that cannot be read: its button's next press opens another."""
        ...

    def journaled(self, incident_id: int) -> Sequence[JournalEntry]:
        """Return what the journal says of an incident, oldest first, without what this transaction adds."""
        ...

    def marks(self, keys: Collection[MarkKey]) -> Mapping[MarkKey, MarkedPress]: ...
    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        """Without those that cannot be read."""
        ...

    def incident(self, incident_id: int) -> Incident | None:
        """Raises: RowUnreadable."""
        ...

    def expect_incidents(self, count: int) -> None:
        """Announce about how many ids will be needed, so that they need not be drawn singly."""
        ...

    def next_incident_id(self) -> int:
        """Return an id that no incident has had, a new one at each call. Ids grow and may have gaps."""
        ...

    def add_event(self, event: NewEvent) -> None: ...
    def add_signature(self, key: EventKey, digest: bytes, signature: bytes, at_ms: int) -> None:
        """Add the signature of an event that came without one, with a journal entry."""
        ...

    def put_status(self, status: DeviceStatus, before: DeviceStatus | None = None) -> None:
        """Write a status, with its position if that is another. before: as it was, if known to be stored; else
        None."""
        ...

    def add_day(self, device_id: bytes, day: int, hours: bytes) -> None:
        """Keep a day of a device's battery and signal, as domain/battery_history.py has it."""
        ...

    def put_incident(self, incident: Incident, before: Incident | None = None) -> None:
        """Write an incident. before: as it was, if known to be stored; else None."""
        ...

    def put_mark(self, device_id: bytes, test: bool, mark: Mark, incident_id: int) -> None: ...

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
        """Add a journal entry. It is numbered at the end of the transaction, in commit order."""
        ...

    def named_calls(self, incident_id: int, every_press: bool = False) -> Sequence[tuple[int, bytes]]:
        """Return counter and digest of the uplinks that acknowledgements of the incident's progress name.

        These are its newest PRESS, or its newest UPDATE or CANCEL if no PRESS has arrived. every_press: up to 32 of its
        PRESSes, the newest first, since somebody else may have made that one: the highest counters, the first and last
        to arrive, and the first and last that are signed.
        """
        ...


class EventReading(Protocol):
    """Statuses and frames, device by device."""

    def status(self, device_id: bytes) -> DeviceStatus | None: ...
    def days_of(self, device_id: bytes, since_day: int) -> Sequence[tuple[int, bytes]]:
        """Return the days of battery and signal that are over, the oldest first; see domain/battery_history.py."""
        ...

    def days_of_each(
        self, device_ids: Collection[bytes], since_day: int
    ) -> Mapping[bytes, Sequence[tuple[int, bytes]]]:
        """The same of several devices, by those that have any."""
        ...

    def placed_frames(self, incident_id: int, limit: int) -> Sequence[PlacedFrame]:
        """Return the newest frames of an incident, in the order in which they came."""
        ...

    def frames_of(self, incident_id: int, limit: int) -> Sequence[EventRow]:
        """Return the first frames that belong to an incident, in order of arrival."""
        ...

    def event_rows_of(self, device_id: bytes, after: tuple[int, int], limit: int) -> Sequence[EventRow]:
        """Return rows from the one after `after` on, by counter, then by id; several messages can share a counter."""
        ...
