"""A part of the board that fails costs its value, never the alarm: every method of the board may raise at any call.
What it answers then is what a board without that part answers: unknown."""

import asyncio

from siaga.app.board import Board
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga.drivers.parts import Network

_ASYNC = ("surroundings", "connect", "resolve")  # awaited by whoever deals with their errors, but for the first


class Faults:
    """From here on the board raises nothing. count: of methods that failed since a check-in told of them, in all."""

    def __init__(self, board: Board) -> None:
        self.count = 0
        self._fresh = set()  # type: set[str]
        self._said = set()  # type: set[str]
        self._tell = board.tell
        parts = [(board, Board), (board.rtc, Rtc), (board.lamp, Lamp)]  # type: list[tuple[object, type]]
        if board.network is not None:
            parts.append((board.network, Network))
        for part, form in parts:
            for name in dir(form):
                if name[0] != "_" and name not in _ASYNC and callable(getattr(form, name)):
                    setattr(part, name, self._guarded(part, form, name))
        board.surroundings = self._lasting(board.surroundings)  # type: ignore[assignment, method-assign]

    def told(self) -> None:
        """A check-in reached the gateway: what fails from now on counts again."""
        self._fresh.clear()

    def _guarded(self, part: object, form: type, name: str) -> "Callable[..., object]":
        real = getattr(part, name)
        instead = getattr(form, name)

        def guarded(*arguments: object) -> object:
            try:
                return real(*arguments)
            except Exception as error:
                self._note(name, error)
                return instead(part, *arguments)

        return guarded

    def _lasting(self, real: "Callable[[], Awaitable[None]]") -> "Callable[[], Awaitable[None]]":
        async def lasting() -> None:
            try:
                return await real()
            except Exception as error:
                self._note("surroundings", error)
            while True:
                await asyncio.sleep(3600)

        return lasting

    def _note(self, name: str, error: Exception) -> None:
        try:
            if name not in self._fresh:
                self._fresh.add(name)
                self.count += 1
            if name not in self._said:
                self._said.add(name)
                self._tell("error", {"what": "%s of this board fails: %r" % (name, error)})
        except Exception:
            pass  # whoever cannot even say so goes on


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
