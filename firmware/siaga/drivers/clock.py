"""Time for everything above: milliseconds that only grow, and the calendar's time once somebody trustworthy gave it."""

import time


class Clock:
    """rtc: the board's calendar clock, with unix() -> seconds or 0 while it is not set, and set_unix(seconds)."""

    def __init__(self, rtc: "Rtc", awake_ms: int = 0) -> None:
        """awake_ms: how long the chip has been running already."""
        self._rtc = rtc
        self._last = time.ticks_ms()
        self._ms = awake_ms

    def ms(self) -> int:
        """Milliseconds since the chip began to run. Never wraps, as the chip's counter does after 12 days."""
        now = time.ticks_ms()
        self._ms += time.ticks_diff(now, self._last)
        self._last = now
        return self._ms

    def unix(self) -> int:
        """Seconds since 1970, UTC; 0 = not set."""
        return self._rtc.unix()

    def set_unix(self, seconds: int) -> bool:
        """Take the gateway's time if there is none yet. Whether it was taken."""
        if self._rtc.unix():
            return False
        self._rtc.set_unix(seconds)
        return True


class Rtc:
    """What a board's calendar clock answers."""

    def unix(self) -> int:
        """Seconds since 1970, UTC; 0 = the clock is not set."""
        return 0

    def set_unix(self, seconds: int) -> None:
        """Set it."""

    def seconds(self) -> int:
        """Seconds from whatever moment, which go on through resets and deep sleep, set or not."""
        return 0

    def at_least(self, seconds: int) -> None:
        """It is no earlier than this. The dates of certificates are checked against it while the clock is not set;
        unix() stays 0."""
