"""What the holder sees, hears and feels: one pattern a signal, each different from all others in every one of the
three, except where nothing may be noticed (armed, closed and cancelled end in darkness and silence)."""

import asyncio

from micropython import const
from siaga.drivers.clock import Clock

LIGHT = const(1)
SOUND = const(2)
VIBRATION = const(4)
_ALL = const(7)
_STEP_MS = const(20)
# A pattern that goes on is heard for a minute; the light alone goes on after that.
SOUND_MS = const(60000)

# signal: (tone in Hz, played once, then repeated); a step is (what is on, milliseconds).
PATTERNS = {
    "armed": (0, (), ((LIGHT, 20), (0, 9980))),
    "sending": (1200, ((_ALL, 150), (0, 100)), ((LIGHT, 100), (0, 100))),
    "received": (1500, ((_ALL, 200), (0, 150)) * 2, ((LIGHT, 1000), (0, 1000))),
    "seen": (1700, ((_ALL, 200), (0, 150)) * 3, ((LIGHT, 150), (0, 150), (LIGHT, 150), (0, 1550))),
    "assigned": (1900, ((_ALL, 200), (0, 150)) * 4, ((LIGHT, 150), (0, 150)) * 3 + ((0, 1100),)),
    "on_scene": (2100, ((_ALL, 1000), (0, 150)), ((LIGHT, 2000),)),
    "closed": (900, ((_ALL, 600), (0, 200), (_ALL, 200)), ((0, 2000),)),
    "cancelled": (700, ((_ALL, 80), (0, 80)) * 3, ((0, 2000),)),
    "refused": (400, (), ((_ALL, 900), (0, 300), (_ALL, 900), (0, 2900))),
    "not_getting_through": (500, (), ((_ALL, 300), (0, 200)) * 3 + ((0, 1500),)),
    "test": (1000, ((_ALL, 100), (0, 100)), ((LIGHT, 50), (0, 450))),
    "test_received": (1000, ((_ALL, 100), (0, 100)) * 2 + ((_ALL, 600),), ((0, 2000),)),
    "low_battery": (2500, (), ((LIGHT | SOUND, 60), (0, 59940))),
    "no_connection": (0, (), ((LIGHT, 60), (0, 120), (LIGHT, 60), (0, 4760))),
}


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
                await self._play(once)
                while not self._changed:
                    await self._play(repeated)
        finally:
            self._lamp.set(False, 0, False)

    async def _play(self, steps: "tuple[tuple[int, int], ...]") -> None:
        for mask, length_ms in steps:
            if self._changed:
                return
            began_ms = self._clock.ms()
            self._lamp.set(*self.level(mask, began_ms))
            while not self._changed and self._clock.ms() - began_ms < length_ms:
                await asyncio.sleep_ms(_STEP_MS)
