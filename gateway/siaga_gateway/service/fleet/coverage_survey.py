"""Gathers where the signal is weak, and tells it without telling of anybody.

Samples are added up in memory and written once a minute; a crash loses those of that minute. What is no evidence costs
a check-in no write of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.coverage import CellMonth, Sample, added, first_of, month_of
from siaga_gateway.domain.coverage_map import CoverageCell, Network, cells_of, weakest_first
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
RELEASE_S: Final = 3_600.0
_PAUSE_S: Final = 0.5  # at most, between two steps of a release
_SETTLED_MS: Final = 3_600_000  # after the end of a month
_MOST: Final = 50_000  # cells' classes in memory: while the store fails, others are not surveyed

_AHEAD_MS: Final = 86_400_000  # a button's month may have begun already
Key = tuple[int, int, int, int, int]  # CellMonth.class_key


class CoverageSurvey:
    """What one worker gathers. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cells: dict[Key, CellMonth] = {}
        self._lock = threading.Lock()
        self.left_out = 0  # samples for which there was no room

    def add(self, samples: Sequence[Sample]) -> None:
        """Add check-ins that are stored."""
        with self._lock:
            for sample in samples:
                self._add(first_of(sample))

    def _add(self, more: CellMonth) -> None:
        if len(self._cells) >= _MOST and more.class_key not in self._cells:
            self.left_out += more.samples
        else:
            added(self._cells, more.class_key, more)

    def write(self) -> None:
        """Write what has been gathered. Raises: StoreFailing; it is kept then, for the next time."""
        with self._lock:
            cells, self._cells = self._cells, {}
            left_out, self.left_out = self.left_out, 0
        if left_out:
            log.warning(Localized("log.coverage.left_out", samples=left_out))
        if not cells:
            return
        try:
            with self._store.transaction() as transaction:
                transaction.gather_coverage(cells.values())
        except StoreFailing:
            with self._lock:
                for each in cells.values():
                    self._add(each)
            raise

    def end(self) -> None:
        """Write the last of it, once ingest has stopped."""
        try:
            self.write()
        except StoreFailing as error:
            log.warning(Localized("log.coverage.lost", why=error))

    def release(self) -> None:
        """Keep of the months that are over what may be told, for one worker of all. Raises: StoreFailing."""
        before, more = month_of(self._clock.now_ms() - _SETTLED_MS), 1
        while more:
            begun = time.monotonic()
            with self._store.transaction() as transaction:
                more = transaction.release_coverage(before)
            if more:  # a press that waits for the store's one writer comes in between
                time.sleep(min(time.monotonic() - begun, _PAUSE_S))


class CoverageReport:
    """Tells of the signal. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def cells(self, network: Network, months: int) -> list[CoverageCell]:
        """Return the cells, the weakest first. months: how many, with the present one. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        since = month_of(now_ms) - months + 1
        wanted = range(since, month_of(now_ms + _AHEAD_MS) + 1)
        found: list[CoverageCell] = []
        for cell in self._store.coverage_bands(since):  # a province's rows of a year are never in memory at once
            found += cells_of(self._store.coverage(wanted, cell), network)
        return weakest_first(found)
