"""A simulated modem's serial line: commands come in and are dispatched to its parts; results and URCs go out, with
whatever the faults insert between them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command, Refused, parse
from siaga_tools.silicon.modem_faults import STRAY, Fault
from siaga_tools.silicon.modem_general import NUMBERS
from siaga_tools.silicon.pty_line import PtyLine

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670


class ModemSerial:
    """The line; used in the modem's own thread.

    line: what the button opens
    asked: the commands so far
    chance: the random source of occasional faults
    """

    def __init__(self, modem: A7670, chance: random.Random) -> None:
        self._modem = modem
        self.line = PtyLine()
        self.asked: list[str] = []
        self._chance = chance
        self.reset()

    def reset(self) -> None:
        """Reset what a start forgets."""
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._rest = b""

    @property
    def is_waiting(self) -> bool:
        """Return whether there are unhandled bytes."""
        return not self._input.empty()

    # Output

    def urc(self, line: str, payload: bytes | None = None) -> None:
        """Send an unsolicited line, with its payload."""
        modem = self._modem
        if not modem.is_on or self.is_hung():
            return
        words = b"\r\n" + line.encode("latin-1") + b"\r\n"
        if payload is not None:
            words += payload + b"\r\n"
        if Fault.NOISE in modem.faults and self._chance.randrange(4) == 0:
            words = b"\r\n\x80\xfe\x01\x80\r\n" + words
        if Fault.STRAY_WORDS in modem.faults and self._chance.randrange(2) == 0:
            words = b"\r\n" + self._chance.choice(STRAY) + b"\r\n" + words
        modem.general.ring(line)
        self.line.write(words)

    def say_noise(self) -> None:
        """Send what comes at power-on, if that fault is set."""
        if Fault.NOISE in self._modem.faults:
            self.line.write(bytes(self._chance.randrange(256) for _ in range(40)))

    def is_hung(self) -> bool:
        return bool(self._modem.faults & {Fault.HANG, Fault.HANG_HARD})

    # Input

    def read(self) -> None:
        """Read what the button sent."""
        got = self.line.read(0)
        power = self._modem.power
        if power.hears() and power.is_on and got and not self.is_hung():
            self._input.put_nowait(got)

    async def obey_lines(self) -> None:
        """Carry out commands as they come, for ever."""
        while True:
            line = await self._next_line()
            with self._modem.activity.working():
                await self._obey(line)

    async def ask(self, length: int | None) -> bytes:
        """Return the payload after a prompt: so many bytes, or up to Ctrl-Z. Raises Refused if an escape ends it."""
        self.line.write(b"\r\n>" if length is not None else b"\r\n> ")
        async with asyncio.timeout(60 * max(self._modem.pace, 0.05)):
            if length is not None:
                while len(self._rest) < length:
                    await self._more()
                payload, self._rest = self._rest[:length], self._rest[length:]
                return payload
            while not any(end in self._rest for end in (b"\x1a", b"\x1b")):
                await self._more()
        at = min(self._rest.find(end) for end in (b"\x1a", b"\x1b") if end in self._rest)
        text, end, self._rest = self._rest[:at], self._rest[at], self._rest[at + 1 :]
        if end == 0x1B:
            raise Refused("OK")
        return text

    async def _more(self) -> None:
        self._rest += await self._input.get()

    async def _next_line(self) -> bytes:
        while b"\r" not in self._rest:
            self._rest = self._rest[-2048:]
            await self._more()
        line, _, self._rest = self._rest.partition(b"\r")
        return line

    async def _obey(self, line: bytes) -> None:
        modem = self._modem
        if modem.general.echo:
            self.line.write(line + b"\r")
        text = line.decode("latin-1").strip("\n\x1b ").strip()
        at = text.find("AT")
        if at < 0:
            return
        command = parse(text[at:])
        self.asked.append(text[at:])
        await modem.activity.wait(0.01)
        final = "OK"
        modem.general.obeying = True
        try:
            await self._handler(command)(command)
        except Refused as refused:
            final = refused.final
            words = final.removeprefix("+CME ERROR: ")
            if not modem.general.says_words and words in NUMBERS:
                final = f"+CME ERROR: {NUMBERS[words]}"
        except (TimeoutError, IndexError, ValueError):  # no payload came, or a parameter is missing or wrong
            final = "ERROR"
        self.urc(final)
        modem.general.obeying = False
        for late in (*modem.mqtt.results(), *modem.http.results()):
            modem.activity.see_through(late)

    def _handler(self, command: Command) -> Callable[[Command], Awaitable[None]]:
        modem = self._modem
        for owner in (
            modem.general,
            modem.card,
            modem.radio,
            modem.mqtt,
            modem.http,
            modem.sms,
            modem.voice,
            modem.speech,
        ):
            found = getattr(owner, "at_" + command.name.lower(), None)
            if found is not None:
                handler: Callable[[Command], Awaitable[None]] = found
                return handler
        raise Refused("ERROR")
