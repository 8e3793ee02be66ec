"""A deadline for calls that have none: a name lookup, a file on a network share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


class DeadlineCall:
    """Runs a blocking call in its own thread, and waits for it up to a deadline.

    The kernel cannot be told to give up on a dead share, so a hanging call keeps its thread until the share returns. No
    other call is started meanwhile: a dead share costs one thread, not one an attempt. The threads are daemons and do
    not delay the process's exit.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running = threading.Lock()  # taken by the caller, released by the thread that did the work

    def call(self, work: Callable[[], _T], until: float) -> _T:
        """Return or raise what `work` does. Raises: TimeoutError at `until` (time.monotonic), while `work` goes on by
        itself."""
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
        except RuntimeError:  # no more threads available
            self._running.release()
            raise
        return outcome.result(timeout=max(until - time.monotonic(), 0))
