"""Time for everything above: monotonic milliseconds, and the calendar's time as far as it is known.

The chip's calendar drifts by tenths of a percent to percents in deep sleep. So the gateway's time is exact only when it
arrives: each prompt answer to a frame corrects the clock, and before the first one of a run the clock is not known,
even if set. A late answer, and satellites, which anybody can spoof, count for less.
"""

import time

from micropython import const

# An answer to a frame first sent this long ago gives the present time, to within that.
_FRESH_MS = const(60000)
# The clock counts as known for this long after such an answer, in the same run.
_KNOWN_MS = const(3600000)
# Satellite time is accepted up to this long after the last certain time: receivers' weeks roll over.
_LONGEST_S = const(315360000)
# Satellites correct a set clock only within what a bad one may have drifted: this much, plus one part in so many.
_SLACK_S = const(60)
_PART = const(20)


class Clock:
    """The clock.

    rtc: the board's calendar clock
    floor: a lower bound of the time, Unix seconds
    on_answer(told): called with the time in each fresh answer of the gateway
    """

    def __init__(self, rtc: "Rtc", awake_ms: int = 0) -> None:
        """awake_ms: how long the chip has been running already."""
        self._rtc = rtc
        self._last = time.ticks_ms()
        self._ms = awake_ms
        self._heard_ms = -1
        self.floor = 0
        self.on_answer: "Callable[[int], None] | None" = None

    def ms(self) -> int:
        """Return milliseconds since the chip started. Never wraps, as the chip's counter does after 12 days."""
        now = time.ticks_ms()
        self._ms += time.ticks_diff(now, self._last)
        self._last = now
        return self._ms

    def unix(self) -> int:
        """Return seconds since 1970, UTC; 0 = not set."""
        return self._rtc.unix()

    def is_known(self) -> bool:
        """Return whether the gateway gave the time so recently that it cannot have drifted."""
        return self._heard_ms >= 0 and self.ms() - self._heard_ms < _KNOWN_MS

    def begin(self, floor: int) -> None:
        """Set the lower bound; no certificate is judged as of an earlier time."""
        self.floor = floor
        if self._rtc.judged_at() < floor:
            self._rtc.judge_at(floor)

    def set_unix(self, told: int, age_ms: int = 0) -> bool:
        """Take the gateway's time from a verified answer to a frame first sent age_ms ago, -1 = unknown. A late answer
        only sets a clock that is not set. Returns whether the clock was changed."""
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
        """Take a receiver's time. It never overrides the gateway's: a clock that is set moves no further than it may
        have drifted since the floor. Returns whether the clock was changed."""
        if not 0 <= seconds - self.floor < _LONGEST_S or self.is_known():
            return False
        unix = self._rtc.unix()
        off = abs(seconds - unix)
        if unix and (off <= 2 or off > _SLACK_S + max(unix - self.floor, 0) // _PART):
            return False
        self._rtc.set_unix(seconds)
        return True

    def judges(self, begins: int, ends: int) -> bool:
        """Consider a server's certificates, valid but for the clock, from `begins` to `ends`. Returns whether to judge
        them once more, as of a time in that span: only while the clock is unknown, never if expired before the floor.
        unix() stays."""
        moment = max(begins, self.floor)
        if self.is_known() or not moment <= min(ends, self.floor + _LONGEST_S):
            return False
        if begins <= self._rtc.judged_at() <= ends:
            return False
        self._rtc.judge_at(moment)
        return True


class Rtc:
    """A board's calendar clock."""

    def unix(self) -> int:
        """Return seconds since 1970, UTC; 0 = the clock is not set."""
        return 0

    def set_unix(self, seconds: int) -> None:
        """Set it; certificates are judged by it from now on."""

    def seconds(self) -> int:
        """Return seconds from an arbitrary epoch, which continue through resets and deep sleep, set or not, and through
        any other change of this clock."""
        return 0

    def judged_at(self) -> int:
        """Return the time as of which certificates' dates are judged, Unix seconds. It advances by itself."""
        return 0

    def judge_at(self, seconds: int) -> None:
        """Judge them as of this time; unix() and seconds() are unchanged."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
