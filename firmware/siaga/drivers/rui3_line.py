"""The serial line of a module with RUI3 firmware: one command at a time, each with a deadline, events handed on.

A sleeping module (AT+LPM=1) may hear the first byte that wakes it wrong, and takes what it then has for a command that
it does not know. So every command has empty lines before it, which are answered by nothing, and a "not found" may be
about those.
"""

import asyncio

from micropython import const
from siaga.core import rui3
from siaga.core.errors import SiagaError
from siaga.drivers.clock import Clock

_CHUNK = const(128)
_IDLE_MS = const(50)
_COMMAND_MS = const(2000)
_WRITE_MS = const(2000)
_QUIET_MS = const(60)
_EVENTS = const(8)
_WAKE = b"\r\n\r\n"
# For the answer to the command itself, after one to what it was woken by.
_NOT_FOUND_MS = const(500)
_TRIES = const(3)


class RakError(SiagaError):
    """The module refused or did not answer. final: its word, b"" = none; or rui3.RESTARTED, rui3.SILENT. is_refusal:
    whether it heard the command and would not."""

    def __init__(self, what: str, final: bytes = b"") -> None:
        super().__init__(what)
        self.final = final
        self.is_refusal = final not in (b"", rui3.RESTARTED, rui3.SILENT)


class Listener:
    """Whom the line tells, from inside the reader: nothing here may wait."""

    def on_received(self, line: bytes) -> None:
        """A +EVT:RX_ line."""

    def on_restarted(self) -> None:
        """The module began anew: its session is gone."""

    def on_noise(self) -> None: ...

    def on_trouble(self, what: str) -> None:
        """Something was lost for which nothing on the line is to blame."""


