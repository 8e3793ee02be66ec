"""Tells at the console, in the journal and in the log which ways to people fail, and when they work again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.dispatch.way_traffic import WayTraffic
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

_REMEMBERED: Final = "way_traffic."  # and the way's name: failing, spent, or nothing


class TrafficFaults:
    """For one thread, except `now`. What was told is in the store: for the console, and for whoever sends after us."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, traffic: Mapping[str, WayTraffic]) -> None:
        """traffic: by the way's name."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._traffic = traffic
        self._told: dict[str, str] = {}
        self._since_ms: dict[str, int] = {}  # monotonic

    def now(self, now_ms: int) -> Mapping[str, str]:
        """Return the ways that somebody has to see to, by name: failing, spent. now_ms: monotonic."""
        found = {name: traffic.fault(now_ms) for name, traffic in self._traffic.items()}
        return {name: fault.kind.value for name, fault in found.items() if fault is not None}

    def tell(self, now_ms: int) -> None:
        """Write down what has changed. now_ms: monotonic. Raises: StoreFailing; it is told at the next call."""
        for name, traffic in self._traffic.items():
            if name not in self._told:
                self._told[name] = self._store.remembered(_REMEMBERED + name) or ""
            fault = traffic.fault(now_ms)
            kind = "" if fault is None else fault.kind.value
            if kind == self._told[name]:
                continue
            with self._store.transaction() as transaction:
                if fault is None:
                    seconds = (now_ms - self._since_ms.get(name, now_ms)) // 1000
                    transaction.note(journal.WAY_BACK, self._clock.now_ms(), {"way": name, "seconds": seconds})
                else:
                    transaction.note(journal.WAY_LOST, self._clock.now_ms(), {"way": name, "why": fault.why})
                transaction.remember(_REMEMBERED + name, kind)
            self._told[name], self._since_ms[name] = kind, now_ms
            self._notifier.ring()
            if fault is None:
                log.info(Localized("log.dispatch.way_well", way=name))
            else:
                log.error(Localized(f"log.dispatch.way_{kind}", way=name, why=fault.why))


def told_faults(store: Store, ways: Collection[str]) -> list[str]:
    """Return which of these ways were told to be faulty last. Raises: StoreFailing."""
    return [name for name in ways if store.remembered(_REMEMBERED + name)]
