"""Commands in the store: statements and rows, for the transaction and for reading."""

from __future__ import annotations

from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Row, Session
from siaga_gateway.adapters.sql.rows import columns
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
# Of a command that is there only these change.
_CHANGING: Final = frozenset({"state", "next_ms", "attempts", "sent_ms", "closed_ms"})
_PUT: Final = Insert("command", COMMAND, ("device_id", "down_counter"), frozenset(COMMAND) - _CHANGING)
_COUNTED: Final = Insert("down_counter", ("device_id", "last"), ("device_id",))


def command_of(row: Row) -> Command:
    device_id, down_counter, code, arguments, state, *rest = row
    return Command(device_id, down_counter, CommandCode(code), arguments, CommandState(state), *rest)


def last_counter(session: Session, device_id: bytes) -> int | None:
    rows = session.fetch("SELECT last FROM down_counter WHERE device_id = ?", (device_id,))
    return int(rows[0][0]) if rows else None


def one(session: Session, device_id: bytes, down_counter: int) -> Command | None:
    rows = session.fetch(f"{SELECT} WHERE device_id = ? AND down_counter = ?", (device_id, down_counter))
    return command_of(rows[0]) if rows else None


def add(session: Session, command: Command) -> None:
    session.insert(_COUNTED, [(command.device_id, command.down_counter)])
    put(session, command)


def put(session: Session, command: Command) -> None:
    """A new one, or what changed of one that is there."""
    row = (
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
    )
    session.insert(_PUT, [row])
