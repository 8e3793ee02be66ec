"""Complete copies of a store: made while a gateway works, and verified before anybody relies on them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final

from siaga_gateway.adapters.sql.audit import AuditReading
from siaga_gateway.adapters.sql.coverage import FORMER, GATHERED
from siaga_gateway.adapters.sql.engine import Row, StoreUnusable
from siaga_gateway.adapters.sql.expiry import NOT_LEFT
from siaga_gateway.adapters.sql.migrate import known_migrations
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.sqlite.connection import APPLICATION_ID, connect
from siaga_gateway.adapters.sql.sqlite.errors import failing, meaning
from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.service.journal.audit_chain import Verified, verify
from siaga_gateway.service.store import StoreFailing

_LONGEST_S: Final = 6 * 3600
_WITH_CHAIN: Final = 4  # the first migration with an audit chain
# The names of those that begin to take check-ins out of the evidence, and their frames out of the journal.
_THINNED: Final = "checkins"
_UNFRAMED: Final = "journal_frames"
# Where people were, and what too few may have reported of the signal: no backup has it.
_NOT_COPIED: Final = ("last_position", GATHERED, *FORMER)


def new_file(path: Path) -> IO[bytes]:
    """Create a file that only its owner can read; it must not exist. Raises: StoreFailing."""
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    except OSError as error:
        raise StoreFailing("file.unmade", path=path, why=error) from None


def settle(path: Path, name: Path | None = None) -> None:
    """Fsync, and rename to `name` atomically, replacing nothing. Raises: StoreFailing."""
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        if name is not None:
            os.link(path, name)
            path.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreFailing("file.unkept", path=name or path, why=error) from None


# SQLite


def copy_sqlite(source: Path, copy: Path) -> None:
    """Make a consistent copy of a store in use, without deleted data and what is in no backup. Raises: StoreFailing."""
    new_file(copy).close()
    with failing(), closing(connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    with failing(), closing(connect(copy)) as connection:  # it overwrites what it deletes
        connection.execute("PRAGMA journal_mode = MEMORY")
        for table in _NOT_COPIED:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        connection.execute(NOT_LEFT)


class _Copy(AuditReading):
    """The chain of a file that is only read."""

    def __init__(self, connection: sqlite3.Connection, done: Collection[str]) -> None:
        """done: names of the migrations that it has."""
        self._connection = connection
        self.thinned = _THINNED in done
        self.unframed = _UNFRAMED in done

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with failing():
            return self._connection.execute(statement, parameters).fetchall()


def check_sqlite(path: Path) -> Verified | None:
    """Verify that the file is an intact store that this program can use; returns None for one without an audit chain.

    Raises: StoreUnusable, AuditBroken.
    """
    try:
        # Immutable: a copy has no log, and reading it must not create one.
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise StoreUnusable("backup.no_store", path=path)
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if faults != ["ok"]:
                raise StoreUnusable("backup.damaged", path=path, faults=original(faults[0]))
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise StoreUnusable("backup.dangling", path=path)
            version: int = connection.execute("SELECT coalesce(max(number), 0) FROM migration").fetchone()[0]
            migrations = known_migrations(Sqlite(path))
            if version > (known := len(migrations)):
                raise StoreUnusable("backup.newer", path=path, version=version, known=known)
            done = {step.name for step in migrations if step.number <= version}
            return verify(_Copy(connection, done)) if version >= _WITH_CHAIN else None
    except sqlite3.Error as error:
        raise StoreUnusable("file.at", path=path, why=meaning(error)) from None


# PostgreSQL


def dump_postgres(conninfo: str, copy: Path) -> None:
    """Dump with pg_dump, in its own format, without what is in no backup. Raises: StoreFailing."""
    without = [f"--exclude-table-data={table}" for table in _NOT_COPIED]
    with new_file(copy) as file:
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", *without], conninfo, file)
    _run(["pg_restore", "--list", str(copy)], None, subprocess.DEVNULL)


def load_postgres(conninfo: str, copy: Path) -> None:
    """Restore into an empty database, all or nothing. Raises: StoreFailing."""
    arguments = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    database = _environment(conninfo)["PGDATABASE"]
    _run(["pg_restore", *arguments, "--dbname", database, str(copy)], conninfo, subprocess.DEVNULL)


def _run(command: list[str], conninfo: str | None, to: IO[bytes] | int) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise StoreFailing("backup.no_client", command=command[0])
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=to,
            stderr=subprocess.PIPE,
            env={**os.environ, **({} if conninfo is None else _environment(conninfo))},
            timeout=_LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StoreFailing("backup.too_long", command=command[0], longest_s=_LONGEST_S // 3600) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = original(said[0]) if said else Localized("errors.backup.exit_code", code=done.returncode)
        raise StoreFailing("backup.failed", command=command[0], why=why)


def _environment(conninfo: str) -> dict[str, str]:
    """Return the connection as libpq's variables: everybody could read a password on the command line."""
    from psycopg.pq import Conninfo

    told = {
        option.envvar.decode(): option.val.decode()
        for option in Conninfo.parse(conninfo.encode())
        if option.envvar is not None and option.val is not None
    }
    told.setdefault("PGDATABASE", told.get("PGUSER", ""))
    return told
