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
REST_S: Final = 900.0  # where those that wait cannot be decrypted, as long as they and the key are the same
_KEY: Final = "personal_key"  # remembered by the store: the id of the key that encrypts


class SearchIndexing:
    """A periodic job for one worker of all."""

    def __init__(
        self, store: Store, key_fault: Callable[[], str | None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """key_fault: returns why nothing can be decrypted now, or None. monotonic: seconds."""
        self._store = store
        self._key_fault = key_fault
        self._limit = _FIRST
        self._monotonic = monotonic
        self._done = 0  # of this pass
        self._rest: tuple[int, str | None] | None = None  # how many wait, and the key, when a pass could do nothing
        self._rest_until = 0.0
        self._after = 0  # owners up to this were looked at; from the beginning again, for those whose key was not here

    def work(self) -> None:
        """Go on for a while. Raises: StoreFailing; what was done by then stays."""
        if self._key_fault() is not None:
            self._rest = None
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
        waiting = self._store.unsearchable(_MOST)
        if not waiting:
            self._after, self._done, self._rest = 0, 0, None
            return False
        found = (waiting, self._store.remembered(_KEY))
        if found == self._rest and self._monotonic() < self._rest_until:
            return False
        with self._store.transaction() as transaction:
            self._after, done = transaction.index_owners(self._after, self._limit)
        self._done += done
        if self._after:
            return True
        self._rest, self._rest_until = (None if self._done else found), self._monotonic() + REST_S
        self._done = 0
        return False
