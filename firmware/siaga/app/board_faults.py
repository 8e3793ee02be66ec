"""A failed part of the board costs its value, never the alarm.

Any method of the board may raise or hang at any call. The answer is then that of a board without the part: unknown.

A call that hangs ends in a watchdog reset, and would hang again. So the board notes which call is in progress where a
reset leaves it; the start that finds such a note skips that call for a day (Wi-Fi's for two minutes) or until a power
cut.
"""

import asyncio
import binascii
import struct

from micropython import const
from siaga.app.board import Board
from siaga.drivers.board_parts import Network
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp

_WAITED = ("connect", "resolve")  # awaited by callers that handle the errors
_LASTING = "surroundings"
# Never skipped: without these there is no button, or no way out of a hang.
_NEEDED = ("pressed", "alarm_input", "feed", "mark", "marked", "left_out", "leave_out")
# A call that hung is retried after this long: each try may cost a minute of not listening. Wi-Fi's sooner: it may be
# the only bearer, and a minute without it is enough for every other one.
_AGAIN_S = const(86400)
_NETWORK_AGAIN_S = const(120)
_NETWORK = "network."
_MOST = const(8)  # calls skipped at once; beyond it the oldest is retried


class Faults:
    """Wraps the board: nothing raises, and no call hangs twice. count: methods that failed since a check-in last
    reported it."""

    def __init__(self, board: Board) -> None:
        self.count = 0
        self._fresh = set()  # type: set[str]
        self._said = set()  # type: set[str]
        self._board = board
        self._names = {}  # type: dict[int, str]
        self._out = {}  # type: dict[int, int]  # since when, in Rtc.seconds()
        self._under_way = 0
        self._asks = False
        self._wrap("", board, Board)
        self._wrap("rtc.", board.rtc, Rtc)
        self._wrap("lamp.", board.lamp, Lamp)
        if board.network is not None:
            self._wrap(_NETWORK, board.network, Network)
        self._recall()

    def told(self) -> None:
        """Reset the count: a check-in with it has reached the gateway."""
        self._fresh.clear()

    def _wrap(self, prefix: str, part: object, form: type) -> None:
        for name in dir(form):
            if name[0] == "_" or not callable(getattr(form, name)):
                continue
            real = getattr(part, name)
            call = 0 if name in _NEEDED else number(prefix + name)
            self._names[call] = prefix + name
            if name in _WAITED:
                wrapped = self._stepped(real, call)
            elif name == _LASTING:
                wrapped = self._lasting(self._stepped(real, call))
            else:
                wrapped = self._guarded(real, part, getattr(form, name), prefix + name, call)
            setattr(part, name, wrapped)

    def _recall(self) -> None:
        """Load which calls are skipped, and add the one that has just hung."""
        record = self._board.left_out()
        for at in range(0, len(record) - 11, 12):
            call, since_s = struct.unpack(">Iq", record[at : at + 12])
            self._out[call] = since_s
        hung = self._board.marked()
        self._board.mark(0)
        if hung and hung in self._names:
            self._out[hung] = 0  # before asking the calendar, which may be what hung
            self._out[hung] = self._board.rtc.seconds()
            self._keep()
        for call in self._out:
            self._note(self._names.get(call, "?"), None)

    def _keep(self) -> None:
        oldest_first = sorted((since_s, call) for call, since_s in self._out.items())
        record = b"".join(struct.pack(">Iq", call, since_s) for since_s, call in oldest_first[-_MOST:])
        self._board.leave_out(record)

    def _is_out(self, call: int) -> bool:
        """Return whether this call is skipped; once its retry time has come it is not."""
        if call not in self._out:
            return False
        if self._asks:
            return True  # the calendar's own call
        self._asks = True
        now_s = self._board.rtc.seconds()
        self._asks = False
        if now_s < self._out[call]:  # the calendar is what hung
            self._out[call] = now_s
            self._keep()
        is_network = self._names[call].startswith(_NETWORK)
        if now_s - self._out[call] < (_NETWORK_AGAIN_S if is_network else _AGAIN_S):
            return True
        del self._out[call]
        self._keep()
        return False

    def _mark(self, call: int) -> int:
        """Mark a call as in progress. Returns the enclosing call, to be marked again when this one ends."""
        before = self._under_way
        self._under_way = call
        self._board.mark(call)
        return before

    def _guarded(
        self, real: "Callable[..., object]", part: object, instead: "Callable[..., object]", name: str, call: int
    ) -> "Callable[..., object]":
        def guarded(*arguments: object) -> object:
            if call and self._is_out(call):
                return instead(part, *arguments)
            before = self._mark(call) if call else 0
            try:
                return real(*arguments)
            except Exception as error:
                self._note(name, error)
            finally:
                if call:
                    self._mark(before)
            return instead(part, *arguments)

        return guarded

    def _stepped(self, real: "Callable[..., Coroutine[Any, Any, Any]]", call: int) -> "Callable[..., Any]":
        """Wrap a coroutine so that each of its steps is marked: it may hang between two awaits. Raises OSError if
        skipped."""

        def stepped(*arguments: object) -> "Generator[object, None, object]":
            if self._is_out(call):
                raise OSError("%s hung and is left out" % self._names[call])
            steps = real(*arguments)
            thrown = None  # type: BaseException | None
            while True:
                before = self._mark(call)
                try:
                    waits = steps.send(None) if thrown is None else steps.throw(thrown)
                except StopIteration as over:
                    return over.value
                finally:
                    self._mark(before)
                thrown = None
                try:
                    yield waits
                except BaseException as error:
                    thrown = error

        return stepped

    def _lasting(self, real: "Callable[[], Awaitable[None]]") -> "Callable[[], Awaitable[None]]":
        async def lasting() -> None:
            try:
                return await real()
            except Exception as error:
                self._note(_LASTING, error)
            while True:
                await asyncio.sleep(3600)

        return lasting

    def _note(self, name: str, error: "Exception | None") -> None:
        """Count and log a failed method. error: None = it hung."""
        try:
            if name not in self._fresh:
                self._fresh.add(name)
                self.count += 1
            if name not in self._said:
                self._said.add(name)
                what = "%s of this board hung: it is left out for a while" % name
                if error is not None:
                    what = "%s of this board fails: %r" % (name, error)
                self._board.tell("error", {"what": what})
        except Exception:
            pass  # logging may fail too; go on


def number(name: str) -> int:
    """Return the method's number: 30 bits, which need no allocation; the same in every firmware version."""
    return binascii.crc32(name.encode()) & 0x3FFFFFFF


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from typing import Any
