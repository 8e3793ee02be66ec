"""The messages of a simulated modem: what it sends becomes a file in `outgoing/<number>`, a file in `incoming` is
received.

The files are as smstools 3 has them in its spool directories: "To:" or "From:", a blank line, the text. So an SMS
gateway that works with such a spool works with this modem: its spool of received messages is this one's outgoing/<its
number>, and what it sends goes into this one's `incoming`.
Commands: 3GPP TS 27.005 chapter 3; +CMS errors: TS 27.005 3.2.5 and TS 24.011 annex E-2.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from siaga_tools.silicon.modem_words import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

SEND_S = 3.0
_LOOK_S = 0.05
_NOT_SUBSCRIBED = "+CMS ERROR: 50"
_NO_NETWORK = "+CMS ERROR: no network service"
_TEXT_MODE_ONLY = "+CMS ERROR: operation not supported"


@dataclass(frozen=True)
class Message:
    """number: of the other side."""

    number: str
    text: str


def write_message(folder: Path, heading: str, message: Message) -> Path:
    """Put a message into a spool folder, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
    hidden = folder / f".{name}"
    hidden.write_text(f"{heading}: {message.number.removeprefix('+')}\n\n{message.text}", encoding="utf-8", newline="")
    return hidden.rename(folder / name)


def read_message(file: Path) -> Message:
    """A spool file. Raises ValueError for one that is none."""
    with file.open(encoding="utf-8", newline="") as opened:
        head, blank, text = opened.read().partition("\n\n")
    headings = dict(line.partition(":")[::2] for line in head.splitlines())
    number = headings.get("From", headings.get("To", "")).strip()
    if not blank or not number:
        raise ValueError(f"{file} is no message: it needs a line From: or To:, an empty line and a text")
    return Message("+" + number.removeprefix("+"), text)


class ModemSms:
    """outgoing, incoming: the two folders. A stored message waits in `store` until it is read and deleted."""

    def __init__(self, modem: A7670, folder: Path) -> None:
        self._modem = modem
        self.outgoing = folder / "outgoing"
        self.incoming = folder / "incoming"
        self.store: dict[int, Message] = {}
        self._text_mode = False  # as some firmware leaves the factory
        self._show_length = False
        self._hand_over = 0
        self._reference = 0

    async def watch(self) -> None:
        """Receive what is in the folder, as soon as there is a network. A new start forgets what is not saved."""
        self._show_length = False
        self._hand_over = 0
        self.incoming.mkdir(parents=True, exist_ok=True)
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._modem.radio.has_network() or self._modem.is_hung():
                continue
            for file in sorted(self.incoming.iterdir()):  # a handful of names on this machine
                if file.name.startswith("."):
                    continue
                try:
                    self._receive(read_message(file))
                    file.unlink()
                except ValueError:
                    file.rename(file.with_name(f".refused-{file.name}"))

    def _receive(self, message: Message) -> None:
        if self._hand_over == 2 and self._text_mode:
            self._modem.urc(f'+CMT: "{message.number}","",{self._head(message)}', message.text.encode("latin-1"))
            return
        place = next(number for number in range(256) if number not in self.store)
        self.store[place] = message
        if self._hand_over:
            self._modem.urc(f'+CMTI: "SM",{place}')

    def _head(self, message: Message) -> str:
        head = f'"{datetime.now(UTC):%y/%m/%d,%H:%M:%S}+00"'
        return head + (f',145,4,0,0,"+6281100000",145,{len(message.text)}' if self._show_length else "")

    async def at_cmgf(self, command: Command) -> None:
        self._text_mode = command.arguments[0] == "1"

    async def at_cscs(self, command: Command) -> None: ...

    async def at_csmp(self, command: Command) -> None: ...

    async def at_csdh(self, command: Command) -> None:
        self._show_length = command.arguments[0] == "1"

    async def at_cnmi(self, command: Command) -> None:
        self._hand_over = int(command.arguments[1])

    async def at_cmgl(self, command: Command) -> None:
        if not self._text_mode:
            raise Refused(_TEXT_MODE_ONLY)
        for place, message in self.store.items():
            head = f'+CMGL: {place},"REC UNREAD","{message.number}","",{self._head(message)}'
            self._modem.urc(head, message.text.encode("latin-1"))

    async def at_cmgr(self, command: Command) -> None:
        message = self.store.get(int(command.arguments[0]))
        if message is not None:
            head = f'+CMGR: "REC UNREAD","{message.number}","",{self._head(message)}'
            self._modem.urc(head, message.text.encode("latin-1"))

    async def at_cmgd(self, command: Command) -> None:
        if command.arguments[1:] == ["4"]:
            self.store.clear()
        else:
            self.store.pop(int(command.arguments[0]), None)

    async def at_cmgs(self, command: Command) -> None:
        if not self._text_mode:
            raise Refused(_TEXT_MODE_ONLY)
        if self._modem.is_old and self._modem.voice.is_busy:
            raise Refused("ERROR")  # commands for messages and calls conflict (SIM7600 manual V3.00)
        text = (await self._modem.ask(None)).decode("latin-1")
        if not self._modem.radio.has_network():
            raise Refused(_NO_NETWORK)
        await self._modem.wait(SEND_S)
        if "no_credit" in self._modem.faults:
            raise Refused(_NOT_SUBSCRIBED)
        # A spool for each receiver, whose file says whom it is from.
        write_message(
            self.outgoing / command.arguments[0].removeprefix("+"), "From", Message(self._modem.sim.number, text)
        )
        self._reference = (self._reference + 1) % 256
        self._modem.urc(f"+CMGS: {self._reference}")
