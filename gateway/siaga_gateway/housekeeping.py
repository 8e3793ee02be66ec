"""What is done once a day: what is too old goes, and the audit chain's head is told to the log."""

from __future__ import annotations

import logging

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config import Settings
from siaga_gateway.erasures import Erasures, policy_of
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.retention import EVERY_S as RETENTION_S
from siaga_gateway.service.retention import DailyRetention, Retention
from siaga_gateway.service.rounds import Job, Leases, Rounds, each_day
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)


def housekeeping(settings: Settings, store: SqlStore, bell: JournalBell, clock: Clock, holder: str) -> Rounds:
    """Apart from the rounds of operations: retention may take minutes."""
    retention = Retention(store, clock, policy_of(settings), Erasures(settings.data_dir).add)
    jobs = [
        Job("audit head", RETENTION_S, each_day(clock, lambda: say_head(store))),
        Job("retention", RETENTION_S, DailyRetention(store, retention, clock, bell).work, shared=True),
    ]
    return Rounds(jobs, Leases(store, holder), "housekeeping")


def say_head(store: SqlStore) -> None:
    """To the log, which a good installation keeps elsewhere: whoever rewrites the store does not reach it there."""
    try:
        head = store.chain_head()
    except StoreFailing as error:
        log.error("the audit chain's head cannot be read: %s", error)
        return
    log.info("audit head: entry %d %s", head.id, head.hash.hex())
