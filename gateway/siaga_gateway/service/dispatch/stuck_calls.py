"""Sees from the console's process, too, that the calls for help go on: whoever drives them may have died."""

from __future__ import annotations

import threading
import time
from typing import Final

from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

_LOOK_S: Final = 2.0  # every open page asks, the store is read so often
_ALL_S: Final = 10.0  # the same of all open calls


class StuckCalls:
    """Thread-safe."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock) -> None:
        self._store = store
        self._auditor = Auditor(store, notifier, clock, lambda incidents: None, tells=False)
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._looked_at_all: float | None = None
        self._unreadable = False  # one of the open calls is

    def troubles(self) -> list[str]:
        """Return `escalations` while some are late or missing, `calls_unreadable` while an open call cannot be read.
        Raises: StoreFailing."""
        with self._lock:
            if self._looked is None or time.monotonic() - self._looked > _LOOK_S:
                self._looked = time.monotonic()
                self._auditor.work()
            if self._looked_at_all is None or time.monotonic() - self._looked_at_all > _ALL_S:
                self._looked_at_all = time.monotonic()
                known = {each.id for each in self._store.open_incidents()}
                self._unreadable = bool(self._store.unreadable_calls(known))
            return ["escalations"] * bool(self._auditor.fault()) + ["calls_unreadable"] * self._unreadable
