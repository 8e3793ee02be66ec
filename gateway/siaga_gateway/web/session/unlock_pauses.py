"""The pauses between wrong passwords at the lock of one session: they grow, and are never long.

Whoever tries words at the cover has the computer before him, and a session that ends after hours. A long wait would
keep its operator from a call that rings, so the longest is half a minute.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

FREE: Final = 3  # wrong ones without a pause
FIRST_MS: Final = 2_000  # twice as long after each
LONGEST_MS: Final = 30_000
_MOST: Final = 4096  # sessions that are counted; the one that tried longest ago is forgotten


class UnlockPauses:
    """Counts by session; usable from any thread. Times are ms of the gateway's clock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tried = OrderedDict[object, tuple[int, int]]()  # how many, when the last was

    def take(self, session: object, now_ms: int) -> int:
        """Count an attempt, which is checked then, and return 0; or return for how many ms it has to wait."""
        with self._lock:
            count, at_ms = self._tried.get(session, (0, now_ms))
            passed_ms = now_ms - at_ms
            if 0 <= passed_ms < _pause(count):  # a clock that was set back makes no pause longer
                return _pause(count) - passed_ms
            self._tried[session] = (count + 1, now_ms)
            self._tried.move_to_end(session)
            if len(self._tried) > _MOST:
                self._tried.popitem(last=False)
            return 0

    def give_back(self, session: object) -> None:
        """An attempt that was not checked counts for nothing."""
        with self._lock:
            count, at_ms = self._tried.get(session, (0, 0))
            if count > 0:
                self._tried[session] = (count - 1, at_ms)

    def forget(self, session: object) -> None:
        """The password was right."""
        with self._lock:
            self._tried.pop(session, None)


def _pause(count: int) -> int:
    return 0 if count < FREE else min(FIRST_MS << min(count - FREE, 8), LONGEST_MS)
