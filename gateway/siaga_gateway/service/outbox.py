"""Delivering what the outbox holds: one thread an output, until the receiver has it or refuses for good.

Order is kept within an incident: its next notice waits for the one before. Another incident's does not, so that one
notice that a receiver chokes on holds up nobody else's call. Every attempt is recorded. A delivery that succeeded and
was not recorded in time (a kill, a full disk) is made again under the same key.

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

from siaga_gateway.domain.incident import Change
from siaga_gateway.service import journal
from siaga_gateway.service.backlog import Backlog
from siaga_gateway.service.figures import Durations
from siaga_gateway.service.lease import Lease
from siaga_gateway.service.ports import Bell, Clock, Delivered, NotDelivered, Output
from siaga_gateway.service.store import Attempt, Delivery, DeliveryState, Store, StoreFailing

log = logging.getLogger(__name__)

_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0
_LONGEST_ASKED_S: Final = 300.0  # a receiver's Retry-After is honoured up to here
_DOWN_AFTER: Final = 3  # failures in a row that mean: the receiver is down, not the notice bad
_DOWN_S: Final = 5.0  # how long at most nothing is tried at a receiver that is down: a new press waits no longer
_LOOK_S: Final = 1.0  # how often a person's request to try again is looked for
_ANEW_S: Final = 30.0  # how often the whole queue is read anew
_TOGETHER: Final = 100  # deliveries recorded in one commit, at most
_TOGETHER_S: Final = 0.05


def pause_s(attempts: int, chance: float, asked_s: float | None = None) -> float:
    """Seconds until the next try after 1, 2, ... failed attempts: doubling from 1 s to 60 s, give or take a fifth.

    chance: 0 to 1, spreads receivers' clients. asked_s: the receiver's own wish, honoured up to 300 s.
    """
    pause = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempts - 1, 10)) * (0.8 + 0.4 * chance)
    return pause if asked_s is None else max(pause, min(asked_s, _LONGEST_ASKED_S))


def worth_an_entry(before: Delivery, detail: str) -> bool:
    """Whether a failed attempt is worth a line in the journal: the first, a new reason, then ever more rarely."""
    attempts = before.attempts + 1
    return attempts == 1 or detail != before.detail or attempts & (attempts - 1) == 0


@dataclass(slots=True)
class _Pauses:
    """When what may be tried again; monotonic seconds."""

    incidents: dict[int, float] = field(default_factory=dict)
    output_until: float = 0.0
    failures_in_a_row: int = 0

    def due(self, delivery: Delivery, now: float) -> bool:
        return now >= self.incidents.get(delivery.incident_id, 0.0)

    def failed(self, delivery: Delivery, now: float, asked_s: float | None) -> None:
        pause = pause_s(delivery.attempts + 1, random.random(), asked_s)  # noqa: S311 (spreads load, guards nothing)
        self.incidents[delivery.incident_id] = now + pause
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= _DOWN_AFTER:
            again = self.failures_in_a_row - _DOWN_AFTER + 1
            self.output_until = now + min(pause_s(again, random.random()), _DOWN_S)  # noqa: S311

    def succeeded(self, delivery: Delivery) -> None:
        if self.failures_in_a_row >= _DOWN_AFTER:
            self.incidents.clear()  # the receiver is back: nobody waits out a pause that was meant for its absence
        self.incidents.pop(delivery.incident_id, None)
        self.failures_in_a_row = 0
        self.output_until = 0.0

    def forget(self) -> None:
        self.incidents.clear()
        self.output_until = 0.0

    def next_s(self, now: float) -> float:
        """Seconds until something may be due again, at most _LOOK_S."""
        nearest = min(self.incidents.values(), default=now + _LOOK_S)
        return min(_LOOK_S, max(0.01, max(nearest, self.output_until) - now))


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
        self._clock = clock
        self._pauses = _Pauses()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._backlog = Backlog()
        self._tried: list[tuple[Delivery, Attempt]] = []  # not recorded yet
        self._version = -1
        self._anew_at = 0.0
        self._beat = self._tried_at = time.monotonic()
        self.name = output.name
        self.counts = DeliveryCounts()
        self._thread = threading.Thread(target=self._run, name=f"outbox-{output.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be new rows. From any thread."""
        self._wake.set()

    def silent_s(self) -> float:
        """Seconds since the worker last showed that it goes on."""
        return time.monotonic() - self._beat if self._thread.is_alive() else float("inf")

    def untried_s(self) -> float:
        """Seconds since the last attempt of any delivery, or since the start."""
        return time.monotonic() - self._tried_at

    def stop(self, timeout_s: float = 15.0) -> None:
        """Finish the delivery under way and end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        store_down = False
        while not self._stop.is_set():
            self._beat = time.monotonic()
            self._wake.clear()
            try:
                worked = self.work()
                store_down = False
            except StoreFailing as error:
                if not store_down:
                    log.error("outbox of %s: %s; trying again", self._output.name, error)
                store_down, worked = True, False
            except Exception:
                # A fault of ours in one delivery must not end all deliveries of this output.
                log.exception("outbox of %s: an unexpected fault; trying again", self._output.name)
                store_down, worked = False, False
                self._stop.wait(_LOOK_S)
            if not worked:
                self._wake.wait(self._pauses.next_s(time.monotonic()) if not store_down else _LOOK_S)
        if self._lease is not None:
            self._lease.give_back()

    def work(self) -> bool:
        """Try what is due, once. True where anything was tried. Raises StoreFailing."""
        self._record()  # what the store did not take when it was tried
        if not self._may_deliver():
            return False
        self._look()
        worked = False
        begun = time.monotonic()
        if begun < self._pauses.output_until:
            return False
        for delivery in self._backlog.first_of_each_incident():
            if self._stop.is_set() or time.monotonic() < self._pauses.output_until or not self._may_deliver():
                break
            if not self._pauses.due(delivery, time.monotonic()):
                continue
            self._try(delivery)
            worked = True
            if len(self._tried) >= _TOGETHER or time.monotonic() - begun > _TOGETHER_S:
                self._record()
                begun = time.monotonic()
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

    def _look(self) -> None:
        """Take in what is new; everything anew where a person has asked, and now and then to be sure."""
        version = self._store.outbox_version()
        now = time.monotonic()
        if version != self._version or now >= self._anew_at:
            if version != self._version:
                self._pauses.forget()
            self._version = version
            self._anew_at = now + _ANEW_S
            self._backlog.clear()
        self._backlog.add(self._store.pending(self._output.name, self._backlog.last_id))

    def _try(self, delivery: Delivery) -> None:
        self._beat = self._tried_at = time.monotonic()
        result = self._output.deliver(self._store.notice(delivery), delivery.key)
        match result:
            case Delivered(detail):
                state = DeliveryState.DELIVERED
            case NotDelivered(detail, permanent=True):
                state = DeliveryState.ABANDONED
            case NotDelivered(detail, retry_after_s=asked_s):
                state = DeliveryState.PENDING
                self._pauses.failed(delivery, time.monotonic(), asked_s)
        if state is DeliveryState.PENDING:
            self._backlog.failed(delivery, detail)
        else:
            self._pauses.succeeded(delivery)  # a refusal for good too: the receiver is up
            self._backlog.done(delivery)
        now_ms = self._clock.now_ms()
        self._count(delivery, state, now_ms)
        self._tried.append((delivery, Attempt(delivery.id, now_ms, state, detail)))

    def _count(self, delivery: Delivery, state: DeliveryState, now_ms: int) -> None:
        counts = self.counts
        if state is DeliveryState.PENDING:
            counts.failed += 1
        elif state is DeliveryState.ABANDONED:
            counts.abandoned += 1
        else:
            counts.delivered += 1
            if delivery.change is Change.OPENED:
                counts.press.add((now_ms - delivery.made_at_ms) / 1000)

    def _record(self) -> None:
        """Keep what was tried. Raises StoreFailing; it is kept then by the next call."""
        if not self._tried:
            return
        with self._store.transaction() as transaction:
            transaction.record([attempt for _, attempt in self._tried])
            for delivery, attempt in self._tried:
                kind = _KINDS[attempt.state]
                if kind is journal.DELIVERY_FAILED and not worth_an_entry(delivery, attempt.detail):
                    continue
                facts = {
                    "output": delivery.output,
                    "sequence": delivery.sequence,
                    "change": str(delivery.change),
                    "attempts": delivery.attempts + 1,
                    "detail": attempt.detail,
                }
                transaction.note(kind, attempt.at_ms, facts, incident_id=delivery.incident_id, actor=delivery.output)
        self._tried.clear()
        self._bell.ring()


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
