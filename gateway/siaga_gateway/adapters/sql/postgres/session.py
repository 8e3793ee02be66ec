"""A transaction in progress on PostgreSQL: its statements, with many rows in one, and its locks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.postgres.arrays import array
from siaga_gateway.adapters.sql.postgres.change_listener import CHANNEL
from siaga_gateway.adapters.sql.postgres.connection import Link
from siaga_gateway.adapters.sql.postgres.errors import failing

# Advisory locks of this database; any distinct numbers.
_END_LOCK: Final = 0x7369_6761_0001
SHAPE_LOCK: Final = 0x7369_6761_0002


class ListWriting:
    """Lists as arrays: one text, and so one plan, for any number of values."""

    def __init__(self) -> None:
        self.types: dict[tuple[str, str], str] = {}  # by table and column, as in the database

    def arrays(self, table: str, columns: tuple[str, ...]) -> str:
        return ", ".join(f"?::{self.types[table, column]}[]" for column in columns)

    def among(self, table: str, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        kind = self.types[table, column]
        return f"{table}.{column} = ANY(?::{kind}[])", [array(kind, tuple(values))]

    def by_keys(
        self, select: str, table: str, columns: tuple[str, ...], keys: Collection[Row]
    ) -> tuple[str, list[Any]]:
        names = [f"wanted_{column}" for column in columns]
        same = " AND ".join(f"{table}.{column} = {name}" for column, name in zip(columns, names, strict=True))
        return (
            f"SELECT {select} FROM unnest({self.arrays(table, columns)}) AS wanted ({', '.join(names)}) "  # noqa: S608
            f"JOIN {table} ON {same}"
        ), self.columns(table, columns, keys)

    def columns(self, table: str, columns: tuple[str, ...], rows: Collection[Row]) -> list[Any]:
        """Return the rows' values by column, each column as one parameter."""
        return [
            array(self.types[table, column], values)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True)
        ]


class PostgresSession:
    """Implements engine.Session on one connection."""

    def __init__(self, link: Link, writing: ListWriting, statements: dict[Insert, str]) -> None:
        self._link = link
        self._writing = writing
        self._statements = statements
        self.patient = link.patient

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with failing():
            return self._link.ask(statement, parameters).fetchall()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with failing():
            return self._link.ask(statement, parameters).rowcount

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        with failing():
            self._link.ask_each(statement, rows)

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None:
        text = self._statements.get(insert)
        if text is None:
            arrays = self._writing.arrays(insert.table, insert.names)
            names = ", ".join(insert.names)
            text = f"INSERT INTO {insert.table} ({names}) SELECT * FROM unnest({arrays}){insert.tail()}"  # noqa: S608
            self._statements[insert] = text
        self.run(text, self._writing.columns(insert.table, insert.names, rows))

    def change(self, insert: Insert, rows: Sequence[Row]) -> None:
        self.insert(insert, rows)

    def foreign(self) -> int | None:
        return None

    def lock_devices(self, device_ids: Collection[bytes]) -> None:
        if device_ids:
            # The fixed order prevents a deadlock between workers.
            among, parameters = self._writing.among("device", "device_id", device_ids)
            self.run(f"SELECT 1 FROM device WHERE {among} ORDER BY device_id FOR NO KEY UPDATE", parameters)  # noqa: S608

    def lock_end(self) -> None:
        # A statement of its own: the next one sees everything committed under this lock before. pg_notify only queues
        # the message; it is sent with the commit.
        self.run("SELECT pg_advisory_xact_lock(?), pg_notify(?, '')", (_END_LOCK, CHANNEL))

    def batch_number(self) -> int:
        return int(self.fetch("SELECT nextval(pg_get_serial_sequence('batch', 'number'))")[0][0])

    def incident_ids(self, count: int) -> Sequence[int]:
        drawn = self.fetch(
            "SELECT nextval(pg_get_serial_sequence('incident', 'id')) FROM generate_series(1, ?)", (count,)
        )
        return [number for (number,) in drawn]
