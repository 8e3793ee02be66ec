"""A connection to a store's file, and making the file a store."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sql.engine import StoreUnusable
from siaga_gateway.adapters.sql.sqlite.errors import BUSY_TIMEOUT_MS

# "siga" in ASCII: tells a store from any other SQLite file.
APPLICATION_ID: Final = 0x73696761


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection in autocommit mode, for one thread at a time. Raises: sqlite3.Error."""
    # Never created here: an empty store in place of a deleted one would hide the loss.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        # FULL: a commit returns when the data are on disk. Acknowledgements rest on that.
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
    """Set WAL mode and the application id. Raises: StoreUnusable for a file that is something else."""
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    if found != APPLICATION_ID:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreUnusable("store.foreign_file")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreUnusable("store.no_wal", mode=mode)
    # A page that changes with every batch is checkpointed once in 8 MB of log; a longer log would delay the commit that
    # does it noticeably.
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    # After a burst the log is truncated to this, so that it does not keep the disk full.
    connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
