"""One modem's serial line: one command at a time, a deadline for every wait, unsolicited results passed on.

stream: anything that MicroPython's asyncio can poll: a machine.UART with timeout=0, or a file on a pty with
non-blocking reads. run() must be running for anything to be received.
"""

import asyncio

from micropython import const
from siaga.core.at import FINAL, PROMPT, REPLY, AtError, Parser

_CHUNK = const(128)
_WRITE_MS = const(3000)
# A late reply to an abandoned command must not become the next one's: the line is resynchronised.
_PROBE_MS = const(1000)
_PROBES = const(3)
_QUIET_MS = const(50)
_QUIET_WAITS = const(10)
_LATE_MS = const(300)  # between two late replies
_LATE_WAITS = const(40)
_LEAST_MS = const(300)
_LEAST_ANSWER_MS = const(1000)  # whatever the scale: the other side has other work too
_ESCAPE = b"\x1b"


class AtTimeout(AtError):
    """The modem did not answer in time."""


class Listener:
    """Receives the line's events, from inside the reader: nothing here may wait."""

    def on_urc(self, line: bytes, payload: "bytes | None") -> None: ...

    def on_trouble(self, why: str) -> None: ...


class _Result:
    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self.line = None  # type: bytes | None
        self.came = asyncio.Event()


