"""A deadline for calls that have none: a name look-up, a file on a network share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


class OneAtATime:
    """Runs a blocking call in a thread of its own and waits no longer than it is told to.

    The kernel cannot be asked to give up on a dead share, so a call that hangs keeps its thread until the share comes
    back. No further call is started meanwhile: a dead share costs one thread, not one an attempt. The threads are
    daemons and do not hold up the end of the process.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running = threading.Lock()  # taken by the caller, released by the thread that did the work

    def call(self, work: Callable[[], _T], until: float) -> _T:
        """What `work` returns or raises; TimeoutError at `until` (time.monotonic), while it goes on without us."""
        if not self._running.acquire(timeout=max(until - time.monotonic(), 0)):
            raise TimeoutError(f"{self._name}: an earlier call still hangs")
        outcome: Future[_T] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                self._running.release()
                outcome.set_exception(error)
            else:
                self._running.release()
                outcome.set_result(result)

        try:
            threading.Thread(target=run, name=self._name, daemon=True).start()
        except RuntimeError:  # no more threads to be had
            self._running.release()
            raise
        return outcome.result(timeout=max(until - time.monotonic(), 0))
