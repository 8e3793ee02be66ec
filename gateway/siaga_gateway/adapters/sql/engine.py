"""SQLite as Siaga uses it: how a connection is opened, and what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from siaga_gateway.service.store import StoreConflict, StoreFailing

# "siga" in ASCII: tells a store from any other SQLite file.
APPLICATION_ID: Final = 0x73696761
BUSY_TIMEOUT_MS: Final = 5_000


class StoreUnusable(Exception):
    """The store cannot be opened at all; the text says why and how to mend it."""


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
