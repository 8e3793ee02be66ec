"""One virtual button: the button's own firmware under real MicroPython, and the finger that presses it.

The process keeps its flash in one file, and its settings come from one JSON file, as from the installer's cable; the
holder's actions and the surroundings go in as lines, what the button shows and does comes out as JSON lines. Both are
described in firmware/README.md.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from siaga_tools.messages import Trouble
from siaga_tools.process.child import Child, ending
from siaga_tools.process.slow_machine import patient

HEAP: Final = "512k"  # of a 64-bit build
START_DEADLINE_S: Final = 60.0
FELT_DEADLINE_S: Final = 20.0
HOLD_MARGIN_S: Final = 0.1  # a finger holds a little longer than it must
_KEPT: Final = 500  # events kept for a wait that begins after what it waits for


@dataclass(frozen=True, slots=True)
class ButtonEvent:
    """One line of the button.

    at_ms: Unix time in milliseconds
    facts: the line's other members
    """

    at_ms: int
    kind: str  # start, state, indicator, frame, ack, bearer, error, log
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HoldTimes:
    """How long a finger holds, milliseconds, as in the button's settings."""

    press_ms: int = 2000
    cancel_ms: int = 5000
    duress_ms: int = 8000


def read_line(line: str) -> ButtonEvent:
    """Parse a line of the button's standard output. Anything else becomes an `error` event that quotes it."""
    try:
        told = json.loads(line)
        at_ms, kind = told.pop("t"), told.pop("ev")
        if not isinstance(at_ms, int) or not isinstance(kind, str):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        return ButtonEvent(0, "error", {"what": f"not a line of the button: {line[:200]}"})
    return ButtonEvent(at_ms, kind, told)


@dataclass(frozen=True, slots=True)
class ButtonFiles:
    """The files of a virtual button."""

    micropython: str
    firmware: Path  # main.py
    flash: Path
    settings: Path | None = None
    language: str = "id"  # if the settings name none


