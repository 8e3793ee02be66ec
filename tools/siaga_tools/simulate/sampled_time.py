"""Simulated time that goes on only as a chip's program looks: a machine that stands still makes no gap in what it sees
of a finger, and no longer hold."""

from __future__ import annotations

from typing import Final

from siaga_tools.simulate.chip import Chip, ChipState
from siaga_tools.simulate.clock import SimClock

# For silicon/chip/host.py: any pin, or the line to the host.
ANY: Final = -1
# By how much time goes on at most between two looks: less than what the firmware takes for a gap in its samples
# (core/button_gestures.py).
_STEP_US: Final = 200_000
# How much a look needs; the firmware samples every 15 ms.
_LOOK_US: Final = 50_000
# Whoever does not look for so many real seconds hangs, or restarts: time goes on without it.
_LOOKS_WITHIN_S: Final = 10


class SampledTime:
    """pin: the one that the program looks at. Time is limited until free()."""

    def __init__(self, chip: Chip, clock: SimClock, pin: int = ANY) -> None:
        self._chip = chip
        self._clock = clock
        self._pin = pin

    def stay(self, sim_s: float) -> None:
        """Let so many simulated seconds pass from the program's next look on: until then nobody knows its time."""
        if self._looks():
            self.until(self._clock.now_us() + int(sim_s * 1_000_000))
        else:
            self._clock.limit(None)
            self._clock.until(self._clock.now_us() + int(sim_s * 1_000_000))

    def until(self, sim_us: int) -> None:
        """Let time pass until then, and for one look more."""
        while self._looks():
            now_us = self._clock.now_us()
            if now_us >= sim_us:
                return
            self._clock.limit(min(now_us + _STEP_US, sim_us))
            self._clock.until(min(now_us + _STEP_US // 2, sim_us))
        self._clock.limit(None)
        self._clock.until(sim_us)

    def free(self) -> None:
        """Let time go on by itself."""
        self._clock.limit(None)

    def _looks(self) -> bool:
        for _ in range(_LOOKS_WITHIN_S):
            if self._chip.life is not ChipState.RUNNING:
                return False
            sampled = self._chip.ask_sample(self._pin)  # anew: it may have restarted since
            self._clock.limit(self._clock.now_us() + _LOOK_US)
            if sampled.wait(1.0):
                return True
        return False
