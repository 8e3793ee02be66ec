"""A transaction in progress on PostgreSQL: its statements, with many rows in one, and its locks."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from psycopg import Cursor, errors

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.postgres.arrays import array
from siaga_gateway.adapters.sql.postgres.change_listener import CHANNEL
from siaga_gateway.adapters.sql.postgres.connection import Asked, Link
from siaga_gateway.adapters.sql.postgres.errors import failing

# Advisory locks of this database; any distinct numbers.
_END_LOCK: Final = 0x7369_6761_0001
SHAPE_LOCK: Final = 0x7369_6761_0002
# Bytes that wait to be sent, at most: a batch has a tenth of that, and a store that is moved has years.
_GATHERED: Final = 4_000_000
_EACH: Final = 200  # of a statement itself, about
_MISSING: Final = "rows are missing of "
_MISSED: Final = re.compile(f"{_MISSING}(\\w+) (\\d+)")


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

    def insert(self, insert: Insert) -> str:
        arrays, names = self.arrays(insert.table, insert.names), ", ".join(insert.names)
        return f"INSERT INTO {insert.table} ({names}) SELECT * FROM unnest({arrays}){insert.tail()}"  # noqa: S608

    def update(self, insert: Insert) -> str:
        """Return an UPDATE of rows that exist: it needs no second lock on each, as an INSERT with ON CONFLICT does.

        The last parameter is how many rows there are. If one is missing the statement fails, so that nothing is
        committed: nobody waits for its answer before the COMMIT that may be sent with it.
        """
        kept = insert.fixed.union(insert.keys)
        changes = ", ".join(f"{name} = new.{name}" for name in insert.names if name not in kept)
        same = " AND ".join(f"{insert.table}.{name} = new.{name}" for name in insert.keys)
        arrays, names = self.arrays(insert.table, insert.names), ", ".join(insert.names)
        change = f"UPDATE {insert.table} SET {changes} FROM unnest({arrays}) AS new ({names}) WHERE {same}"  # noqa: S608
        missing = f"CAST('{_MISSING}{insert.table} ' || count(*) AS INTEGER)"  # says so by failing
        return (
            f"WITH changed AS ({change} RETURNING 1) "  # noqa: S608
            f"SELECT CASE WHEN count(*) = ?::bigint THEN 0 ELSE {missing} END FROM changed"
        )

    def columns(self, table: str, columns: tuple[str, ...], rows: Collection[Row]) -> list[Any]:
        """Return the rows' values by column, each column as one parameter."""
        return [
            array(self.types[table, column], values)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True)
        ]


class PostgresSession:
    """Implements engine.Session on one connection."""

    def __init__(self, link: Link, writing: ListWriting, statements: dict[tuple[Insert, str], str]) -> None:
        self._link = link
        self._writing = writing
        self._statements = statements
        self._waiting: list[Asked] = []  # writes whose answers nobody needs: sent with the next that is waited for
        self._gathered = 0  # their bytes, about
        self.patient = link.patient

    def _ask(self, asked: Asked) -> Cursor[Row]:
        self._waiting.append(asked)
        return self._ask_waiting()

    def _ask_waiting(self) -> Cursor[Row]:
        waiting, self._waiting, self._gathered = self._waiting, [], 0
        try:
            with failing():
                return self._link.ask_all(waiting)
        except errors.InvalidTextRepresentation as error:
            if (found := _MISSED.search(str(error))) is None:
                raise
            table, changed = found.groups()
            raise LookupError(f"rows of {table} are not there to be changed; {changed} are") from error

    def _gather(self, asked: Asked, size: int) -> None:
        self._waiting.append(asked)
        self._gathered += size
        if self._gathered >= _GATHERED:
            self._ask_waiting()

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        asked = self._ask(Asked(statement, parameters))
        with failing():
            return asked.fetchall()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._ask(Asked(statement, parameters)).rowcount

    def commit(self) -> str | None:
        """Commit. Returns what the server says it has done."""
        return self._ask(Asked("COMMIT")).statusmessage

    def send(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._gather(Asked(statement, parameters), _size(parameters))

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        self._gather(Asked(statement, rows=list(rows)), sum(map(_size, rows)))

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None:
        self.send(self._statement(insert, self._writing.insert), self._values(insert, rows))

    def change(self, insert: Insert, rows: Sequence[Row]) -> None:
        self.send(self._statement(insert, self._writing.update), (*self._values(insert, rows), len(rows)))

    def _statement(self, insert: Insert, written: Callable[[Insert], str]) -> str:
        text = self._statements.get((insert, written.__name__))
        if text is None:
            text = self._statements[insert, written.__name__] = written(insert)
        return text

    def _values(self, insert: Insert, rows: Sequence[Row]) -> list[Any]:
        return self._writing.columns(insert.table, insert.names, rows)

    def foreign(self) -> int | None:
        return None

    def lock_devices(self, device_ids: Collection[bytes]) -> None:
        if device_ids:
            # The fixed order prevents a deadlock between workers.
            among, parameters = self._writing.among("device", "device_id", device_ids)
            self.run(f"SELECT 1 FROM device WHERE {among} ORDER BY device_id FOR NO KEY UPDATE", parameters)  # noqa: S608

    def lock_escalations(self, incident_ids: Collection[int]) -> None:
        # In this order by everybody, and before the rows of their messages.
        among, parameters = self._writing.among("escalation", "incident_id", incident_ids)
        self.run(f"SELECT 1 FROM escalation WHERE {among} ORDER BY incident_id FOR UPDATE", parameters)  # noqa: S608

    def lock_end(self) -> None:
        # A statement of its own: the next one sees everything committed under this lock before. pg_notify only queues
        # the message; it is sent with the commit.
        self.send("SELECT pg_advisory_xact_lock(?), pg_notify(?, '')", (_END_LOCK, CHANNEL))

    def batch_number(self) -> int:
        return int(self.fetch("SELECT nextval(pg_get_serial_sequence('batch', 'number'))")[0][0])

    def incident_ids(self, count: int) -> Sequence[int]:
        drawn = self.fetch(
            "SELECT nextval(pg_get_serial_sequence('incident', 'id')) FROM generate_series(1, ?)", (count,)
        )
        return [number for (number,) in drawn]


def _size(parameters: Sequence[Any]) -> int:
    """Return about how many bytes they are."""
    return _EACH + sum(len(each) for each in parameters if isinstance(each, bytes | str | list))
