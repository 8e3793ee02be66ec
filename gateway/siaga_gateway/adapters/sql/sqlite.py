"""SQLite as Siaga uses it: one writing connection, one reading connection a thread, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Insert, Row, Session, StoreUnusable
from siaga_gateway.service.store import StoreConflict, StoreFailing

# "siga" in ASCII: tells a store from any other SQLite file.
APPLICATION_ID: Final = 0x73696761
BUSY_TIMEOUT_MS: Final = 5_000


# What to tell a person, by the name of SQLite's result code or its beginning.
_MEANINGS: Final = (
    ("SQLITE_FULL", "the disk is full: make room"),
    ("SQLITE_IOERR", "the disk does not take or give back data (I/O error): check the disk and its free space"),
    ("SQLITE_READONLY", "the store may only be read: check the rights on the data folder"),
    ("SQLITE_CANTOPEN", "the store's files cannot be opened: check the data folder and its rights"),
    ("SQLITE_BUSY", f"another process has been writing to the store for more than {BUSY_TIMEOUT_MS // 1000} s"),
    ("SQLITE_LOCKED", "the store is locked"),
    ("SQLITE_CORRUPT", "the store is damaged: stop the gateway and restore a backup"),
    ("SQLITE_NOTADB", "the file is not a Siaga store"),
    ("SQLITE_NOMEM", "there is not enough memory"),
)


def meaning(error: sqlite3.Error) -> str:
    """One sentence for a person: what is wrong and, where it is known, how to mend it."""
    code = getattr(error, "sqlite_errorname", "") or ""
    for beginning, text in _MEANINGS:
        if code.startswith(beginning):
            return f"{text} ({code})"
    return f"{error} ({code})" if code else str(error)


# What no waiting mends: a statement or a value that is wrong, a fault of the program.
_FAULTS: Final = frozenset(
    {"SQLITE_ERROR", "SQLITE_TOOBIG", "SQLITE_MISMATCH", "SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_SCHEMA"}
)


@contextmanager
def failing() -> Iterator[None]:
    """Turn SQLite's errors into the port's: IntegrityError into StoreConflict, all that waiting or a person may mend
    into StoreFailing. A fault of the program stays what it is."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StoreConflict(str(error)) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", None) in _FAULTS:
            raise
        raise StoreFailing(meaning(error)) from error


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode, for use by any one thread at a time. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        # FULL: a commit returns when the disk has it. It is what an acknowledgement rests on.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -8192" if read_only else "PRAGMA cache_size = -65536")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """WAL, and the mark that this is a store of ours. Raises StoreUnusable for a file that is something else."""
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    if found != APPLICATION_ID:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreUnusable("the file is a database of another program")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreUnusable(
            f"the file system of the data folder does not support SQLite's WAL (journal mode stays {mode!r}): "
            "use a local disk, not a network share"
        )
    # A page that changes with every batch is carried over to the store itself once in 8 MB of log; more at once would
    # make the commit that does it wait noticeably.
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    # After a burst the log is cut back to this, so that it does not keep the disk full.
    connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")


