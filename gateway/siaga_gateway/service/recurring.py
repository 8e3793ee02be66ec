"""A thread that does one thing again and again, until it is told to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_BREATH_S: Final = 1.0  # after an unexpected fault


class Recurring:
    """`start`, `stop`; once. A fault that `turn` did not expect is told in the log and ends nothing."""

    def __init__(self, name: str, turn: Callable[[], float], end_s: float) -> None:
        """turn: called from the thread; returns the seconds until it is called again. end_s: how long `stop` waits for
        the turn under way."""
        self._name = name
        self._turn = turn
        self._end_s = end_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the turn under way and end."""
        self._stop.set()
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
        pause_s = 0.0
        while not self._stop.wait(pause_s):
            try:
                pause_s = self._turn()
            except Exception:
                log.exception("%s: an unexpected fault; trying again", self._name)
                pause_s = _BREATH_S
