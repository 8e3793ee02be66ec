"""Notes of a shift and its handover: what the outgoing desk leaves is stored in one transaction, and never changed.

| case | what happens |
|---|---|
| two hand over | each has a handover of his own, whole since the last one that somebody took; both wait for the next |
| nobody comes | it waits: each console shows it, at sign-in too, until somebody takes it |
| sent twice from one page | one handover |
| handed over again later | another one, with what has happened since; both wait |
| the console is closed in the middle | nothing is handed over; notes of the shift are there, and are gathered anew |
| who handed over would take it himself | refused: somebody else has to have read it |
| several take it | each is told with his time; the first one ends the waiting |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.handover import Handover, Receipt, ShiftFacts, ShiftNote, begins_ms
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.reports.shift_facts import Sees, gather
from siaga_gateway.service.store import Store

LONGEST_REMARKS: Final = 2 * LONGEST_NOTE
LONGEST_FORM: Final = 64
WAITS_MS: Final = 7 * 86_400_000  # a handover that nobody took is no news after that; the list still says so


class ShiftError(Refused):
    """A note or a handover that cannot be taken; the text says why, and what can be done."""


class ShiftChanges(Protocol):
    """Called from the console's process too. Each call commits before it returns, and is an entry of the journal.

    station: of a dispatcher, whose shift is his jurisdiction's; None: the room's. Raises: ShiftError; StoreFailing.
    """

    def add_note(self, text: str, actor: str, station: str | None) -> int:
        """Add a note of the shift. Returns its number."""
        ...

    def hand_over(self, remarks: str, actor: str, signed_in_ms: int, station: str | None, form: str) -> int:
        """Hand the shift over, with all that the gateway knows of it now. form: of which page or request; the second
        time it is the same handover. Returns its number."""
        ...

    def take(self, handover_id: int, actor: str, station: str | None) -> None:
        """Say that the actor has read a handover; again: nothing."""
        ...


class ShiftBook:
    """Implements ShiftChanges on the store. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier, sees: Sees = lambda station, call: True) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._sees = sees

    def add_note(self, text: str, actor: str, station: str | None) -> int:
        typed = _checked(text, LONGEST_NOTE)
        if not typed:
            raise ShiftError("shift.empty")
        with self._store.transaction() as transaction:
            transaction.lock_handovers()
            now_ms = self._clock.now_ms()  # not from before the wait
            note = ShiftNote(transaction.next_shift_note(), now_ms, actor, station, typed)
            transaction.add_shift_note(note)
            transaction.note(journal.SHIFT_NOTED, now_ms, {"note": note.id, "station": station}, actor=actor)
        self._notifier.ring()
        return note.id

    def hand_over(self, remarks: str, actor: str, signed_in_ms: int, station: str | None, form: str) -> int:
        typed = _checked(remarks, LONGEST_REMARKS)
        if not 0 < len(form) <= LONGEST_FORM:
            raise ShiftError("shift.form")
        # From before it is gathered: the next handover tells what happens meanwhile. Notes go by their numbers.
        now_ms = self._clock.now_ms()
        from_ms = begins_ms(signed_in_ms, self._store.last_taken_ms(station), now_ms)
        # Read before the transaction: a hundred open calls keep no press waiting. What changes meanwhile is seen by
        # whoever takes the shift, on the queue.
        facts = gather(self._store, station, self._sees, from_ms, now_ms)
        with self._store.transaction() as transaction:
            transaction.lock_handovers()
            if (known := transaction.handover_of_form(form)) is not None:
                return known
            number = transaction.next_handover()
            transaction.add_handover(Handover(number, station, from_ms, now_ms, actor, form, facts, typed or None))
            told = {"handover": number, "station": station, "open": len(facts.open) + facts.more_open}
            transaction.note(journal.HANDED_OVER, now_ms, told, actor=actor)
        self._notifier.ring()
        return number

    def take(self, handover_id: int, actor: str, station: str | None) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_handovers()
            found = transaction.handover(handover_id)
            if found is None or found.station != station:
                raise ShiftError("shift.none", number=handover_id)
            if found.made_by == actor:
                raise ShiftError("shift.own")
            if transaction.add_receipt(Receipt(handover_id, actor, now_ms)):
                told = {"handover": handover_id, "station": station}
                transaction.note(journal.HANDOVER_TAKEN, now_ms, told, actor=actor)
        self._notifier.ring()


class ShiftDirectory:
    """Reads shifts; `changes` does what is asked for, wherever that runs. Thread-safe; reads raise StoreFailing."""

    def __init__(
        self, store: Store, clock: Clock, changes: ShiftChanges, sees: Sees = lambda station, call: True
    ) -> None:
        self._store = store
        self._clock = clock
        self._sees = sees
        self.changes = changes

    def begins_ms(self, signed_in_ms: int, station: str | None) -> int:
        return begins_ms(signed_in_ms, self._store.last_taken_ms(station), self._clock.now_ms())

    def facts(self, station: str | None, from_ms: int) -> ShiftFacts:
        """Return what would be handed over now."""
        return gather(self._store, station, self._sees, from_ms, self._clock.now_ms())

    def notes(self, facts: ShiftFacts) -> Sequence[ShiftNote]:
        return self._store.shift_notes_of(facts.notes)

    def handover(self, handover_id: int, station: str | None) -> Handover | None:
        """None: there is none of this number, or it is another jurisdiction's."""
        found = self._store.handover(handover_id)
        return found if found is not None and found.station == station else None

    def handovers(
        self, station: str | None, before: int, limit: int, from_ms: int | None = None, to_ms: int | None = None
    ) -> Sequence[Handover]:
        return self._store.handovers(station, before, limit, from_ms, to_ms)

    def receipts(self, handovers: Sequence[Handover]) -> Mapping[int, Sequence[Receipt]]:
        return self._store.receipts([each.id for each in handovers])

    def waiting(self, actor: str, station: str | None) -> Sequence[Handover]:
        """Return what nobody has taken yet and somebody else than the actor handed over, the newest first."""
        since_ms = self._clock.now_ms() - WAITS_MS
        return [each for each in self._store.handovers_untaken(station, since_ms) if each.made_by != actor]

    def drills(self, facts: ShiftFacts) -> Mapping[int, Drill]:
        """Return the drills that these facts name."""
        found = (self._store.drill(each.drill_id) for each in facts.drills)
        return {each.id: each for each in found if each is not None}

    def calls(self, facts: ShiftFacts) -> Mapping[int, Incident]:
        """Return the calls that these facts name, as they are now; those that cannot be read are left out."""
        named = (*(each.incident_id for each in facts.open), *(each.incident_id for each in facts.closed))
        return self._store.incidents(set(named))


def _checked(text: str, longest: int) -> str:
    """Return what was typed, tidied. Raises: ShiftError if it is longer."""
    typed = visible("\n".join(tidied(line) for line in text.splitlines()).strip("\n"), lines=True)
    if len(typed) > longest:
        raise ShiftError("shift.long", size=len(typed), longest=longest)
    return typed
