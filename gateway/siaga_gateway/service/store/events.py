"""What came in, and what became of it: frames, the status of their devices, incidents, the journal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from siaga_gateway.domain.frame import Kind, Stage, Suite
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.outcome import Mark
from siaga_gateway.domain.record import record
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service.audit import EventRow

EventKey = tuple[bytes, int]  # device_id, counter
MarkKey = tuple[bytes, int, bool]  # device_id, a PRESS's counter, whether among tests


@record
class NewEvent:
    """A verified frame to keep for ever: `frame` as it came, `signature` of the ES256 form once that is known."""

    device_id: bytes
    counter: int
    kind: Kind
    suite: Suite
    frame: bytes
    signature: bytes | None
    received_ms: int
    bearer: str
    incident_id: int | None
    digest: bytes  # domain.frame.event_digest: what it is known by, beside device and counter
    answer: Stage = Stage.RECEIVED  # the stage that its button is told


@record
class StoredEvent:
    """What tells a repetition from a contradiction."""

    digest: bytes
    frame: bytes
    has_signature: bool
    incident_id: int | None


@record
class MarkedPress:
    """Which incident a PRESS's counter stands for."""

    incident_id: int
    arrived: bool


class EventWriting(Protocol):
    """An incoming batch and its decisions."""

    # Each of these is one query, however many keys
    def events(self, keys: Collection[EventKey]) -> Mapping[EventKey, Sequence[StoredEvent]]:
        """All that is stored under each of these counters, in the order of arrival."""
        ...

    def statuses(self, device_ids: Collection[bytes]) -> Mapping[bytes, DeviceStatus]: ...
    def open_incidents_of(self, device_ids: Collection[bytes]) -> Mapping[bytes, Incident]: ...
    def marks(self, keys: Collection[MarkKey]) -> Mapping[MarkKey, MarkedPress]: ...
    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]: ...

    def expect_incidents(self, count: int) -> None:
        """About how many numbers will be asked for, so that they need not be drawn one by one."""
        ...

    def next_incident_id(self) -> int:
        """A number that no incident has had; each call gives another. Numbers grow and may leave gaps."""
        ...

    def add_event(self, event: NewEvent) -> None: ...
    def add_signature(self, key: EventKey, digest: bytes, signature: bytes, at_ms: int) -> None:
        """The signature of an event that came without one, and its entry in the journal."""
        ...

    def put_status(self, status: DeviceStatus) -> None: ...
    def put_incident(self, incident: Incident, before: Incident | None = None) -> None:
        """before: as it was, if it is known to be there; else None."""
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
        """An entry of the journal. It gets its number at the end of the transaction, in the order of commits."""
        ...

    def named_calls(self, incident_id: int, every_press: bool = False) -> Sequence[tuple[int, bytes]]:
        """Counter and digest of the uplinks that acknowledgements of the incident's progress name: its newest PRESS,
        its newest UPDATE or CANCEL where no PRESS has come. every_press: up to 32 of its PRESSes, the newest first,
        since somebody else may have made that: the highest counters, the first and the last to arrive, and the first
        and the last that are signed."""
        ...


class EventReading(Protocol):
    """Statuses and frames, device by device."""

    def status(self, device_id: bytes) -> DeviceStatus | None: ...
    def event_rows_of(self, device_id: bytes, after: tuple[int, int], limit: int) -> Sequence[EventRow]:
        """By counter, then by id, from the one after `after`; several messages can have one counter."""
        ...
