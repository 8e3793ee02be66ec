"""When what may be tried again: pauses that grow, and a receiver that is down is asked by few, now and then."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0
_LONGEST_ASKED_S: Final = 300.0  # a receiver's Retry-After is honoured up to here
_DOWN_AFTER: Final = 3  # failures in a row that mean: the receiver is down, not the notice bad
_DOWN_S: Final = 5.0  # how long at most nothing is tried at a receiver that is down: a new press waits no longer
_PROBES: Final = 2  # under way at a receiver that is down: where one hangs, it may be for its notice


def pause_s(attempts: int, chance: float, asked_s: float | None = None) -> float:
    """Seconds until the next try after 1, 2, ... failed attempts: doubling from 1 s to 60 s, give or take a fifth.

    chance: 0 to 1, spreads receivers' clients. asked_s: the receiver's own wish, honoured up to 300 s.
    """
    pause = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempts - 1, 10)) * (0.8 + 0.4 * chance)
    return pause if asked_s is None else max(pause, min(asked_s, _LONGEST_ASKED_S))


class Patience:
    """With one receiver. Times are monotonic seconds, given by the caller; for one thread at a time."""

    def __init__(self, at_once: int, chance: Callable[[], float] = random.random) -> None:
        """at_once: how many deliveries may be under way at it."""
        self._at_once = at_once
        self._chance = chance
        self._failures = 0  # in a row
        self._step = 0  # pauses of the whole receiver in a row
        self._since = 0.0  # when the last of these began
        self._until = 0.0

    @property
    def down(self) -> bool:
        return self._failures >= _DOWN_AFTER

    def failed(self, begun: float, now: float) -> None:
        """A delivery that began at `begun` was not taken."""
        was_down = self.down
        self._failures += 1
        # Of the many that were under way when it went down, the first says so; the others say nothing new.
        if self.down and (not was_down or begun >= self._since):
            self._step += 1
            self._pause(now)

    def heard(self) -> bool:
        """It took one, or refused it for good. True where it had been down."""
        was_down = self.down
        self._failures = self._step = 0
        self._until = 0.0
        return was_down

    def room(self, busy: int, now: float) -> int:
        """How many more may be begun now, where `busy` are under way."""
        if not self.down:
            return max(0, self._at_once - busy)
        return int(busy < min(_PROBES, self._at_once) and now >= self._until)

    def probing(self, now: float) -> None:
        """One of those that `room` allowed a receiver that is down was begun."""
        self._pause(now)

    def forget(self) -> None:
        """Try at once, whatever was."""
        self._until = 0.0

    def again_at(self) -> float:
        """From when on a receiver that is down may be asked again."""
        return self._until if self.down else 0.0

    def _pause(self, now: float) -> None:
        self._since = now
        self._until = now + min(pause_s(max(1, self._step), self._chance()), _DOWN_S)
