"""Moves a store that outgrew SQLite, row by row, into an empty PostgreSQL, with every number and seal unchanged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Session, StoreUnusable
from siaga_gateway.adapters.sql.sqlite.connection import connect
from siaga_gateway.adapters.sql.sqlite.errors import failing
from siaga_gateway.adapters.sql.store import SqlStore

_AT_ONCE: Final = 1_000
# Each store has its own of these: applied migrations, and current leases.
_OWN: Final = frozenset({"migration", "lease"})
# A row in any of these means that the target is in use.
_USED: Final = ("owner", "device", "incident", "event")


def move(path: Path, target: SqlStore) -> Mapping[str, int]:
    """Copy a SQLite store of the current schema into the target, all or nothing. Returns rows by table.

    The gateway must not run. Raises: StoreUnusable if the target is in use, StoreFailing.
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
            raise StoreUnusable("store.in_use")
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
    """Return the tables, each after those it references."""
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
