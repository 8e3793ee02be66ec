"""What is too old, or was asked to be forgotten. Frames, signatures and the journal never are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Erased:
    """What the erasing of an owner reached."""

    device_ids: tuple[bytes, ...]
    incident_ids: tuple[int, ...]


class Forgetting(Protocol):
    """Lock the devices first."""

    def forget_statuses(self, device_ids: Collection[bytes], before_ms: int) -> int:
        """Last positions from before then. How many."""
        ...

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        """Of those closed before then the positions, and the notes, with what their notices kept. How many of each."""
        ...

    def forget_strangers(self, before_ms: int) -> int:
        """Those last heard before then. How many."""
        ...

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        """All that tells who this is and where they were, for good."""
        ...


class Expired(Protocol):
    """What is too old; pages after the last of the page before."""

    def expired_statuses(self, before_ms: int, after: bytes, limit: int) -> Sequence[bytes]: ...
    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        """Number and device."""
        ...

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        """Whose last registration ended before then, and who has nothing under way."""
        ...

    def expired_strangers(self, before_ms: int) -> int: ...
    def scrub(self) -> None:
        """See that what was erased does not stay behind in the store's files, as far as the engine can."""
        ...