class AtPort:
    """The serial line.

    trace(direction, bytes): if set, gets everything sent (">") and received ("<")
    timeouts: commands abandoned since the start
    heard_ms: when anything was last received
    percent: scale of the documented times, for a simulated modem in compressed time
    """

    def __init__(self, stream: object, clock: "Clock", listener: Listener) -> None:
        self._stream = asyncio.StreamReader(stream)  # type: ignore[arg-type]
        self._clock = clock
        self._listener = listener
        self._lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._lines = []  # type: list[bytes]
        self._final = None  # type: bytes | None
        self._prompted = False
        self._results = []  # type: list[_Result]
        self._own = b""
        self._code = None  # type: bytes | None
        self._astray = False
        self._owed = 0  # replies that were given up, and may still come
        self.parser = Parser()
        self.trace = None  # type: Trace | None
        self.timeouts = 0
        self.percent = 100
        self.heard_ms = clock.ms()

    async def run(self) -> None:
        """Read for ever."""
        chunk = bytearray(_CHUNK)
        view = memoryview(chunk)
        while True:
            try:
                count = await self._stream.readinto(chunk)  # type: ignore[attr-defined]
            except Exception as error:  # of the line, or no memory: unread, the modem would seem dead for ever
                self._listener.on_trouble("the modem's line cannot be read: %s" % (str(error) or repr(error)))
                await asyncio.sleep_ms(1000)
                continue
            if not count:
                await asyncio.sleep_ms(10)
                continue
            self.heard_ms = self._clock.ms()
            if self.trace is not None:
                self.trace("<", bytes(view[:count]))
            try:
                for event in self.parser.feed(view[:count], self.heard_ms):
                    self._hear(event)
            except Exception as error:  # no memory, say: that loses one line, not all lines after it
                self.parser.reset()
                self._listener.on_trouble("the modem's words could not be read: %r" % error)

    def _hear(self, event: tuple) -> None:
        what = event[0]
        if what == PROMPT:
            self._prompted = True
            self._news.set()
        elif what == FINAL:
            self._final = event[1]
            self._news.set()
        elif what == REPLY:
            self._lines.append(event[1])
            if event[2] is not None:
                self._lines.append(event[2])
        else:
            if self._own and event[1].startswith(self._own):
                self._code = event[1]
            if self._owed and event[1] in (b"OK", b"ERROR"):
                self._owed -= 1
                return
            for result in self._results:
                if result.line is None and event[1].startswith(result.prefix):
                    result.line = event[1]
                    result.came.set()
                    return
            try:
                self._listener.on_urc(event[1], event[2])
            except Exception as error:
                self._listener.on_trouble("%r could not be handled: %r" % (event[1][:60], error))

    def scaled(self, ms: int) -> int:
        """Return a time from the modem's manual, scaled."""
        return max(min(ms, _LEAST_MS), ms * self.percent // 100)

    def abandon(self, prefix: str) -> None:
        """Fail pending waits for results with this prefix: they raise AtError now."""
        for result in self._results:
            if result.line is None and result.prefix.startswith(prefix.encode()):
                result.line = b""
                result.came.set()

    async def answers(self, probes: int = _PROBES) -> bool:
        """Return whether the modem answers at all; each probe waits for a second."""
        await self._lock.acquire()
        try:
            await self._in_step(probes)
            return True
        except AtTimeout:
            return False
        finally:
            self.parser.end()
            self._lock.release()

    async def command(
        self,
        text: str,
        expects: "str | None" = None,
        deadline_ms: int = 9000,
        payload: "bytes | None" = None,
        result: "str | None" = None,
        result_ms: int = 0,
    ) -> "list[bytes]":
        """Send one command and return its reply's lines once it ends with OK.

        text: without its line end
        expects: prefix of the reply's lines ("" = anything that is no URC), None = no reply; a line's payload (a
            message's text) follows it in the list
        payload: sent unchanged at the prompt
        result: prefix of the line with the outcome of a command that continues after its OK; it may come before the OK
            as well, and is the last line returned. While only that is pending, other commands may run

        Raises AtTimeout; AtError if the command ends with anything but OK, with the preceding error code, if any;
        OSError if the line is gone.
        """
        deadline_ms = max(min(deadline_ms, _LEAST_ANSWER_MS), self.scaled(deadline_ms))
        result_ms = max(min(result_ms, _LEAST_ANSWER_MS), self.scaled(result_ms))
        awaited = None  # type: _Result | None
        if result is not None:
            awaited = _Result(result.encode())
            self._results.append(awaited)
        try:
            lines = await self._exchange(text, expects, deadline_ms, payload)
            if awaited is not None:
                if awaited.line is None:
                    try:
                        await asyncio.wait_for_ms(awaited.came.wait(), result_ms)
                    except asyncio.TimeoutError:
                        raise self._late(text, "no %s" % result, result_ms)
                if not awaited.line:
                    raise AtError("%s: the modem gave up before its result" % _shown(text))
                lines.append(awaited.line)
            return lines
        finally:
            if awaited is not None:
                self._results.remove(awaited)

    async def attempt(self, text: str, expects: "str | None" = None, deadline_ms: int = 9000) -> "list[bytes]":
        """Send a command that this model may not support. Returns an empty list if it is refused, or unanswered
        although AT is answered. Raises AtTimeout and OSError."""
        try:
            return await self.command(text, expects, deadline_ms)
        except AtTimeout:
            if not await self.answers():
                raise
        except AtError:
            pass
        return []

    async def _exchange(
        self, text: str, expects: "str | None", deadline_ms: int, payload: "bytes | None"
    ) -> "list[bytes]":
        await self._lock.acquire()
        try:
            if self._astray:
                await self._in_step()
            self._begin(text, expects, payload is not None)
            # However this ends before the final result, also by cancellation, the line is out of sync.
            self._astray = True
            until_ms = self._clock.ms() + deadline_ms
            await self._write(text.encode() + b"\r")
            if payload is not None:
                await self._wait(text, until_ms, deadline_ms, True)
                if self._prompted:
                    await self._write(payload)
            if self._final is None:
                await self._wait(text, until_ms, deadline_ms, False)
            self._astray = False
            lines, self._lines = self._lines, []
            final = self._final or b""
            if final != b"OK":
                raise _refusal(text, self._code or final)
            if payload is not None and not self._prompted:
                raise AtError("%s: the modem did not ask for the payload" % _shown(text))
            return lines
        finally:
            self.parser.end()
            self._lock.release()

    def _begin(self, text: str, expects: "str | None", prompt: bool) -> None:
        self._lines = []
        self._final = None
        self._prompted = False
        self._news.clear()
        self._code = None
        # "+CMQTTACCQ: 0,19" before an ERROR gives the reason.
        self._own = (text[2:].split("=")[0] + ":").encode() if text.startswith("AT+") else b""
        self.parser.begin(text.encode(), None if expects is None else expects.encode(), prompt)

    async def _wait(self, text: str, until_ms: int, deadline_ms: int, prompt: bool) -> None:
        while self._final is None and not (prompt and self._prompted):
            self._news.clear()
            try:
                await asyncio.wait_for_ms(self._news.wait(), max(1, until_ms - self._clock.ms()))
            except asyncio.TimeoutError:
                self._owed += 1
                raise self._late(text, "no prompt" if prompt else "no final result", deadline_ms)

    def _late(self, text: str, what: str, deadline_ms: int) -> AtTimeout:
        self.timeouts += 1
        return AtTimeout("%s: %s within %d ms" % (_shown(text), what, deadline_ms))

    async def _in_step(self, probes: int = _PROBES) -> None:
        """End what may still wait for a payload (escape, TS 27.005 3.5.1), and probe until the modem answers once and
        is then quiet; one that is still answering what it was asked before, as a modem does that has just started, is
        waited for. Raises AtTimeout."""
        self._astray = True
        await self._write(_ESCAPE)
        probe_ms = self.scaled(_PROBE_MS)
        for _ in range(probes):
            self._begin("AT", None, False)
            self.parser.behind = False
            await self._write(b"AT\r")
            try:
                await self._wait("AT", self._clock.ms() + probe_ms, probe_ms, False)
            except AtTimeout:
                continue
            answered_ms = self.heard_ms
            for _ in range(_LATE_WAITS if self._owed else _QUIET_WAITS):
                await asyncio.sleep_ms(_QUIET_MS)
                late = self._owed > 0 and (self.parser.behind or self.heard_ms != answered_ms)
                if self._clock.ms() - self.heard_ms >= (_LATE_MS if late else _QUIET_MS):
                    break
            self._owed = 0
            self._astray = False
            return
        raise AtTimeout("the modem does not answer")

    async def _write(self, data: bytes) -> None:
        if self.trace is not None:
            self.trace(">", data)
        self._stream.write(data)  # type: ignore[attr-defined]
        try:
            await asyncio.wait_for_ms(self._stream.drain(), _WRITE_MS)  # type: ignore[attr-defined]
        except asyncio.TimeoutError:
            raise AtTimeout("the modem's line takes no bytes (is its CTS stuck?)")


def _shown(text: str) -> str:
    """Return a command for people, without what could hold a password."""
    return text.split("=")[0]


def _refusal(text: str, final: bytes) -> AtError:
    error = AtError("%s: %s" % (_shown(text), final.decode()))
    error.final = final
    return error


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.drivers.clock import Clock

    Trace = Callable[[str, bytes], None]
