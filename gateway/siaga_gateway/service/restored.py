"""What a store needs before it goes on from a backup: the world has moved on since, and remembers what it was told."""

from __future__ import annotations

from typing import Final, Protocol

from siaga_gateway.service import journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.retention import Retention
from siaga_gateway.service.store import Store

# Receivers have seen messages about an open incident that the backup does not know. No incident has so many.
SEQUENCES: Final = 1_000
# Down-counters follow the clock, and run ahead of it where commands are given faster than one a second. No button was
# given so many more.
COMMANDS: Final = 3_600


class RestoredStore(Store, Protocol):
    def go_on(self, down_counter: int, sequences: int) -> str:
        """A new name for the store, in one transaction with the steps ahead. Returns the name that it had."""
        ...


def go_on(
    store: RestoredStore,
    clock: Clock,
    retention: Retention,
    erasures: list[tuple[int, int]],
    *,
    file: str,
    head: int,
    actor: str,
) -> int:
    """Make the store fit to go on. Returns how many persons were erased again. Raises StoreFailing.

    A new name: incidents are numbered on from the backup, and no receiver may take a new one for one it knows. Messages
    about open incidents and commands to buttons get numbers above any that can have been given since.
    """
    now_ms = clock.now_ms()
    before = store.go_on(now_ms // 1000 + COMMANDS, SEQUENCES)
    erased = 0
    for owner_id, registered_ms in erasures:
        if store.owner_registered(owner_id) == registered_ms:
            retention.erase_again(owner_id)
            erased += 1
    with store.transaction() as transaction:
        facts = {"file": file, "head": head, "erased": erased, "before": before}
        transaction.note(journal.RESTORED, now_ms, facts, actor=actor)
    if erased:
        store.scrub()
    return erased
