"""When a reading has become a state: a report must not cause what it reports, nor a loose contact reports without end.

A cell sags while a radio sends, so what is measured then says nothing about a cell that looks empty; and a state that
changes at one and the same mark for 'has become' and 'is no more' changes with every reading near it. Pure.
"""

from micropython import const

# A battery's state changes after it lasted so long.
LASTS_MS = const(60000)
# A radio that has not been quiet for so long will not be: what is read meanwhile has to do.
_NEVER_QUIET_MS = const(600000)


class Threshold:
    """on: whether the battery is at or below a mark. below: percent at which it is; above: at which it no longer is."""

    def __init__(self, below: int, above: int) -> None:
        self.on = False
        self._below = below
        self._above = above
        self._since_ms = -1
        self._quiet_ms = 0

    def begin(self, percent: "int | None", was: bool) -> None:
        """The first reading of a run, while no radio has sent for long. was: what it was before a sleep."""
        self.on = percent is not None and (percent <= self._below or was and percent < self._above)

    def look(self, now_ms: int, percent: "int | None", quiet: bool) -> None:
        """A few times a second. percent: None = no cell. quiet: no radio is sending, or was just before."""
        if quiet:
            self._quiet_ms = now_ms
        elif now_ms - self._quiet_ms >= _NEVER_QUIET_MS:
            quiet = True
        if percent is None:
            self.on = False
            self._since_ms = -1
            return
        other = percent < self._above if self.on else percent > self._below
        if other and (quiet or not self.on):  # more than the mark while sending is more than the mark
            self._since_ms = -1
        elif not other and (quiet or self.on):
            if self._since_ms < 0:
                self._since_ms = now_ms
            elif now_ms - self._since_ms >= LASTS_MS:
                self.on = not self.on
                self._since_ms = -1


class Steady:
    """value: a contact's state as it was told. One that flickers is told ever more seldom, and its last state is always
    told."""

    def __init__(self, value: bool, lasts_ms: int, apart_ms: int, longest_ms: int) -> None:
        """lasts_ms: so long a state has to last. apart_ms: between two tellings; twice as long after each one that came
        soon after the one before, up to longest_ms."""
        self.value = value
        self._lasts_ms = lasts_ms
        self._least_ms = self._apart_ms = apart_ms
        self._longest_ms = longest_ms
        self._since_ms = -1
        self._told_ms = -1

    def look(self, value: bool, now_ms: int) -> bool:
        """Whether there is something to tell now."""
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