class VirtualButton:
    """A running button. Make it with `VirtualButton.start`; every wait has a deadline and raises Trouble."""

    def __init__(
        self, name: str, files: ButtonFiles, holds: HoldTimes, on_event: Callable[[ButtonEvent], None]
    ) -> None:
        self.name = name
        self.device_id = ""  # 16 hexadecimal digits, once it has started
        self.stopping = False
        self._files = files
        self._holds = holds
        self._on_event = on_event
        self._child: Child | None = None
        self._switched = asyncio.Event()  # cleared during a power cycle
        self._switched.set()
        self._surroundings: dict[str, str] = {}  # the latest line of each kind, sent again after a restart
        self._events: list[ButtonEvent] = []
        self._forgotten = 0  # how many older ones were dropped
        self._waiters: list[tuple[Callable[[ButtonEvent], bool], asyncio.Future[ButtonEvent]]] = []
        self._hand = asyncio.Lock()  # one finger: a press and a cancel never overlap

    @classmethod
    async def start(
        cls,
        name: str,
        files: ButtonFiles,
        *,
        on_event: Callable[[ButtonEvent], None],
        holds: HoldTimes | None = None,
    ) -> VirtualButton:
        """Start it and wait for its `start` line. Raises Trouble (`not_started`, `button_ended`, `button_silent`)."""
        button = cls(name, files, holds or HoldTimes(), on_event)
        await button._switch_on()
        return button

    @property
    def pid(self) -> int:
        return self._running_child().pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def mark(self) -> int:
        """Return a position in the stream of events: `wait_for(after=mark)` sees only later ones."""
        return self._forgotten + len(self._events)

    async def wait_for(
        self, wanted: Callable[[ButtonEvent], bool], *, after: int, deadline_s: float, what: str
    ) -> ButtonEvent:
        """Return the first matching event from `after` on.

        Raises Trouble: `button_silent` at the deadline, `button_ended` if the process ends first.
        """
        for event in self._events[max(0, after - self._forgotten) :]:
            if wanted(event):
                return event
        heard: asyncio.Future[ButtonEvent] = asyncio.get_running_loop().create_future()
        ended = asyncio.ensure_future(self._running_child().ended())
        waiter = (wanted, heard)
        self._waiters.append(waiter)
        try:
            await asyncio.wait((heard, ended), timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
            if heard.done():
                return heard.result()
            if ended.done():
                raise Trouble("button_ended", name=self.name, code=ending(ended.result()), why=self.last_words())
            raise Trouble("button_silent", name=self.name, what=what, seconds=f"{deadline_s:g}")
        finally:
            self._waiters.remove(waiter)
            ended.cancel()

    async def tell(self, line: str) -> None:
        """Send one line of the simulated surroundings: `network 0`, `battery 12`, `fix none` ..."""
        await self._running_child().tell(line)
        words = line.split()
        if words and words[0] in ("network", "battery", "fix"):
            self._surroundings[words[0]] = line
        elif words[:1] == ["pin"] and words[1:2] != ["button"]:
            self._surroundings[" ".join(words[:2])] = line

    async def press(self) -> None:
        """Hold the button until it recognises a press, then release."""
        await self._hold(self._holds.press_ms)

    async def cancel(self) -> None:
        """Hold it as long as a cancel needs, then release."""
        await self._hold(self._holds.cancel_ms)

    async def duress(self) -> None:
        """Hold it as long as a forced cancel needs, then release."""
        await self._hold(self._holds.duress_ms)

    async def test(self) -> None:
        """Test it as a holder does: power-cycle it with the button held, release, and touch it while the light asks for
        that. Raises Trouble if it does not ask, as in an incident."""
        async with self._hand:
            mark = self.mark()
            self._switched.clear()
            try:
                await self._running_child().stop()
                await self._switch_on(held="button")
            finally:
                self._switched.set()
            await self.wait_for(
                lambda event: event.kind == "button" and event.facts.get("down") is True,
                after=mark,
                deadline_s=patient(FELT_DEADLINE_S),
                what="button",
            )
            await self._move(down=False)
            await self.wait_for(
                lambda event: event.kind == "indicator" and event.facts.get("signal") == "press_for_test",
                after=mark,
                deadline_s=patient(FELT_DEADLINE_S),
                what="press_for_test",
            )
            await self._move(down=True)
            await self._move(down=False)

    async def power_cycle(self) -> None:
        """Power-cycle it, and wait until it has started."""
        mark = self.mark()
        await self.tell("power 0")
        await self.tell("power 1")
        await self._started(mark)
        await self._tell_surroundings()

    async def network(self, on: bool) -> None:
        await self.tell(f"network {int(on)}")

    async def ended(self) -> int:
        """Wait for its end, however long. Returns the exit code, negative for a signal."""
        while True:
            child = self._running_child()
            code = await child.ended()
            await self._switched.wait()
            if child is self._child:
                return code

    def last_words(self) -> str:
        """Return the last error it reported, else the last line of its standard error."""
        for event in reversed(self._events):
            if event.kind == "error":
                return str(event.facts.get("what", ""))
        return self._running_child().last_words()

    async def stop(self, *, grace_s: float = 3) -> None:
        """Stop the process. Idempotent."""
        self.stopping = True
        if self._child is not None:
            await self._child.stop(grace_s=grace_s)

    async def _switch_on(self, held: str = "") -> None:
        environ = {**os.environ, "SIAGA_FLASH": str(self._files.flash), "SIAGA_PINS": held}
        environ["SIAGA_LANGUAGE"] = self._files.language
        if self._files.settings is not None:
            environ["SIAGA_SETTINGS"] = str(self._files.settings)
        mark = self.mark()
        self._child = await Child.start(
            self.name,
            [self._files.micropython, "-X", f"heapsize={HEAP}", str(self._files.firmware)],
            on_line=self._line,
            environ=environ,
            folder=self._files.firmware.parent,
        )
        try:
            await self._started(mark)
            await self._tell_surroundings()
        except BaseException:
            await self._child.stop()
            raise

    async def _started(self, mark: int) -> None:
        started = await self.wait_for(
            lambda event: event.kind == "start", after=mark, deadline_s=patient(START_DEADLINE_S), what="start"
        )
        self.device_id = str(started.facts["device_id"])

    async def _tell_surroundings(self) -> None:
        for line in self._surroundings.values():
            await self._running_child().tell(line)

    async def _hold(self, hold_ms: int) -> None:
        async with self._hand:
            let_go = False
            try:
                await self._move(down=True)
                await asyncio.sleep(hold_ms / 1000 + HOLD_MARGIN_S)
                await self._move(down=False)
                let_go = True
            finally:
                if not let_go and self.running:
                    await self.tell("pin button 0")

    async def _move(self, *, down: bool) -> None:
        """Move the contact and wait until the button has noticed: on a busy machine two moves could merge into one."""
        mark = self.mark()
        await self.tell(f"pin button {int(down)}")
        await self.wait_for(
            lambda event: event.kind == "button" and event.facts.get("down") is down,
            after=mark,
            deadline_s=patient(FELT_DEADLINE_S),
            what="button",
        )

    def _running_child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child

    def _line(self, line: str) -> None:
        event = read_line(line)
        self._events.append(event)
        if len(self._events) > 2 * _KEPT:
            self._forgotten += _KEPT
            del self._events[:_KEPT]
        for wanted, heard in self._waiters:
            if not heard.done() and wanted(event):
                heard.set_result(event)
        self._on_event(event)
