"""The time of a simulated world: any speed, adjustable while everything runs, and able to skip what nobody is awake
for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

_LONGEST_WAIT_S = 0.5


def _real_us() -> int:
    """Return the clock that nobody sets, which a process under libfaketime sees too."""
    return time.monotonic_ns() // 1000


class SimClock:
    """Unix microseconds that start with the host's and run `speed` times as fast. Thread-safe. `listeners` are called,
    in the thread that changed it, after each change.

    While `skips`, idle time passes in an instant (skip_to(), which a chip requests when all its tasks sleep). Three
    things limit that: the clock is held() by whoever acts or works, no sleeper in until() is skipped over, and while it
    is paced() nothing is skipped.

    Where it is limit()ed, time stands still once it is there.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.listeners: list[Callable[[], None]] = []
        self.on_free: list[Callable[[], None]] = []  # called when nobody holds it any more
        self.skips = False
        self._lock = threading.Condition(threading.RLock())
        self._holders: Counter[int] = Counter()  # by thread
        self._paced = 0
        self._wakes: Counter[int] = Counter()  # times that somebody sleeps until
        self._real_us, self._sim_us = _real_us(), time.time_ns() // 1000
        self._limit_us: int | None = None
        self._permille = _permille(speed)

    @property
    def speed(self) -> float:
        return self._permille / 1000

    def now_us(self) -> int:
        with self._lock:
            return self._now_us(_real_us())

    def _now_us(self, real_us: int) -> int:
        now_us = self._sim_us + (real_us - self._real_us) * self._permille // 1000
        return now_us if self._limit_us is None else min(now_us, max(self._limit_us, self._sim_us))

    def base(self) -> tuple[int, int, int, int]:
        """Return a simulated time (Unix), the real one that it corresponds to (monotonic), both microseconds, the speed
        in thousandths, and the limit in simulated microseconds, 0 = none."""
        with self._lock:
            return self._sim_us, self._real_us, self._permille, self._limit_us or 0

    @property
    def sleepers(self) -> int:
        """Return how many sleep in until()."""
        with self._lock:
            return self._wakes.total()

    def set_speed(self, speed: float) -> None:
        self._change(_permille(speed), 0)

    def limit(self, sim_us: int | None) -> None:
        """Let no time pass beyond this, None = no limit. Time goes on from where it stood."""
        with self._lock:
            real_us = _real_us()
            self._sim_us, self._real_us = self._now_us(real_us), real_us
            self._limit_us = sim_us
            self._lock.notify_all()
        self._tell()

    def catch_up(self, sim_us: int) -> None:
        """Take a time that a chip has lived already: it heard late that time goes slower, or no further."""
        with self._lock:
            real_us = _real_us()
            self._sim_us, self._real_us = max(self._now_us(real_us), sim_us), real_us
            if self._limit_us is not None:
                self._limit_us = max(self._limit_us, sim_us)
            self._lock.notify_all()
        self._tell()

    def set_skips(self, skips: bool) -> None:
        """Set whether idle time is skipped."""
        self.skips = skips
        self._change(self._permille, 0)

    def jump(self, seconds: float) -> None:
        """Skip this much time, for a sleeping button. Waiting silicon does not notice."""
        self._change(self._permille, int(seconds * 1_000_000))

    def real_s(self, sim_s: float) -> float:
        """Return the real seconds of so many simulated ones."""
        return sim_s * 1000 / self._permille

    def _change(self, permille: int, ahead_us: int) -> None:
        with self._lock:
            real_us = _real_us()
            self._sim_us = self._now_us(real_us) + ahead_us
            self._real_us = real_us
            self._permille = permille
            self._lock.notify_all()
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()

    # Skipping

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Prevent skipping meanwhile, except while this thread sleeps in until()."""
        me = threading.get_ident()
        with self._lock:
            self._holders[me] += 1
        try:
            yield
        finally:
            self._let_go(me, 1)

    @contextlib.contextmanager
    def paced(self) -> Iterator[None]:
        """Prevent skipping meanwhile, whoever sleeps: a finger is on the button."""
        with self._lock:
            self._paced += 1
        try:
            yield
        finally:
            with self._lock:
                self._paced -= 1
            self._let_go(threading.get_ident(), 0)

    def _let_go(self, thread: int, times: int) -> None:
        with self._lock:
            self._holders[thread] -= times
            if not self._holders[thread]:
                del self._holders[thread]
            free = not self._holders and not self._paced
        if free:
            for listener in list(self.on_free):
                listener()

    def until(self, sim_us: int, gives_up: Callable[[], bool] = lambda: False) -> bool:
        """Sleep until this time; a holder of the clock releases it meanwhile, and has it again on return. gives_up:
        polled now and then. Returns False if that ended the sleep."""
        me = threading.get_ident()
        with self._lock:
            times = self._holders[me]
            self._wakes[sim_us] += 1
        if times:
            self._let_go(me, times)
        try:
            with self._lock:
                while (left_us := sim_us - self._now_us(_real_us())) > 0:
                    if gives_up():
                        return False
                    wait_s = min(_LONGEST_WAIT_S, left_us / 1000 / self._permille)
                    stands = self._limit_us is not None and sim_us > self._limit_us
                    self._lock.wait(_LONGEST_WAIT_S if stands else wait_s)
                return True
        finally:
            with self._lock:  # in one step: it holds the clock again before time can go on
                if times:
                    self._holders[me] += times
                self._wakes[sim_us] -= 1
                if not self._wakes[sim_us]:
                    del self._wakes[sim_us]

    def skip_to(self, sim_us: int) -> bool:
        """Skip to this time, or to the first that somebody sleeps until. Returns False if nothing may be skipped
        now."""
        with self._lock:
            if not self.skips or self._holders or self._paced:
                return False
            real_us = _real_us()
            now_us = self._now_us(real_us)
            target_us = min([sim_us, *self._wakes])
            if target_us <= now_us:
                return False
            self._sim_us, self._real_us = target_us, real_us
            if target_us in self._wakes:
                self._lock.notify_all()
        self._tell()
        return True


def _permille(speed: float) -> int:
    if not 0.01 <= speed <= 1000:
        raise ValueError(f"a speed of {speed} is not between 0.01 and 1000")
    return round(speed * 1000)
