"""A part of the board that fails costs its value, never the alarm: every method of the board may raise at any call, and
may hang. What it answers then is what a board without that part answers: unknown.

A call that hangs is ended by the watchdog's reset, and would hang again. So the board marks which call is under way,
where a reset leaves it; the start that finds a mark leaves that call out, for a day (Wi-Fi's for two minutes) or until
the power is cut."""

import asyncio
import binascii
import struct

from micropython import const
from siaga.app.board import Board
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga.drivers.parts import Network

_WAITED = ("connect", "resolve")  # awaited by whoever deals with their errors
_LASTING = "surroundings"
# Without these there is no button, or no way out of a hang: they are never left out.
_NEEDED = ("pressed", "alarm_input", "feed", "mark", "marked", "left_out", "leave_out")
# A call that hung is tried again so much later: each try may cost a minute in which nobody listens. Wi-Fi's soon: it
# may be the only way out, and a minute without it is enough for every other one.
_AGAIN_S = const(86400)
_NETWORK_AGAIN_S = const(120)
_NETWORK = "network."
_MOST = const(8)  # calls that are left out; the oldest is tried again


class Faults:
    """From here on the board raises nothing, and no call of it hangs twice. count: of methods that failed since a
    check-in told of them, in all."""

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
        """A check-in reached the gateway: what fails from now on counts again."""
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
        """What was left out before, and what hung just now."""
        record = self._board.left_out()
        for at in range(0, len(record) - 11, 12):
            call, since_s = struct.unpack(">Iq", record[at : at + 12])
            self._out[call] = since_s
        hung = self._board.marked()
        self._board.mark(0)
        if hung and hung in self._names:
            self._out[hung] = 0  # before the calendar is asked, which may be what hung
            self._out[hung] = self._board.rtc.seconds()
            self._keep()
        for call in self._out:
            self._note(self._names.get(call, "?"), None)

    def _keep(self) -> None:
        oldest_first = sorted((since_s, call) for call, since_s in self._out.items())
        record = b"".join(struct.pack(">Iq", call, since_s) for since_s, call in oldest_first[-_MOST:])
        self._board.leave_out(record)

    def _is_out(self, call: int) -> bool:
        """Whether this call is left out; from the moment at which it is to be tried again it is not."""
        if call not in self._out:
            return False
        if self._asks:
            return True  # the calendar's own
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
        """A call within a call: the one before is under way again when this one is over."""
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
        """Marked at each of its steps: what is awaited may hang in between two waits. Raises OSError if left out."""

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
        """error: None = it hung."""
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
            pass  # whoever cannot even say so goes on


def number(name: str) -> int:
    """The same in every version of the firmware; 30 bits, which take no memory."""
    return binascii.crc32(name.encode()) & 0x3FFFFFFF


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from typing import Any
