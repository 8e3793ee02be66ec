"""How a run ends: by itself, or by a signal that cancels it in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Shutdown:
    """Which signal, if any, requested the end."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.listening = True  # set it to False before the shutdown begins: nothing may cancel that

    @property
    def code(self) -> int:
        """Return the exit code: 128 + the signal's number, as in a shell; 0 if there was none."""
        return 0 if self.signal is None else 128 + self.signal

    @property
    def asked_code(self) -> int:
        """Return the same where Ctrl-C is the normal way to quit, and so no failure."""
        return 0 if self.signal == signal.SIGINT else self.code


@contextmanager
def cancelled_by_signals() -> Iterator[Shutdown]:
    """Within it SIGINT, SIGTERM and SIGHUP cancel the current task, once; later ones have no effect, since everything
    that follows has deadlines."""
    ending = Shutdown()
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    assert task is not None

    def end(number: int) -> None:
        if ending.listening and ending.signal is None:
            ending.signal = number
            task.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, end, number)
    try:
        yield ending
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
