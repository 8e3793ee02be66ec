"""Sees that the escalations go on: each open incident has one, and none of them is late.

It asks the store, not the worker that drives them, by two look-ups in indexes. A fault is told in the journal, at the
console, by /readyz and the metrics; whoever pings from outside hears nothing good while it lasts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation import LATE_MS
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0


class Auditor:
    """A periodic job of each worker."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        adopt: Callable[[Collection[int]], None],
        *,
        tells: bool = True,
    ) -> None:
        """adopt: called with open incidents for which nothing is due, seen twice. tells: whether this worker writes
        what it finds into the journal."""
        self._tells = tells
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._adopt = adopt
        self._alone: frozenset[int] = frozenset()
        self._told = ""
        self._fault = ""

    def fault(self) -> str:
        """Return what is wrong: unescalated, late; empty: nothing. Never blocks."""
        return self._fault

    def work(self) -> None:
        """Look. Raises: StoreFailing."""
        # One that was opened this moment is not yet followed: only what stays so is a fault.
        alone = frozenset(self._store.unescalated())
        lasting, self._alone = alone & self._alone, alone
        next_ms, now_ms = self._store.next_escalation_ms(), self._clock.now_ms()
        late = next_ms is not None and now_ms - next_ms > LATE_MS
        self._fault = "unescalated" if lasting else "late" if late else ""
        if lasting:
            self._adopt(lasting)
        if self._fault != self._told:
            self._tell(now_ms)

    def _tell(self, now_ms: int) -> None:
        if not self._tells:
            self._told = self._fault
            return
        with self._store.transaction() as transaction:
            if self._fault:
                transaction.note(journal.ESCALATION_FAULTY, now_ms, {"fault": self._fault})
            else:
                transaction.note(journal.ESCALATION_SOUND, now_ms, {})
        self._told = self._fault  # only now: a store that fails is told at the next look
        self._notifier.ring()
        if self._fault:
            log.error(Localized(f"log.dispatch.{self._fault}"))
        else:
            log.warning(Localized("log.dispatch.sound"))
