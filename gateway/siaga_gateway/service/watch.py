"""Rings the bell for what other processes journalled: a registrar's command while the gateway runs."""

from __future__ import annotations

import logging
import threading
from typing import Final

from siaga_gateway.service.ports import Bell
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.5


class JournalWatch:
    """Looks twice a second whether the journal grew, in a thread of its own. What this process itself writes rings the
    bell without delay; ringing once more costs a reader one look."""

    def __init__(self, store: Store, bell: Bell) -> None:
        self._store = store
        self._bell = bell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        last = -1
        while not self._stop.wait(_EVERY_S):
            try:
                now = self._store.last_journal_id()
            except StoreFailing as error:
                log.debug("the journal cannot be read: %s", error)
                continue
            if now != last:
                last = now
                self._bell.ring()
