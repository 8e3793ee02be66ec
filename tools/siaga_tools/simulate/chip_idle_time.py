"""Skips time while every task of a simulated chip sleeps and nothing around it is active."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from siaga_tools.simulate.chip_sleep import ChipSleep
from siaga_tools.simulate.clock import SimClock

# How long traffic must have been quiet before time is skipped, real seconds: whoever is asked answers within it.
QUIET_S: Final = 0.25
# The shortest skip: a task may wake late by up to so many simulated microseconds, as on a chip that is computing a
# signature.
GRAIN_US: Final = 1_000_000


class ChipSkipping:
    """Used within the loop's thread.

    unsettled: each called with quiet_s; returns how long, in real seconds, to wait before asking again, 0 = idle
    skipped_us: so far
    wish_us: until when all the program's tasks sleep, None = some do not
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: SimClock, sleep: ChipSleep) -> None:
        self._loop = loop
        self._clock = clock
        self._sleep = sleep
        self.quiet_s = QUIET_S
        self.skipped_us = 0
        self.unsettled: list[Callable[[float], float]] = []
        self.wish_us: int | None = None
        self._again: asyncio.TimerHandle | None = None

    @property
    def quiet_ms(self) -> int:
        """Return quiet_s for the program, ms; 0 = nothing is skipped."""
        return int(self.quiet_s * 1000) if self._clock.skips else 0

    def skip(self) -> None:
        """Skip to when the firmware wakes, if everything is idle."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        now_us = self._clock.now_us()
        until_us = self._sleep.wakes_at_us if self._sleep.is_asleep else self.wish_us
        if not self._clock.skips or until_us is None or until_us <= now_us:
            return
        wait_s = max((unsettled(self.quiet_s) for unsettled in self.unsettled), default=0.0)
        if wait_s:
            self._again = self._loop.call_later(wait_s, self.skip)
            return
        if not self._sleep.is_asleep:
            until_us = max(until_us, now_us + GRAIN_US)
        if self._clock.skip_to(until_us):
            self.wish_us = None
            self.skipped_us += self._clock.now_us() - now_us
