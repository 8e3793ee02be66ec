"""Rings the bell for what other processes journalled: another worker, a registrar's command while the gateway runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from siaga_gateway.service.ports import Bell
from siaga_gateway.service.recurring import Recurring
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.5
_BREATH_S: Final = 0.02  # after a ring: hundreds of commits a second by others are not hundreds of looks


class JournalWatch:
    """Looks twice a second whether the journal grew, at once where the store says so, in a thread of its own. What this
    process itself writes rings the bell without delay; ringing once more costs a reader one look."""

    def __init__(self, store: Store, bell: Bell, grown: Callable[[], None] = lambda: None) -> None:
        """`grown` is called when the bell was rung: the outbox may have grown too."""
        self._store = store
        self._bell = bell
        self._grown = grown
        self._last = -1  # the journal's entry up to which the bell was rung
        self._looks = Recurring("journal-watch", self._look, end_s=5)

    def start(self) -> None:
        self._looks.start()

    def stop(self) -> None:
        self._looks.stop()

    def _look(self) -> float:
        try:
            self._store.await_change(_EVERY_S)
            now = self._store.last_journal_id()
        except StoreFailing as error:
            log.debug("the journal cannot be read: %s", error)
            return _EVERY_S
        if now == self._last:
            return 0.0
        self._last = now
        self._bell.ring()
        self._grown()
        return _BREATH_S
