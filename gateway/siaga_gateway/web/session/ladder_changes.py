"""Which escalations have changed, for open pages: much of an escalation is no entry of the journal.

All streams of this process share one look at the store.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Final, Protocol

from siaga_gateway.service.ports import Clock

_LOOK_S: Final = 0.5  # at most so often
# So much is looked at again: a change is committed a little after its time.
_OVERLAP_MS: Final = 10_000
_BEFORE_MS: Final = 60_000  # a page was read before its stream began
_KEPT: Final = 240  # looks


class TouchedReading(Protocol):
    def escalations_touched(self, since_ms: int) -> Mapping[int, int]:
        """See service.store.escalations.EscalationReading."""
        ...


class LadderChanges:
    """Thread-safe."""

    def __init__(self, reader: TouchedReading, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Mapping[int, int] = {}  # incident -> revision, of the last look
        self._log: deque[tuple[int, frozenset[int]]] = deque(maxlen=_KEPT)
        self._number = 0  # of the last change
        self._looked: float | None = None  # monotonic
        self._at_ms = 0

    def since(self, number: int | None) -> tuple[int, list[int]]:
        """Return where the log is now, and which incidents' escalations have changed since it was there.

        None: those that changed just before. Blocking. Raises: StoreFailing.
        """
        with self._lock:
            if self._looked is None or time.monotonic() - self._looked >= _LOOK_S:
                self._look()
            if number is None:
                return self._number, sorted(self._known)
            changed = frozenset[int]().union(*(ids for at, ids in self._log if at > number))
            return self._number, sorted(changed)

    def look(self) -> None:
        """Look now. Raises: StoreFailing."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        now_ms = self._clock.now_ms()
        since_ms = now_ms - _BEFORE_MS if self._looked is None else min(now_ms, self._at_ms) - _OVERLAP_MS
        touched = self._reader.escalations_touched(since_ms)
        self._looked = time.monotonic()
        changed = frozenset(each for each, revision in touched.items() if self._known.get(each) != revision)
        self._known, self._at_ms = touched, now_ms
        if changed:
            self._number += 1
            self._log.append((self._number, changed))
