"""A rescue, from its beginning to the file that replaces the damaged one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sql.backups import settle
from siaga_gateway.adapters.sql.engine import StoreUnusable
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.rescue.reference_repair import ReferenceRepair, RepairedReferences
from siaga_gateway.adapters.sql.rescue.row_copy import Progress, RescueFindings, RowCopy
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.sqlite.errors import meaning
from siaga_gateway.service.store import StoreFailing

_ENDINGS: Final = ("", "-wal", "-shm", "-journal")
# Space for a copy beside the damaged file, as a multiple of it.
_ROOM: Final = 1.1


@dataclass(frozen=True, slots=True)
class Rescued:
    """The result of a rescue."""

    findings: RescueFindings
    mended: RepairedReferences
    from_backup: dict[str, int]  # registry rows recovered from a backup, by table


def draft_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.rescuing")


def _whole(path: Path) -> Path:
    return path.with_name(f"{path.name}.rescued")


def rescue(
    path: Path, *, gateway: str, now_ms: int, backup: Path | None, progress: Progress = lambda what, done, of: None
) -> Rescued:
    """Copy all that is readable of the store at `path` into draft_of(path). Nobody may have the store open.

    backup: source of lost owners and devices. Raises: StoreUnusable, StoreFailing.
    """
    draft = draft_of(path)
    remove(draft)
    _check_room(path)
    engine = Sqlite(draft)
    engine.open()
    try:
        engine.writer.execute("PRAGMA synchronous = OFF")  # everything is synced before it replaces the store
        migrate(engine, known_migrations(engine), now_ms)
    finally:
        engine.close()
    try:
        with closing(sqlite3.connect(f"{draft.absolute().as_uri()}", uri=True, isolation_level=None)) as connection:
            for pragma in ("foreign_keys = OFF", "synchronous = OFF", "cache_size = -65536", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN")
            findings = RowCopy(path, connection, progress).run()
            given = {} if backup is None else _registry_of(connection, backup)
            mended = ReferenceRepair(connection, gateway, now_ms).run()
            connection.execute("UPDATE owner SET search_key = NULL")  # the gateway makes their index anew
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreFailing("rescue.unwritable", file=draft, why=meaning(error)) from error
    except OSError as error:
        raise StoreFailing("rescue.failed", file=path, why=error) from error
    return Rescued(findings, mended, given)


def _check_room(path: Path) -> None:
    size = sum(Path(f"{path}{end}").stat().st_size for end in _ENDINGS if Path(f"{path}{end}").exists())
    room = os.statvfs(path.parent)
    if room.f_bavail * room.f_frsize < size * _ROOM:
        raise StoreFailing(
            "rescue.no_room",
            folder=path.parent,
            needed=round(size * _ROOM / 1e6, 1),
            free=round(room.f_bavail * room.f_frsize / 1e6, 1),
        )


def _registry_of(connection: sqlite3.Connection, backup: Path) -> dict[str, int]:
    """Add owners and devices missing in the new store. Owners erased since the backup are erased again afterwards."""
    connection.execute("SAVEPOINT given")
    given = {}
    try:
        with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as old:
            for table in ("owner", "device"):
                names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                there = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
                listed = ", ".join(name for name in names if name in there)
                rows = old.execute(f"SELECT {listed} FROM {table}").fetchall()  # noqa: S608
                before = connection.total_changes
                connection.executemany(
                    f"INSERT OR IGNORE INTO {table} ({listed}) "  # noqa: S608
                    f"VALUES ({', '.join('?' * len(listed.split(',')))})",
                    rows,
                )
                given[table] = connection.total_changes - before
    except sqlite3.Error as error:
        raise StoreUnusable("rescue.backup", file=backup, why=meaning(error)) from None
    finally:
        connection.execute("RELEASE given")
    return given


def put_in_place(path: Path, aside: Path) -> None:
    """Make the draft the store, and keep the damaged one as `aside`, with its log.

    If interrupted anywhere, finish() completes it. Raises: OSError, StoreFailing.
    """
    settle(draft_of(path))  # slow, so before there is a second name
    for end in ("-wal", ""):
        if Path(f"{path}{end}").exists():
            os.link(f"{path}{end}", f"{aside}{end}")
    draft_of(path).rename(_whole(path))
    settle(_whole(path))
    finish(path)


def keep_open(engine: Sqlite, path: Path) -> None:
    """Save the store as the engine has it open, to replace `path` at the next start: its own file was deleted or
    replaced.

    Raises: StoreFailing, OSError.
    """
    draft = draft_of(path)
    remove(draft)
    engine.save_as(draft)
    settle(draft)
    draft.rename(_whole(path))
    settle(_whole(path))


def finish(path: Path) -> Path | None:
    """Put a finished store in place. Returns where the previous one now is, if it had no other name.

    Raises: OSError, StoreFailing.
    """
    whole = _whole(path)
    if not whole.exists():
        return None
    aside = None
    if path.exists() and path.stat().st_nlink == 1:
        aside = free_name(path, "replaced")
        path.rename(aside)
        if Path(f"{path}-wal").exists():
            Path(f"{path}-wal").rename(f"{aside}.wal")  # not under the name of a log: it may not be its log
    for end in _ENDINGS[1:]:
        Path(f"{path}{end}").unlink(missing_ok=True)  # by now they belong to another file
    whole.rename(path)
    settle(path)
    return aside


def free_name(path: Path, why: str) -> Path:
    """Return a free name beside the store, for one that is kept."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name, more = f"{path.name}.{why}-{now}", 1
    while path.with_name(name).exists() or path.with_name(f"{name}-wal").exists():
        name, more = f"{path.name}.{why}-{now}-{more}", more + 1
    return path.with_name(name)


def remove(draft: Path) -> None:
    for end in _ENDINGS:
        Path(f"{draft}{end}").unlink(missing_ok=True)
