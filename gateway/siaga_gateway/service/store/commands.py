"""Commands to devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.device_command import Command


class CommandWriting(Protocol):
    """Writes commands, one after the other; each device has its own counters."""

    def last_down_counter(self, device_id: bytes) -> int | None:
        """Return the highest counter of any command to this device; None: there was none."""
        ...

    def command(self, device_id: bytes, down_counter: int) -> Command | None: ...
    def open_commands(self, device_id: bytes) -> Sequence[Command]:
        """Return the device's open commands, in their order; without those that cannot be read."""
        ...

    def add_command(self, command: Command) -> None:
        """Add a new command. Its down-counter is used up, whatever becomes of it."""
        ...

    def put_command(self, command: Command) -> None: ...


class CommandReading(Protocol):
    """Reads commands that are due and their outcomes."""

    def command_version(self) -> int:
        """A number that grows with every change of a command."""
        ...

    def commands_due(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        """Return each device's first open command if it is due, the longest overdue first."""
        ...

    def commands_expired(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        """Return open commands that have expired."""
        ...

    def first_command(self, device_id: bytes) -> Command | None:
        """The device's first open command."""
        ...

    def devices_with_commands(self) -> Sequence[bytes]:
        """Return the devices that have an open command."""
        ...

    def commands(self, device_id: bytes | None = None, limit: int = 200) -> Sequence[Command]:
        """Return commands, newest first."""
        ...
