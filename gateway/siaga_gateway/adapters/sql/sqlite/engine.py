"""SQLite as Siaga uses it: one writing connection, and one reading connection a thread."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Row, Session, StoreUnusable
from siaga_gateway.adapters.sql.sqlite.connection import connect, prepare
from siaga_gateway.adapters.sql.sqlite.errors import BUSY_TIMEOUT_MS, failing, meaning
from siaga_gateway.adapters.sql.sqlite.file_identity import StoreFiles
from siaga_gateway.adapters.sql.sqlite.session import WRITING, SqliteSession, read_all
from siaga_gateway.service.store import StoreDamaged, StoreFailing, StoreGone

OLDEST: Final = (3, 35, 0)  # the first with RETURNING and DROP COLUMN; Debian 12 has 3.40
# Emptying the log: how long to go on, how long a press may wait for one try, and between two.
_EMPTYING_S: Final = 10.0
_EMPTYING_MS: Final = 50
_APART_S: Final = 0.2


class Sqlite:
    """Implements engine.Engine on one file, for one process that serves and others that read or register."""

    kind = "sqlite"
    writing = WRITING

    def __init__(self, path: Path, make: bool = True) -> None:
        """make: create the store if missing."""
        self._path = path
        self._make = make
        self._writing = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._local = threading.local()
        self._closed = threading.Event()
        self._files: StoreFiles | None = None  # None: not open yet
        self._damage = ""
        self.writer: sqlite3.Connection

    def open(self) -> None:
        with self._said():
            if sqlite3.sqlite_version_info < OLDEST:
                raise StoreUnusable(
                    "store.old_sqlite", version=sqlite3.sqlite_version, oldest=".".join(map(str, OLDEST))
                )
            if self._make:
                _make_private(self._path)
            self.writer = connect(self._path)
            try:
                prepare(self.writer)
                self._files = StoreFiles(self._path)
            except BaseException:
                self.writer.close()
                raise

    def opened(self) -> None:
        return

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Add the file's name to errors."""
        try:
            yield
        except (StoreUnusable, StoreFailing) as error:
            raise StoreUnusable("file.at", path=self._path, why=error) from error
        except sqlite3.Error as error:
            raise StoreUnusable("file.at", path=self._path, why=meaning(error)) from error

    def ddl(self, script: str) -> str:
        return script

    def has_table(self, session: Session, name: str) -> bool:
        return bool(session.fetch("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)))

    @contextmanager
    def migrating(self) -> Iterator[Session]:
        with self._said(), self.transaction() as session:
            yield session

    def give_way(self, session: Session) -> None:
        return  # readers keep nobody from writing

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._writing:
            if self._closed.is_set():
                raise StoreFailing("store.closed")
            with self._noting(), failing():
                self.writer.execute("BEGIN IMMEDIATE")
            try:
                with self._noting():
                    yield SqliteSession(self.writer)
                    with failing():
                        self.writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            # After the commit: what was written to a file without a name is not acknowledged.
            self.check_files()

    def check_files(self) -> None:
        """Check that the file still has its name. Raises: StoreGone."""
        if self._files is not None:
            self._files.check()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Remember any damage that is met."""
        try:
            yield
        except StoreDamaged as error:
            self._damage = str(error)
            raise

    def damage(self) -> str:
        """What is wrong with the store's file, as far as anybody has met it; empty: nothing."""
        try:
            self.check_files()
        except StoreGone as error:
            return str(error)
        return self._damage

    def examine(self) -> None:
        """Read the whole file, to find damage before it matters. Raises: StoreDamaged, StoreFailing."""
        with self._noting(), failing(), closing(connect(self._path, read_only=True)) as alone:
            said = alone.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said != "ok":
                raise StoreDamaged("store.damaged", why=said.splitlines()[-1])

    def save_as(self, path: Path) -> None:
        """Save the open store under a new name, even if its own name is gone. Raises: StoreFailing."""
        with self._writing, failing():
            self.writer.execute("VACUUM INTO ?", (str(path),))

    def _roll_back(self) -> None:
        """Roll back to the beginning of the transaction, on a new connection if the old one cannot."""
        try:
            if self.writer.in_transaction:  # SQLite itself rolls back on some errors
                self.writer.execute("ROLLBACK")
        except sqlite3.Error:
            with suppress(sqlite3.Error, StoreGone):
                self.check_files()
                fresh = connect(self._path)
                self.writer.close()
                self.writer = fresh

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Read on this thread's own connection."""
        self.check_files()
        with self._noting(), failing():
            reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
            if reader is None:
                reader = connect(self._path, read_only=True)
                with self._readers_lock:
                    if self._closed.is_set():
                        reader.close()
                        raise StoreFailing("store.closed")
                    self._readers.append(reader)
                self._local.reader = reader
            return read_all(reader, statement, parameters)

    def scrub(self, whole: bool) -> None:
        # Deleted data are overwritten at once (secure_delete), but remain in the log until it is checkpointed and
        # truncated. That waits for whoever is reading, a backup for minutes, and meanwhile nobody writes: so it waits
        # a little at a time, and presses go between.
        if whole:
            with self._writing, failing():
                self.writer.execute("VACUUM")
        until = time.monotonic() + _EMPTYING_S
        while not self._empty_log() and time.monotonic() < until and not self._closed.wait(_APART_S):
            pass

    def _empty_log(self) -> bool:
        """Return whether nothing is left in it."""
        with self._writing, failing():
            self.writer.execute(f"PRAGMA busy_timeout = {_EMPTYING_MS}")
            try:
                return not self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self.writer.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    def await_change(self, timeout_s: float) -> None:
        self._closed.wait(timeout_s)  # SQLite does not report another process's commit

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        return True  # only one process serves; the lock on its folder ensures that

    def release(self, name: str, holder: str) -> None:
        return

    def close(self) -> None:
        """Wait for the writer, then close everything."""
        with self._writing, self._readers_lock:
            self._closed.set()
            for reader in self._readers:
                with suppress(sqlite3.Error):
                    reader.close()
            self._readers.clear()
            with suppress(sqlite3.Error):
                self.writer.close()


def _make_private(path: Path) -> None:
    """Make a new store readable by its owner only: it holds personal data. SQLite gives its other files the same
    mode."""
    with suppress(OSError):  # SQLite reports better why a file cannot be created
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
