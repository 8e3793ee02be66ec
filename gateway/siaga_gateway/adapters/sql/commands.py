"""Commands in the store: written one by one, read when due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import only, sound
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.device_command import Command, CommandState
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
# Worded exactly like the partial indexes.
_OPEN: Final = "state IN ('waiting', 'sent')"
# Only the device's first open one, as devices take commands in the order of their counters.
_FIRST: Final = (
    "NOT EXISTS (SELECT 1 FROM command AS earlier WHERE earlier.device_id = command.device_id "
    "AND earlier.down_counter < command.down_counter AND earlier.state IN ('waiting', 'sent'))"
)
DUE: Final = f"{SELECT} WHERE {_OPEN} AND next_ms <= ? AND {_FIRST} ORDER BY next_ms LIMIT ?"
EXPIRED: Final = f"{SELECT} WHERE {_OPEN} AND expires_ms <= ? ORDER BY expires_ms LIMIT ?"
_OPEN_OF: Final = f"{SELECT} WHERE {_OPEN} AND device_id = ? ORDER BY down_counter"
FIRST_OF: Final = f"{_OPEN_OF} LIMIT 1"
DEVICES: Final = f"SELECT DISTINCT device_id FROM command WHERE {_OPEN}"  # noqa: S608
# Only these change in an existing command.
_CHANGING: Final = frozenset({"state", "next_ms", "attempts", "sent_ms", "closed_ms"})
_PUT: Final = Insert("command", COMMAND, ("device_id", "down_counter"), frozenset(COMMAND) - _CHANGING)
_COUNTED: Final = Insert("down_counter", ("device_id", "last"), ("device_id",))


def command_of(row: Row) -> Command:
    device_id, down_counter, code, arguments, state, *rest = row
    return Command(device_id, down_counter, CommandCode(code), arguments, CommandState(state), *rest)


class CommandWriting(WriteBatch):
    """Implements service.store.commands.CommandWriting."""

    def last_down_counter(self, device_id: bytes) -> int | None:
        rows = self._fetch("SELECT last FROM down_counter WHERE device_id = ?", (device_id,))
        return int(rows[0][0]) if rows else None

    def command(self, device_id: bytes, down_counter: int) -> Command | None:
        rows = self._fetch(f"{SELECT} WHERE device_id = ? AND down_counter = ?", (device_id, down_counter))
        return only(command_of, rows, "command")

    def open_commands(self, device_id: bytes) -> Sequence[Command]:
        return sound(command_of, self._fetch(_OPEN_OF, (device_id,)), "command")

    def add_command(self, command: Command) -> None:
        self.flush()
        self._session.insert(_COUNTED, [(command.device_id, command.down_counter)])
        self.put_command(command)

    def put_command(self, command: Command) -> None:
        self.flush()
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
        self._session.insert(_PUT, [row])
        self._changed.add("command")


class CommandReading(Reads):
    """Implements service.store.commands.CommandReading."""

    def command_version(self) -> int:
        return self._version("command")

    def commands_due(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        return sound(command_of, self.fetch(DUE, (now_ms, limit)), "command")

    def commands_expired(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        return sound(command_of, self.fetch(EXPIRED, (now_ms, limit)), "command")

    def first_command(self, device_id: bytes) -> Command | None:
        rows = self.fetch(FIRST_OF, (device_id,))
        return only(command_of, rows, "command")

    def devices_with_commands(self) -> Sequence[bytes]:
        return [row[0] for row in self.fetch(DEVICES)]

    def commands(self, device_id: bytes | None = None, limit: int = 200) -> Sequence[Command]:
        where, parameters = ("", ()) if device_id is None else (" WHERE device_id = ?", (device_id,))
        newest = f"{SELECT}{where} ORDER BY asked_ms DESC, down_counter DESC LIMIT ?"
        return sound(command_of, self.fetch(newest, (*parameters, limit)), "command")
