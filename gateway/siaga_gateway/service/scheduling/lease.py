"""A lease on what only one of several workers may do at a time, renewed while in use."""

from __future__ import annotations

import time
from typing import Final

from siaga_gateway.service.store import Store, StoreFailing

_SPARE_S: Final = 1.0  # whatever begins must end so long before the lease does
_ENOUGH_S: Final = 5.0  # renew with less than this left beyond the longest piece of work
_FOR_S: Final = 10.0  # beyond that: a dead worker's work is taken over after both, at the latest
_LOOK_S: Final = 1.0  # retry interval of a worker without the lease


class Lease:
    """For one thread, except `sure`."""

    def __init__(self, store: Store, name: str, holder: str, longest_s: float) -> None:
        """holder: the same after a restart of the same worker, so that it continues where it died. longest_s: what the
        longest piece of work takes."""
        self._needed_s = longest_s + _SPARE_S
        self._enough_s = longest_s + _ENOUGH_S
        self._for_s = longest_s + _FOR_S
        self._store = store
        self._name = name
        self._holder = holder
        self._until = 0.0  # monotonic, our own clock: counted from before the store was asked
        self._look_at = 0.0

    def held(self) -> bool:
        """Whether the longest piece of work may begin now. Raises: StoreFailing if that is unknown."""
        now = time.monotonic()
        if self._until - now >= self._enough_s:
            return True
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            try:
                held = self._store.lease(self._name, self._holder, self._for_s)
                self._until = now + self._for_s if held else 0.0
            except StoreFailing:
                if self._until - now < self._needed_s:
                    raise
        return self._until - now >= self._needed_s

    def at_rest(self) -> None:
        """Call while no work of ours is under way: the moment to leave it to another, where there is a reason."""

    def sure(self) -> bool:
        """Whether that may begin as of the last `held`. Thread-safe; does not ask the store."""
        return self._until - time.monotonic() >= self._needed_s

    def give_back(self) -> None:
        """Release it for another worker at once. Never raises."""
        if self._until == 0.0:
            return
        self._until = 0.0
        try:
            self._store.release_lease(self._name, self._holder)
        except StoreFailing:
            return  # it expires by itself
