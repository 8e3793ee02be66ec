"""Wakes every console connection of this process after each commit that journals something."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary


class JournalNotifier:
    """Implements service.ports.Notifier.

    A notification between two waits of one task is not missed: the second wait returns at once. So a reader that reads
    the journal and then waits sees every entry without delay.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rings = 0
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._heard: WeakKeyDictionary[asyncio.Task[object], int] = WeakKeyDictionary()
        self._passed_on: Callable[[], None] = lambda: None

    def pass_on(self, ring: Callable[[], None]) -> None:
        """Also notify another process; `ring` never blocks."""
        self._passed_on = ring

    def ring(self) -> None:
        with self._lock:
            self._rings += 1
            waiting, self._waiting = self._waiting, {}
        for future, loop in waiting.items():
            try:
                loop.call_soon_threadsafe(_wake, future)
            except RuntimeError:  # its loop is closed: nobody waits any more
                continue
        self._passed_on()

    async def wait(self, timeout_s: float) -> bool:
        task = asyncio.current_task()
        assert task is not None, "wait() belongs in a task"
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._heard.get(task, 0) != self._rings:
                self._heard[task] = self._rings
                return True
            future: asyncio.Future[None] = loop.create_future()
            self._waiting[future] = loop
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting.pop(future, None)
        with self._lock:
            self._heard[task] = self._rings
        return True


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
