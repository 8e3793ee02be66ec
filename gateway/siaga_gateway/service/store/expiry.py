"""Deletes what has expired, or what somebody asked to have erased. Evidence (frames of calls, signatures) and the
journal are kept for ever."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

UNTOLD: Final = "retention.untold"  # remembered by the store: what runs have removed and no entry tells of yet

TOUCHED: Final = "retention.touched"  # likewise: when each of those runs last added to it


@dataclass(frozen=True, slots=True)
class Erased:
    """What the erasure of an owner covered."""

    device_ids: tuple[bytes, ...]
    incident_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastPositionAge:
    """How old a device's last position may be: least_ms, or two of its check-ins if those are longer."""

    now_ms: int
    least_ms: int
    checkin_s: int  # of a device with no interval registered


class ErasureWriting(Protocol):
    """Erases data. Lock the devices first."""

    def take_over_positions(self, device_ids: Collection[bytes]) -> None:
        """Take what a gateway of the version before wrote as these devices' last positions, where it is younger."""
        ...

    def forget_last_positions(self, device_ids: Collection[bytes], age: LastPositionAge) -> int:
        """Erase the last positions of these devices that are older. Returns how many."""
        ...

    def forget_days(self, before_day: int, after_day: int, limit: int) -> int:
        """Erase battery and signal of days before and after these; a clock may have been ahead.

        At most `limit`: there is one a button for each day. Returns how many; 0: no more are left.
        """
        ...

    def forget_hours(self, device_ids: Collection[bytes], before_day: int, after_day: int) -> int:
        """The same of the hours that these devices' present day has, where it is long over. Returns how many."""
        ...

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        """Erase the positions and the notes of incidents closed before these times, in their notices too, and with the
        notes the photographs. Returns how many positions and notes."""
        ...

    def forget_strangers(self, before_ms: int, limit: int) -> int:
        """Erase quarantined devices last heard before before_ms, at most `limit`. Returns how many; 0: no more are
        left."""
        ...

    def forget_left(self, device_ids: Collection[bytes], limit: int) -> int:
        """Erase what a gateway of a version before left of people whom it erased: the SIM numbers of these devices, and
        consents and what they had told for helpers, at most `limit` of each. Returns how many; 0: no more are left."""
        ...

    def add_untold(self, actor: str | None, counts: Mapping[str, int], at_ms: int) -> None:
        """Add to what this actor's runs of retention have removed and no entry of the journal tells of yet.

        actor: None: the gateway itself. at_ms: now.
        """
        ...

    def untold(self) -> Mapping[str | None, int | None]:
        """Return whose runs there is anything untold of, and when it was last added to; None: an older gateway did not
        say. Until this transaction ends, no other one changes it."""
        ...

    def take_untold(self, actor: str | None) -> Mapping[str, int]:
        """Return what is untold of this actor's runs, for an entry in this transaction; from then on it is told."""
        ...

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        """Erase permanently what identifies this person and where they were."""
        ...


class ExpiryReading(Protocol):
    """Finds what has expired; each page follows the last item of the page before."""

    def positions_left(self, after: bytes, limit: int) -> Sequence[bytes]:
        """Return devices of which a gateway of the version before wrote a position."""
        ...

    def expired_last_positions(self, age: LastPositionAge, after: bytes, limit: int) -> Sequence[bytes]:
        """Return devices whose last position is older."""
        ...

    def hours_after(
        self, before_day: int, after_day: int, after: bytes, limit: int
    ) -> tuple[Sequence[bytes], bytes | None]:
        """Look at `limit` devices. Return those of which `forget_hours` would erase something, and the last that was
        looked at; None: there are no more."""
        ...

    def expired_days(self, before_day: int, after_day: int) -> int: ...
    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        """Return incident id and device."""
        ...

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        """Return owners whose last registration ended before before_ms and who have nothing in progress."""
        ...

    def left_of_erased(self, limit: int) -> tuple[Sequence[bytes], bool]:
        """Return devices of erased people that still have a SIM number, and whether anything else of erased people is
        left: see `forget_left`."""
        ...

    def expired_strangers(self, before_ms: int) -> int: ...
    def scrub(self) -> None:
        """Overwrite what was erased in the store's files, as far as the engine can."""
        ...
