"""What only one of several workers may do at a time, for as long as it goes on asking."""

from __future__ import annotations

import time
from typing import Final

from siaga_gateway.service.store import Store, StoreFailing

FOR_S: Final = 20.0  # a dead worker's work is taken up after that, at the latest
_ENOUGH_S: Final = 15.0  # less than this left: ask again
NEEDED_S: Final = 11.0  # what is begun must end within the lease: the longest delivery takes 10 s
_LOOK_S: Final = 1.0  # who has not got it looks again after so long


class Lease:
    """For one thread, apart from `sure`."""

    def __init__(self, store: Store, name: str, holder: str) -> None:
        """holder: the same after a restart of the same worker, so that it goes on where it died."""
        self._store = store
        self._name = name
        self._holder = holder
        self._until = 0.0  # monotonic, by our own clock: counted from before the store was asked
        self._look_at = 0.0

    def held(self) -> bool:
        """Whether something that takes up to NEEDED_S may be begun now. Raises StoreFailing where nobody can know."""
        now = time.monotonic()
        if self._until - now >= _ENOUGH_S:
            return True
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            try:
                self._until = now + FOR_S if self._store.lease(self._name, self._holder, FOR_S) else 0.0
            except StoreFailing:
                if self._until - now < NEEDED_S:
                    raise
        return self._until - now >= NEEDED_S

    def sure(self) -> bool:
        """Whether it is held for NEEDED_S more, as far as `held` last heard. From any thread, without asking."""
        return self._until - time.monotonic() >= NEEDED_S

    def give_back(self) -> None:
        """Let another worker have it at once. Never raises."""
        if self._until == 0.0:
            return
        self._until = 0.0
        try:
            self._store.release_lease(self._name, self._holder)
        except StoreFailing:
            return  # it ends by itself
