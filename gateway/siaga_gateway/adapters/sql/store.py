"""The store on SQLite: one writing connection, one reading connection a thread."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import StoreUnusable, connect, failing, meaning, prepare
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.reads import SqlReads
from siaga_gateway.adapters.sql.rows import Row
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.service.store import StoreFailing

FILE_NAME: Final = "siaga.db"
# No vowels, no look-alikes: it is read out on the telephone and spells nothing.
_NAME_LETTERS: Final = "bcdfghjkmnpqrstvwxyz"
_NAME_LENGTH: Final = 5


class SqlStore(SqlReads):
    """Implements service.store.Store. Safe to use from several threads."""

    def __init__(self, path: Path, now_ms: int) -> None:
        """Open the store, make it where there is none, and bring it to this program's shape.

        Raises StoreUnusable with a sentence that says why it cannot be used.
        """
        self._path = path
        self._writing = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._local = threading.local()
        self._closed = False
        try:
            _make_private(path)
            self._writer = connect(path)
            try:
                prepare(self._writer)
                migrate(self._writer, known_migrations(), now_ms)
                self.name = _name(self._writer)
            except BaseException:
                self._writer.close()
                raise
        except StoreUnusable as error:
            raise StoreUnusable(f"{path}: {error}") from error
        except sqlite3.Error as error:
            raise StoreUnusable(f"{path}: {meaning(error)}") from error

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        with self._writing:
            if self._closed:
                raise StoreFailing("the store is closed")
            with failing():
                self._writer.execute("BEGIN IMMEDIATE")
            try:
                transaction = SqlTransaction(self._writer)
                yield transaction
                transaction.flush()
                with failing():
                    self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        """Back to where the transaction began, by a new connection if the old one cannot."""
        try:
            if self._writer.in_transaction:  # SQLite itself rolls back on some errors
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                fresh = connect(self._path)
                self._writer.close()
                self._writer = fresh

    def fetch(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """The rows of a reading statement, on this thread's own connection."""
        with failing():
            reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
            if reader is None:
                reader = connect(self._path, read_only=True)
                with self._readers_lock:
                    if self._closed:
                        reader.close()
                        raise StoreFailing("the store is closed")
                    self._readers.append(reader)
                self._local.reader = reader
            return reader.execute(statement, parameters).fetchall()

    def close(self) -> None:
        """Wait for the writer, then close everything. Further calls raise StoreFailing."""
        with self._writing, self._readers_lock:
            self._closed = True
            for reader in self._readers:
                with suppress(sqlite3.Error):
                    reader.close()
            self._readers.clear()
            with suppress(sqlite3.Error):
                self._writer.close()


def _make_private(path: Path) -> None:
    """A new store is for its owner's eyes only: it holds personal data. SQLite gives its other files the same mode."""
    with suppress(OSError):  # SQLite says better why a file cannot be made
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _name(connection: sqlite3.Connection) -> str:
    """The store's name, drawn once."""
    drawn = "".join(secrets.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))
    connection.execute("INSERT INTO meta (name, value) VALUES ('store', ?) ON CONFLICT DO NOTHING", (drawn,))
    name: str = connection.execute("SELECT value FROM meta WHERE name = 'store'").fetchone()[0]
    return name


def store_path(folder: Path) -> Path:
    return folder / FILE_NAME
