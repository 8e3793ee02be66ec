"""Time for everything above: milliseconds that only grow, and the calendar's time as far as somebody told it.

The chip's calendar runs off by tenths of a percent to percents in deep sleep. So what the gateway said is true for a
moment only: each answer to a frame that went out just now corrects it, and before the first one of a run the clock is
not known, even where it is set. A late answer and the satellites, which anybody can imitate, count for less.
"""

import time

from micropython import const

# An answer to a frame that first went out so long ago tells the time of now, to within that.
_FRESH_MS = const(60000)
# So long after such an answer, in the same run, the clock is known.
_KNOWN_MS = const(3600000)
# What satellites say is taken up to so long after the last time that is certain: receivers' weeks roll over.
_LONGEST_S = const(315360000)
# Satellites correct a set clock within what a bad one may have run off since then: so much, and one part in so many.
_SLACK_S = const(60)
_PART = const(20)


class Clock:
    """rtc: the board's calendar clock. floor: no earlier than this is it now, Unix seconds. on_answer(told) hears the
    time in each fresh answer of the gateway."""

    def __init__(self, rtc: "Rtc", awake_ms: int = 0) -> None:
        """awake_ms: how long the chip has been running already."""
        self._rtc = rtc
        self._last = time.ticks_ms()
        self._ms = awake_ms
        self._heard_ms = -1
        self.floor = 0
        self.on_answer: "Callable[[int], None] | None" = None

    def ms(self) -> int:
        """Milliseconds since the chip began to run. Never wraps, as the chip's counter does after 12 days."""
        now = time.ticks_ms()
        self._ms += time.ticks_diff(now, self._last)
        self._last = now
        return self._ms

    def unix(self) -> int:
        """Seconds since 1970, UTC; 0 = not set."""
        return self._rtc.unix()

    def is_known(self) -> bool:
        """Whether the gateway told the time so lately that nothing can have moved it since."""
        return self._heard_ms >= 0 and self.ms() - self._heard_ms < _KNOWN_MS

    def begin(self, floor: int) -> None:
        """It is no earlier than this, and no certificate is judged as if it were."""
        self.floor = floor
        if self._rtc.judged_at() < floor:
            self._rtc.judge_at(floor)

    def set_unix(self, told: int, age_ms: int = 0) -> bool:
        """The gateway's time in a verified answer to a frame that first went out age_ms ago, -1 = nobody knows when.
        A late answer only sets a clock that is not set. Whether the clock was changed."""
        unix = self._rtc.unix()
        if not 0 <= age_ms < _FRESH_MS:
            if unix:
                return False
            self._rtc.set_unix(told)
            return True
        self._heard_ms = self.ms()
        if self.on_answer is not None:
            self.on_answer(told)
        latest = told + age_ms // 1000 + 1
        if told <= unix <= latest and self._rtc.judged_at() == unix:
            return False
        right = min(max(unix, told), latest)
        self._rtc.set_unix(right)
        return right != unix

    def satellites(self, seconds: int) -> bool:
        """What a receiver says. It never outweighs what the gateway said: a clock that is set moves no further than it
        may have run off since the floor. Whether the clock was changed."""
        if not 0 <= seconds - self.floor < _LONGEST_S or self.is_known():
            return False
        unix = self._rtc.unix()
        off = abs(seconds - unix)
        if unix and (off <= 2 or off > _SLACK_S + max(unix - self.floor, 0) // _PART):
            return False
        self._rtc.set_unix(seconds)
        return True

    def judges(self, begins: int, ends: int) -> bool:
        """A server's certificates are all good but for the clock, and hold from one moment to the other. Whether they
        are to be judged once more, as of a moment within: only while the clock is not known, and never by certificates
        that ended before the floor. unix() stays as it is."""
        moment = max(begins, self.floor)
        if self.is_known() or not moment <= min(ends, self.floor + _LONGEST_S):
            return False
        if begins <= self._rtc.judged_at() <= ends:
            return False
        self._rtc.judge_at(moment)
        return True


class Rtc:
    """What a board's calendar clock answers."""

    def unix(self) -> int:
        """Seconds since 1970, UTC; 0 = the clock is not set."""
        return 0

    def set_unix(self, seconds: int) -> None:
        """Set it; certificates are judged by it from now on."""

    def seconds(self) -> int:
        """Seconds from whatever moment, which go on through resets and deep sleep, set or not, and through whatever
        else is done to this clock."""
        return 0

    def judged_at(self) -> int:
        """The moment as of which the dates of certificates are judged now, Unix seconds. It goes on by itself."""
        return 0

    def judge_at(self, seconds: int) -> None:
        """Judge them as of this moment; unix() and seconds() stay as they are."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
