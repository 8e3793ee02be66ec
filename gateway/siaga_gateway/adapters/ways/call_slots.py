"""Several calls that have no deadline of their own, at once: to a mail server, to a library that waits."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from siaga_gateway.adapters.outputs.deadline_call import DeadlineCall

_T = TypeVar("_T")


class CallSlots:
    """Runs so many calls at once, each in a thread of its own. One that hangs keeps its slot until it ends."""

    def __init__(self, name: str, count: int) -> None:
        self._free: queue.SimpleQueue[DeadlineCall] = queue.SimpleQueue()
        for number in range(1, count + 1):
            self._free.put(DeadlineCall(f"{name}-{number}"))

    def call(self, work: Callable[[], _T], until: float) -> _T:
        """Return or raise what `work` does. Raises: TimeoutError at `until` (time.monotonic), while `work` goes on by
        itself."""
        try:
            slot = self._free.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None
        given_back = threading.Lock()

        def give_back() -> None:
            if given_back.acquire(blocking=False):
                self._free.put(slot)

        def keep_until_it_ends() -> _T:
            try:
                return work()
            finally:
                give_back()

        try:
            return slot.call(keep_until_it_ends, until)
        except RuntimeError:  # perhaps no more threads available, and it never began
            give_back()
            raise
