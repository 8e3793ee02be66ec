"""Commands in the store: statements and rows, for the transaction and for reading."""

from __future__ import annotations

import sqlite3
from typing import Final

from siaga_gateway.adapters.sql.rows import Row, columns
from siaga_gateway.domain.command import Command, CommandState
from siaga_gateway.domain.frame import CommandCode

COMMAND: Final = (
    "device_id",
    "down_counter",
    "code",
    "arguments",
    "state",
    "asked_by",
    "asked_ms",
    "expires_ms",
    "next_ms",
    "attempts",
    "sent_ms",
    "closed_ms",
)
SELECT: Final = f"SELECT {columns(COMMAND)} FROM command"  # noqa: S608 - constants
# Written as the partial indexes have it.
_OPEN: Final = "state IN ('waiting', 'sent')"
# The first open one of its device, for a device takes them in the order of their counters only.
_FIRST: Final = (
    "NOT EXISTS (SELECT 1 FROM command AS earlier WHERE earlier.device_id = command.device_id "
    "AND earlier.down_counter < command.down_counter AND earlier.state IN ('waiting', 'sent'))"
)
DUE: Final = f"{SELECT} WHERE {_OPEN} AND next_ms <= ? AND {_FIRST} ORDER BY next_ms LIMIT ?"
EXPIRED: Final = f"{SELECT} WHERE {_OPEN} AND expires_ms <= ? ORDER BY expires_ms LIMIT ?"
FIRST_OF: Final = f"{SELECT} WHERE {_OPEN} AND device_id = ? ORDER BY down_counter LIMIT 1"
DEVICES: Final = f"SELECT DISTINCT device_id FROM command WHERE {_OPEN}"  # noqa: S608
_PUT: Final = (
    f"INSERT INTO command ({columns(COMMAND)}) VALUES ({', '.join('?' * len(COMMAND))}) "  # noqa: S608
    "ON CONFLICT (device_id, down_counter) DO UPDATE SET state = excluded.state, next_ms = excluded.next_ms, "
    "attempts = excluded.attempts, sent_ms = excluded.sent_ms, closed_ms = excluded.closed_ms"
)
_COUNTED: Final = (
    "INSERT INTO down_counter (device_id, last) VALUES (?, ?) "
    "ON CONFLICT (device_id) DO UPDATE SET last = excluded.last"
)
_CHANGED: Final = "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'command'"


def command_of(row: Row) -> Command:
    device_id, down_counter, code, arguments, state, *rest = row
    return Command(device_id, down_counter, CommandCode(code), arguments, CommandState(state), *rest)


def last_counter(connection: sqlite3.Connection, device_id: bytes) -> int | None:
    row = connection.execute("SELECT last FROM down_counter WHERE device_id = ?", (device_id,)).fetchone()
    return None if row is None else int(row[0])


def one(connection: sqlite3.Connection, device_id: bytes, down_counter: int) -> Command | None:
    row = connection.execute(f"{SELECT} WHERE device_id = ? AND down_counter = ?", (device_id, down_counter)).fetchone()
    return None if row is None else command_of(row)


def add(connection: sqlite3.Connection, command: Command) -> None:
    connection.execute(_COUNTED, (command.device_id, command.down_counter))
    put(connection, command)


def put(connection: sqlite3.Connection, command: Command) -> None:
    """A new one, or what changed of one that is there; either way the gateway's process notices."""
    connection.execute(
        _PUT,
        (
            command.device_id,
            command.down_counter,
            command.code.value,
            command.arguments,
            command.state.value,
            command.asked_by,
            command.asked_ms,
            command.expires_ms,
            command.next_ms,
            command.attempts,
            command.sent_ms,
            command.closed_ms,
        ),
    )
    connection.execute(_CHANGED)
