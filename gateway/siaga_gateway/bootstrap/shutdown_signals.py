"""How the gateway is told to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Final

_LOOK_S: Final = 0.5


class ShutdownSignals:
    """Collects requests to stop: by signal, and by the guard of the store, which raises in no thread."""

    def __init__(self) -> None:
        self.asked = False  # by signal
        self._anew = threading.Event()
        self.anew = self._anew.set

    def told(self) -> bool:
        """Whether to stop."""
        return self.asked or self._anew.is_set()

    def in_order(self) -> None:
        """From now on only note signals, which interrupt neither start nor shutdown.

        A handler that raises may do so inside any lock, which is then released without having been held; one that takes
        a lock may wait for the very thread that it interrupts. So it only sets a flag.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._later)

    def wait(self) -> None:
        # Polls: the kernel may give the signal to any thread, and then does not wake this one, in which Python handles
        # it.
        while not (self.asked or self._anew.wait(_LOOK_S)):
            pass

    def _later(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
