"""Follows the journal for a report: some kinds of its entries, from its very beginning, as far as the store remembers.

What is written and the place in the journal are one transaction. What is followed twice changes nothing.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Final

from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Store, Transaction

EVERY_S: Final = 5.0
_SPAN: Final = 2_000  # journal numbers looked through at once
_AT_ONCE: Final = 200  # entries in one transaction: presses wait for it
_TURN_S: Final = 1.0  # then presses and others come first for a while


class JournalFollower(ABC):
    """A periodic job, shared: one of all workers runs it."""

    def __init__(self, store: Store, cursor: str, kinds: Collection[str]) -> None:
        """cursor: the name under which the store remembers the last entry that was followed."""
        self._store = store
        self._cursor = cursor
        self._kinds = kinds
        self._at: int | None = None  # the last journal entry; None: as the store remembers
        self._kept = 0  # what the store remembers

    def work(self) -> None:
        """Follow the journal for a second at most. Raises: StoreFailing."""
        until = time.monotonic() + _TURN_S
        while self.follow() and time.monotonic() < until:
            pass

    def follow(self) -> bool:
        """Follow some of the journal. Returns whether there is more. Raises: StoreFailing."""
        if self._at is None:
            self._at = self._kept = int(self._store.remembered(self._cursor) or 0)
        last, begin = self._store.last_journal_id(), self._at
        until = min(last, begin + _SPAN)
        if until <= begin:
            return False
        entries = self._store.journal_of_kinds(self._kinds, begin, until)
        self._at = None  # unless all of this goes through
        for number in range(0, len(entries), _AT_ONCE):
            some = entries[number : number + _AT_ONCE]
            self._keep(self._taken(some), some[-1].id)
        # Most of the journal is nothing to us: that need not be written each time.
        if entries or until - self._kept >= _SPAN:
            self._keep(lambda transaction: None, until)
        self._at = until
        return until < last

    @abstractmethod
    def _taken(self, entries: Sequence[JournalEntry]) -> Callable[[Transaction], None]:
        """Return what writes what these entries say. Raises: StoreFailing."""

    def _keep(self, write: Callable[[Transaction], None], until: int) -> None:
        with self._store.transaction() as transaction:
            write(transaction)
            transaction.remember(self._cursor, str(until))
        self._kept = until
