"""How a run ends: by itself, or by a signal that cancels it in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Ending:
    """Which signal, if any, asked for the end."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.listening = True  # set it to False before the work of ending begins: nothing may cancel that

    @property
    def code(self) -> int:
        """The exit code: 128 + the signal's number, as a shell counts it; 0 where none came."""
        return 0 if self.signal is None else 128 + self.signal

    @property
    def asked_code(self) -> int:
        """The same where Ctrl-C is how people end it, and so no failure."""
        return 0 if self.signal == signal.SIGINT else self.code


@contextmanager
def cancelled_by_signals() -> Iterator[Ending]:
    """Within it SIGINT, SIGTERM and SIGHUP cancel the current task, once; later ones change nothing, since all that
    follows has deadlines."""
    ending = Ending()
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
