"""Prepares a restored store: the world has moved on since the backup, and remembers what it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.retention import Retention
from siaga_gateway.service.store import Store

# Receivers have seen messages about an open incident that are missing from the backup. No incident has this many.
SEQUENCES: Final = 1_000
# Down-counters follow the clock, and run ahead of it when commands are issued faster than one a second. No button was
# issued this many more.
COMMANDS: Final = 3_600


class RestoredStore(Store, Protocol):
    def go_on(self, down_counter: int, sequences: int) -> str:
        """Rename the store and skip numbers, in one transaction. Returns its previous name."""
        ...


def go_on(
    store: RestoredStore,
    clock: Clock,
    retention: Retention,
    erasures: list[tuple[int, int]],
    *,
    file: str,
    head: int,
    actor: str | None,
    kind: str = journal.RESTORED,
    responders: Sequence[tuple[str, int]] = (),
    more: Mapping[str, object] = MappingProxyType({}),
) -> int:
    """Make the store fit for use. Returns how many persons were erased again. Raises: StoreFailing.

    erasures, responders: who was erased, and when they were registered.

    It gets a new name: incident ids continue from the backup, and no receiver may take a new incident for one it knows.
    Messages about open incidents and commands to buttons get numbers above any issued since. kind, more: of the journal
    entry, if the store does not come from a backup.
    """
    now_ms = clock.now_ms()
    before = store.go_on(now_ms // 1000 + COMMANDS, SEQUENCES)
    erased = 0
    for owner_id, registered_ms in erasures:
        if store.owner_registered(owner_id) == registered_ms:
            retention.erase_again(owner_id)
            erased += 1
    gone = set(store.responder_keys().items()) & set(responders)
    with store.transaction() as transaction:
        if gone:
            transaction.change_responders()
            erased += transaction.remove_responders([key for key, _ in gone])
        facts = {"file": file, "head": head, "erased": erased, "before": before, **more}
        transaction.note(kind, now_ms, facts, actor=actor)
    if erased:
        store.scrub()
    return erased
