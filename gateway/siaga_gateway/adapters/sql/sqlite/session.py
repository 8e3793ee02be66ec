"""A transaction in progress on SQLite, and the form of its statements that take lists."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.sqlite.errors import failing


class ListWriting:
    """Lists as single placeholders."""

    def among(self, table: str, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        return f"{table}.{column} IN ({_marks(len(values))})", list(values)

    def by_keys(
        self, select: str, table: str, columns: tuple[str, ...], keys: Collection[Row]
    ) -> tuple[str, list[Any]]:
        # The keys as a joined table: for `(a, b) IN (VALUES ...)` SQLite scans the whole table. CROSS JOIN fixes the
        # order.
        names = [f"wanted_{column}" for column in columns]
        mark = f"({_marks(len(columns))})"
        same = " AND ".join(f"{table}.{column} = {name}" for column, name in zip(columns, names, strict=True))
        return (
            f"WITH wanted ({', '.join(names)}) AS (VALUES {', '.join([mark] * len(keys))}) "  # noqa: S608 - marks only
            f"SELECT {select} FROM wanted CROSS JOIN {table} ON {same}"
        ), [part for key in keys for part in key]


WRITING: Final = ListWriting()


def read_all(connection: sqlite3.Connection, statement: str, parameters: Sequence[Any]) -> list[Row]:
    """Return all rows of a statement.

    In a text that is not UTF-8, as after a flipped bit, U+FFFD stands for what cannot be read: every other column and
    row is read. Raises: sqlite3.Error.
    """
    try:
        return connection.execute(statement, parameters).fetchall()
    except sqlite3.OperationalError as error:
        # It is sqlite3's own: no code of SQLite's belongs to it.
        if not str(error).startswith("Could not decode to UTF-8") or "RETURNING" in statement:
            raise
    connection.text_factory = _as_far_as_readable
    try:
        return connection.execute(statement, parameters).fetchall()
    finally:
        connection.text_factory = str


def _as_far_as_readable(text: bytes) -> str:
    return text.decode(errors="replace")


class SqliteSession:
    """Implements engine.Session on the writing connection. This transaction has the whole store to itself."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._next_incident: int | None = None

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with failing():
            return read_all(self._connection, statement, parameters)

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with failing():
            return self._connection.execute(statement, parameters).rowcount

    def send(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self.run(statement, parameters)

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

    def lock_escalations(self, incident_ids: Collection[int]) -> None:
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
    """Return an UPDATE: for wide rows SQLite needs a fifth of the time of an INSERT with ON CONFLICT."""
    numbers = {name: number for number, name in enumerate(insert.names, 1)}
    kept = insert.fixed.union(insert.keys)
    changes = ", ".join(f"{name} = ?{number}" for name, number in numbers.items() if name not in kept)
    same = " AND ".join(f"{name} = ?{numbers[name]}" for name in insert.keys)
    # The last placeholder is always used: a row has as many values as there are placeholders.
    return f"UPDATE {insert.table} SET {changes} WHERE {same} AND ?{len(numbers)} IS ?{len(numbers)}"  # noqa: S608


def _marks(count: int) -> str:
    return ", ".join("?" * count)
