"""The time of a simulated world: as fast as one likes, and changing its pace while everything runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def _real_us() -> int:
    return time.time_ns() // 1000


class SimClock:
    """Unix microseconds that begin with the host's and go `speed` times as fast. Safe from any thread. `listeners`
    are called, in the thread that changed it, after each change."""

    def __init__(self, speed: float = 1.0) -> None:
        self.listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._real_us = self._sim_us = _real_us()
        self._permille = _permille(speed)

    @property
    def speed(self) -> float:
        return self._permille / 1000

    def now_us(self) -> int:
        with self._lock:
            return self._now_us(_real_us())

    def _now_us(self, real_us: int) -> int:
        return self._sim_us + (real_us - self._real_us) * self._permille // 1000

    def base(self) -> tuple[int, int, int]:
        """A simulated moment, the real one that it belongs to (both microseconds), and the pace in thousandths."""
        with self._lock:
            return self._sim_us, self._real_us, self._permille

    def set_speed(self, speed: float) -> None:
        self._change(_permille(speed), 0)

    def jump(self, seconds: float) -> None:
        """So much time passes in a moment, for a button that sleeps. Silicon that waits does not notice."""
        self._change(self._permille, int(seconds * 1_000_000))

    def real_s(self, sim_s: float) -> float:
        """How long so many simulated seconds are."""
        return sim_s * 1000 / self._permille

    def _change(self, permille: int, ahead_us: int) -> None:
        with self._lock:
            real_us = _real_us()
            self._sim_us = self._now_us(real_us) + ahead_us
            self._real_us = real_us
            self._permille = permille
        for listener in list(self.listeners):
            listener()


def _permille(speed: float) -> int:
    if not 0.01 <= speed <= 1000:
        raise ValueError(f"a speed of {speed} is not between 0.01 and 1000")
    return round(speed * 1000)
