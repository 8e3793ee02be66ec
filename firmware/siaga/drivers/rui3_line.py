"""The serial line of a module with RUI3 firmware: one command at a time, each with a deadline, events passed on.

A sleeping module (AT+LPM=1) may corrupt the first byte that wakes it, and takes the result for an unknown command. So
every command is preceded by empty lines, which get no answer, and a "not found" may be about those.
"""

import asyncio

from micropython import const
from siaga.core import rui3
from siaga.core.errors import SiagaError

_CHUNK = const(128)
_IDLE_MS = const(50)
_COMMAND_MS = const(2000)
_WRITE_MS = const(2000)
_QUIET_MS = const(60)
_EVENTS = const(8)
_WAKE = b"\r\n\r\n"
# Time for the command's own answer, after one to the wake-up bytes.
_NOT_FOUND_MS = const(500)
_TRIES = const(3)


class RakError(SiagaError):
    """The module refused or did not answer.

    final: its final word, b"" = none; or rui3.RESTARTED, rui3.SILENT
    is_refusal: it received the command and refused
    """

    def __init__(self, what: str, final: bytes = b"") -> None:
        super().__init__(what)
        self.final = final
        self.is_refusal = final not in (b"", rui3.RESTARTED, rui3.SILENT)


class Listener:
    """Receives the line's events, from inside the reader: nothing here may wait."""

    def on_received(self, line: bytes) -> None:
        """Handle a +EVT:RX_ line."""

    def on_restarted(self) -> None:
        """Handle that the module restarted: its session is gone."""

    def on_noise(self) -> None: ...

    def on_trouble(self, what: str) -> None:
        """Handle a loss that is not the line's fault."""


class Rui3Line:
    """The line. run() must be running for anything to be received.

    restricted_ms: duty-cycle restriction reported during the last command, 0 = none
    restarts: how often the module restarted
    tells_sent: whether it reports the end of a frame, as far as is known
    trace(direction, bytes): if set, gets everything sent (">") and received ("<")
    """

    def __init__(self, uart: object, clock: "Clock", listener: Listener) -> None:
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
        """Discard past events; call it before the command that until() waits for."""
        self._events = []
        self._forgot = self.restarts

    async def ask(self, name: str) -> bytes:
        """Return the value of AT+<name>=?."""
        beginning = ("AT+%s=" % name).encode()
        for line in await self._exchange(beginning + b"?"):
            if line.startswith(beginning):
                return line[len(beginning) :]
        raise RakError("the module does not say its %s" % name, b"OK")

    async def tell(self, name: str, value: str) -> None:
        """Send AT+<name>=<value>. Raises RakError if it is refused."""
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
        """Send a command. Returns the word that ended it; b"" = none came. Raises RakError, OSError."""
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
        """Resynchronise: a late answer to an abandoned command must not become the next one's."""
        if not await self._once(b"AT"):
            raise RakError("the LoRaWAN module is silent", rui3.SILENT)
        await asyncio.sleep_ms(_QUIET_MS)
        while self._clock.ms() - self._heard_ms < _QUIET_MS:
            await asyncio.sleep_ms(_QUIET_MS)

    async def is_alive(self) -> bool:
        """Return whether it answers at all. Raises RakError if it restarts instead, OSError."""
        await self._lock.acquire()
        try:
            return await self._once(b"AT") == rui3.OK
        finally:
            self._command = b""
            self._astray = True
            self._lock.release()

    async def until(self, events: "tuple[bytes, ...]", deadline_ms: int) -> bytes:
        """Return the first event since forget() with one of these prefixes; b"" = none came. Raises RakError if the
        module restarted."""
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
        """Send a command that restarts the module. Returns whether it reported a restart. Raises RakError, OSError."""
        before = self.restarts
        await self.write(_WAKE + command + b"\r\n")
        return await self.has_started(before, deadline_ms)

    async def has_started(self, before: int, deadline_ms: int) -> bool:
        """Wait for the module to restart. Returns whether `restarts` has risen above `before`."""
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
        """Write raw bytes. Raises RakError, OSError."""
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
            except Exception as error:  # no memory, or the listener: that loses one line, not all lines after it
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

    from siaga.drivers.clock import Clock

    Trace = Callable[[str, bytes], None]
