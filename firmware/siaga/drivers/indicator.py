"""What the holder sees, hears and feels: one pattern a signal, each different from all others in every one of the
three, except where nothing may be noticed (armed, closed and cancelled end in darkness and silence)."""

import asyncio

from micropython import const
from siaga.drivers.clock import Clock

LIGHT = const(1)
SOUND = const(2)
VIBRATION = const(4)
_STEP_MS = const(20)
# A pattern that goes on is heard for a minute; the light alone goes on after that.
SOUND_MS = const(60000)
_MARKS = {"*": LIGHT | SOUND | VIBRATION, "l": LIGHT, "b": LIGHT | SOUND, "-": 0}

# signal: (tone in Hz, played once, then repeated). A step is a mark and milliseconds: * all three, l light, b light and
# sound, - nothing. Text, because tuples of tuples would take 10 KB of the chip's memory.
PATTERNS = {
    "armed": (0, "", "l20 -9980"),
    "sending": (1200, "*150 -100", "l100 -100"),
    "received": (1500, "*200 -150 *200 -150", "l1000 -1000"),
    "seen": (1700, "*200 -150 *200 -150 *200 -150", "l150 -150 l150 -1550"),
    "assigned": (1900, "*200 -150 *200 -150 *200 -150 *200 -150", "l150 -150 l150 -150 l150 -1250"),
    "on_scene": (2100, "*1000 -150", "l2000"),
    "closed": (900, "*600 -200 *200", "-2000"),
    "cancelled": (700, "*80 -80 *80 -80 *80 -80", "-2000"),
    "refused": (400, "", "*900 -300 *900 -2900"),
    "not_getting_through": (500, "", "*300 -200 *300 -200 *300 -1700"),
    "test": (1000, "*100 -100", "l50 -450"),
    "test_received": (1000, "*100 -100 *100 -100 *600", "-2000"),
    "low_battery": (2500, "", "b60 -59940"),
    "no_connection": (0, "", "l60 -120 l60 -4760"),
    "not_set_up": (0, "", "l500 -500"),
}


def steps(pattern: str) -> "list[tuple[int, int]]":
    """A pattern's text as (what is on, milliseconds)."""
    return [(_MARKS[step[0]], int(step[1:])) for step in pattern.split()]


class Lamp:
    """What a board has for it; what it has not is left out."""

    def set(self, light: bool, tone_hz: int, vibration: bool) -> None:
        """Switch all three; tone_hz 0 = quiet."""


class Indicator:
    """show() says which signal, run() plays it. silent: neither light nor sound, ever; vibration stays."""

    def __init__(self, lamp: Lamp, clock: Clock, silent: bool) -> None:
        self._lamp = lamp
        self._clock = clock
        self.silent = silent
        self.signal = ""
        self._began_ms = 0
        self._changed = False

    def show(self, signal: str) -> bool:
        """Whether this is another signal than the one shown."""
        if signal == self.signal:
            return False
        self.signal = signal
        self._began_ms = self._clock.ms()
        self._changed = True
        return True

    def level(self, mask: int, now_ms: int) -> "tuple[bool, int, bool]":
        """(light, tone in Hz, vibration) for a step of the present signal."""
        tone = PATTERNS[self.signal][0]
        if self.silent:
            mask &= VIBRATION
        if now_ms - self._began_ms > SOUND_MS and self.signal != "low_battery":
            mask &= LIGHT
        return bool(mask & LIGHT), tone if mask & SOUND else 0, bool(mask & VIBRATION)

    async def run(self) -> None:
        """Play until cancelled; everything is off then."""
        try:
            while True:
                self._changed = False
                if not self.signal:
                    await asyncio.sleep_ms(_STEP_MS)
                    continue
                _, once, repeated = PATTERNS[self.signal]
                await self._play(steps(once))
                again = steps(repeated)
                while not self._changed:
                    await self._play(again)
        finally:
            self._lamp.set(False, 0, False)

    async def _play(self, pattern: "list[tuple[int, int]]") -> None:
        for mask, length_ms in pattern:
            if self._changed:
                return
            began_ms = self._clock.ms()
            self._lamp.set(*self.level(mask, began_ms))
            while not self._changed and self._clock.ms() - began_ms < length_ms:
                await asyncio.sleep_ms(_STEP_MS)
