"""Commands to devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.command import Command


class CommandWriting(Protocol):
    """One after the other, each device with counters of its own."""

    def last_down_counter(self, device_id: bytes) -> int | None:
        """The highest that a command to this device ever had; None: there was none."""
        ...

    def command(self, device_id: bytes, down_counter: int) -> Command | None: ...
    def add_command(self, command: Command) -> None:
        """A new command. Its down-counter is used up, whatever becomes of it."""
        ...

    def put_command(self, command: Command) -> None: ...


class CommandReading(Protocol):
    """What is to be sent, and what became of it."""

    def command_version(self) -> int:
        """Grows with every change of a command."""
        ...

    def commands_due(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        """Of each device the first open command, where it is to be sent by now; the longest due first."""
        ...

    def commands_expired(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        """Open ones that are to expire by now."""
        ...

    def first_command(self, device_id: bytes) -> Command | None:
        """The device's first open command."""
        ...

    def devices_with_commands(self) -> Sequence[bytes]:
        """Devices that have an open command."""
        ...

    def commands(self, device_id: bytes | None = None, limit: int = 200) -> Sequence[Command]:
        """The newest first."""
        ...
