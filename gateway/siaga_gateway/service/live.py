"""The bell that wakes whoever waits for new rows of the journal in this process."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class JournalBell:
    """ports.Bell. Rung from any thread, waited for in any number of event loops. A ring wakes all who wait.

    A ring between two waits of one reader is not kept: a reader looks at the journal first and waits then, with a
    timeout that bounds what it can miss.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[bool]]] = set()

    def ring(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, future in waiting:
            with contextlib.suppress(RuntimeError):  # that loop has been closed meanwhile
                loop.call_soon_threadsafe(_wake, future)

    async def wait(self, timeout_s: float) -> bool:
        loop = asyncio.get_running_loop()
        entry = (loop, loop.create_future())
        with self._lock:
            self._waiting.add(entry)
        try:
            return await asyncio.wait_for(entry[1], timeout_s)
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting.discard(entry)


def _wake(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(True)
