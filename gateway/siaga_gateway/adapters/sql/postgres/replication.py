"""Whether commits wait for the standby: as long as it lives, and no press waits for one that is gone.

PostgreSQL itself waits for ever. So each process looks twice a second what the standby confirms, has its commits wait
(`synchronous_commit`, which any user may set) or not, and frees whatever waits already. It needs no right but to see
(pg_monitor).
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

import psycopg

from siaga_gateway.adapters.sql.postgres.connection import Link, connect
from siaga_gateway.adapters.sql.postgres.connection_pool import ConnectionPool
from siaga_gateway.adapters.sql.postgres.errors import failing
from siaga_gateway.domain.standby_progress import StandbyFault, StandbyProgress
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import StoreFailing

_EVERY_S: Final = 0.5
_LOOK: Final = """
SELECT current_setting('synchronous_standby_names') <> '', pg_has_role('pg_read_all_stats', 'USAGE'),
    CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint END,
    (SELECT max(pg_wal_lsn_diff(flush_lsn, '0/0'))::bigint FROM pg_stat_replication
     WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))
"""
# Its transaction is on this disk and goes on; what else its process may be doing by now is tried again.
_FREE: Final = """
SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND wait_event = 'SyncRep'
"""


class Replication:
    """Looks in a thread of its own. Call `look` once before anything is written, then `start`, `stop`."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._link: Link | None = None
        self._era = 0  # of the pool, when it was made
        self._progress = StandbyProgress()
        self._fault: StandbyFault | None = None
        self._turns = PeriodicThread("store-standby", self._turn, end_s=2)

    @property
    def fault(self) -> StandbyFault | None:
        """Why commits do not wait for a standby, as of the last look; None: they do."""
        return self._fault

    def start(self) -> None:
        self._turns.start()

    def stop(self) -> None:
        self._turns.stop()
        self._leave()

    def _turn(self) -> float:
        with suppress(StoreFailing):  # whoever needs the store reports it
            self.look()
        return _EVERY_S

    def look(self) -> None:
        """Raises: StoreFailing."""
        if self._link is not None and (self._link.conninfo, self._era) != (self._pool.conninfo, self._pool.era):
            self._leave()  # another server has taken over, and its standby is another one
            self._progress = StandbyProgress(present=False)
        try:
            if self._link is None:
                self._era = self._pool.era
                self._link = connect(self._pool.conninfo)
            link = self._link
            with self._pool.watched(link), failing():
                ((asked, seen, written, confirmed),) = link.ask(_LOOK, ()).fetchall()
                self._judge(asked, seen, written, confirmed)
                if not self._pool.replicated and asked:
                    link.ask(_FREE, ())
        except StoreFailing:
            self._leave()
            raise

    def _judge(self, asked: bool, seen: bool, written: int | None, confirmed: int | None) -> None:
        if written is None:
            return  # a server that became a standby: nothing can be written there
        present = self._progress.look(time.monotonic(), written, confirmed)
        if not asked:
            self._fault = StandbyFault.NOT_ASKED
        elif not seen:
            self._fault = StandbyFault.UNSEEN
        else:
            self._fault = None if present else StandbyFault.GONE
        self._pool.replicated = self._fault is None

    def _leave(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(psycopg.Error):
                link.connection.close()
