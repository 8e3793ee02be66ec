"""Deletes what has expired, or what somebody asked to have erased. Frames, signatures and the journal are kept for
ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Erased:
    """What the erasure of an owner covered."""

    device_ids: tuple[bytes, ...]
    incident_ids: tuple[int, ...]


class ErasureWriting(Protocol):
    """Erases data. Lock the devices first."""

    def forget_statuses(self, device_ids: Collection[bytes], before_ms: int) -> int:
        """Erase last positions from before before_ms. Returns how many."""
        ...

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        """Erase the positions and the notes of incidents closed before these times, in their notices too. Returns how
        many of each."""
        ...

    def forget_strangers(self, before_ms: int) -> int:
        """Erase quarantined devices last heard before before_ms. Returns how many."""
        ...

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        """Erase permanently what identifies this person and where they were."""
        ...


class ExpiryReading(Protocol):
    """Finds what has expired; each page follows the last item of the page before."""

    def expired_statuses(self, before_ms: int, after: bytes, limit: int) -> Sequence[bytes]: ...
    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        """Return incident id and device."""
        ...

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        """Return owners whose last registration ended before before_ms and who have nothing in progress."""
        ...

    def expired_strangers(self, before_ms: int) -> int: ...
    def scrub(self) -> None:
        """Overwrite what was erased in the store's files, as far as the engine can."""
        ...
