"""Sends the notifications of one kind of way, until they are handed over, dead, or too old.

One thread reads what is due and records what came of it; the tries run in threads of their own, so that a service that
hangs on one address delays no other. Where there are several ways of a kind, each try takes the next. Of several
workers one sends on a kind of way at a time, by lease.

A try whose outcome was not recorded (a kill, a full disk) is repeated under the same key.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import (
    Notification,
    NotificationState,
    Outcome,
    after_try,
    expired,
    key_of,
    whose,
    without_way,
)
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addressees import Addressee, Addresses
from siaga_gateway.service.dispatch.begun_try import Try, tried
from siaga_gateway.service.dispatch.due_messages import FRESH_S, DueMessages
from siaga_gateway.service.dispatch.folded_messages import Fold, FoldedMessages, folded
from siaga_gateway.service.dispatch.keyed_answers import KeyedAnswers
from siaga_gateway.service.dispatch.outcome_recording import OutcomeRecorder
from siaga_gateway.service.dispatch.traffic_faults import TrafficFaults
from siaga_gateway.service.dispatch.way_traffic import WayTraffic, by_turn, traffic_of
from siaga_gateway.service.dispatch.ways import PersonalMessage, TalkingWay, Way
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_AHEAD: Final = 4  # begun for each thread
_TOGETHER: Final = 2  # outcomes for each thread that are worth a transaction while there is more to send
# For the lease. No way's deadline is longer but a telephone call's, whose modem takes one caller at a time.
LONGEST_TRY_S: Final = 20.0
_LATEST_S: Final = 16.0  # at the end, what is under way gets so long


class NotificationSender:
    """Call `start`, `wake` after each commit, `stop`."""

    def __init__(
        self,
        store: Store,
        ways: Sequence[Way],
        addresses: Addresses,
        compose: Callable[[Incident, Notification, Addressee], PersonalMessage],
        notifier: Notifier,
        clock: Clock,
        lease: Lease,
        told: Callable[[], None] = lambda: None,
        on_damage: Callable[[StoreFailing, bool], None] = lambda error, call: None,
        expect: Callable[[Sequence[Notification]], None] = lambda ready: None,
        answers: KeyedAnswers | None = None,
        traffic: Mapping[str, WayTraffic] | None = None,
    ) -> None:
        """ways: at least one, all of one kind. compose: never raises. told: called when the journal has something for
        the escalations. expect: called before that with what is composed next, to prepare it in one go; never
        raises. answers: take the keys of ways that have some. traffic: of each way by name, shared with others who
        send by it."""
        self.kind = ways[0].kind
        self._answers = answers
        # A call lasts for a minute: none is chosen before there is a line for it.
        self._talking = frozenset(way.name for way in ways if isinstance(way, TalkingWay))
        self._ahead = 1 if self._talking else _AHEAD
        self._calling: set[str] = set()  # ways whose line is taken
        self._store = store
        self._ways = ways
        self._addresses = addresses
        self._listed = addresses.now()
        self._expect = expect
        self._compose = compose
        self._notifier = notifier
        self._clock = clock
        self._lease = lease
        self._told = told
        self._on_damage = on_damage
        self._lock = threading.Lock()
        self._under_way: dict[tuple[int, int, str], Notification] = {}
        self._results: list[Notification] = []
        self._within: dict[tuple[int, int, str], Notification] = {}  # told of by one, or settled untried
        self._folds = FoldedMessages(store, self.kind, self._incidents)
        self._seen: dict[int, Incident | None] = {}  # incidents, since what is due was read
        self._traffic = traffic or {way.name: traffic_of(way) for way in ways}
        self._faults = TrafficFaults(store, notifier, clock, {way.name: self._traffic[way.name] for way in ways})
        self._queue: queue.SimpleQueue[Try | None] = queue.SimpleQueue()
        count = max(1, sum(way.at_once for way in ways))
        self._senders = [
            threading.Thread(target=self._send, name=f"way-{self.kind}-{number}", daemon=True)
            for number in range(count)
        ]
        self._due = DueMessages(store, self.kind, count)
        self._recorder = OutcomeRecorder(store, clock, self.kind, lambda error: self._on_damage(error, True))
        self._thread = PeriodicThread(f"way {self.kind}", self._turn, end_s=5)
        self._beat = time.monotonic()
        self.handed_over = 0
        self.failed = 0  # tries

    def start(self) -> None:
        for sender in self._senders:
            sender.start()
        self._thread.start()

    def wake(self) -> None:
        """Signal that there may be new notifications. Thread-safe."""
        self._due.changed()
        self._thread.wake()

    def stop(self) -> None:
        """Begin nothing more, wait for what is under way, and record it."""
        self._thread.stop()
        for _ in self._senders:
            self._queue.put(None)
        until = time.monotonic() + _LATEST_S
        for sender in self._senders:
            if sender.ident is not None:
                sender.join(max(0.0, until - time.monotonic()))
        try:
            self._record()
        except StoreFailing as error:
            log.error(Localized("log.dispatch.not_recorded", way=self.kind, why=error))
        if not self._under_way:
            self._lease.give_back()

    def _turn(self) -> float:
        self._beat = time.monotonic()
        try:
            return self.work()
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            if isinstance(error, StoreDamaged):  # one that is full or locked mends itself
                self._on_damage(error, True)
            return _LOOK_S

    def faults(self) -> Mapping[str, str]:
        """Return what is wrong with these ways, by name: failing, spent. Never blocks."""
        return self._faults.now(_mono_ms())

    def silent_s(self) -> float:
        """Return seconds since the last sign of life."""
        return time.monotonic() - self._beat if self._thread.alive else float("inf")

    def work(self) -> float:
        """Record outcomes, and begin what is due. Returns seconds until there may be more. Raises: StoreFailing."""
        self._record()
        if not self._under_way:
            self._lease.at_rest()
        if not self._lease.held():
            self._due.forget()
            return _LOOK_S
        now_ms, pauses_ms = self._clock.now_ms(), [_LOOK_S * 1000]

        def begin(ready: Sequence[Notification]) -> tuple[Sequence[Notification], bool]:
            return self._begin_all(ready, now_ms, pauses_ms)

        more = self._due.begin(now_ms, self._now_under_way, self._look_up, begin)
        if self._record() and more:
            pauses_ms.append(0)  # what was settled without a try ends in no thread that would wake this one
        self._faults.tell(_mono_ms())
        next_ms = self._store.next_notification_ms(self.kind)
        if next_ms is not None and next_ms > now_ms:
            pauses_ms.append(next_ms - now_ms)
        return max(0.02, min(pauses_ms) / 1000)

    def _now_under_way(self) -> Sequence[Notification]:
        with self._lock:
            return [*self._under_way.values(), *self._within.values()]

    def _is_under_way(self, each: Notification) -> bool:
        return _key(each) in self._under_way or _key(each) in self._within

    def _look_up(self, ready: Sequence[Notification]) -> None:
        """What is due has been read: what it says is looked up anew, once for all of it."""
        self._seen.clear()
        self._incidents({each.incident_id for each in ready})
        self._listed = self._addresses.now()
        self._expect(ready)

    def _begin_all(
        self, ready: Sequence[Notification], now_ms: int, pauses_ms: list[float]
    ) -> tuple[Sequence[Notification], bool]:
        """Begin as many as the threads need. Returns those that are left, and whether there is room for more."""
        most = self._ahead * len(self._senders)
        waiting: list[Notification] = []
        for at, each in enumerate(ready):
            if len(self._under_way) >= most:  # the end of a try wakes this thread
                return [*waiting, *ready[at:]], False
            if self._is_under_way(each):
                continue  # a message that was begun just now tells of it
            if wait_ms := self._begun(each, now_ms):
                waiting.append(each)
                pauses_ms.append(wait_ms)
        return waiting, True

    def _begun(self, each: Notification, now_ms: int) -> int:
        """As `_begin`; a bug, or a damaged row, is a failed try of that message, and stands before no other."""
        try:
            return self._begin(each, now_ms)
        except Exception as error:
            if isinstance(error, StoreDamaged):
                self._on_damage(error, True)
            elif isinstance(error, StoreFailing):
                raise
            log.exception(Localized("log.fault.output", output=self.kind))
            failed = Outcome(False, type(error).__name__)
            self._keep(after_try(each, failed, now_ms, repeats_recognised=True))
            return 0

    def _begin(self, each: Notification, now_ms: int) -> int:
        """Begin a try, or settle what needs none. Returns in how many milliseconds its turn is; 0: it is done."""
        if each.expires_at_ms <= now_ms:
            self._keep(expired(each))
            return 0
        if each.kind is ContactKind.NOT_NEEDED and self.kind is ContactWay.PHONE:
            # Nobody is woken to be thanked. The row has taken back the calls that still waited.
            self._keep(copied(each, state=NotificationState.WITHDRAWN, next_at_ms=None))
            return 0
        mono_ms, person = _mono_ms(), whose(each.recipient)
        way = self._way_for(each, mono_ms)
        if way is None:
            self._keep(without_way(each, str(Localized("log.dispatch.spent"))))
            return 0
        traffic = self._traffic[way.name]
        if wait_ms := traffic.wait_ms(person, mono_ms, first=each.is_first):
            return wait_ms
        incident = self._incident(each.incident_id)
        found = self._listed.find(each.recipient, self.kind)
        if incident is None or found is None:
            self._keep(without_way(each, str(Localized("log.dispatch.no_address"))))
            return 0
        if incident.state is IncidentState.CLOSED and each.kind is not ContactKind.NOT_NEEDED:
            self._keep(copied(each, state=NotificationState.WITHDRAWN, next_at_ms=None))
            return 0
        fold = None
        if found.folds:
            taken = self._folds.take(each, incident, self._is_under_way, now_ms)
            if isinstance(taken, Notification):
                self._keep(taken)
                return 0
            each, fold = taken.carrier, taken
            incident = self._incident(each.incident_id) or incident
        message = self._compose(incident, each, found)
        if fold is not None:
            message = folded(message, fold)
        traffic.begun(person, mono_ms)
        with self._lock:
            self._under_way[_key(each)] = each
            self._calling |= {way.name} & self._talking
            self._within.update({} if fold is None else {_key(one): one for one in fold.members})
        key = key_of(incident.identifier, each)
        others = () if fold is None else fold.members
        talk = None if self._answers is None else self._answers.talk(each, message.spoken.question, found.name, others)
        self._queue.put(Try(each, way, found.address, message, key, self._due.read_s, talk, fold))
        return 0

    def _way_for(self, each: Notification, mono_ms: int) -> Way | None:
        """Return by which way its next try goes: each in turn, but rather one that works. None: no quota is left."""
        sound = by_turn(self._ways, self._traffic, each.attempts, mono_ms)
        return next((way for way in sound if way.name not in self._calling), next(iter(sound), None))

    def _incident(self, incident_id: int) -> Incident | None:
        """Return it as it was when what is due was read, at the latest."""
        if incident_id not in self._seen:
            self._seen[incident_id] = self._store.incident(incident_id)
        return self._seen[incident_id]

    def _incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        """As `_incident`, of those that can be read, in one go."""
        self._seen.update(self._store.incidents([each for each in ids if each not in self._seen]))
        return {each: incident for each in ids if (incident := self._seen.get(each)) is not None}

    def _keep(self, after: Notification) -> None:
        with self._lock:
            self._within[_key(after)] = after  # until it is recorded; it takes no thread
            self._results.append(after)

    # A sender thread

    def _send(self) -> None:
        while (work := self._queue.get()) is not None:
            self._try(work)

    def _try(self, work: Try) -> None:
        each, way = work.each, work.way
        outcome = tried(work) if self._still(work) else None
        with self._lock:
            self._calling.discard(way.name)
        if work.fold is not None and (outcome is None or not outcome.handed_over):
            self._folds.not_taken(work.fold)
        told = Fold(each) if work.fold is None else work.fold
        if outcome is None:
            with self._lock:
                for one in told.all:
                    self._forget(one)
            return
        self._traffic[way.name].ended(whose(each.recipient), _mono_ms(), outcome)
        afters = told.after(outcome, work.key, self._clock.now_ms(), repeats_recognised=way.repeats_recognised)
        with self._lock:
            self._count(outcome)
            self._results += afters
            # Each on its own would be a commit of its own.
            worth_it = len(self._results) >= _TOGETHER * len(self._senders) or self._queue.empty()
        if worth_it:
            self._thread.wake()

    def _forget(self, each: Notification) -> None:
        self._under_way.pop(_key(each), None)
        self._within.pop(_key(each), None)

    def _still(self, work: Try) -> bool:
        """Whether to send it now. It has waited for services that hang, perhaps: meanwhile its reason may be gone, and
        another worker may be sending it."""
        if self._thread.stopping or not self._lease.sure():
            return False
        if time.monotonic() - work.looked_up_s < FRESH_S:
            return True
        try:
            incident = self._store.incident(work.each.incident_id)
            rows = self._store.notifications_of(work.each.incident_id)
        except Exception:  # the store's, or a bug: once too often is better than never
            log.exception(Localized("log.fault.output", output=self.kind))
            return True
        closed = incident is not None and incident.state is IncidentState.CLOSED
        mine = [each for each in rows if _key(each) == _key(work.each) and each.way is work.each.way]
        waits = any(each.state is NotificationState.PENDING for each in mine)
        return waits and (not closed or work.each.kind is ContactKind.NOT_NEEDED)

    def _count(self, outcome: Outcome) -> None:
        if outcome.handed_over:
            self.handed_over += 1
        else:
            self.failed += 1

    # The store

    def _record(self) -> bool:
        """Returns whether anything was recorded. Raises: StoreFailing."""
        with self._lock:
            results, self._results = self._results, []
        if not results:
            return False
        try:
            calls = self._recorder.put(results)
            left = self._recorder.not_taken
        except StoreFailing:
            with self._lock:
                self._results = results + self._results
            raise
        with self._lock:
            for each in results:
                self._forget(each)
            for each in left:  # nobody is told twice, and no thread is kept
                self._within[_key(each)] = each
            self._results = left + self._results
        self._notifier.ring()
        if calls:
            self._told()
        return len(left) < len(results)


def _mono_ms() -> int:
    return round(time.monotonic() * 1000)


def _key(each: Notification) -> tuple[int, int, str]:
    return each.incident_id, each.number, each.recipient
