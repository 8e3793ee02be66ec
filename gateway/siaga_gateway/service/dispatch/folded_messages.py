"""Folds what waits for one address of a person, or of a desk that leads, into one message: see domain/folding.py.

Each call in it counts as told only once that message has been handed over. It lives in memory: after a restart a few
messages go one by one again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.folding import (
    FEW,
    Choice,
    FoldPace,
    after_failure,
    after_fold,
    after_single,
    choose,
    foldable,
)
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.keyed_answer import Question
from siaga_gateway.domain.notification import Notification, NotificationState, Outcome, after_try
from siaga_gateway.domain.personal_message import PersonalMessage, Spoken
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import CALL, Alarm
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.store import Store, StoreDamaged

_MOST_KNOWN: Final = 5_000


@record
class Fold:
    """What one message tells of."""

    carrier: Notification  # the gravest call, of these the newest: its text, link and key
    members: tuple[Notification, ...] = ()  # the others
    calls: int = 1  # incidents told of since this began
    minutes: int = 1  # since then
    exercise: bool = False
    ring: bool = False  # it went at the pace of the desk's ringing

    @property
    def several(self) -> bool:
        """Whether it tells of more than one call."""
        return any(each.incident_id != self.carrier.incident_id for each in self.members)

    @property
    def all(self) -> tuple[Notification, ...]:
        return (self.carrier, *self.members)

    def after(self, outcome: Outcome, key: str, now_ms: int, *, repeats_recognised: bool) -> list[Notification]:
        """Return what each of them is after a try. key: the message's.

        What told of several calls is no single one's to take back: none of them keeps the service's number of it.
        """
        told, rows = outcome, self.all
        if self.members:
            told = copied(outcome, detail=f"{outcome.detail} ({len(rows)} in {key})")
        if self.several:
            told = copied(told, reference=None)
            rows = tuple(copied(each, reference=None) for each in rows)
        return [after_try(each, told, now_ms, repeats_recognised=repeats_recognised) for each in rows]


@record
class _Known:
    """One address. Its calls, and the ringing for those that nobody acknowledges, have a pace of their own."""

    pace: FoldPace = FoldPace()
    singles: frozenset[tuple[int, int]] = frozenset()  # sent one by one: a repetition is no further message
    incidents: frozenset[int] = frozenset()  # told of since it began
    since_ms: int = 0
    carrier: Notification | None = None  # of a message that was not taken: the next try has its key


_Address = tuple[str, bool, bool]  # recipient, whether for exercises, whether for the desk's ringing


class FoldedMessages:
    """Thread-safe."""

    def __init__(
        self, store: Store, kind: ContactWay, incidents: Callable[[Collection[int]], Mapping[int, Incident]]
    ) -> None:
        """incidents: by their numbers, without any that cannot be read. Raises: StoreFailing."""
        self._store = store
        self._incidents = incidents
        self._kind = kind
        self._lock = threading.Lock()
        self._known: OrderedDict[_Address, _Known] = OrderedDict()

    def take(
        self,
        each: Notification,
        incident: Incident,
        under_way: Callable[[Notification], bool],
        now_ms: int,
    ) -> Fold | Notification:
        """Return what goes out for this notification now; or the notification, due when its turn is.

        under_way: whether one is being sent. Raises: StoreFailing.
        """
        if not foldable(each.kind, each.why, incident):
            return Fold(each)
        exercise, ring = _is_exercise(incident), each.kind is ContactKind.RING_DESK
        address = each.recipient, exercise, ring
        with self._lock:
            known = self._known.get(address, _Known())
        alone = Fold(each, exercise=exercise, ring=ring)
        if self._kind is ContactWay.PHONE:
            # The line is the pace. A call about one incident takes an answer, so a few are made one by one.
            waiting = self._waiting(each, None, exercise=exercise, under_way=under_way, now_ms=now_ms)
            calls = len({row.incident_id for row in waiting})
            return alone if calls < FEW else self._call(waiting, calls, now_ms, exercise=exercise)
        if (each.incident_id, each.number) in known.singles:
            return alone
        choice, wait_ms = choose(known.pace, each.incident_id, now_ms)
        if choice is Choice.WAIT and now_ms + wait_ms < each.expires_at_ms:
            return copied(each, next_at_ms=now_ms + wait_ms)
        if choice is Choice.SINGLE:
            pace = after_single(known.pace, each.incident_id, now_ms)
            before = _Known(since_ms=now_ms) if len(pace.singles) == 1 else known  # it has been calm
            singles = before.singles | {(each.incident_id, each.number)}
            self._keep(address, _Known(pace, singles, before.incidents | {each.incident_id}, before.since_ms))
            return alone
        try:
            waiting = self._waiting(each, known.carrier, exercise=exercise, under_way=under_way, now_ms=now_ms)
        except StoreDamaged:  # what the last message led with, perhaps: it stands before no other
            waiting = self._waiting(each, None, exercise=exercise, under_way=under_way, now_ms=now_ms)
        told = known.incidents | {row.incident_id for row in waiting}
        self._keep(address, _Known(after_fold(known.pace, now_ms), known.singles, told, known.since_ms))
        carrier = self._carrier(waiting, known.carrier)
        minutes = max(1, -(-(now_ms - known.since_ms) // 60_000))
        return Fold(carrier, tuple(row for row in waiting if row is not carrier), len(told), minutes, exercise, ring)

    def not_taken(self, fold: Fold) -> None:
        """The message was not handed over, or not sent at all: it may go again without a pause."""
        carrier = fold.carrier
        address = carrier.recipient, fold.exercise, fold.ring
        with self._lock:
            known = self._known.get(address)
            if known is not None and (carrier.incident_id, carrier.number) not in known.singles:
                self._known[address] = copied(known, pace=after_failure(known.pace), carrier=carrier)

    def _waiting(
        self,
        each: Notification,
        carrier: Notification | None,
        *,
        exercise: bool,
        under_way: Callable[[Notification], bool],
        now_ms: int,
    ) -> Sequence[Notification]:
        """Return all that is due for this address and can be told in one message, `each` among it; and the carrier of
        the last message, which may not be due yet, if that was not taken."""
        rows = list(self._store.notifications_for(self._kind, each.recipient, now_ms))
        if carrier is not None and not any(_same(row, carrier) for row in rows):
            of_it = self._store.notifications_of(carrier.incident_id)
            rows += [row for row in of_it if _same(row, carrier) and row.way is self._kind and _waits(row)]
        if len(rows) < 2:
            return [each]
        known = self._incidents({row.incident_id for row in rows})
        found = [
            row
            for row in rows
            if row.expires_at_ms > now_ms
            and (incident := known.get(row.incident_id)) is not None
            and incident.state is not IncidentState.CLOSED
            and _is_exercise(incident) is exercise
            and foldable(row.kind, row.why, incident)
            and not under_way(row)
        ]
        return found if any(_same(row, each) for row in found) else [*found, each]

    def _call(self, waiting: Sequence[Notification], calls: int, now_ms: int, *, exercise: bool) -> Fold:
        """Return what one telephone call tells of."""
        carrier = self._carrier(waiting, None)
        minutes = max(1, -(-(now_ms - min(row.made_at_ms for row in waiting)) // 60_000))
        return Fold(carrier, tuple(row for row in waiting if row is not carrier), calls, minutes, exercise)

    def _carrier(self, waiting: Sequence[Notification], before: Notification | None) -> Notification:
        if before is not None and (again := next((row for row in waiting if _same(row, before)), None)) is not None:
            return again
        alarms: Mapping[int, Alarm] = {}
        with suppress(StoreDamaged):  # then the newest
            alarms = self._store.alarms({row.incident_id for row in waiting})

        def order(row: Notification) -> tuple[int, bool, int, int, int]:
            level = alarms[row.incident_id].level if row.incident_id in alarms else CALL
            return level, row.kind is ContactKind.CALL, row.made_at_ms, row.incident_id, row.number

        return max(waiting, key=order)

    def _keep(self, address: _Address, known: _Known) -> None:
        with self._lock:
            self._known[address] = known
            self._known.move_to_end(address)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)


def folded(message: PersonalMessage, fold: Fold) -> PersonalMessage:
    """Return the message that tells of all of them. message: of the carrier.

    It has no buttons and no code: an answer to it would be one to a single call, and nobody could see to which.
    """
    if not fold.several:
        return message
    language = message.language
    title = text("calls.title.folded", language, count=fold.calls)
    if fold.exercise:
        title = text("calls.title.exercise", language, title=title)
    lead = text("calls.text.folded", language, count=fold.calls, minutes=fold.minutes, title=message.title)
    lead_spoken = text("calls.spoken.folded", language, count=fold.calls, minutes=fold.minutes)
    return copied(
        message,
        title=title,
        text=f"{lead}\n{message.text}",
        answers=(),
        reply=None,
        replies=(),
        withdraws=None,
        spoken=Spoken(Question.HEARD, (lead_spoken, *message.spoken.sentences), exercise=fold.exercise),
    )


def _is_exercise(incident: Incident) -> bool:
    """A gateway that runs for exercises only has no drills: all of its calls are marked."""
    return incident.mode is Mode.EXERCISE


def _waits(row: Notification) -> bool:
    return row.state is NotificationState.PENDING


def _same(one: Notification, other: Notification) -> bool:
    return (one.incident_id, one.number, one.recipient) == (other.incident_id, other.number, other.recipient)
