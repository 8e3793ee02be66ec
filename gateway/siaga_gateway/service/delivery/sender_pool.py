"""Runs an output's deliveries, several at once: each in its own thread, or in the worker's thread if only one is
allowed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.incident import Notice
from siaga_gateway.service.delivery.backlog import is_urgent
from siaga_gateway.service.delivery.retry_policy import RetryPolicy
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered, Output
from siaga_gateway.service.store import Delivery

log = logging.getLogger(__name__)
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class SendResult:
    """The outcome of one attempt."""

    delivery: Delivery
    result: Delivered | NotDelivered
    at_ms: int


class SenderPool:
    """The queue of deliveries to send, and the threads that send them. Thread-safe."""

    def __init__(
        self,
        output: Output,
        clock: Clock,
        may_begin: Callable[[], bool],
        ended: Callable[[SendResult], None],
    ) -> None:
        """may_begin: asked before each delivery. ended: called after each, one call at a time."""
        self.count = max(1, output.at_once)
        self._output = output
        self._clock = clock
        self._may_begin = may_begin
        self._ended = ended
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._ready: list[tuple[int, int, Delivery, Notice]] = []  # a heap: by rank, then the oldest first
        self._returned: list[Delivery] = []  # queued, but not to be tried now
        self._begun: dict[int, float] = {}  # start time (monotonic), by delivery
        self._tried: list[SendResult] = []
        self._patience = RetryPolicy(self.count)
        self._came_back = False
        self._closed = False
        self._threads: list[threading.Thread] = []
        self.tried_at = time.monotonic()

    # For the worker

    def start(self) -> None:
        """Start the threads, if several deliveries are allowed at once."""
        if self.count > 1:
            self._threads = [
                threading.Thread(target=self._run, name=f"{self._output.name}-{number}", daemon=True)
                for number in range(1, self.count + 1)
            ]
            for thread in self._threads:
                thread.start()

    @property
    def started(self) -> bool:
        return bool(self._threads)

    @property
    def busy(self) -> bool:
        """Whether a delivery is under way."""
        return bool(self._begun)

    def room(self, ahead: int) -> tuple[int, int]:
        """Return how many more may be queued, of urgent ones and of others.

        ahead: the limit for each kind; fewer if the receiver is down. Separate limits, so that no urgent one waits for
        a slot.
        """
        with self._lock:
            waiting = len(self._ready)
            if self._patience.down:
                room = max(0, self._patience.room(len(self._begun), time.monotonic()) - waiting)
                return room, room
            return max(0, ahead - sum(is_urgent(rank) for rank, *_ in self._ready)), max(0, ahead - waiting)

    def room_again(self) -> int:
        """Return how many of those that are out may be retries.

        Never all slots: retries may hang in them. Of the probes at a receiver that is down, one is for something never
        tried.
        """
        return 1 if self._patience.down else max(1, self.count // 2)

    def lay_ready(self, deliveries: Sequence[tuple[int, Delivery, Notice]]) -> None:
        """Queue deliveries, each with its rank: the lowest goes first."""
        with self._lock:
            for rank, delivery, notice in deliveries:
                heappush(self._ready, (rank, delivery.id, delivery, notice))
            if self._patience.down:
                self._return_all_but(self._patience.room(len(self._begun), time.monotonic()))
            self._changed.notify(len(self._ready))

    def take_back(self) -> list[Delivery]:
        """Return everything queued that has not begun, and empty the queue."""
        with self._lock:
            self._return_all_but(0)
            returned, self._returned = self._returned, []
            return returned

    def returned(self) -> list[Delivery]:
        """Return what was queued but is not to be tried now, since the last call."""
        if not self._returned:
            return []
        with self._lock:
            returned, self._returned = self._returned, []
            return returned

    def tried(self) -> list[SendResult]:
        """Return what ended since the last call."""
        with self._lock:
            tried, self._tried = self._tried, []
            return tried

    def came_back(self) -> bool:
        """Whether the receiver recovered since the last call."""
        with self._lock:
            came_back, self._came_back = self._came_back, False
            return came_back

    def forget(self) -> None:
        """Reset on a person's request: a receiver that was down may be tried at once."""
        with self._lock:
            self._patience.forget()

    def again_at(self) -> float:
        """Return when a receiver that is down may be probed again (monotonic); 0: it is not down."""
        return self._patience.again_at()

    def hung_s(self) -> float:
        """Return for how long the longest delivery has been under way."""
        with self._lock:
            return time.monotonic() - min(self._begun.values()) if self._begun else 0.0

    def work_one(self) -> bool:
        """Make one delivery in this thread. False: none may begin."""
        taken = self._take(wait=False)
        if taken is None:
            return False
        self._try(*taken)
        return True

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()

    def join(self, until: float) -> None:
        """Wait for what is under way, until `until` (monotonic) at most."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    # A sender thread

    def _run(self) -> None:
        while (taken := self._take(wait=True)) is not None:
            self._try(*taken)

    def _take(self, wait: bool) -> tuple[Delivery, Notice] | None:
        with self._lock:
            while not self._closed:
                if self._ready and self._may_begin():
                    _, _, delivery, notice = heappop(self._ready)
                    now = time.monotonic()
                    self._begun[delivery.id] = self.tried_at = now
                    if self._patience.down:
                        self._patience.probing(now)
                        self._return_all_but(0)
                    return delivery, notice
                if not wait:
                    return None
                # With something queued it polls: nobody notifies it that a delivery may begin.
                self._changed.wait(_LOOK_S if self._ready else None)
            return None

    def _try(self, delivery: Delivery, notice: Notice) -> None:
        try:
            result = self._output.deliver(notice, delivery.key)
        except Exception as error:
            # A bug hit by one delivery must not end the others.
            log.exception(Localized("log.fault.output", output=self._output.name))
            result = NotDelivered(type(error).__name__)
        self.end(delivery, result)

    def end(self, delivery: Delivery, result: Delivered | NotDelivered, *, asked: bool = True) -> None:
        """Record an attempt's result. asked: the receiver was reached, so the result says something about it."""
        tried = SendResult(delivery, result, self._clock.now_ms())
        with self._lock:
            now = time.monotonic()
            begun = self._begun.pop(delivery.id, now)
            if not asked:
                pass
            elif isinstance(result, NotDelivered) and not result.permanent:
                self._patience.failed(begun, now)
                if self._patience.down:
                    self._return_all_but(0)
            elif self._patience.heard():
                self._came_back = True
            self._tried.append(tried)
            self._ended(tried)

    def _return_all_but(self, kept: int) -> None:
        """Caller holds the lock."""
        while len(self._ready) > kept:
            self._returned.append(self._ready.pop()[2])  # the first is the most urgent, and remains a valid heap
