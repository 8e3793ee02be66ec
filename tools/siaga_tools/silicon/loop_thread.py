"""An asyncio event loop in its own thread, for what runs beside its caller: a simulated chip, a modem."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

_DO_S: Final = 60.0
_JOIN_S: Final = 10.0
_LAST_STEPS_S: Final = 0.01


class LoopThread:
    """The loop and its thread: start() and stop().

    loop: for add_reader() and timers, only from its own thread
    """

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cancel what runs in it, and wait for the end."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_JOIN_S)
        self.loop.close()

    def do(self, what: Callable[[], None]) -> None:
        """Run a function in the loop's thread; returns when it has run, and raises what it raised. Thread-safe. Raises
        TimeoutError after 60 s."""
        if threading.current_thread() is self._thread:
            what()
            return
        done: Future[None] = Future()

        def step() -> None:
            try:
                what()
                done.set_result(None)
            except Exception as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(step)
        done.result(_DO_S)

    def later(self, what: Callable[..., None], *arguments: object) -> None:
        """Run a function in the loop's thread without waiting; after stop() do nothing."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(what, *arguments)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(_LAST_STEPS_S))
