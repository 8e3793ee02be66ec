"""Assembles the watch over the second machine: PostgreSQL's standby, or the newest copy of SQLite's store."""

from __future__ import annotations

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.installation.standby_watch import StandbyWatch, copy_fault
from siaga_gateway.service.ports import Clock, Notifier


def make_standby_watch(settings: Settings, store: SqlStore, notifier: Notifier, clock: Clock) -> StandbyWatch:
    """Make it; where the settings expect no second machine it finds nothing wrong."""
    if settings.store.standby_copy_s is not None:
        return StandbyWatch(store, clock, notifier, copy_fault(store, clock, settings.store.standby_copy_s))
    if not settings.store.standby:
        return StandbyWatch(store, clock, notifier, None)
    from siaga_gateway.adapters.sql.postgres import Postgres

    engine = store.engine
    assert isinstance(engine, Postgres)
    replication = engine.replication
    assert replication is not None
    return StandbyWatch(store, clock, notifier, lambda: replication.fault)
