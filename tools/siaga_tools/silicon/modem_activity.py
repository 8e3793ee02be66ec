"""What is in progress in a simulated modem: its documented waits, and whether time may be skipped over them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from siaga_tools.silicon import scaled_time


class ModemActivity:
    """The modem's activity.

    pace(): real seconds per documented second
    """

    def __init__(self, pace: Callable[[], float]) -> None:
        self._pace = pace
        self._under_way = 0
        self._stirred_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_at_work(self) -> bool:
        """Return whether anything at all is in progress."""
        return self._under_way > 0

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Count as active meanwhile."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def wait(self, seconds: float) -> None:
        """Wait for so many documented seconds."""
        with self.working():
            await scaled_time.sleep(seconds, self._pace)

    def later(self, seconds: float, what: Callable[..., None], *arguments: object) -> None:
        """Call a function after so many documented seconds."""

        def step() -> None:
            self._under_way -= 1
            what(*arguments)

        self._under_way += 1
        scaled_time.call_later(seconds, self._pace, step)

    def see_through(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine concurrently in the running loop; it counts as active from now on."""

        async def run() -> None:
            try:
                await work
            finally:
                self._under_way -= 1
                self.stir()

        self._under_way += 1
        self._tasks.add(task := asyncio.get_running_loop().create_task(run()))
        task.add_done_callback(self._tasks.discard)

    def stir(self) -> None:
        """Note that something has just happened in the modem or on the network."""
        self._stirred_s = time.monotonic()

    def quiet_in_s(self, quiet_s: float) -> float:
        """Return the real seconds until nothing will have happened for quiet_s."""
        return max(0.0, self._stirred_s + quiet_s - time.monotonic())
