"""Journals the gateway's own life cycle: start and stop, loss and return of a broker."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import MappingProxyType

from siaga_gateway.adapters.sql import StoreUnusable
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)


def note(store: Store, clock: Clock, kind: str, facts: dict[str, object]) -> bool:
    """Write an entry in its own transaction. Returns whether it is written: a failing store stops nothing, and is
    logged."""
    try:
        with store.transaction() as transaction:
            transaction.note(kind, clock.now_ms(), facts)
    except (StoreFailing, StoreUnusable) as error:
        log.error(Localized("log.journal.not_noted", kind=Localized(f"console.journal.{kind}"), why=error))
        return False
    return True


class LifecycleJournal:
    """Journals the start and the end of the gateway; the end only if it had started."""

    def __init__(self, store: Store, clock: Clock, worker: str | None) -> None:
        """worker: its name if there are several."""
        self._store = store
        self._clock = clock
        self._which: dict[str, object] = {} if worker is None else {"worker": worker}
        self._started = False

    def started(self) -> None:
        facts = {"version": version("siaga"), "pid": os.getpid(), **self._which}
        note(self._store, self._clock, journal.GATEWAY_STARTED, facts)
        self._started = True

    def stopped(self) -> None:
        if self._started:
            note(self._store, self._clock, journal.GATEWAY_STOPPED, self._which)


def journalled(
    store: Store,
    notifier: JournalNotifier,
    clock: Clock,
    *,
    lost: str = journal.BROKER_LOST,
    back: str = journal.BROKER_BACK,
    facts: Mapping[str, object] = MappingProxyType({}),
) -> Callable[[bool, str], None]:
    """Return a function that journals the loss and return of a broker."""
    lost_at_ms = clock.now_ms()

    def on_change(up: bool, why: str) -> None:
        nonlocal lost_at_ms
        now_ms = clock.now_ms()
        if up:
            note(store, clock, back, {**facts, "seconds": round((now_ms - lost_at_ms) / 1000)})
        else:
            lost_at_ms = now_ms
            note(store, clock, lost, {**facts, "why": why})
        notifier.ring()

    return on_change
