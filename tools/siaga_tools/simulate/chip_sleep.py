"""A simulated ESP32's deep sleep: what can end it, and the RTC that keeps the time meanwhile."""

from __future__ import annotations

from typing import Final

from siaga_tools.simulate.chip_pads import ChipPads
from siaga_tools.simulate.clock import SimClock

# Bits of RTC_CNTL_WAKEUP_STATE.
EXT0, EXT1, TIMER = 1, 2, 8
_MILLION: Final = 1_000_000


class ChipSleep:
    """The sleep and the RTC.

    ppm: how much its clock runs fast in deep sleep, in ppm
    rtc: how far its clock is ahead of the simulated one, microseconds, and its record; None = no power since
    wakes_at_us: when its timer ends the sleep, None = it has none
    """

    def __init__(self, clock: SimClock, pads: ChipPads, ppm: int) -> None:
        self._clock = clock
        self._pads = pads
        self._ppm = ppm
        self.rtc: tuple[int, bytes] | None = None
        self.wakes_at_us: int | None = None
        self._began_us: int | None = None
        self.awake()

    @property
    def is_asleep(self) -> bool:
        return self._began_us is not None

    def awake(self) -> None:
        """Note that a program runs, and has requested no sleep."""
        self.wakes_at_us = None
        self._ext0: tuple[int, int] | None = None
        self._ext1: tuple[tuple[int, ...], int] = ((), 1)

    def power_on(self) -> tuple[int, bytes]:
        """Return the present rtc: a fresh one after a power cut."""
        if self.rtc is None:
            self.rtc = (-self._clock.now_us(), b"")
        return self.rtc

    def power_off(self) -> None:
        self.rtc = self._began_us = self.wakes_at_us = None

    def begin(self, words: list[str]) -> None:
        """Begin to sleep. words: milliseconds at most, -1 = for ever; pin and level of EXT0; pins and level of EXT1;
        "-" = none."""
        longest_ms = int(words[0])
        self._ext0 = None if words[1] == "-" else (int(words[1]), int(words[2]))
        pins = () if words[3] == "-" else tuple(int(pin) for pin in words[3].split(","))
        self._ext1 = (pins, int(words[4]))
        self._began_us = self._clock.now_us()
        self.wakes_at_us = None
        if longest_ms >= 0:
            self.wakes_at_us = self._began_us + longest_ms * 1000 * _MILLION // (_MILLION + self._ppm)

    def ends(self) -> tuple[int, tuple[int, ...]]:
        """Return everything that ends the sleep now, as bits, 0 = nothing; and the pins of EXT1 that do."""
        state = 0
        if self._ext0 is not None and self._pads.acting([self._ext0[0]], self._ext0[1]):
            state |= EXT0
        pins, level = self._ext1
        acting = self._pads.acting(pins, level)
        if acting and (level or len(acting) == len(pins)):
            state |= EXT1
        if self.is_over():
            state |= TIMER
        return state, acting if state & EXT1 else ()

    def is_over(self) -> bool:
        """Return whether the timer has expired."""
        return self.wakes_at_us is not None and self._clock.now_us() >= self.wakes_at_us

    def drift(self) -> None:
        """Apply the clock's drift at the end of a sleep, if there was one."""
        if self._began_us is not None and self.rtc is not None:
            offset_us, memory = self.rtc
            off_us = (self._clock.now_us() - self._began_us) * self._ppm // _MILLION
            self.rtc = offset_us + off_us, memory
        self._began_us = None

    def run_off(self, seconds: float) -> None:
        """Shift its clock by this much."""
        assert self.rtc is not None
        self.rtc = self.rtc[0] + int(seconds * _MILLION), self.rtc[1]