class Rui3Line:
    """run() must be going for anything to be heard. restricted_ms: what the duty cycle asked for during the last
    command, 0 = nothing. restarts: how often the module began anew. tells_sent: whether it says when a frame is
    over, as far as is known. trace(direction, bytes), if set, sees all that goes out (">") and comes in ("<")."""

    def __init__(self, uart: object, clock: Clock, listener: Listener) -> None:
        self._stream = asyncio.StreamReader(uart)  # type: ignore[arg-type]
        self._clock = clock
        self._listener = listener
        self._lines = rui3.Lines()
        self._garbage = 0
        self._lock = asyncio.Lock()
        self._command = b""
        self._replies = []  # type: list[bytes]
        self._final = b""
        self._news = asyncio.Event()
        self._astray = True
        self._heard_ms = clock.ms()
        self._events = []  # type: list[bytes]
        self._happened = asyncio.Event()
        self.restricted_ms = 0
        self.restarts = 0
        self._forgot = 0
        self.tells_sent = False
        self.trace = None  # type: Trace | None

    def forget(self) -> None:
        """Events until now are of no interest; to be called before the command that until() waits for."""
        self._events = []
        self._forgot = self.restarts

    async def ask(self, name: str) -> bytes:
        """The value of AT+<name>=?."""
        beginning = ("AT+%s=" % name).encode()
        for line in await self._exchange(beginning + b"?"):
            if line.startswith(beginning):
                return line[len(beginning) :]
        raise RakError("the module does not say its %s" % name, b"OK")

    async def tell(self, name: str, value: str) -> None:
        """AT+<name>=<value>. Raises RakError where it is refused."""
        await self._exchange(("AT+%s=%s" % (name, value)).encode())

    async def _exchange(self, command: bytes) -> "list[bytes]":
        name = str(command.split(b"=")[0], "ascii")
        await self._lock.acquire()
        try:
            for _ in range(_TRIES):
                if self._astray:
                    await self._in_step()
                self._astray = True
                self.restricted_ms = 0
                final = await self._once(command)
                self._astray = not final
                if final and final != rui3.NOT_FOUND:
                    break
            if not final:
                raise RakError("%s: no answer within %d ms" % (name, _COMMAND_MS))
            if final != rui3.OK:
                what = "%s: %s" % (name, str(final, "ascii"))
                if self.restricted_ms >= 1000:
                    what += " (its duty cycle forbids to send for %d s)" % (self.restricted_ms // 1000)
                raise RakError(what, final)
            return self._replies
        finally:
            self._command = b""
            self._lock.release()

    async def _once(self, command: bytes) -> bytes:
        """The word that ended it; b"" = none came. Raises RakError, OSError."""
        self._replies = []
        self._final = b""
        self._command = command
        before = self.restarts
        last = b""
        await self.write(_WAKE + command + b"\r\n")
        until_ms = self._clock.ms() + _COMMAND_MS
        while True:
            self._news.clear()
            if self.restarts != before:
                raise RakError("the LoRaWAN module began anew", rui3.RESTARTED)
            if self._final:
                if self._final != rui3.NOT_FOUND or last:
                    return self._final
                last, self._final = self._final, b""
                until_ms = self._clock.ms() + _NOT_FOUND_MS
            try:
                await asyncio.wait_for_ms(self._news.wait(), max(1, until_ms - self._clock.ms()))
            except asyncio.TimeoutError:
                return last

    async def _in_step(self) -> None:
        """After a command that was given up its late answer must not become the next one's."""
        if not await self._once(b"AT"):
            raise RakError("the LoRaWAN module is silent", rui3.SILENT)
        await asyncio.sleep_ms(_QUIET_MS)
        while self._clock.ms() - self._heard_ms < _QUIET_MS:
            await asyncio.sleep_ms(_QUIET_MS)

    async def is_alive(self) -> bool:
        """Whether it answers at all. Raises RakError where it begins anew instead, OSError."""
        await self._lock.acquire()
        try:
            return await self._once(b"AT") == rui3.OK
        finally:
            self._command = b""
            self._astray = True
            self._lock.release()

    async def until(self, events: "tuple[bytes, ...]", deadline_ms: int) -> bytes:
        """The first event since forget() that begins so; b"" = none came. Raises RakError if the module began anew."""
        until_ms = self._clock.ms() + deadline_ms
        while True:
            self._happened.clear()
            while self._events:
                event = self._events.pop(0)
                if event.startswith(events):
                    return event
            if self.restarts != self._forgot:
                raise RakError("the LoRaWAN module began anew", rui3.RESTARTED)
            try:
                await asyncio.wait_for_ms(self._happened.wait(), max(1, until_ms - self._clock.ms()))
            except asyncio.TimeoutError:
                return b""

    async def begin_anew(self, command: bytes, deadline_ms: int) -> bool:
        """Give a command that makes the module begin anew; whether it said that it did. Raises RakError, OSError."""
        before = self.restarts
        await self.write(_WAKE + command + b"\r\n")
        return await self.has_started(before, deadline_ms)

    async def has_started(self, before: int, deadline_ms: int) -> bool:
        """Whether the module began anew since restarts was `before`; waits for it so long."""
        until_ms = self._clock.ms() + deadline_ms
        while self.restarts == before:
            self._happened.clear()
            try:
                await asyncio.wait_for_ms(self._happened.wait(), max(1, until_ms - self._clock.ms()))
            except asyncio.TimeoutError:
                break
        self._astray = True
        return self.restarts != before

    async def write(self, data: bytes) -> None:
        """Bytes as they are. Raises RakError, OSError."""
        if self.trace is not None:
            self.trace(">", data)
        self._stream.write(data)  # type: ignore[attr-defined]
        try:
            await asyncio.wait_for_ms(self._stream.drain(), _WRITE_MS)  # type: ignore[attr-defined]
        except asyncio.TimeoutError:
            raise RakError("the module's line takes no bytes")

    async def run(self) -> None:
        """Read for ever."""
        while True:
            try:
                chunk = await self._stream.read(_CHUNK)  # type: bytes
            except OSError:
                chunk = b""
            except Exception as error:  # no memory, say: unread, the module would seem dead for ever
                self._listener.on_trouble("the LoRaWAN module's line cannot be read: %r" % error)
                chunk = b""
            if not chunk:
                await asyncio.sleep_ms(_IDLE_MS)
                continue
            if self.trace is not None:
                self.trace("<", chunk)
            self._heard_ms = self._clock.ms()
            try:
                self._take(chunk)
            except Exception as error:  # no memory, or whoever is told: a line is lost, and not all lines after it
                self._listener.on_trouble("the LoRaWAN module's words could not be read: %r" % error)

    def _take(self, chunk: bytes) -> None:
        lines = self._lines.feed(chunk)
        if self._lines.garbage > self._garbage:
            self._garbage = self._lines.garbage
            self._listener.on_noise()
        for line in lines:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        if line.startswith(b"+EVT:RX_"):
            self._listener.on_received(line)
        elif line.startswith(b"+EVT:"):
            if line.startswith(rui3.SENT):
                self.tells_sent = True
            self._events.append(line)
            del self._events[:-_EVENTS]
            self._happened.set()
        elif rui3.is_started(line):
            self.restarts += 1
            self._astray = True
            self._news.set()
            self._happened.set()
            self._listener.on_restarted()
        elif line == self._command:
            pass  # an echo
        elif rui3.restricted_ms(line) >= 0:
            self.restricted_ms = rui3.restricted_ms(line)
        elif self._command and rui3.is_final(line):
            self._final = line
            self._news.set()
        elif self._command:
            self._replies.append(line)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Trace = Callable[[str, bytes], None]
