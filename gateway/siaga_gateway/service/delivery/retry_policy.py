"""When to retry: an alert within seconds for its first ten minutes, the rest with growing pauses; and a receiver that
is down with a few probes now and then."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from siaga_gateway.domain.limits import LONGEST_ALERT_RETRY_AFTER_S, LONGEST_RETRY_AFTER_S

_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0
# An alert's pauses, with the fifth more or less within 1 to 5 s, and for how many tries: ten minutes of them at least.
_ALERT_FIRST_S: Final = 1.25
_ALERT_LONGEST_S: Final = 4.0
_ALERT_TRIES: Final = 190
_DOWN_AFTER: Final = 3  # consecutive failures that mean the receiver is down, rather than a bad notice
_DOWN_S: Final = 5.0  # longest time without a probe at a receiver that is down: no new press waits longer
_PROBES: Final = 2  # concurrent probes at a receiver that is down: one may hang because of its notice


def pause_s(attempts: int, chance: float, asked_s: float | None = None, *, alert: bool = False) -> float:
    """Return seconds until the retry after 1, 2, ... failed attempts: doubling from 1 s to 60 s, plus or minus a fifth.

    chance: 0 to 1, spreads a receiver's clients. asked_s: the receiver's Retry-After, honoured up to a limit. alert:
    somebody waits for help by it: the pauses of its first ten minutes are 1 to 5 s. Tries are counted, not minutes: no
    clock that jumps ends them.
    """
    pressing = alert and attempts <= _ALERT_TRIES
    first, longest = (_ALERT_FIRST_S, _ALERT_LONGEST_S) if pressing else (_FIRST_S, _LONGEST_S)
    pause = min(longest, first * 2.0 ** min(attempts - 1, 10)) * (0.8 + 0.4 * chance)
    bound = LONGEST_ALERT_RETRY_AFTER_S if pressing else LONGEST_RETRY_AFTER_S
    return pause if asked_s is None else max(pause, min(asked_s, bound))


class RetryPolicy:
    """The policy for one receiver. Times are monotonic seconds, passed in; for one thread at a time."""

    def __init__(self, at_once: int, chance: Callable[[], float] = random.random) -> None:
        """at_once: limit of concurrent deliveries to it."""
        self._at_once = at_once
        self._chance = chance
        self._failures = 0  # consecutive
        self._step = 0  # consecutive pauses of the whole receiver
        self._since = 0.0  # when the last of these began
        self._until = 0.0

    @property
    def down(self) -> bool:
        return self._failures >= _DOWN_AFTER

    def failed(self, begun: float, now: float) -> None:
        """Record the failure of a delivery that began at `begun`."""
        was_down = self.down
        self._failures += 1
        # Of those under way when it went down, only the first failure counts.
        if self.down and (not was_down or begun >= self._since):
            self._step += 1
            self._pause(now)

    def heard(self) -> bool:
        """Record that it took a delivery or refused it permanently. Returns whether it had been down."""
        was_down = self.down
        self._failures = self._step = 0
        self._until = 0.0
        return was_down

    def room(self, busy: int, now: float) -> int:
        """Return how many more may begin now, with `busy` under way."""
        if not self.down:
            return max(0, self._at_once - busy)
        return int(busy < min(_PROBES, self._at_once) and now >= self._until)

    def probing(self, now: float) -> None:
        """Record that one of the probes that `room` allowed has begun."""
        self._pause(now)

    def forget(self) -> None:
        """Reset: try at once, whatever failed before."""
        self._until = 0.0

    def again_at(self) -> float:
        """Return when a receiver that is down may be probed again."""
        return self._until if self.down else 0.0

    def _pause(self, now: float) -> None:
        self._since = now
        self._until = now + min(pause_s(max(1, self._step), self._chance()), _DOWN_S)
