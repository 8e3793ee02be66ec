"""A thread that repeats one thing until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

_ERROR_PAUSE_S: Final = 1.0  # after an unexpected error


class PeriodicThread:
    """Call `start`, `stop`, once each. An unexpected error in `turn` is logged and ends nothing."""

    def __init__(self, name: str, turn: Callable[[], float], end_s: float) -> None:
        """turn: called in the thread; returns seconds until its next call. end_s: how long `stop` waits for the current
        turn."""
        self._name = name
        self._turn = turn
        self._end_s = end_s
        self._first_s = 0.0
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, after_s: float = 0.0) -> None:
        """after_s: until the first turn."""
        self._first_s = after_s
        self._thread.start()

    def wake(self) -> None:
        """Run the next turn now, or right after the current one. Thread-safe."""
        self._wanted.set()

    def stop(self) -> None:
        """Finish the current turn and stop."""
        self._stop.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(self._end_s)

    @property
    def started(self) -> bool:
        return self._thread.ident is not None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def _run(self) -> None:
        pause_s = self._first_s
        while True:
            self._wanted.wait(pause_s)
            self._wanted.clear()
            if self._stop.is_set():
                return
            try:
                pause_s = self._turn()
            except Exception:
                log.exception(Localized("log.fault.again", what=self._name))
                pause_s = _ERROR_PAUSE_S
