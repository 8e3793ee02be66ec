"""Delivering what the outbox holds, until the receiver has it or refuses for good.

Of each output several deliveries are under way at once, as many as it takes (ports.Output.at_once). Order is kept
within an incident: its next notice waits until the one before is recorded. Another incident's does not, so that one
notice that a receiver chokes on, or hangs at, holds up nobody else's call. Alerts go before what follows them.

One thread reads what is due, many in one query, and records what was tried, all that ended since the last commit in
one. Every attempt is recorded. A delivery that succeeded and was not recorded in time (a kill, a full disk) is made
again under the same key.

Of several workers on one store one delivers for an output at a time, by a lease; the others stand by to take over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.service import journal, patience
from siaga_gateway.service.backlog import Backlog
from siaga_gateway.service.figures import Durations
from siaga_gateway.service.lease import Lease
from siaga_gateway.service.ports import Bell, Clock, Delivered, NotDelivered, Output
from siaga_gateway.service.slots import Slots, Tried
from siaga_gateway.service.store import Attempt, Delivery, DeliveryState, Store, StoreFailing, Transaction

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0  # how often a person's request to try again is looked for
_ANEW_S: Final = 30.0  # how often the whole queue is read anew
_LATEST_S: Final = 12.0  # what is under way ends by then: a delivery takes 10 s at most
# Deliveries laid ready, and recorded in one commit, at most. Few are laid ready for a receiver that takes few.
_AHEAD: Final = 256
# One place, and deliveries that take next to no time: recorded together after so long.
_TOGETHER_S: Final = 0.05


def worth_an_entry(before: Delivery, detail: str) -> bool:
    """Whether a failed attempt is worth a line in the journal: the first, a new reason, then ever more rarely."""
    attempts = before.attempts + 1
    return attempts == 1 or detail != before.detail or attempts & (attempts - 1) == 0


@dataclass(slots=True)
class DeliveryCounts:
    """Of one output, since the start."""

    delivered: int = 0
    failed: int = 0  # attempts; each will be tried again
    abandoned: int = 0
    press: Durations = field(default_factory=Durations)  # from a press's arrival until the receiver has it


class OutboxWorker:
    """Delivers the rows of one output. `start`, `wake` after each commit, `stop`."""

    def __init__(self, store: Store, output: Output, bell: Bell, clock: Clock, lease: Lease | None = None) -> None:
        """lease: to be held for a delivery; none: nobody else delivers for this output."""
        self._store = store
        self._output = output
        self._lease = lease
        self._ours = lease is None
        self._bell = bell
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._stop_by = 0.0  # monotonic
        self._backlog = Backlog()
        self._slots = Slots(output, clock, self._sure, self._ended)
        self._ahead = self._least = 2 * self._slots.count
        self._unrecorded: list[Tried] = []
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
        """There may be new rows. From any thread."""
        self._news = True
        self._wake.set()

    def silent_s(self) -> float:
        """Seconds since the worker last showed that it goes on."""
        if not self._thread.is_alive():
            return float("inf")
        return max(time.monotonic() - self._beat, self._slots.hung_s())

    def untried_s(self) -> float:
        """Seconds since the last attempt of any delivery, or since the start."""
        return time.monotonic() - self._slots.tried_at

    def end(self, timeout_s: float = 15.0) -> None:
        """Begin nothing more; what is under way has so long to end. Does not wait for it."""
        self._stop_by = time.monotonic() + timeout_s
        self._stop.set()
        self._slots.close()
        self._wake.set()

    def stop(self, timeout_s: float = 15.0) -> None:
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
                    log.error("outbox of %s: %s; trying again", self._output.name, error)
                store_down = True
            except Exception:
                # A fault of ours must not end all deliveries of this output.
                log.exception("outbox of %s: an unexpected fault; trying again", self._output.name)
                self._stop.wait(_LOOK_S)
            if not worked:
                self._wake.wait(_LOOK_S if store_down else self._next_s())
        self._end()

    def _end(self) -> None:
        self._slots.join(min(self._stop_by, time.monotonic() + _LATEST_S))
        try:
            self._record()
        except StoreFailing as error:
            log.error("outbox of %s: %s; what is not recorded will be sent again", self._output.name, error)
        if self._lease is not None:
            self._lease.give_back()

    def _next_s(self) -> float:
        """Seconds until something may be due again, at most _LOOK_S."""
        now = time.monotonic()
        # What is due by now and does not go waits for a place, and the end of a delivery wakes this thread.
        ahead = [at - now for at in (self._backlog.next_due(), self._slots.again_at()) if at > now]
        return max(0.01, min((_LOOK_S, *ahead)))

    def work(self, look: bool = True) -> bool:
        """Record what was tried, read what is new, lay ready what is due; where there is one place, try it too. True
        where there may be more to do at once. Raises StoreFailing."""
        try:
            self._record()  # also what the store did not take when it was tried
            may_deliver = self._may_deliver()
        except StoreFailing:
            self._take_back()  # what cannot be recorded would come again
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
        """Whether this worker delivers for the output now. Raises StoreFailing."""
        if self._lease is None:
            return True
        held = self._lease.held()
        if held and not self._ours:
            self._anew_at = 0.0  # another worker may have delivered what we know of
        self._ours = held
        return held

    def _sure(self) -> bool:
        """Whether a delivery may be begun now, as far as is known without asking."""
        return self._lease is None or self._lease.sure()

    def _look(self) -> None:
        """Take in what is new; everything anew where a person has asked, and now and then to be sure."""
        self._news = False
        now = time.monotonic()
        self._look_at = now + _LOOK_S
        version = self._store.outbox_version()
        if version == self._version and now < self._anew_at:
            self._backlog.add(self._store.pending(self.name, self._backlog.last_id))
            return
        # Nothing is recorded meanwhile, by this very thread: what is read was not delivered, unless it is out.
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
        """True where there was anything."""
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
        """By delivery; those that cannot be read count as tried. Raises StoreFailing."""
        try:
            return dict(self._store.notices(deliveries))
        except StoreFailing:
            raise
        except Exception:
            log.exception("outbox of %s: a notice cannot be read", self.name)
        notices: dict[int, Notice] = {}
        for delivery in deliveries:
            try:
                notices.update(self._store.notices([delivery]))
            except StoreFailing:
                raise
            except Exception as error:
                self._slots.end(delivery, NotDelivered(type(error).__name__), asked=False)
        return notices

    def _ended(self, tried: Tried) -> None:
        """In a slot's thread, one at a time."""
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
        """Keep what was tried. Raises StoreFailing; it is kept then by the next call."""
        self._unrecorded += self._slots.tried()
        if self._unrecorded:
            with self._store.transaction() as transaction:
                transaction.record([_attempt(tried) for tried in self._unrecorded])
                for tried in self._unrecorded:
                    self._note(transaction, tried)
            self._ahead = max(self._least, min(_AHEAD, 2 * len(self._unrecorded)))
            self._settle()
            self._bell.ring()
        if self._slots.came_back():
            self._backlog.all_due()  # nobody waits out a pause that was meant for the receiver's absence

    def _note(self, transaction: Transaction, tried: Tried) -> None:
        delivery, detail = tried.delivery, tried.result.detail
        kind = _KINDS[_state(tried)]
        if kind is journal.DELIVERY_FAILED and not worth_an_entry(delivery, detail):
            return
        facts = {
            "output": delivery.output,
            "sequence": delivery.sequence,
            "change": str(delivery.change),
            "attempts": delivery.attempts + 1,
            "detail": detail,
        }
        transaction.note(kind, tried.at_ms, facts, incident_id=delivery.incident_id, actor=delivery.output)

    def _settle(self) -> None:
        now = time.monotonic()
        for tried in self._unrecorded:
            delivery, result = tried.delivery, tried.result
            if isinstance(result, NotDelivered) and not result.permanent:
                chance = random.random()  # noqa: S311 (spreads load, guards nothing)
                pause = patience.pause_s(delivery.attempts + 1, chance, result.retry_after_s)
                self._backlog.failed(delivery, result.detail, now + pause)
            else:
                self._backlog.done(delivery)
        self._unrecorded.clear()


def _state(tried: Tried) -> DeliveryState:
    """Of the delivery, after it."""
    if isinstance(tried.result, Delivered):
        return DeliveryState.DELIVERED
    return DeliveryState.ABANDONED if tried.result.permanent else DeliveryState.PENDING


def _attempt(tried: Tried) -> Attempt:
    return Attempt(tried.delivery.id, tried.at_ms, _state(tried), tried.result.detail)


_KINDS: Final = {
    DeliveryState.DELIVERED: journal.DELIVERED,
    DeliveryState.PENDING: journal.DELIVERY_FAILED,
    DeliveryState.ABANDONED: journal.DELIVERY_ABANDONED,
}


def wake_all(workers: Sequence[OutboxWorker]) -> Callable[[], None]:
    """What a use case calls after a commit that may have filled the outbox."""

    def wake() -> None:
        for worker in workers:
            worker.wake()

    return wake
