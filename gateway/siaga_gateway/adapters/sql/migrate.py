"""Numbered SQL files, each applied in one transaction with its record."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from siaga_gateway.adapters.sql.engine import StoreUnusable

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the store's shape."""

    number: int
    name: str
    sql: str


def known_migrations() -> tuple[Migration, ...]:
    """All that this program brings, in order, numbered from 1 without a gap."""
    found = []
    for file in (resources.files(__package__) / "migrations").iterdir():
        if match := _NAME.fullmatch(file.name):
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise RuntimeError("the migrations are not numbered 1, 2, 3, ...")
    return tuple(found)


def applied(connection: sqlite3.Connection) -> int:
    """The number of the last migration that the store has had; 0 for a new file."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchone():
        return 0
    number: int = connection.execute("SELECT coalesce(max(number), 0) FROM migration").fetchone()[0]
    return number


def check_not_newer(connection: sqlite3.Connection, known: int) -> None:
    """Raises StoreUnusable for a store that a later version of the program has changed."""
    found = applied(connection)
    if found > known:
        raise StoreUnusable(
            f"the store has the shape of version {found} and this program knows only up to {known}: "
            "it was used by a newer Siaga; install that version or later, or restore a backup from before"
        )


def migrate(connection: sqlite3.Connection, migrations: tuple[Migration, ...], now_ms: int) -> int:
    """Apply what is missing and return how many that was. Raises sqlite3.Error, and then the step is not applied."""
    check_not_newer(connection, len(migrations))
    done = 0
    for migration in migrations:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migration ("
                "number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL)"
            )
            # Asked inside the transaction: another process may have applied it while this one waited.
            if applied(connection) < migration.number:
                for statement in statements(migration.sql):
                    connection.execute(statement)
                connection.execute(
                    "INSERT INTO migration (number, name, applied_at_ms) VALUES (?, ?, ?)",
                    (migration.number, migration.name, now_ms),
                )
                done += 1
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return done


def statements(script: str) -> Iterator[str]:
    """The statements of a script. `executescript` would commit before the first of them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if re.sub(r"--[^\n]*", "", statement).strip():
        raise ValueError(f"the last statement has no end: {statement.strip()[:60]!r}")
