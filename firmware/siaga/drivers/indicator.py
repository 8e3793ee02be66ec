"""What the holder sees, hears and feels: one pattern a signal.

Lights are told apart without counting: by how long they are on, how long off and how fast they change; the more light,
the nearer is help. Fast flashes that turn into a long light mean "telephone for help" and nothing else. Armed, closed,
cancelled and test_received end dark, at once or after a while.
"""

import asyncio

from micropython import const

LIGHT = const(1)
SOUND = const(2)
VIBRATION = const(4)
_STEP_MS = const(20)
# "Telephone for help" sounds and vibrates for a minute, and again at the start of each further one; its light goes on.
SOUND_MS = const(60000)
SOUND_AGAIN_MS = const(10000)
CALLS = ("refused", "not_getting_through")
FIRST = const(1)
SECOND = const(2)
_MARKS = {"*": LIGHT | SOUND | VIBRATION, "l": LIGHT, "b": LIGHT | SOUND, "-": 0}

# signal: (tone in Hz, played once, then repeated). A step is a mark and milliseconds: * all three, l light, b light and
# sound, - nothing. Strings, because tuples of tuples would take 10 KB of the chip's memory.
PATTERNS = {
    "armed": (0, "", "l20 -9980"),
    "sending": (1200, "*400 -100", "l80 -80"),
    "received": (1500, "*150 -150 *150 -150", "l400 -1600"),
    "seen": (1700, "*150 -150 *600 -150", "l1200 -1200"),
    "assigned": (1900, "*600 -200 *600 -200", "l2400 -400"),
    "on_scene": (2100, "*1500 -150", "l2000"),
    "closed": (900, "*600 -200 *200", "-2000"),
    "cancelled": (700, "*150 -400 *150 -400 *150", "-2000"),
    "refused": (400, "", "*100 -100 *100 -100 *100 -100 *100 -100 *1200 -1200"),
    "not_getting_through": (500, "", "*100 -100 *100 -100 *100 -100 *100 -100 *1200 -400"),
    "test": (1000, "*100 -100", "l40 -560"),
    "test_received": (1000, "*300 -600 *300", "-2000"),
    "press_longer": (800, "*150 -150 *1500 -150", "l1900 -100"),
    "press_for_test": (1100, "*60 -60 *60 -60 *60 -60 *60 -60 *60 -60 *60 -100", "l450 -100"),
    "low_battery": (2500, "", "b60 l540 -9400 l600 -9400 l600 -9400 l600 -9400 l600 -9400 l600 -9400"),
    "no_connection": (0, "", "l60 -140 l60 -1740"),
    "not_set_up": (0, "", "l460 -460"),
    "unfit_chip": (0, "", "l200 -200"),
}


def steps(pattern: str) -> "list[tuple[int, int]]":
    """Parse a pattern into (mask of what is on, milliseconds)."""
    return [(_MARKS[step[0]], int(step[1:])) for step in pattern.split()]


class Lamp:
    """The board's light, buzzer and vibration motor; missing ones are left out. colours: of its light, 1 or 2."""

    colours = 1

    def set(self, light: int, tone_hz: int, vibration: bool) -> None:
        """Switch all three. light: 0 = off, FIRST or SECOND colour; tone_hz: 0 = quiet."""


class Indicator:
    """Plays signals: show() sets the signal, run() plays it. silent: neither light nor sound, ever; vibration
    remains."""

    def __init__(self, lamp: Lamp, clock: "Clock", silent: bool) -> None:
        self._lamp = lamp
        self._clock = clock
        self.silent = silent
        self.signal = ""
        self._news = 0
        self._began_ms = 0
        self._changed = False

    def show(self, signal: str, news: int = 0) -> bool:
        """Set the signal. Returns whether it is played from its beginning: it, or news, differs from the present
        one."""
        if signal == self.signal and news == self._news:
            return False
        self.signal = signal
        self._news = news
        self._began_ms = self._clock.ms()
        self._changed = True
        return True

    def level(self, mask: int, now_ms: int) -> "tuple[int, int, bool]":
        """Return (light, tone in Hz, vibration) for a step of the present signal, as Lamp.set() takes them."""
        tone = PATTERNS[self.signal][0]
        calls = self.signal in CALLS
        if self.silent:
            mask &= VIBRATION
        since_ms = now_ms - self._began_ms
        if calls and since_ms >= SOUND_MS and since_ms % SOUND_MS >= SOUND_AGAIN_MS:
            mask &= LIGHT
        light = (SECOND if calls and self._lamp.colours > 1 else FIRST) if mask & LIGHT else 0
        return light, tone if mask & SOUND else 0, bool(mask & VIBRATION)

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
            self._lamp.set(0, 0, False)

    async def _play(self, pattern: "list[tuple[int, int]]") -> None:
        for mask, length_ms in pattern:
            if self._changed:
                return
            began_ms = self._clock.ms()
            self._lamp.set(*self.level(mask, began_ms))
            while not self._changed and self._clock.ms() - began_ms < length_ms:
                await asyncio.sleep_ms(_STEP_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.clock import Clock
