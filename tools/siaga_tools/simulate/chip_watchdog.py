"""A simulated ESP32's watchdog, which tells a hanging processor from a busy host."""

from __future__ import annotations

from typing import Final

from siaga_tools.simulate.clock import SimClock

# However fast time runs: a host that was busy for less than this is no hanging processor. Counted in checks, since a
# stalled host has not checked either.
LOOK_S: Final = 1.0
_LOOKS: Final = 5


class ChipWatchdog:
    """The watchdog.

    patience_ms: time-out set by the program
    due_us: when it fires, None = it is off
    """

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self.patience_ms = 0
        self.due_us: int | None = None
        self._looks = 0  # since the last feed

    def feed(self) -> None:
        self.due_us = self._clock.now_us() + self.patience_ms * 1000
        self._looks = 0

    def off(self) -> None:
        self.due_us = None

    def look(self) -> bool:
        """Check, after some LOOK_S of host time. Returns whether the program hangs."""
        self._looks += 1
        return self.due_us is not None and self._clock.now_us() >= self.due_us and self._looks > _LOOKS
