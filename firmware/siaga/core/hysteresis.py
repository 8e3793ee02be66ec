"""Debouncing and hysteresis: a report must not cause what it reports, and a loose contact must not report without end.

A cell sags while a radio sends, so a low reading then says nothing; and a state with a single mark for set and clear
flips with every reading near it. Pure.
"""

from micropython import const

# A battery state changes only after it has lasted this long.
LASTS_MS = const(60000)
# After this long without a quiet moment none is expected: readings while sending have to do.
_NEVER_QUIET_MS = const(600000)


class BatteryThreshold:
    """A battery mark with hysteresis.

    on: whether the battery is at or below the mark
    below: percent at which it turns on
    above: percent at which it turns off
    """

    def __init__(self, below: int, above: int) -> None:
        self.on = False
        self._below = below
        self._above = above
        self._since_ms = -1
        self._quiet_ms = 0

    def begin(self, percent: "int | None", was: bool) -> None:
        """Take the first reading of a run, with no radio active for long. was: the state before a sleep."""
        self.on = percent is not None and (percent <= self._below or was and percent < self._above)

    def look(self, now_ms: int, percent: "int | None", quiet: bool) -> None:
        """Take a reading; call it a few times a second. percent: None = no cell. quiet: no radio is sending, nor was
        just before."""
        if quiet:
            self._quiet_ms = now_ms
        elif now_ms - self._quiet_ms >= _NEVER_QUIET_MS:
            quiet = True
        if percent is None:
            self.on = False
            self._since_ms = -1
            return
        other = percent < self._above if self.on else percent > self._below
        if other and (quiet or not self.on):  # a reading above the mark while sending is above it
            self._since_ms = -1
        elif not other and (quiet or self.on):
            if self._since_ms < 0:
                self._since_ms = now_ms
            elif now_ms - self._since_ms >= LASTS_MS:
                self.on = not self.on
                self._since_ms = -1


class FlickerFilter:
    """A contact's reported state. One that flickers is reported ever less often, and its last state always is. value:
    the state as last reported."""

    def __init__(self, value: bool, lasts_ms: int, apart_ms: int, longest_ms: int) -> None:
        """lasts_ms: debounce time. apart_ms: least time between reports; it doubles with each one that follows too
        soon, up to longest_ms."""
        self.value = value
        self._lasts_ms = lasts_ms
        self._least_ms = self._apart_ms = apart_ms
        self._longest_ms = longest_ms
        self._since_ms = -1
        self._told_ms = -1

    def look(self, value: bool, now_ms: int) -> bool:
        """Take a sample. Returns whether there is something to report now."""
        if value == self.value:
            self._since_ms = -1
            return False
        if self._since_ms < 0:
            self._since_ms = now_ms
        if now_ms - self._since_ms < self._lasts_ms:
            return False
        if self._told_ms >= 0:
            rest_ms = now_ms - self._told_ms
            if rest_ms < self._apart_ms:
                return False
            soon = rest_ms < 2 * self._apart_ms + self._least_ms
            self._apart_ms = min(2 * self._apart_ms, self._longest_ms) if soon else self._least_ms
        self.value = value
        self._told_ms = now_ms
        self._since_ms = -1
        return True
