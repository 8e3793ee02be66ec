"""One run of retention: short transactions, and an account of what they removed that survives the run's own end.

What a transaction removes is added up in the store within it. The run's last transaction tells of it in the journal; of
a run that was killed, or that its store failed, the next one does, once it cannot be one that is still going.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction
from siaga_gateway.service.store.expiry import UNTOLD

_PAUSE_S: Final = 0.5  # at most, between two steps
UNTOUCHED_MS: Final = 900_000  # a run that has removed nothing for so long is taken for one that ended early


@dataclass(slots=True)
class RetentionResult:
    """How many of each were erased or lost data."""

    statuses: int = 0
    incidents: int = 0
    notes: int = 0
    owners: int = 0
    strangers: int = 0
    notifications: int = 0
    figures: int = 0
    cases: int = 0
    days: int = 0  # of a button's battery and signal
    cells: int = 0  # of the survey of the signal
    remarks: int = 0  # typed into notes of a shift and handovers

    def facts(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def add(self, counts: Mapping[str, int]) -> None:
        for what, count in counts.items():
            setattr(self, what, getattr(self, what) + count)


class RetentionRun:
    """Removes step by step."""

    def __init__(self, store: Store, clock: Clock, actor: str | None = None, *, told: bool = True) -> None:
        """told: the journal is to have what it removes."""
        self._store = store
        self._clock = clock
        self._actor = actor
        self._told = told
        self.done = RetentionResult()

    def step(self, forget: Callable[[Transaction], Mapping[str, int]]) -> int:
        """Run one short transaction, then pause: a press that waits for the store comes in between. forget: returns how
        many of each it removed, named as in RetentionResult. Returns the sum."""
        begun = time.monotonic()
        with self._store.transaction() as transaction:
            counts = forget(transaction)
            self.account(transaction, counts)
        self.done.add(counts)
        time.sleep(min(time.monotonic() - begun, _PAUSE_S))  # SQLite's writer is whoever's comes first
        return sum(counts.values())

    def account(self, transaction: Transaction, counts: Mapping[str, int]) -> None:
        """Add what this transaction has removed to what the journal is to have."""
        if self._told and any(counts.values()):
            transaction.add_untold(self._actor, counts, self._clock.now_ms())

    def steps(self, what: str, forget: Callable[[Transaction], int]) -> None:
        """Run one step after the other until one finds nothing more. One statement for all of a large store would be
        given up by its database, each day anew, and keep presses waiting."""
        while self.step(lambda transaction: {what: forget(transaction)}):
            pass

    def end(self, now_ms: int) -> None:
        with self._store.transaction() as transaction:
            removed = transaction.take_untold(self._actor)
            facts = {**RetentionResult().facts(), **removed}
            transaction.note(journal.RETENTION_RUN, now_ms, facts, actor=self._actor)


def tell_unfinished(store: Store, now_ms: int) -> None:
    """Tell the journal what runs have removed that did not come to their end. Raises: StoreFailing."""
    if store.remembered(UNTOLD) in (None, "{}"):
        return
    with store.transaction() as transaction:
        for actor, touched_ms in transaction.untold().items():
            if touched_ms is not None and abs(now_ms - touched_ms) < UNTOUCHED_MS:
                continue
            removed = transaction.take_untold(actor)
            facts = {**RetentionResult().facts(), **removed, "unfinished": True}
            transaction.note(journal.RETENTION_RUN, now_ms, facts, actor=actor)
