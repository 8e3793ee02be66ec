"""A store that outgrew SQLite, row by row into an empty PostgreSQL: as it is, with every number and every seal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Session, StoreUnusable
from siaga_gateway.adapters.sql.sqlite import connect, failing
from siaga_gateway.adapters.sql.store import SqlStore

_AT_ONCE: Final = 1_000
# What each store has of its own: its record of shapes, and who does what just now.
_OWN: Final = frozenset({"migration", "lease"})
# With any of these the target is in use.
_USED: Final = ("owner", "device", "incident", "event")


def move(path: Path, target: SqlStore) -> Mapping[str, int]:
    """Copy a SQLite store of today's shape into the target, all or nothing; rows by table. The gateway must not run.

    Raises StoreUnusable where the target is in use, StoreFailing.
    """
    with failing():
        source = connect(path, read_only=True)
    try:
        with failing(), target.engine.migrating() as session:
            return _move(source, session)
    finally:
        source.close()


def _move(source: sqlite3.Connection, session: Session) -> Mapping[str, int]:
    for table in _USED:
        if session.fetch(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - names of our own tables
            raise StoreUnusable("is in use already: name an empty database")
    source.execute("BEGIN")
    tables = _in_order(source)
    for table in reversed(tables):
        session.run(f"DELETE FROM {table}")  # noqa: S608 - what migrations have put there
    moved = {table: _copy(source, session, table) for table in tables}
    for table, column in session.fetch(
        "SELECT table_name::text, column_name::text FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_identity = 'YES' AND table_name <> 'migration'"
    ):
        session.fetch(
            f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max({column}), 0) + 1, false) "  # noqa: S608
            f"FROM {table}"
        )
    return moved


def _copy(source: sqlite3.Connection, session: Session, table: str) -> int:
    names = tuple(row[1] for row in source.execute(f"PRAGMA table_info({table})"))
    insert = Insert(table, names)
    cursor, count = source.execute(f"SELECT {', '.join(names)} FROM {table}"), 0  # noqa: S608
    while rows := cursor.fetchmany(_AT_ONCE):
        session.insert(insert, rows)
        count += len(rows)
    return count


def _in_order(source: sqlite3.Connection) -> list[str]:
    """The tables, each after those that it refers to."""
    names = {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    waiting = {name: _referred(source, name) for name in names - _OWN if not name.startswith("sqlite_")}
    order: list[str] = []
    while waiting:
        ready = sorted(name for name, before in waiting.items() if not before & waiting.keys())
        if not ready:
            raise RuntimeError(f"tables that refer to each other in a ring: {sorted(waiting)}")
        order += ready
        for name in ready:
            del waiting[name]
    return order


def _referred(source: sqlite3.Connection, table: str) -> set[str]:
    def others() -> Iterator[str]:
        for row in source.execute(f"PRAGMA foreign_key_list({table})"):
            if row[2] != table:
                yield row[2]

    return set(others())
