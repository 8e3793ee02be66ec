"""Counters that strictly increase over the button's whole life, whatever cuts its power.

They are reserved in blocks: the end of a block is on the flash before its first counter is used, and a restart begins
behind it. So a restart costs a gap of less than a block, deep sleep none, and none is ever used twice. A new block
is fetched while half of the old one is left: a flash that fails then still leaves enough for a press.
"""

from siaga.core.errors import SiagaError

BLOCK = 16
LAST = 0xFFFFFFFF


class Counter:
    """reserve(end) puts the end of the reserved range on the flash, or raises OSError."""

    def __init__(self, reserved: int, reserve: "Reserve") -> None:
        self._next = reserved
        self._end = reserved
        self._reserve = reserve

    def next(self) -> int:
        """A counter that was never used. Raises SiagaError where the flash takes no reservation and none is left, or
        the counters are used up (after four thousand million)."""
        if self._next >= LAST:
            raise SiagaError("this key's counters are used up: enrol the button anew")
        if self._end - self._next <= BLOCK // 2:
            try:
                end = min(max(self._end, self._next) + BLOCK, LAST)
                self._reserve(end)
                self._end = end
            except OSError as error:
                if self._next >= self._end:
                    raise SiagaError("the flash does not take the counter's reservation: %s" % error)
        counter = self._next
        self._next += 1
        return counter

    def resume(self, following: int) -> None:
        """Go on with this one, which follows the last that was used: nothing but deep sleep came between."""
        if self._end - BLOCK - BLOCK // 2 <= following <= self._end:
            self._next = following

    @property
    def used(self) -> int:
        """No counter above this was ever used."""
        return self._next - 1


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Reserve = Callable[[int], None]
