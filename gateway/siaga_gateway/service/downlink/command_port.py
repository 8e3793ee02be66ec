"""Commands to one button as people and programs give them at the console; what is not harmless is asked about.

It is called from the console's process too: device ids come as hexadecimal digits. Each call commits before it returns,
and is an entry of the journal with who did it. Raises: CommandError, with nothing changed; StoreFailing.
"""

from __future__ import annotations

import json
from typing import Final, Protocol

from siaga_gateway.domain.device_command import Command, CommandError
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.supervision import PROFILES
from siaga_gateway.service.downlink.device_commands import CommandIssuer
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

_PROFILE: Final = "profile:"
# What a form offers, beside locate: a name of the command, or settings that are ready to send.
OFFERED: Final = ("test", "restart", *(f"{_PROFILE}{name}" for name in PROFILES), "settings", "update")
HARMLESS: Final = frozenset({"test"})
# What needs a right of its own: with it a button can be led to another broker, or given another firmware's address.
CHANGING: Final = frozenset({"settings", "update"})


class CommandUnsure(CommandError):
    """It is not harmless, and nobody has said that it is meant."""


class DeviceCommands(Protocol):
    """device: 16 hexadecimal digits. actor: who does it."""

    def ask(self, device: str, what: str, argument: str, sure: bool, actor: str) -> Command:
        """Give a command of OFFERED.

        argument: of settings a JSON object, of update an address; else empty. sure: it was confirmed. Raises: also
        CommandUnsure.
        """
        ...

    def locate(self, device: str, reason: str, sure: bool, actor: str) -> Command:
        """Ask where a button is. reason: why, without a name: it stays in the journal."""
        ...

    def withdraw(self, device: str, down_counter: int, actor: str) -> Command:
        """Stop sending a command; a button that has it may still execute it."""
        ...


class CommandDesk:
    """Implements DeviceCommands on the store. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier) -> None:
        self._issuer = CommandIssuer(store, clock)
        self._notifier = notifier

    def ask(self, device: str, what: str, argument: str, sure: bool, actor: str) -> Command:
        if what not in OFFERED:
            raise CommandError("command.not_offered", what=what)
        if what not in HARMLESS and not sure:
            raise CommandUnsure("command.unsure")
        written: str | None = argument.strip() or None
        if what.startswith(_PROFILE):
            written, what = json.dumps({"profile": what.removeprefix(_PROFILE)}), "settings"
        return self._ask(device, CommandCode[what.upper()], written, actor, None)

    def locate(self, device: str, reason: str, sure: bool, actor: str) -> Command:
        reason = visible(tidied(reason))
        if not 0 < len(reason) <= LONGEST_NOTE:
            raise CommandError("command.reason", longest=LONGEST_NOTE)
        if not sure:
            raise CommandUnsure("command.unsure")
        return self._ask(device, CommandCode.LOCATE, None, actor, reason)

    def withdraw(self, device: str, down_counter: int, actor: str) -> Command:
        withdrawn = self._issuer.withdraw(bytes.fromhex(device), down_counter, actor=actor)
        self._notifier.ring()
        return withdrawn

    def _ask(self, device: str, code: CommandCode, written: str | None, actor: str, reason: str | None) -> Command:
        asked = self._issuer.ask(bytes.fromhex(device), code, written, actor=actor, once=True, reason=reason)
        self._notifier.ring()
        return asked
