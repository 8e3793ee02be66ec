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
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import (
    NOBODY,
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
from siaga_gateway.domain.triage import CALL, wave_order
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.dispatch.pacing import Pacing
from siaga_gateway.service.dispatch.ways import HandedOver, PersonalMessage, Way
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, NotDelivered, Notifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing, Transaction

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_READ: Final = 200  # of what is due, at once: many may wait for one person's turn
_READS: Final = 3  # as many times, without those who wait for their turn
_AHEAD: Final = 4  # begun for each thread
LONGEST_TRY_S: Final = 20.0  # for the lease; no way's deadline is longer
_FRESH_S: Final = 1.0  # what has waited longer for a thread is looked at again
_LATEST_S: Final = 16.0  # at the end, what is under way gets so long


@record
class Addressee:
    """Where a recipient is told, and how."""

    address: str
    language: str  # id, en
    name: str  # a station's; "" for a person


class Addresses(Protocol):
    """Looks up recipients at the moment of sending."""

    def find(self, recipient: str, way: ContactWay) -> Addressee | None:
        """Return where; None: whoever it is has left, or has no such address any more. Raises: StoreFailing."""
        ...


@record
class _Result:
    """What became of a notification; and for how long its way asked to wait."""

    after: Notification
    way: str = ""
    hold_ms: int | None = None


@record
class _Try:
    """Work for a sender thread."""

    each: Notification
    way: Way
    address: str
    message: PersonalMessage
    key: str
    begun_s: float  # monotonic


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
    ) -> None:
        """ways: at least one, all of one kind. compose: never raises. told: called when the journal has something for
        the escalations."""
        self.kind = ways[0].kind
        self._store = store
        self._ways = ways
        self._addresses = addresses
        self._compose = compose
        self._notifier = notifier
        self._clock = clock
        self._lease = lease
        self._told = told
        self._on_damage = on_damage
        self._lock = threading.Lock()
        self._under_way: dict[tuple[int, int, str], Notification] = {}
        self._results: list[_Result] = []
        self._seen: dict[int, Incident | None] = {}  # incidents, in this turn
        self._pacing = {way.name: Pacing(way.budget) for way in ways}
        self._queue: queue.SimpleQueue[_Try | None] = queue.SimpleQueue()
        count = max(1, sum(way.at_once for way in ways))
        self._senders = [
            threading.Thread(target=self._send, name=f"way-{self.kind}-{number}", daemon=True)
            for number in range(count)
        ]
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

    def silent_s(self) -> float:
        """Return seconds since the last sign of life."""
        return time.monotonic() - self._beat if self._thread.alive else float("inf")

    def work(self) -> float:
        """Record outcomes, and begin what is due. Returns seconds until there may be more. Raises: StoreFailing."""
        self._record()
        self._seen.clear()
        if not self._lease.held():
            return _LOOK_S
        now_ms, pause_ms = self._clock.now_ms(), _LOOK_S * 1000
        most, waiting = _AHEAD * len(self._senders), set[str]()  # recipients who wait for their turn
        for _ in range(_READS):
            with self._lock:
                under_way = list(self._under_way.values())
            due = self._store.notifications_due(self.kind, now_ms, under_way, _READ, waiting)
            for each in self._in_order(due, now_ms):
                if len(self._under_way) >= most:
                    break  # the end of a try wakes this thread
                if wait_ms := self._begun(each, now_ms):
                    waiting.add(each.recipient)
                    pause_ms = min(pause_ms, wait_ms)
            # Behind many for those whose turn has not come there may be others.
            if len(due) < _READ or not waiting or len(self._under_way) >= most:
                break
        if self._results:
            self._record()
        next_ms = self._store.next_notification_ms(self.kind)
        if next_ms is not None and next_ms > now_ms:
            pause_ms = min(pause_ms, next_ms - now_ms)
        return max(0.02, pause_ms / 1000)

    def _in_order(self, due: Sequence[Notification], now_ms: int) -> Sequence[Notification]:
        """First notices, then by the alarm level; but nobody waits for ever behind graver calls."""
        if len(due) <= len(self._senders):
            return due
        alarms = self._store.alarms({each.incident_id for each in due})

        def order(each: Notification) -> tuple[bool, tuple[int, int]]:
            alarm = alarms.get(each.incident_id)
            return not each.is_first, wave_order(CALL if alarm is None else alarm.level, each.next_at_ms or 0, now_ms)

        return sorted(due, key=order)

    def _begun(self, each: Notification, now_ms: int) -> int:
        """As `_begin`; a bug that one message meets is a try that failed, and stands before no other message."""
        try:
            return self._begin(each, now_ms)
        except StoreFailing:
            raise
        except Exception as error:
            log.exception(Localized("log.fault.output", output=self.kind))
            failed = Outcome(False, type(error).__name__)
            self._keep(_Result(after_try(each, failed, now_ms, repeats_recognised=True)))
            return 0

    def _begin(self, each: Notification, now_ms: int) -> int:
        """Begin a try, or settle what needs none. Returns in how many milliseconds its turn is; 0: it is done."""
        if each.expires_at_ms <= now_ms:
            self._keep(_Result(expired(each)))
            return 0
        way = self._ways[each.attempts % len(self._ways)]
        pacing, mono_ms = self._pacing[way.name], round(time.monotonic() * 1000)
        person = whose(each.recipient)
        if wait_ms := pacing.wait_ms(person, mono_ms, first=each.is_first):
            return wait_ms
        incident = self._incident(each.incident_id)
        found = self._addresses.find(each.recipient, self.kind)
        if incident is None or found is None:
            self._keep(_Result(without_way(each, str(Localized("log.dispatch.no_address")))))
            return 0
        if incident.state is IncidentState.CLOSED and each.kind is not ContactKind.NOT_NEEDED:
            self._keep(_Result(copied(each, state=NotificationState.WITHDRAWN, next_at_ms=None)))
            return 0
        message = self._compose(incident, each, found)
        pacing.begun(person, mono_ms)
        with self._lock:
            self._under_way[_key(each)] = each
        key = key_of(incident.identifier, each)
        self._queue.put(_Try(each, way, found.address, message, key, time.monotonic()))
        return 0

    def _incident(self, incident_id: int) -> Incident | None:
        """Return it as it was at the beginning of this turn, at the latest."""
        if incident_id not in self._seen:
            self._seen[incident_id] = self._store.incident(incident_id)
        return self._seen[incident_id]

    def _keep(self, result: _Result) -> None:
        with self._lock:
            self._under_way[_key(result.after)] = result.after  # until it is recorded
            self._results.append(result)

    # A sender thread

    def _send(self) -> None:
        while (work := self._queue.get()) is not None:
            each, way = work.each, work.way
            outcome = _tried(way, work.address, work.message, work.key) if self._still(work) else None
            if outcome is None:
                with self._lock:
                    self._under_way.pop(_key(each), None)
                continue
            after = after_try(each, outcome, self._clock.now_ms(), repeats_recognised=way.repeats_recognised)
            with self._lock:
                self._count(outcome)
                self._results.append(_Result(after, way.name, outcome.retry_after_ms))
                # Each on its own would be a commit of its own, and a look at all that waits.
                worth_it = len(self._results) >= len(self._senders) or self._queue.empty()
            if worth_it:
                self._thread.wake()

    def _still(self, work: _Try) -> bool:
        """Whether to send it now. It has waited for services that hang, perhaps: meanwhile its reason may be gone, and
        another worker may be sending it."""
        if self._thread.stopping or not self._lease.sure():
            return False
        if time.monotonic() - work.begun_s < _FRESH_S:
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

    def _record(self) -> None:
        with self._lock:
            results, self._results = self._results, []
        if not results:
            return
        try:
            calls = self._put(results)
        except StoreFailing:
            with self._lock:
                self._results = results + self._results
            raise
        mono_ms = round(time.monotonic() * 1000)
        for each in results:
            if each.hold_ms is not None:
                self._pacing[each.way].hold(whose(each.after.recipient), mono_ms, each.hold_ms)
        with self._lock:
            for each in results:
                self._under_way.pop(_key(each.after), None)
        self._notifier.ring()
        if calls:
            self._told()

    def _put(self, results: Sequence[_Result]) -> bool:
        """Record them; if that fails for one of them, each by itself. Returns whether a call may have failed.

        Raises: StoreFailing; they may be put again.
        """
        try:
            return self._put_all([each.after for each in results])
        except StoreFailing:
            raise
        except Exception:
            log.exception(Localized("log.fault.output", output=self.kind))
        calls = False
        for each in results:
            # What the service said may be what the store does not take.
            said_nothing = copied(each.after, reference=None, detail=None)
            calls |= self._put_one(each.after, said_nothing)
        return calls

    def _put_one(self, *forms: Notification) -> bool:
        """Record the first of these forms that the store takes; if it takes none, the notification stays due."""
        for after in forms:
            try:
                return self._put_all([after])
            except StoreFailing:
                raise
            except Exception:
                log.exception(Localized("log.fault.output", output=self.kind))
        return False

    def _put_all(self, afters: Sequence[Notification]) -> bool:
        with self._store.transaction() as transaction:
            transaction.put_notifications(afters)
            calls = {(each.incident_id, each.number) for each in afters if each.state in NOBODY}
            for incident_id, number in sorted(calls):
                self._look_at_call(transaction, incident_id, number)
        return bool(calls)

    def _look_at_call(self, transaction: Transaction, incident_id: int, number: int) -> None:
        """Where all that a call sent has failed, its rung is left: the escalation hears of it by the journal."""
        sent = [each for each in transaction.notifications(incident_id) if each.number == number]
        if sent and sent[0].kind is ContactKind.CALL and all(each.state in NOBODY for each in sent):
            transaction.note(
                journal.CALL_FAILED,
                self._clock.now_ms(),
                {"call": number, "rung": sent[0].rung},
                incident_id=incident_id,
            )


def _key(each: Notification) -> tuple[int, int, str]:
    return each.incident_id, each.number, each.recipient


def _tried(way: Way, address: str, message: PersonalMessage, key: str) -> Outcome:
    try:
        return _outcome(way.send(address, message, key))
    except Exception as error:
        # A bug hit by one message must not end the others.
        log.exception(Localized("log.fault.output", output=way.name))
        return Outcome(False, type(error).__name__)


def _outcome(result: HandedOver | NotDelivered) -> Outcome:
    if isinstance(result, HandedOver):
        return Outcome(True, result.detail, result.reference)
    after_ms = None if result.retry_after_s is None else round(result.retry_after_s * 1000)
    return Outcome(False, result.detail, dead=result.permanent, retry_after_ms=after_ms)
