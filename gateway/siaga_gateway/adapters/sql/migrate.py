"""Numbered SQL files, each applied in one transaction together with its record; one list for all engines.

`0001_first.sql` is for all engines, with SQLite's type names; `0007_more.sqlite.sql` and `0007_more.postgresql.sql` are
one step, with each engine's own SQL.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Final

from siaga_gateway.adapters.sql.audit import chain_up, fill_digests
from siaga_gateway.adapters.sql.engine import Engine, Session, StoreUnusable, TableInUse

# What a step does beyond SQL, in the same transaction.
_AFTER: Final[dict[str, Callable[[Session, int], None]]] = {"audit": chain_up, "event_digest": fill_digests}
_PATIENCE_S: Final = 60.0  # for a table that somebody reads
_APART_S: Final = 2.0  # between two tries: meanwhile presses of an older gateway go on
_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)(?:\.([a-z]+))?\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str


def known_migrations(engine: Engine) -> tuple[Migration, ...]:
    """Return all migrations for an engine, in order, numbered from 1 without gaps."""
    found = []
    for file in (resources.files(__package__) / "migrations").iterdir():
        if (match := _NAME.fullmatch(file.name)) and match[3] in (None, engine.kind):
            script = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], script if match[3] else engine.ddl(script)))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise RuntimeError(f"the migrations for {engine.kind} are not numbered 1, 2, 3, ...")
    return tuple(found)


def applied(engine: Engine, session: Session) -> int:
    """Return the number of the store's last migration; 0 for a new store."""
    if not engine.has_table(session, "migration"):
        return 0
    number: int = session.fetch("SELECT coalesce(max(number), 0) FROM migration")[0][0]
    return number


def migrate(engine: Engine, migrations: tuple[Migration, ...], now_ms: int) -> int:
    """Apply missing migrations. Returns how many. A step that raises is not applied.

    Raises: StoreUnusable for a store that a later version of the program has changed.
    """
    with engine.migrating() as session:
        found = applied(engine, session)
        if found > len(migrations):
            raise StoreUnusable("store.newer", found=found, migrations=len(migrations))
    return sum(_applied_in_time(engine, migration, now_ms) for migration in migrations[found:])


def _applied_in_time(engine: Engine, migration: Migration, now_ms: int) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _apply(engine, migration, now_ms)
        except TableInUse:
            if time.monotonic() >= until:
                raise
            time.sleep(_APART_S)


def _apply(engine: Engine, migration: Migration, now_ms: int) -> bool:
    """Apply one step. Returns whether it was missing. Raises: TableInUse, StoreUnusable."""
    with engine.migrating() as session:
        session.run(
            "CREATE TABLE IF NOT EXISTS migration ("
            "number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)"
        )
        # Checked inside the transaction: another process may have applied it while this one waited.
        if applied(engine, session) >= migration.number:
            return False
        engine.give_way(session)
        for statement in statements(migration.sql):
            session.run(statement)
        if (after := _AFTER.get(migration.name)) is not None:
            after(session, now_ms)
        session.run(
            "INSERT INTO migration (number, name, applied_at_ms) VALUES (?, ?, ?)",
            (migration.number, migration.name, now_ms),
        )
        return True


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script. `executescript` would commit before the first of them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if re.sub(r"--[^\n]*", "", statement).strip():
        raise ValueError(f"the last statement has no end: {statement.strip()[:60]!r}")
