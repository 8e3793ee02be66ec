"""Receipts that name their message: that a phone has it is a fact of its own, and no answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store


def receipts_taken(store: Store, clock: Clock) -> Callable[[Sequence[str]], list[str]]:
    """Return what keeps, durably, that messages have arrived, by their service's numbers.

    It returns the numbers that name no message here, or none yet, and raises StoreFailing.
    """

    def take(references: Sequence[str]) -> list[str]:
        with store.transaction() as transaction:
            return list(transaction.mark_delivered([str(each) for each in references], clock.now_ms()))

    return take
