"""Makes owners findable that are not yet: from older versions, after a change of the key, from an older gateway.

One short transaction after the other, with pauses between them: a press waits for one at most. What is left to do is
known from the owners themselves, so it may be killed at any moment. It has no end: labels of buttons are taken up here,
shortly after they have changed, whoever changed them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from siaga_gateway.service.store import Store

EVERY_S: Final = 1.0
_LEAST: Final = 20  # owners, or devices, in one transaction
_MOST: Final = 1_000
_FIRST: Final = 100
_GOAL_S: Final = 0.02  # of a transaction
_SHARE: Final = 3  # of the time, this part at most
_TURN_S: Final = 2.0  # other jobs wait for no longer


class SearchIndexing:
    """A periodic job for one worker of all."""

    def __init__(self, store: Store, key_fault: Callable[[], str | None]) -> None:
        """key_fault: returns why nothing can be decrypted now, or None."""
        self._store = store
        self._key_fault = key_fault
        self._limit = _FIRST
        self._after = 0  # owners up to this were looked at; from the beginning again, for those whose key was not here

    def work(self) -> None:
        """Go on for a while. Raises: StoreFailing; what was done by then stays."""
        if self._key_fault() is not None:
            return
        begun = time.monotonic()
        while time.monotonic() - begun < _TURN_S:
            since = time.monotonic()
            if not self.step():
                return
            took_s = time.monotonic() - since
            if took_s > _GOAL_S:
                self._limit = max(_LEAST, self._limit // 2)
            elif took_s < _GOAL_S / 2:
                self._limit = min(_MOST, self._limit * 2)
            time.sleep(took_s * (_SHARE - 1))

    def step(self) -> bool:
        """Run one transaction, if there is anything to do. Returns whether there was. Raises: StoreFailing."""
        if self._store.labels_wait():
            with self._store.transaction() as transaction:
                transaction.index_labels(self._limit)
            return True
        if not self._store.unsearchable(1):
            self._after = 0
            return False
        with self._store.transaction() as transaction:
            self._after, _ = transaction.index_owners(self._after, self._limit)
        return self._after > 0
