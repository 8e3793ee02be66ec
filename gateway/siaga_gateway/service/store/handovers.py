"""Notes of a shift, handovers, and who has taken them. Nothing of it is ever changed; typed words are forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.handover import Handover, Receipt, ShiftNote


class HandoverWriting(Protocol):
    """Reads see this transaction's own writes."""

    def lock_handovers(self) -> None:
        """Keep other transactions from adding notes and handovers until this one ends. Call before reading any."""
        ...

    def next_shift_note(self) -> int:
        """Return a number that no note has; call `lock_handovers` before."""
        ...

    def add_shift_note(self, note: ShiftNote) -> None: ...
    def next_handover(self) -> int:
        """Return a number that no handover has; call `lock_handovers` before."""
        ...

    def add_handover(self, handover: Handover) -> None: ...
    def handover(self, handover_id: int) -> Handover | None: ...
    def handover_of_form(self, form: str) -> int | None:
        """Return the number of the one that came from this form; None: none has."""
        ...

    def add_receipt(self, receipt: Receipt) -> bool:
        """Return whether it is new: each person takes a handover once."""
        ...

    def forget_shift_texts(self, before_ms: int, limit: int) -> int:
        """Forget what was typed into notes and handovers before then, at most `limit` of each. Returns how many; 0: no
        more are left."""
        ...


class HandoverReading(Protocol):
    def shift_notes(self, station: str | None, from_ms: int, above: int, least_ms: int) -> Sequence[ShiftNote]:
        """Return notes of this station (None: of the room) with at_ms > from_ms, or id > above and at_ms > least_ms;
        the oldest first."""
        ...

    def closed_since(self, from_ms: int) -> Sequence[int]:
        """Return all calls that were closed after then, the last first; unreadable ones too, never a test."""
        ...

    def shift_notes_of(self, ids: Collection[int]) -> Sequence[ShiftNote]:
        """Return these notes, the oldest first."""
        ...

    def handover(self, handover_id: int) -> Handover | None: ...
    def handovers(
        self, station: str | None, before: int, limit: int, from_ms: int | None = None, to_ms: int | None = None
    ) -> Sequence[Handover]:
        """Return those with id < before of this station (None: of the room), made in that time, the newest first."""
        ...

    def handovers_untaken(self, station: str | None, since_ms: int) -> Sequence[Handover]:
        """Return those that nobody has taken, made since then, the newest first."""
        ...

    def last_taken_ms(self, station: str | None) -> int | None:
        """Return when the newest handover that somebody took was made; None: there is none."""
        ...

    def last_taken_note(self, station: str | None) -> int:
        """Return the highest number of a note in the newest handover with notes that somebody took; 0: none."""
        ...

    def receipts(self, handover_ids: Collection[int]) -> Mapping[int, Sequence[Receipt]]:
        """Return who took these handovers, the first one first; without those that nobody took."""
        ...

    def expired_shift_texts(self, before_ms: int) -> int: ...
