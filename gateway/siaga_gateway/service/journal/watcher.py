"""Notifies of what other processes journalled: another worker, or a registrar's command while the gateway runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.ports import Notifier
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.5
_PAUSE_AFTER_RING_S: Final = 0.02  # hundreds of commits a second by others must not cause hundreds of checks


class JournalWatcher:
    """Checks twice a second whether the journal grew, at once if the store signals it, in its own thread.

    This process's own writes notify without delay; a second notification costs a reader one check.
    """

    def __init__(self, store: Store, notifier: Notifier, grown: Callable[[], None] = lambda: None) -> None:
        """grown: called after the notification, as the outbox may have grown too."""
        self._store = store
        self._notifier = notifier
        self._grown = grown
        self._last = -1  # the last journal entry notified
        self._looks = PeriodicThread("journal-watch", self._look, end_s=5)

    def start(self) -> None:
        self._looks.start()

    def stop(self) -> None:
        self._looks.stop()

    def _look(self) -> float:
        try:
            self._store.await_change(_EVERY_S)
            now = self._store.last_journal_id()
        except StoreFailing as error:
            log.debug(Localized("log.journal.unreadable", why=error))
            return _EVERY_S
        if now == self._last:
            return 0.0
        self._last = now
        self._notifier.ring()
        self._grown()
        return _PAUSE_AFTER_RING_S
