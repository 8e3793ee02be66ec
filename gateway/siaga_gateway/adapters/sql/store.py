"""The store on an SQL database: SQLite, or PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Engine, Row
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.reads import SqlReads
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.transaction import SqlTransaction

FILE_NAME: Final = "siaga.db"
# No vowels, no look-alikes: it is read out on the telephone and spells nothing.
_NAME_LETTERS: Final = "bcdfghjkmnpqrstvwxyz"
_NAME_LENGTH: Final = 5


class SqlStore(SqlReads):
    """Implements service.store.Store. Safe to use from several threads."""

    def __init__(self, place: Path | Engine, now_ms: int) -> None:
        """Open the store, make it where there is none, and bring it to this program's shape. A path: SQLite's file.

        Raises StoreUnusable with a sentence that says why it cannot be used.
        """
        self.engine: Engine = Sqlite(place) if isinstance(place, Path) else place
        self.writing = self.engine.writing
        self._writes = 0  # transactions of this process that touched more than the journal and the outbox
        self.engine.open()
        try:
            migrate(self.engine, known_migrations(self.engine), now_ms)
            with self.engine.migrating() as session:
                drawn = "".join(secrets.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))
                session.run("INSERT INTO meta (name, value) VALUES ('store', ?) ON CONFLICT DO NOTHING", (drawn,))
                self.name: str = session.fetch("SELECT value FROM meta WHERE name = 'store'")[0][0]
            self.engine.opened()
        except BaseException:
            self.engine.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        with self.engine.transaction() as session:
            transaction = SqlTransaction(session, self.writing, self._writes)
            yield transaction
            transaction.finish()
            if transaction.touched:
                self._writes += 1  # under the engine's lock where it matters: SQLite's writer is alone

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a reading statement."""
        return self.engine.fetch(statement, parameters)

    def await_change(self, timeout_s: float) -> None:
        self.engine.await_change(timeout_s)

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        return self.engine.lease(name, holder, for_s)

    def release_lease(self, name: str, holder: str) -> None:
        self.engine.release(name, holder)

    def close(self) -> None:
        """Wait for writers, then close everything. Further calls raise StoreFailing."""
        self.engine.close()


def store_path(folder: Path) -> Path:
    return folder / FILE_NAME
