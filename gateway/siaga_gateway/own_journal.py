"""What the gateway notes in the journal of its own life: its start and end, a broker that goes and comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from siaga_gateway.adapters.sql import StoreUnusable
from siaga_gateway.service import journal
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)


def note(store: Store, clock: Clock, kind: str, facts: dict[str, object]) -> None:
    """In a transaction of its own. A store that fails stops nothing: it is told in the log."""
    try:
        with store.transaction() as transaction:
            transaction.note(kind, clock.now_ms(), facts)
    except (StoreFailing, StoreUnusable) as error:
        log.error("%s could not be noted in the journal: %s", kind, error)


def journalled(
    store: Store,
    bell: JournalBell,
    clock: Clock,
    *,
    lost: str = journal.BROKER_LOST,
    back: str = journal.BROKER_BACK,
    facts: Mapping[str, object] = MappingProxyType({}),
) -> Callable[[bool, str], None]:
    """Notes in the journal when a broker goes and when it is back."""
    lost_at_ms = clock.now_ms()

    def on_change(up: bool, why: str) -> None:
        nonlocal lost_at_ms
        now_ms = clock.now_ms()
        if up:
            note(store, clock, back, {**facts, "seconds": round((now_ms - lost_at_ms) / 1000)})
        else:
            lost_at_ms = now_ms
            note(store, clock, lost, {**facts, "why": why})
        bell.ring()

    return on_change