class _Writing:
    """Lists as single marks."""

    def among(self, table: str, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        return f"{table}.{column} IN ({_marks(len(values))})", list(values)

    def by_keys(
        self, select: str, table: str, columns: tuple[str, ...], keys: Collection[Row]
    ) -> tuple[str, list[Any]]:
        # The keys as a table that is joined: for `(a, b) IN (VALUES ...)` SQLite reads the whole table. CROSS JOIN
        # keeps the order.
        names = [f"wanted_{column}" for column in columns]
        mark = f"({_marks(len(columns))})"
        same = " AND ".join(f"{table}.{column} = {name}" for column, name in zip(columns, names, strict=True))
        return (
            f"WITH wanted ({', '.join(names)}) AS (VALUES {', '.join([mark] * len(keys))}) "  # noqa: S608 - marks only
            f"SELECT {select} FROM wanted CROSS JOIN {table} ON {same}"
        ), [part for key in keys for part in key]


WRITING: Final = _Writing()


class _Session:
    """Implements engine.Session on the writing connection. The whole store is this transaction's alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._next_incident: int | None = None

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with failing():
            return self._connection.execute(statement, parameters).fetchall()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with failing():
            return self._connection.execute(statement, parameters).rowcount

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        with failing():
            self._connection.executemany(statement, rows)

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None:
        with failing():
            self._connection.executemany(_insert(insert), rows)

    def change(self, insert: Insert, rows: Sequence[Row]) -> None:
        with failing():
            changed = self._connection.executemany(_update(insert), rows).rowcount
        if changed != len(rows):
            raise LookupError(
                f"{len(rows) - changed} of {len(rows)} rows of {insert.table} are not there to be changed"
            )

    def foreign(self) -> int | None:
        return int(self.fetch("PRAGMA data_version")[0][0])

    def lock_devices(self, device_ids: Collection[bytes]) -> None:
        return

    def lock_end(self) -> None:
        return

    def batch_number(self) -> int:
        return int(self.fetch("SELECT coalesce(max(number), 0) + 1 FROM batch")[0][0])

    def incident_ids(self, count: int) -> Sequence[int]:
        if self._next_incident is None:
            self._next_incident = int(self.fetch("SELECT coalesce(max(id), 0) + 1 FROM incident")[0][0])
        first, self._next_incident = self._next_incident, self._next_incident + count
        return range(first, first + count)


@cache
def _insert(insert: Insert) -> str:
    marks = _marks(len(insert.names))
    return f"INSERT INTO {insert.table} ({', '.join(insert.names)}) VALUES ({marks}){insert.tail()}"  # noqa: S608


@cache
def _update(insert: Insert) -> str:
    """Of wide rows SQLite makes an UPDATE at a fifth of the cost of an INSERT with ON CONFLICT."""
    numbers = {name: number for number, name in enumerate(insert.names, 1)}
    kept = insert.fixed.union(insert.keys)
    changes = ", ".join(f"{name} = ?{number}" for name, number in numbers.items() if name not in kept)
    same = " AND ".join(f"{name} = ?{numbers[name]}" for name in insert.keys)
    # The last mark is named in any case: a row has as many values as there are marks.
    return f"UPDATE {insert.table} SET {changes} WHERE {same} AND ?{len(numbers)} IS ?{len(numbers)}"  # noqa: S608


def _marks(count: int) -> str:
    return ", ".join("?" * count)


class Sqlite:
    """Implements engine.Engine on one file, for one process that serves and others that look or register."""

    kind = "sqlite"
    writing = WRITING

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._local = threading.local()
        self._closed = threading.Event()
        self.writer: sqlite3.Connection

    def open(self) -> None:
        with self._said():
            _make_private(self._path)
            self.writer = connect(self._path)
            try:
                prepare(self.writer)
            except BaseException:
                self.writer.close()
                raise

    def opened(self) -> None:
        return

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Name the file in what is said of it."""
        try:
            yield
        except (StoreUnusable, StoreFailing) as error:
            raise StoreUnusable(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise StoreUnusable(f"{self._path}: {meaning(error)}") from error

    def ddl(self, script: str) -> str:
        return script

    def has_table(self, session: Session, name: str) -> bool:
        return bool(session.fetch("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)))

    @contextmanager
    def migrating(self) -> Iterator[Session]:
        with self._said(), self.transaction() as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._writing:
            if self._closed.is_set():
                raise StoreFailing("the store is closed")
            with failing():
                self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield _Session(self.writer)
                with failing():
                    self.writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        """Back to where the transaction began, by a new connection if the old one cannot."""
        try:
            if self.writer.in_transaction:  # SQLite itself rolls back on some errors
                self.writer.execute("ROLLBACK")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                fresh = connect(self._path)
                self.writer.close()
                self.writer = fresh

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """On this thread's own connection."""
        with failing():
            reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
            if reader is None:
                reader = connect(self._path, read_only=True)
                with self._readers_lock:
                    if self._closed.is_set():
                        reader.close()
                        raise StoreFailing("the store is closed")
                    self._readers.append(reader)
                self._local.reader = reader
            return reader.execute(statement, parameters).fetchall()

    def scrub(self, whole: bool) -> None:
        # What is deleted is overwritten at once (secure_delete); the log has it until it is carried over and cut.
        with self._writing, failing():
            if whole:
                self.writer.execute("VACUUM")
            self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def await_change(self, timeout_s: float) -> None:
        self._closed.wait(timeout_s)  # SQLite tells nobody of another process's commit

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        return True  # one process serves; the lock on its folder sees to that

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
    """A new store is for its owner's eyes only: it holds personal data. SQLite gives its other files the same mode."""
    with suppress(OSError):  # SQLite says better why a file cannot be made
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
