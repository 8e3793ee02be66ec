"""Looks at ways that have a part of their own on this machine (a modem) while nobody is called by them, and tells their
faults: log, journal, console, `/readyz`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.ways import WatchedWay
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_WELL_S: Final = 60.0
_PAUSES_S: Final = (5.0, 10.0, 20.0, 40.0, 60.0)  # while it is faulty; the last one stays
# With these it may still work.
_WARNINGS: Final = frozenset({"modem.weak", "modem.credit_low", "modem.credit_unknown", "modem.not_put_through"})
_OTHER_S: Final = 5.0  # another worker has it


@record
class Fault:
    """What is wrong with a way, as the store remembers it: "<key> <why>"."""

    key: str  # in the catalogue's errors
    why: str  # in English

    @property
    def stops(self) -> bool:
        """Whether nobody can be told on the way at all."""
        return self.key not in _WARNINGS


def remembered_as(way: str) -> str:
    """Return the name under which the store keeps what is wrong with a way; empty: nothing."""
    return f"way_fault.{way}"


def faults_of(store: Store, ways: Sequence[str]) -> dict[str, Fault]:
    """Return what is wrong with ways, by name. Raises: StoreFailing."""
    found = {name: store.remembered(remembered_as(name)) or "" for name in ways}
    return {name: Fault(*written.split(" ", 1)) for name, written in found.items() if " " in written}


class WayFaults:
    """Looks at one way in a thread of its own. Call `start`, `stop`."""

    def __init__(
        self, store: Store, notifier: Notifier, clock: Clock, way: WatchedWay, mine: Callable[[], bool]
    ) -> None:
        """mine: whether this worker is the one that calls by it now."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._way = way
        self._mine = mine
        self._told: str | None = None  # as remembered; None: not read yet
        self._in_a_row = 0
        self._stops = False
        self._since = time.monotonic()
        self._thread = PeriodicThread(f"look at way {way.name}", self._turn, end_s=5)
        way.on_fault(self._thread.wake)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def stops(self) -> bool:
        """Whether nobody could be told on the way when this worker looked last. Thread-safe."""
        return self._stops

    def work(self) -> float:
        """Look, and tell what has changed; return seconds until the next look. Raises: StoreFailing."""
        if not self._mine():
            self._told = None
            return _OTHER_S
        fault = self._way.look()
        self._in_a_row = 0 if fault is None else self._in_a_row + 1
        why = "" if fault is None else f"{fault.key} {fault}"
        self._stops = fault is not None and Fault(fault.key, why).stops
        if self._told is None:
            self._told = self._store.remembered(remembered_as(self._way.name)) or ""
        if why != self._told:
            self._tell(why)
            if fault is None:
                log.info(Localized("log.dispatch.way_well", way=self._way.name))
            else:
                log.error(Localized("log.dispatch.way_faulty", way=self._way.name, why=fault))
        return _WELL_S if fault is None else _PAUSES_S[min(self._in_a_row, len(_PAUSES_S)) - 1]

    def _tell(self, why: str) -> None:
        with self._store.transaction() as transaction:
            transaction.remember(remembered_as(self._way.name), why)
            facts: dict[str, object] = {"way": self._way.name}
            if why and not self._told:
                transaction.note(
                    journal.WAY_LOST, self._clock.now_ms(), {**facts, "why": Fault(*why.split(" ", 1)).why}
                )
                self._since = time.monotonic()
            elif not why:
                seconds = round(time.monotonic() - self._since)
                transaction.note(journal.WAY_BACK, self._clock.now_ms(), {**facts, "seconds": seconds})
        self._told = why
        self._notifier.ring()

    def _turn(self) -> float:
        try:
            return self.work()
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            return _OTHER_S
