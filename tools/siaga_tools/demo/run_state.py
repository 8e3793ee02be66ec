"""What every part of the demo shares: the dashboard, the end, and waiting for observations."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from siaga_tools.demo.dashboard_state import ButtonView, DashboardState
from siaga_tools.demo.observers import now_ms
from siaga_tools.demo.owners import OWNERS
from siaga_tools.messages import Trouble

_RESTLESS: Final = 5  # so many ends within _RESTLESS_S mean that a restart does not help
_RESTLESS_S: Final = 60.0


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all concurrently; if one fails the others are cancelled and have ended before its exception is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


class RunState:
    """The shared state, in one event loop.

    failed: the trouble after which the demo cannot go on
    """

    def __init__(self, *, recover: bool) -> None:
        self.board = DashboardState({owner.number: ButtonView(owner) for owner in OWNERS}, self._on_change)
        self.recover = recover  # restart what died
        self.stopping = False
        self.gateway_says: Callable[[], str] = lambda: ""  # the last error there
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[Trouble] = self._loop.create_future()
        self._waiters: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: dict[str, list[float]] = {}

    def say(self, key: str, weight: str = "plain", **values: object) -> None:
        """Add a line to the log, now."""
        self.board.say(now_ms(), key, weight, **values)

    def fail(self, trouble: Trouble) -> None:
        if not self.failed.done():
            self.failed.set_result(trouble)
        self._on_change()

    def soon(self, do: Callable[..., None], *arguments: object, **values: object) -> None:
        """Call from an observer's thread into the loop, which may already be closed when the demo ends."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(lambda: do(*arguments, **values))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def unless_failed(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it; raises the trouble after which the demo cannot go on as soon as there is one."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self.failed), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self.failed.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        task.result()

    async def until(self, holds: Callable[[], bool], deadline_s: float) -> bool:
        """Wait until it holds; False at the deadline. Raises the trouble after which the demo cannot go on."""
        deadline = time.monotonic() + deadline_s
        while not holds():
            if self.failed.done():
                raise self.failed.result()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.add(waiter)
            await asyncio.wait((waiter,), timeout=left)
            self._waiters.discard(waiter)
        return True

    def restless(self, name: str) -> int | None:
        """Note that this part ended by itself. Returns how often it did lately, if too often."""
        now = time.monotonic()
        ends = self._ends[name] = [*(end for end in self._ends.get(name, ()) if now - end < _RESTLESS_S), now]
        return len(ends) if len(ends) >= _RESTLESS else None

    def _on_change(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
