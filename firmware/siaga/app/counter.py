"""Counters that strictly increase over the button's whole life, whatever cuts its power.

They are reserved in blocks: the end of a block is on flash before its first counter is used, and a restart resumes
after it. So a restart skips less than a block, deep sleep nothing, and no counter is ever used twice. A new block is
reserved while half of the old one is left: a flash that fails then still leaves enough for a press.
"""

from siaga.core.errors import SiagaError

BLOCK = 16
LAST = 0xFFFFFFFF


class Counter:
    """Hands out the counters. reserve(end): stores the end of the reserved range on flash, or raises OSError."""

    def __init__(self, reserved: int, reserve: "Reserve") -> None:
        self._next = reserved
        self._end = reserved
        self._reserve = reserve

    def next(self) -> int:
        """Return an unused counter. Raises SiagaError if no reservation is left and the flash takes none, or if all
        counters are used up (some four billion)."""
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
        """Continue with this counter, the one after the last used: nothing but deep sleep came between."""
        if self._end - BLOCK - BLOCK // 2 <= following <= self._end:
            self._next = following

    @property
    def used(self) -> int:
        """Return an upper bound: no counter above it was ever used."""
        return self._next - 1


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Reserve = Callable[[int], None]
