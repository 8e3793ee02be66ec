"""What an audit reads from the store: entries of the chain, batches, and the events they cover."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.domain.audit_hashing import Link, entry_text, event_record
from siaga_gateway.domain.frame import Kind

# Remembered by the store: the last event that the removal of check-ins looked at, and how many removals there were.
REMOVED_UNTIL: Final = "checkins.after"
REMOVALS: Final = "checkins.removals"
# The same: the last entry of the journal that was looked at for frames of check-ins.
FRAMES_UNTIL: Final = "frames.after"


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """An entry as stored, possibly tampered with."""

    id: int
    at_ms: int
    kind: str
    incident_id: int | None
    device_id: bytes | None
    actor: str | None
    facts: str  # JSON, unparsed
    frame: bytes | None
    hash: bytes
    frame_sha256: bytes | None = None  # of the frame, if it was taken away

    @property
    def text(self) -> str:
        return entry_text(
            self.id,
            self.at_ms,
            self.kind,
            self.incident_id,
            self.device_id,
            self.actor,
            self.facts,
            self.frame,
            self.frame_sha256,
        )


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What a batch's entry says about its events."""

    number: int
    entry: int
    events: int
    digest: bytes
    kept_events: int | None = None  # how many are left since check-ins were taken from it; None: all
    kept_digest: bytes | None = None  # over those
    removal: int | None = None  # the number of the removal that took them


@dataclass(frozen=True, slots=True)
class EventRow:
    """A stored event with the number of its batch."""

    id: int
    device_id: bytes
    counter: int
    kind: int
    suite: int
    frame: bytes
    signature: bytes | None
    received_ms: int
    bearer: str
    incident_id: int | None
    answer: int
    batch: int | None
    digest: bytes = b""

    def record(self) -> bytes:
        """Return the bytes of it that go into the batch's digest. Raises if it holds values that no event can have."""
        return event_record(
            self.device_id,
            self.counter,
            self.kind,
            self.suite,
            self.frame,
            self.received_ms,
            self.bearer,
            self.incident_id,
            self.answer,
        )

    @property
    def is_checkin(self) -> bool:
        """Whether it is a check-in that belongs to no incident: one that older versions stored as evidence."""
        return self.kind == Kind.CHECKIN and self.incident_id is None

    @property
    def name(self) -> str:
        return f"event {self.id} (device {device_hex(self.device_id)}, counter {self.counter})"


class AuditReader(Protocol):
    """What the audit reads from a store. Each page is a read of its own; numbers only grow."""

    def chain_head(self) -> Link:
        """Return the end of the chain as of the last commit."""
        ...

    def chain_after(self, after_id: int, limit: int) -> Sequence[ChainEntry]: ...

    def batches_from(self, number: int, limit: int) -> Sequence[BatchRow]:
        """Return batches with this number or a higher one, by number."""
        ...

    def event_rows_after(self, after_id: int, limit: int) -> Sequence[EventRow]: ...

    def event_signatures(self, device_id: bytes, counter: int) -> Sequence[tuple[bytes, bytes]]:
        """Return digest and signature of all signed messages under this counter."""
        ...

    def last_event_id(self) -> int: ...

    def removals(self, after_id: int) -> Sequence[ChainEntry]:
        """Return the entries with a higher number about check-ins that were taken out of the evidence, oldest first."""
        ...

    def frame_removals(self, after_id: int) -> Sequence[ChainEntry]:
        """The same about frames of check-ins that were taken out of the journal."""
        ...

    def private_frames(self, after_id: int, until_id: int) -> Sequence[int]:
        """Return the numbers of the journal's entries with after_id < id <= until_id whose frame is a check-in's that
        calls nobody."""
        ...

    def rescues(self) -> Sequence[ChainEntry]:
        """Return the entries about rescues of a damaged store, oldest first."""
        ...


class EvidenceWriting(Protocol):
    """Takes check-ins out of the evidence and the journal, where older versions stored them."""

    def begin_removal(self) -> tuple[int, int]:
        """Return REMOVED_UNTIL and REMOVALS. Until this transaction ends, no other one begins a removal."""
        ...

    def stored_after(self, after_id: int, limit: int) -> Sequence[EventRow]:
        """Return stored events, as this transaction sees them, by id."""
        ...

    def batches(self, numbers: Collection[int]) -> Mapping[int, BatchRow]: ...
    def remove_events(self, ids: Collection[int]) -> None: ...
    def forget_private_frames(self, after_id: int, until_id: int) -> Sequence[int]:
        """Put its SHA-256 in the place of each frame that AuditReader.private_frames names. Returns their entries.

        Until this transaction ends, no other one does so.
        """
        ...

    def put_kept(self, rows: Sequence[BatchRow]) -> None:
        """Write what is left of these batches."""
        ...


def device_hex(device_id: object) -> str:
    return device_id.hex() if isinstance(device_id, bytes) else repr(device_id)
