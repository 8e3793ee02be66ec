"""Sees from the console's process, too, that the calls for help go on: whoever drives them may have died."""

from __future__ import annotations

import threading
import time
from typing import Final

from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

_LOOK_S: Final = 2.0  # every open page asks, the store is read so often


class StuckCalls:
    """Thread-safe."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock) -> None:
        self._auditor = Auditor(store, notifier, clock, lambda incidents: None, tells=False)
        self._lock = threading.Lock()
        self._looked: float | None = None

    def troubles(self) -> list[str]:
        """Return `escalations` while some are late or missing. Raises: StoreFailing."""
        with self._lock:
            if self._looked is None or time.monotonic() - self._looked > _LOOK_S:
                self._looked = time.monotonic()
                self._auditor.work()
            return ["escalations"] if self._auditor.fault() else []
