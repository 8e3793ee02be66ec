"""Calls in a few daemon threads: one that hangs keeps the interpreter from nothing.

concurrent.futures joins its threads while the interpreter exits, however they were shut down.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class DaemonPool:
    """Call `start`, then `submit` from any thread, and `end`. What is submitted must not raise."""

    def __init__(self, threads: int, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]

    def start(self) -> None:
        """Raises: RuntimeError if the machine has no thread left."""
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[[], object]) -> None:
        """Run it once a thread is free; after `end` never."""
        self._calls.put(call)

    def end(self) -> None:
        """Begin nothing more. Does not wait for what runs."""
        self._ended.set()
        for _ in self._threads:
            self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None and not self._ended.is_set():
            call()
