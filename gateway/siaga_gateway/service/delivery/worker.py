"""Delivers what the outbox holds, until the receiver takes it or refuses it permanently.

Each output has several deliveries under way, up to its limit (ports.Output.at_once). Order is kept within an incident:
its next notice waits until the one before is recorded. Other incidents do not wait, so that one notice that a receiver
chokes or hangs on delays nobody else's call. Alerts go first.

One thread reads what is due, many in one query, and records the outcomes since the last commit in one commit. Every
attempt is recorded. A delivery that succeeded but was not recorded in time (a kill, a full disk) is repeated under the
same key.

Of several workers on one store one at a time delivers for an output, by lease; the others stand by.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.service.delivery import retry_policy
from siaga_gateway.service.delivery.backlog import Backlog
from siaga_gateway.service.delivery.sender_pool import SenderPool, SendResult
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered, Notifier, Output
from siaga_gateway.service.scheduling.histograms import Durations
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import (
    Attempt,
    Delivery,
    DeliveryState,
    Settled,
    Store,
    StoreDamaged,
    StoreFailing,
    Transaction,
)

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0  # poll interval for a person's request to retry
_ANEW_S: Final = 30.0  # how often the whole queue is read again
# At the end what is under way gets so long; an answer that comes later is not recorded, and the delivery repeated.
_LATEST_S: Final = 16.0
# Limit of deliveries queued, and recorded in one commit. Fewer are queued for a slow receiver.
_AHEAD: Final = 256
# With one slot and deliveries that take next to no time: the interval of recording.
_TOGETHER_S: Final = 0.05


def worth_an_entry(before: Delivery, detail: str) -> bool:
    """Whether a failed attempt is worth a journal entry: the first, a new reason, then ever more rarely."""
    attempts = before.attempts + 1
    return attempts == 1 or detail != before.detail or attempts & (attempts - 1) == 0


@dataclass(slots=True)
class DeliveryCounts:
    """Counts for one output, since the start."""

    delivered: int = 0
    failed: int = 0  # attempts; each is retried
    abandoned: int = 0
    press: Durations = field(default_factory=Durations)  # from a press's arrival until the receiver has it


class OutboxWorker:
    """Delivers the outbox rows of one output. Call `start`, `wake` after each commit, `stop`."""

    def __init__(
        self,
        store: Store,
        output: Output,
        notifier: Notifier,
        clock: Clock,
        lease: Lease | None = None,
        on_damage: Callable[[StoreFailing, bool], None] = lambda error, call: None,
    ) -> None:
        """lease: must be held to deliver; None: nobody else delivers for this output. on_damage: called when damage of
        the store stops deliveries, with whether a call for help is affected."""
        self._on_damage = on_damage
        self._store = store
        self._output = output
        self._clock = clock
        self._lease = lease
        self._ours = lease is None
        self._notifier = notifier
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._stop_by = 0.0  # monotonic
        self._backlog = Backlog()
        self._slots = SenderPool(output, clock, self._sure, self._ended)
        self._ahead = self._least = 2 * self._slots.count
        self._unrecorded: list[SendResult] = []
        self._superseded: dict[int, Delivery] = {}  # skipped and not recorded as such
        self._version = -1
        self._anew_at = 0.0
        self._look_at = 0.0
        self._news = True
        self._beat = time.monotonic()
        self.name = output.name
        self.counts = DeliveryCounts()
        self._thread = threading.Thread(target=self._run, name=f"outbox-{output.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Signal that there may be new rows. Thread-safe."""
        self._news = True
        self._wake.set()

    def silent_s(self) -> float:
        """Return seconds since the worker's last sign of life."""
        if not self._thread.is_alive():
            return float("inf")
        return max(time.monotonic() - self._beat, self._slots.hung_s())

    def untried_s(self) -> float:
        """Return seconds since the last attempt of any delivery, or since the start."""
        return time.monotonic() - self._slots.tried_at

    def end(self, timeout_s: float = 18.0) -> None:
        """Begin nothing more; what is under way gets timeout_s to end. Does not wait for it."""
        self._stop_by = time.monotonic() + timeout_s
        self._stop.set()
        self._slots.close()
        self._wake.set()

    def stop(self, timeout_s: float = 18.0) -> None:
        """Finish what is under way, record it and end."""
        if not self._stop.is_set():
            self.end(timeout_s)
        if self._thread.is_alive():
            self._thread.join(max(0.0, self._stop_by - time.monotonic()))

    def _run(self) -> None:
        self._slots.start()
        store_down = False
        while not self._stop.is_set():
            self._beat = time.monotonic()
            self._wake.clear()
            worked = False
            try:
                worked = self.work(self._news or self._beat >= self._look_at)
                store_down = False
            except StoreFailing as error:
                if not store_down:
                    log.error(Localized("log.outbox.again", output=self._output.name, why=error))
                store_down = True
                if isinstance(error, StoreDamaged):
                    self._on_damage(error, True)
            except Exception:
                # A bug must not end all deliveries of this output.
                log.exception(Localized("log.fault.output", output=self._output.name))
                self._stop.wait(_LOOK_S)
            if not worked:
                self._wake.wait(_LOOK_S if store_down else self._next_s())
        self._end()

    def _end(self) -> None:
        self._slots.join(min(self._stop_by, time.monotonic() + _LATEST_S))
        try:
            self._record()
        except StoreFailing as error:
            log.error(Localized("log.outbox.not_recorded", output=self._output.name, why=error))
        if self._lease is not None and not self._slots.busy:
            self._lease.give_back()  # with a request still on its way another's later one might arrive before it

    def _next_s(self) -> float:
        """Return seconds until something may be due again, at most _LOOK_S."""
        now = time.monotonic()
        # What is due and not sent waits for a slot; the end of a delivery wakes this thread.
        ahead = [at - now for at in (self._backlog.next_due(), self._slots.again_at()) if at > now]
        return max(0.01, min((_LOOK_S, *ahead)))

    def work(self, look: bool = True) -> bool:
        """Record outcomes, read what is new, queue what is due; with one slot send it too.

        Returns whether there may be more to do at once. Raises: StoreFailing.
        """
        try:
            self._record()  # including what the store did not take earlier
            may_deliver = self._may_deliver()
        except StoreFailing:
            self._take_back()  # what cannot be recorded would be sent again
            raise
        if not may_deliver:
            self._take_back()
            return False
        for delivery in self._slots.returned():
            self._backlog.put_back(delivery)
        if look:
            self._look()
        if self._slots.started:
            self._lay_ready()
            return False
        return self._try_here()

    def _try_here(self) -> bool:
        worked = False
        begun = time.monotonic()
        while not self._stop.is_set() and self._may_deliver() and time.monotonic() - begun <= _TOGETHER_S:
            if not self._slots.work_one() and not (self._lay_ready() and self._slots.work_one()):
                break
            self._beat = time.monotonic()
            worked = True
        self._record()
        return worked

    def _may_deliver(self) -> bool:
        """Whether this worker delivers for the output now. Raises: StoreFailing."""
        if self._lease is None:
            return True
        held = self._lease.held()
        if held and not self._ours:
            self._anew_at = 0.0  # another worker may have delivered what we know of
        self._ours = held
        return held

    def _sure(self) -> bool:
        """Whether a delivery may begin now, as far as is known without asking the store."""
        return self._lease is None or self._lease.sure()

    def _look(self) -> None:
        """Read what is new; the whole queue after a person's request, and now and then as a safeguard."""
        self._news = False
        now = time.monotonic()
        self._look_at = now + _LOOK_S
        version = self._store.outbox_version()
        if version == self._version and now < self._anew_at:
            self._backlog.add(self._store.pending(self.name, self._backlog.last_id))
            return
        # Nothing is recorded meanwhile, as this thread does that: what is read was not delivered, unless it is out.
        pending = self._store.pending(self.name)
        self._take_back()
        self._backlog.read_anew(pending)
        if version != self._version:
            self._backlog.all_due()
            self._slots.forget()
        self._version = version
        self._anew_at = now + _ANEW_S

    def _take_back(self) -> None:
        for delivery in self._slots.take_back():
            self._backlog.put_back(delivery)

    def _lay_ready(self) -> bool:
        """Queue what is due. Returns whether there was anything. Raises: StoreFailing."""
        self._record_superseded()
        now, again = time.monotonic(), self._slots.room_again()
        urgent, others = self._slots.room(self._ahead)
        given = self._backlog.give_out(urgent, again, now, urgent=True)
        given += self._backlog.give_out(others - len(given), again, now)
        if not given:
            return False
        try:
            notices = self._notices(given)
        except BaseException:
            for delivery in given:
                self._backlog.put_back(delivery)
            raise
        rank = self._backlog.rank
        self._slots.lay_ready([(rank(one), one, notices[one.id]) for one in given if one.id in notices])
        return True

    def _notices(self, deliveries: Sequence[Delivery]) -> dict[int, Notice]:
        """Return notices by delivery; those that cannot be read count as failed attempts. Raises: StoreFailing."""
        try:
            return dict(self._store.notices(deliveries))
        except Exception as error:
            if isinstance(error, StoreFailing) and not isinstance(error, StoreDamaged):
                raise
            log.exception(Localized("log.outbox.unreadable", output=self.name))
        notices: dict[int, Notice] = {}
        for delivery in deliveries:
            try:
                notices.update(self._store.notices([delivery]))
            except Exception as error:
                if isinstance(error, StoreDamaged):
                    self._on_damage(error, True)
                elif isinstance(error, StoreFailing):
                    raise
                self._slots.end(delivery, NotDelivered(type(error).__name__), asked=False)
        return notices

    def _ended(self, tried: SendResult) -> None:
        """Called in a sender thread, one call at a time."""
        counts = self.counts
        state = _state(tried)
        if state is DeliveryState.PENDING:
            counts.failed += 1
        elif state is DeliveryState.ABANDONED:
            counts.abandoned += 1
        else:
            counts.delivered += 1
            if tried.delivery.change is Change.OPENED:
                counts.press.add((tried.at_ms - tried.delivery.made_at_ms) / 1000)
        if self._slots.started:
            self._wake.set()

    def _record(self) -> None:
        """Record outcomes. Raises: StoreFailing; the next call then records them."""
        self._unrecorded += self._slots.tried()
        if self._unrecorded:
            with self._store.transaction() as transaction:
                transaction.record([_attempt(tried) for tried in self._unrecorded])
                for tried in self._unrecorded:
                    self._note(transaction, tried)
            self._ahead = max(self._least, min(_AHEAD, 2 * len(self._unrecorded)))
            self._settle()
            self._notifier.ring()
        if self._slots.came_back():
            self._backlog.all_due()  # the pauses were for a receiver that was away

    def _record_superseded(self) -> None:
        """Record what was skipped, before what follows it is sent: after a kill it must not be sent behind that."""
        self._superseded |= {delivery.id: delivery for delivery in self._backlog.superseded()}
        if not self._superseded:
            return
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.settle(list(self._superseded), Settled.SUPERSEDED)
            for delivery in self._superseded.values():
                facts = {**_facts(delivery), "attempts": delivery.attempts}
                transaction.note(
                    journal.DELIVERY_SUPERSEDED,
                    now_ms,
                    facts,
                    incident_id=delivery.incident_id,
                    actor=delivery.output,
                )
        self._superseded.clear()
        self._notifier.ring()

    def _note(self, transaction: Transaction, tried: SendResult) -> None:
        delivery, detail = tried.delivery, tried.result.detail
        kind = _KINDS[_state(tried)]
        if kind is journal.DELIVERY_FAILED and not worth_an_entry(delivery, detail):
            return
        facts = {**_facts(delivery), "attempts": delivery.attempts + 1, "detail": detail}
        transaction.note(kind, tried.at_ms, facts, incident_id=delivery.incident_id, actor=delivery.output)

    def _settle(self) -> None:
        now = time.monotonic()
        for tried in self._unrecorded:
            delivery, result = tried.delivery, tried.result
            if isinstance(result, NotDelivered) and not result.permanent:
                chance = random.random()  # noqa: S311 (spreads load, guards nothing)
                urgent = self._backlog.is_urgent(delivery)
                tries = self._backlog.tries(delivery) + 1
                pause = retry_policy.pause_s(tries, chance, result.retry_after_s, alert=urgent)
                self._backlog.failed(delivery, result.detail, now + pause)
            else:
                self._backlog.done(delivery)
        self._unrecorded.clear()


def _state(tried: SendResult) -> DeliveryState:
    """Return the delivery's state after the attempt."""
    if isinstance(tried.result, Delivered):
        return DeliveryState.DELIVERED
    return DeliveryState.ABANDONED if tried.result.permanent else DeliveryState.PENDING


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {"output": delivery.output, "sequence": delivery.sequence, "change": str(delivery.change)}


def _attempt(tried: SendResult) -> Attempt:
    return Attempt(tried.delivery.id, tried.at_ms, _state(tried), tried.result.detail)


_KINDS: Final = {
    DeliveryState.DELIVERED: journal.DELIVERED,
    DeliveryState.PENDING: journal.DELIVERY_FAILED,
    DeliveryState.ABANDONED: journal.DELIVERY_ABANDONED,
}


def wake_all(workers: Sequence[OutboxWorker]) -> Callable[[], None]:
    """Return what a use case calls after a commit that may have filled the outbox."""

    def wake() -> None:
        for worker in workers:
            worker.wake()

    return wake
