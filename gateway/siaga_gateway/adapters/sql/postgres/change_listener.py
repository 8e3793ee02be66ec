"""Waits for other processes' writes: PostgreSQL's NOTIFY, on its own connection."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import psycopg

from siaga_gateway.adapters.sql.postgres.connection import Link, connect
from siaga_gateway.adapters.sql.postgres.connection_pool import ConnectionPool
from siaga_gateway.adapters.sql.postgres.errors import meaning
from siaga_gateway.service.store import StoreFailing

CHANNEL: Final = "siaga"


class ChangeListener:
    """For one thread; connects on first use, and again after a failure."""

    def __init__(self, pool: ConnectionPool) -> None:
        """pool: knows the server, and enforces the deadline of the initial query."""
        self._pool = pool
        self._link: Link | None = None
        self._era = 0  # of the pool, when it was made

    def wait(self, timeout_s: float) -> None:
        """See service.store.Store.await_change."""
        if self._link is not None and (self._link.conninfo, self._era) != (self._pool.conninfo, self._pool.era):
            self.close()  # another server has taken over
        link = self._link
        try:
            if link is None:
                self._era = self._pool.era
                link = connect(self._pool.conninfo)
                with self._pool.watched(link):
                    link.ask(f"LISTEN {CHANNEL}", ())
                self._link = link
                return  # what came before is not reported
            for _ in link.connection.notifies(timeout=timeout_s, stop_after=1):
                return
        except (psycopg.Error, StoreFailing) as error:
            self._link = None
            if link is not None:
                with suppress(psycopg.Error):
                    link.connection.close()
            if isinstance(error, StoreFailing):
                raise
            raise StoreFailing("store.database", why=meaning(error)) from error

    def close(self) -> None:
        if self._link is not None:
            with suppress(psycopg.Error):
                self._link.connection.close()
            self._link = None
