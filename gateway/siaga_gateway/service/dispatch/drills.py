"""Drills: ordered by a person, ended by a person or by themselves, and what an exercise becomes that is real after all.

Presses look at the drills in the store, in their own transaction. A drill that has ended never runs again, whatever the
clock says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.drill import (
    AHEAD_MS,
    CLOCK_MS,
    LONGEST_MS,
    MOST_BUTTONS,
    MOST_CONTACTS,
    SHORTEST_MS,
    Drill,
    made_real,
)
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.incident import Change, Incident, Mode
from siaga_gateway.domain.limits import LONGEST_ACTOR, LONGEST_UNIT
from siaga_gateway.domain.notification import RESPONDER, STATION
from siaga_gateway.domain.registry import RegistrationState, state_at
from siaga_gateway.domain.response import Response, ResponseState
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.dispatch.drill_reports import ExerciseResult, report
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store, Transaction

EVERY_S: Final = 5.0
_LONGEST_NAME: Final = LONGEST_UNIT


class DrillError(Refused):
    """A drill that cannot be ordered or ended; the text says why."""


class Ended(StrEnum):
    """Why a drill ended by itself."""

    TIME = "time"
    CLOCK = "clock"  # the gateway's clock was set back, or stands still
    RESTORED = "restored"  # the store comes from a backup: a person may have ended it since


@record
class WantedDrill:
    """What a person asks for."""

    name: str
    buttons: tuple[bytes, ...]
    contacts: tuple[str, ...]  # station:<key>, responder:<key>; without the word before: one of either
    minutes: int
    begins_ms: int | None = None  # None: at once


class Drills:
    """Thread-safe. Raises: DrillError, StoreFailing."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, mode: Mode) -> None:
        """mode: of the gateway."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._mode = mode

    def checked(self, wanted: WantedDrill, actor: str) -> Drill:
        """Return the drill as it would be ordered now, with no number yet."""
        now_ms = self._clock.now_ms()
        if self._mode is not Mode.ACTUAL:
            raise DrillError("drill.exercise_gateway")
        name, by = " ".join(wanted.name.split()), " ".join(actor.split())
        if not 0 < len(name) <= _LONGEST_NAME:
            raise DrillError("drill.name", longest=_LONGEST_NAME)
        if not 0 < len(by) <= LONGEST_ACTOR:
            raise DrillError("drill.by", longest=LONGEST_ACTOR)
        if not SHORTEST_MS <= wanted.minutes * 60_000 <= LONGEST_MS:
            raise DrillError("drill.minutes", longest=LONGEST_MS // 60_000)
        begins_ms = now_ms if wanted.begins_ms is None else wanted.begins_ms
        if not now_ms <= begins_ms <= now_ms + AHEAD_MS:
            raise DrillError("drill.begins", days=AHEAD_MS // 86_400_000)
        buttons = tuple(dict.fromkeys(wanted.buttons))
        self._check_buttons(buttons, begins_ms)
        return Drill(
            id=0,
            name=name,
            ordered_by=by,
            buttons=buttons,
            contacts=self._contacts(wanted.contacts),
            ordered_ms=now_ms,
            begins_ms=begins_ms,
            ends_ms=begins_ms + wanted.minutes * 60_000,
        )

    def _check_buttons(self, buttons: Sequence[bytes], begins_ms: int) -> None:
        if not 0 < len(buttons) <= MOST_BUTTONS:
            raise DrillError("drill.buttons", most=MOST_BUTTONS)
        known = self._store.enrolled(buttons)
        for each in buttons:
            if each not in known:
                raise DrillError("drill.no_button", button=each.hex())
            state = state_at(known[each].device, begins_ms)
            if state is not RegistrationState.ACTIVE:
                word = Localized(f"errors.registration_state.{state}")
                raise DrillError("drill.inactive", button=each.hex(), state=word)

    def _contacts(self, wanted: Collection[str]) -> tuple[str, ...]:
        ways = {f"{STATION}{each.key}": bool(each.contacts) for each in self._store.stations()}
        ways |= {f"{RESPONDER}{each.key}": bool(each.contacts) for each in self._store.responders()}
        found: dict[str, None] = {}
        for each in wanted:
            named = [key for key in (each, f"{STATION}{each}", f"{RESPONDER}{each}") if key in ways]
            if not named:
                raise DrillError("drill.no_contact", contact=each)
            if len(named) > 1:
                raise DrillError("drill.two_contacts", contact=each)
            if not ways[named[0]]:
                raise DrillError("drill.no_way", contact=each)
            found[named[0]] = None
        if not 0 < len(found) <= MOST_CONTACTS:
            raise DrillError("drill.contacts", most=MOST_CONTACTS)
        return tuple(found)

    def doubted(self, buttons: Collection[bytes]) -> list[bytes]:
        """Return which of them have no clock that was proven, or counters in doubt: their presses will be real."""
        found = []
        for each in buttons:
            status = self._store.status(each)
            if status is None or status.clock is None or status.counter_faults:
                found.append(each)
        return found

    def order(self, wanted: WantedDrill, actor: str) -> Drill:
        """Order a drill; it begins at its time."""
        made = self.checked(wanted, actor)
        with self._store.transaction() as transaction:
            number = transaction.next_drill_id()  # first: of two who order at once the second sees the first's drill
            for other in transaction.unended_drills():
                shared = set(other.buttons) & set(made.buttons)
                if shared and other.begins_ms < made.ends_ms and made.begins_ms < other.ends_ms:
                    raise DrillError("drill.taken", button=min(shared).hex(), drill=other.id)
            made = copied(made, id=number)
            transaction.put_drill(made)
            facts = {
                "drill": made.id,
                "buttons": len(made.buttons),
                "contacts": len(made.contacts),
                "minutes": wanted.minutes,
                "begins_ms": made.begins_ms,
                "listed": [*(each.hex() for each in made.buttons), *made.contacts],
            }
            transaction.note(journal.DRILL_ORDERED, made.ordered_ms, facts, actor=made.ordered_by)
        self._notifier.ring()
        return made

    def end(self, drill_id: int, actor: str) -> Drill:
        """End a drill; one that has ended stays as it is. Its open incidents: see incidents/exercise_ends.py."""
        with self._store.transaction() as transaction:
            found = next((each for each in transaction.unended_drills() if each.id == drill_id), None)
            ended = None if found is None else _ended(transaction, found, self._clock.now_ms(), actor)
        if ended is None:
            return self.known(drill_id)
        self._notifier.ring()
        return ended

    def end_by_itself(self, drill_id: int, why: Ended) -> None:
        with self._store.transaction() as transaction:
            for each in transaction.unended_drills():
                if each.id == drill_id:
                    _ended(transaction, each, self._clock.now_ms(), why=why)
        self._notifier.ring()

    def all(self, limit: int = 50) -> Sequence[Drill]:
        return self._store.drills(limit)

    def known(self, drill_id: int) -> Drill:
        found = self._store.drill(drill_id)
        if found is None:
            raise DrillError("drill.none", drill=drill_id)
        return found

    def report(self, drill: Drill) -> Sequence[ExerciseResult]:
        return report(self._store, drill)

    def runs(self) -> bool:
        """Whether a drill runs now."""
        now_ms = self._clock.now_ms()
        return any(each.runs_at(now_ms) for each in self._store.unended_drills())


class DrillEnds:
    """Ends drills whose time is over. It also counts the time by a clock that nobody can set. For one thread."""

    def __init__(
        self, store: Store, drills: Drills, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._drills = drills
        self._clock = clock
        self._monotonic = monotonic
        self._left: dict[int, float] = {}  # by drill: when it is over, by that clock

    def work(self) -> None:
        """Raises: StoreFailing."""
        now_ms, now = self._clock.now_ms(), self._monotonic()
        unended = self._store.unended_drills()
        over: list[tuple[Drill, Ended]] = []
        for each in unended:
            until = self._left.setdefault(each.id, now + (each.ends_ms - now_ms) / 1000)
            late = now - until > CLOCK_MS / 1000
            if each.is_over(now_ms) or late:
                over.append((each, Ended.TIME if now_ms >= each.ends_ms else Ended.CLOCK))
        self._left = {each.id: self._left[each.id] for each in unended}
        for drill, why in over:
            self._drills.end_by_itself(drill.id, why)


def end_all(transaction: Transaction, now_ms: int, why: Ended) -> None:
    """End every drill that runs or is planned."""
    for each in transaction.unended_drills():
        _ended(transaction, each, now_ms, why=why)


def _ended(
    transaction: Transaction, drill: Drill, now_ms: int, actor: str | None = None, why: Ended | None = None
) -> Drill:
    ended = copied(drill, ended_ms=now_ms, ended_by=actor)
    transaction.put_drill(ended)
    facts = {"drill": drill.id, "why": None if why is None else f"drill_{why}"}
    transaction.note(journal.DRILL_ENDED, now_ms, facts, actor=actor)
    return ended


def make_real(
    transaction: Transaction,
    incident: Incident,
    now_ms: int,
    outputs: Collection[str],
    actor: str,
    why: str = "said",
) -> Incident:
    """Make an exercise a call in earnest, because a person says so. Its device is locked. why: of console.why.*"""
    after = tell(transaction, made_real(incident), Change.MADE_REAL, now_ms, outputs)
    transaction.put_incident(after)
    forget_answers(transaction, incident.id, now_ms)
    facts = {"why": why}
    transaction.note(
        journal.MADE_REAL, now_ms, facts, incident_id=incident.id, device_id=incident.device_id, actor=actor
    )
    return after


def forget_answers(transaction: Transaction, incident_id: int, now_ms: int) -> None:
    """Whoever has answered an exercise has not answered the call that it has become."""
    transaction.retire_text_codes(incident_id)
    for each in transaction.responses(incident_id):
        transaction.put_response(unanswered(each, now_ms))


def unanswered(response: Response, now_ms: int) -> Response:
    return copied(response, state=ResponseState.OPENED, minutes=None, since_ms=now_ms, signal=None, signal_ms=0)
