"""Whole copies of a store: made beside a gateway at work, and looked at closely before anybody relies on them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final

from siaga_gateway.adapters.sql.audit import AuditReads
from siaga_gateway.adapters.sql.engine import Row, StoreUnusable
from siaga_gateway.adapters.sql.migrate import known_migrations
from siaga_gateway.adapters.sql.sqlite import APPLICATION_ID, Sqlite, connect, failing, meaning
from siaga_gateway.service.audit import Verified, verify
from siaga_gateway.service.store import StoreFailing

_LONGEST_S: Final = 6 * 3600
_WITH_CHAIN: Final = 4  # the migration from which on a store has an audit chain


def new_file(path: Path) -> IO[bytes]:
    """For its owner's eyes only; there must be none. Raises StoreFailing."""
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    except OSError as error:
        raise StoreFailing(f"{path}: cannot be made: {error.strerror}") from None


def settle(path: Path, name: Path | None = None) -> None:
    """On the disk, and under its name (over nothing) at once or not at all. Raises StoreFailing."""
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
        raise StoreFailing(f"{name or path}: cannot be kept: {error.strerror}") from None


# SQLite


def copy_sqlite(source: Path, copy: Path) -> None:
    """A consistent copy of a store that others may write to, without what was deleted. Raises StoreFailing."""
    new_file(copy).close()
    with failing(), closing(connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


class _Copy(AuditReads):
    """The chain of a file that is only looked at."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with failing():
            return self._connection.execute(statement, parameters).fetchall()


def check_sqlite(path: Path) -> Verified | None:
    """Whether the file is a store that this program can go on with, and whole; None for one without an audit chain.

    Raises StoreUnusable and AuditBroken.
    """
    try:
        # Immutable: a copy has no log, and looking at it must not make one.
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise StoreUnusable(f"{path}: is no Siaga store")
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if faults != ["ok"]:
                raise StoreUnusable(f"{path}: is damaged: {faults[0]}")
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise StoreUnusable(f"{path}: is damaged: a row refers to one that is not there")
            version: int = connection.execute("SELECT coalesce(max(number), 0) FROM migration").fetchone()[0]
            known = len(known_migrations(Sqlite(path)))
            if version > known:
                raise StoreUnusable(
                    f"{path}: has the shape of version {version} and this program knows only up to {known}: install "
                    "the version that made it, or a later one"
                )
            return verify(_Copy(connection)) if version >= _WITH_CHAIN else None
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path}: {meaning(error)}") from None


# PostgreSQL


def dump_postgres(conninfo: str, copy: Path) -> None:
    """By pg_dump, in its own format. Raises StoreFailing."""
    with new_file(copy) as file:
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges"], conninfo, file)
    _run(["pg_restore", "--list", str(copy)], None, subprocess.DEVNULL)


def load_postgres(conninfo: str, copy: Path) -> None:
    """All or nothing of it, into a database that is empty. Raises StoreFailing."""
    arguments = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    database = _environment(conninfo)["PGDATABASE"]
    _run(["pg_restore", *arguments, "--dbname", database, str(copy)], conninfo, subprocess.DEVNULL)


def _run(command: list[str], conninfo: str | None, to: IO[bytes] | int) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise StoreFailing(
            f"{command[0]} is not here: install PostgreSQL's client programs (Debian: postgresql-client), of the "
            "server's version or later"
        )
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
        raise StoreFailing(f"{command[0]} took longer than {_LONGEST_S // 3600} hours") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise StoreFailing(f"{command[0]} failed: {said[0] if said else f'exit code {done.returncode}'}")


def _environment(conninfo: str) -> dict[str, str]:
    """The connection as libpq's variables: a password on the command line could be read by everybody."""
    from psycopg.pq import Conninfo

    told = {
        option.envvar.decode(): option.val.decode()
        for option in Conninfo.parse(conninfo.encode())
        if option.envvar is not None and option.val is not None
    }
    told.setdefault("PGDATABASE", told.get("PGUSER", ""))
    return told
