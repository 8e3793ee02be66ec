"""The messages of a simulated modem: what it sends becomes a file in `outgoing/<number>`, a file in `incoming` is
received.

The files are as in smstools 3's spool directories: "To:" or "From:", a blank line, the text. So an SMS gateway that
works with such a spool works with this modem: its spool of received messages is this one's outgoing/<its number>, and
what it sends goes into this one's `incoming`.
Commands: 3GPP TS 27.005 chapters 3 (text mode) and 4 (PDU mode); +CMS errors: TS 27.005 3.2.5 and TS 24.011 annex E-2.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command, Refused
from siaga_tools.silicon.sms_pdu import deliver, submitted

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

SEND_S = 3.0
SLOW_REFUSAL_S = 120.0  # seen on a SIM7600
_LOOK_S = 0.05
_PLACES = 50  # of a SIM
_NOT_SUBSCRIBED = "+CMS ERROR: 50"
_NO_NETWORK = "+CMS ERROR: no network service"
_SLOWLY = "+CMS ERROR: Unknown error"
_BUSY = "+CMS ERROR: SIM busy"
_INVALID = "+CMS ERROR: invalid PDU mode parameter"
_STATES = {"REC UNREAD": 0, "REC READ": 1}


@dataclass(frozen=True)
class Message:
    """A message.

    number: of the other side
    """

    number: str
    text: str


def write_message(folder: Path, heading: str, message: Message) -> Path:
    """Write a message to a spool folder, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
    hidden = folder / f".{name}"
    hidden.write_text(f"{heading}: {message.number.removeprefix('+')}\n\n{message.text}", encoding="utf-8", newline="")
    return hidden.rename(folder / name)


def read_message(file: Path) -> Message:
    """Parse a spool file. Raises ValueError if it is none."""
    with file.open(encoding="utf-8", newline="") as opened:
        head, blank, text = opened.read().partition("\n\n")
    headings = dict(line.partition(":")[::2] for line in head.splitlines())
    number = headings.get("From", headings.get("To", "")).strip()
    if not blank or not number:
        raise ValueError(f"{file} is no message: it needs a line From: or To:, an empty line and a text")
    return Message("+" + number.removeprefix("+"), text)


class ModemSms:
    """The messages.

    outgoing, incoming: the two folders
    store: stored messages, until they are read and deleted
    """

    def __init__(self, modem: A7670, folder: Path) -> None:
        self._modem = modem
        self.outgoing = folder / "outgoing"
        self.incoming = folder / "incoming"
        self.store: dict[int, Message] = {}
        self._read: set[int] = set()
        self._text_mode = True  # the default of some firmware; others start in PDU mode
        self._show_length = False
        self._hand_over = 0
        self._reference = 0
        self._is_full = False

    async def watch(self) -> None:
        """Receive what is in the folder, as soon as there is a network. A restart forgets what is not saved."""
        self._show_length = False
        self._hand_over = 0
        self._text_mode = True
        self.incoming.mkdir(parents=True, exist_ok=True)
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._modem.radio.has_network() or self._modem.serial.is_hung():
                continue
            for file in sorted(self.incoming.iterdir()):  # a handful of names on this machine
                if file.name.startswith("."):
                    continue
                try:
                    message = read_message(file)
                    if self._hand_over != 2 and len(self.store) >= _PLACES:
                        self._tell_full()
                        break  # the network keeps it
                    self._is_full = False
                    self._receive(message)
                    file.unlink()
                except ValueError:
                    file.rename(file.with_name(f".refused-{file.name}"))

    def _tell_full(self) -> None:
        if not self._is_full:
            self._is_full = True
            self._modem.urc("+SMS FULL")

    def _receive(self, message: Message) -> None:
        if self._hand_over == 2:
            if self._text_mode:
                head, text = f'+CMT: "{message.number}","",{self._stamp(message)}', message.text
            else:
                length, text = deliver(message.number, message.text, datetime.now(UTC))
                head = f'+CMT: "",{length}'
            self._modem.urc(head, text.encode("latin-1", "replace"))
            return
        place = next(number for number in range(256) if number not in self.store)
        self.store[place] = message
        if self._hand_over:
            unknown = "places_unknown" in self._modem.faults
            self._modem.urc("+CMTI: ,-1" if unknown else f'+CMTI: "SM",{place}')

    def _stamp(self, message: Message) -> str:
        head = f'"{datetime.now(UTC):%y/%m/%d,%H:%M:%S}+00"'
        return head + (f',145,4,0,0,"+6281100000",145,{len(message.text)}' if self._show_length else "")

    def _show(self, start: str, place: int) -> None:
        """Send a stored message; it then counts as read."""
        message = self.store[place]
        state = "REC READ" if place in self._read else "REC UNREAD"
        self._read.add(place)
        if self._text_mode:
            head, text = f'{start}"{state}","{message.number}","",{self._stamp(message)}', message.text
        else:
            length, text = deliver(message.number, message.text, datetime.now(UTC))
            head = f'{start}{_STATES[state]},"",{length}'
        self._modem.urc(head, text.encode("latin-1", "replace"))

    def _check(self) -> None:
        """Refuse until the SIM is read: before that a modem has no messages in either direction."""
        if not self._modem.card.messages:
            raise Refused(_BUSY)

    async def at_cmgf(self, command: Command) -> None:
        if "no_messages" in self._modem.faults:
            raise Refused("ERROR")
        self._text_mode = command.arguments[0] == "1"

    async def at_cpms(self, command: Command) -> None:
        self._check()
        self._modem.urc("+CPMS: " + ",".join([f"{len(self.store)},{_PLACES}"] * 3))

    async def at_csdh(self, command: Command) -> None:
        self._show_length = command.arguments[0] == "1"

    async def at_cnmi(self, command: Command) -> None:
        self._hand_over = int(command.arguments[1])

    async def at_cmgl(self, command: Command) -> None:
        self._check()
        if (command.arguments[0] == "ALL") != self._text_mode:
            raise Refused(_INVALID)
        for place in sorted(self.store):
            self._show(f"+CMGL: {place},", place)

    async def at_cmgr(self, command: Command) -> None:
        self._check()
        place = int(command.arguments[0])
        if place in self.store:
            self._show("+CMGR: ", place)

    async def at_cmgd(self, command: Command) -> None:
        self._check()
        places = list(self.store) if command.arguments[1:] == ["4"] else [int(command.arguments[0])]
        for place in places:
            self.store.pop(place, None)
            self._read.discard(place)

    async def at_cmgs(self, command: Command) -> None:
        self._check()
        if self._modem.is_old and self._modem.voice.is_busy:
            raise Refused("ERROR")  # commands for messages and calls conflict (SIM7600 manual V3.00)
        told = (await self._modem.ask(None)).decode("latin-1")
        number, text = command.arguments[0], told
        if not self._text_mode:
            try:
                number, text = submitted(told, int(number))
            except (ValueError, IndexError, KeyError):
                raise Refused(_INVALID) from None
        if not self._modem.radio.has_network():
            raise Refused(_NO_NETWORK)
        if "slow_refusal" in self._modem.faults:
            await self._modem.wait(SLOW_REFUSAL_S)
            raise Refused(_SLOWLY)
        await self._modem.wait(SEND_S)
        if "no_credit" in self._modem.faults:
            raise Refused(_NOT_SUBSCRIBED)
        # A spool for each receiver, whose file names the sender.
        write_message(self.outgoing / number.removeprefix("+"), "From", Message(self._modem.sim.number, text))
        self._reference = (self._reference + 1) % 256
        self._modem.urc(f"+CMGS: {self._reference}")
