"""When a button that has gone to another broker goes back to the first one. Pure: time and chance are arguments.

While nobody is in need, and not all buttons at once. A first broker that takes the button back and is left again soon
has failed: the next attempt waits twice as long, so that a button does not go to and fro.
"""

from micropython import const

FIRST_MS = const(600000)
# In first waits: the longest wait, and how long the first broker has to hold until it counts as well again.
_LONGEST = const(36)
_WELL = const(6)


class FirstBroker:
    """Call at() with each look at a link that is up, and is_due() while nothing is pending."""

    def __init__(self, first_ms: int = FIRST_MS) -> None:
        """first_ms: the first wait, from once to twice as long by chance."""
        self._first_ms = first_ms
        self._wait_ms = first_ms
        self._place = 0
        self._since_ms = 0
        self._due_ms = 0

    def at(self, place: int, now_ms: int, chance: int) -> None:
        """Note which broker the link is up with. place: its index. chance: of 16 bits."""
        if place == 0:
            if self._place:
                self._since_ms = now_ms
            elif now_ms - self._since_ms >= _WELL * self._first_ms:
                self._wait_ms = self._first_ms
        elif not self._place:
            self._due_ms = now_ms + self._wait_ms + self._apart_ms(chance)
        self._place = place

    def is_due(self, now_ms: int) -> bool:
        """Return whether to go back now."""
        return self._place > 0 and now_ms - self._due_ms >= 0

    def tried(self, now_ms: int, chance: int) -> None:
        """Note an attempt; until the next one it takes twice as long. chance: of 16 bits."""
        self._wait_ms = min(2 * self._wait_ms, _LONGEST * self._first_ms)
        self._due_ms = now_ms + self._wait_ms + self._apart_ms(chance)

    def _apart_ms(self, chance: int) -> int:
        return chance * (self._wait_ms // 65536 + 1) % self._wait_ms
