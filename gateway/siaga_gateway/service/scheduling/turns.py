"""Something heavy, one thread at a time; few wait for their turn, so that it never takes all of a web server."""

from __future__ import annotations

import threading


class Turns:
    """Call `take`, and `give_back` if it returned True. Thread-safe."""

    def __init__(self, waiting: int = 3) -> None:
        """waiting: how many may wait at once; whoever comes then is refused at once."""
        self._places = threading.BoundedSemaphore(waiting + 1)
        self._turn = threading.Lock()

    def take(self, longest_s: float) -> bool:
        """Return whether it is this thread's turn. longest_s: of the wait."""
        if not self._places.acquire(blocking=False):
            return False
        if self._turn.acquire(timeout=longest_s):
            return True
        self._places.release()
        return False

    def give_back(self) -> None:
        self._turn.release()
        self._places.release()
