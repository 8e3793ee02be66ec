"""Records button and external input from the first line that runs on the chip until the firmware samples them itself:
loading takes seconds, and the finger may be gone by then. main.py begins with this. Copied by cable, never updated over
the air.

/board.txt names the contacts after the board's name: `+32` is a pin that reads HIGH while its contact is closed, `-27`
one that reads LOW; the button first, then the external input. An edge interrupt records each change; anything shorter
than 25 ms is bounce. Spurious interrupts (GPIO 36 and 39 have them, ESP32 errata 3.11) do no harm: only a level that
differs from the previous one counts.

The first 20 bytes of RTC memory hold the button's state, so that an undecided hold survives a reset.
"""

import struct
import sys
import time

import machine

HEAD = 20
_FORMAT = ">2sBBHHIQ"
_MAGIC = b"L1"
_OPEN, _DOWN = 1, 2  # undecided; the button was down
_DEBOUNCE_MS = 25
_EDGES = 24  # per contact; any beyond that are taken for bounce
_STATE, _STATUS = 0x3FF48038, 0x3FF480D0  # registers of the wake cause: siaga/boards/wake_cause.py


class Line:
    """A contact on pin `number`.

    first_ms: when it was first read, chip ticks
    acts: whether it was closed then
    edges: (ms, closed) of each change since, chip ticks
    on_change: called with each new level, from the interrupt
    """

    def __init__(self, word: str) -> None:
        self.number = number = int(word[1:])
        self._level = int(word[0] == "+")
        # At rest its own resistor or the chip's holds the other level; pins 34 to 39 have none in the chip.
        pull = machine.Pin.PULL_DOWN if self._level else machine.Pin.PULL_UP
        self._pin = machine.Pin(number, machine.Pin.IN, pull) if number < 34 else machine.Pin(number, machine.Pin.IN)
        self.edges = []  # type: list[tuple[int, bool]]
        self.on_change = None  # type: Callable[[bool], None] | None
        self.first_ms = _ticks_ms()
        self.acts = self._pin.value() == self._level
        self._pin.irq(self._note, machine.Pin.IRQ_RISING | machine.Pin.IRQ_FALLING)
        self._note(self._pin)  # a change between the first reading and the interrupt

    def _note(self, pin: object) -> None:
        acts = self._pin.value() == self._level
        now_ms = _ticks_ms()
        edges = self.edges
        if acts == (edges[-1][1] if edges else self.acts):
            return
        if edges and (now_ms - edges[-1][0] < _DEBOUNCE_MS or len(edges) >= _EDGES):
            edges.pop()
        else:
            edges.append((now_ms, acts))
        if self.on_change is not None:
            self.on_change(acts)

    def end(self) -> None:
        self._pin.irq(None)


class Latch:
    """What happened at the contacts before the firmware samples them.

    lines: button and external input, as far as /board.txt names them
    state, status: wake-cause registers of an undecided wake, 0 = none
    before_ms: how long the hold in progress had lasted when the chip restarted
    earlier_ms: the longest hold before that
    lost: a hold was in progress then, and is over now
    """

    def __init__(self, path: str) -> None:
        self._rtc = machine.RTC()
        self.state = self.status = self.before_ms = self.earlier_ms = 0
        self.lost = False
        self._down_ms = 0
        self.lines = []  # type: list[Line]
        try:
            with open(path) as file:
                words = file.read(64).split()[1:]
            self.lines = [Line(word) for word in words if word[0] in "+-"]
        except (OSError, ValueError):
            pass  # the firmware reports what is wrong with it
        down = bool(self.lines) and self.lines[0].acts
        woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
        if woken:
            self.state = machine.mem32[_STATE] & 0x7FF
            self.status = machine.mem32[_STATUS] & 0x3FFFF
        else:
            self._go_on(down)
        if down:
            self._down_ms = _now_ms() - self.before_ms
        if self.lines:
            self.lines[0].on_change = self._changed
        self._held_ms = self.earlier_ms
        self._is_open = down or woken or self.lost or self.earlier_ms > 0 or self.state != 0
        self._write(down)

    def _go_on(self, down: bool) -> None:
        """Continue from what an earlier start left in RTC memory."""
        head = bytes(self._rtc.memory())[:HEAD]
        if len(head) < HEAD or head[:2] != _MAGIC:
            return
        _, marks, _, held_ms, state, status, since_ms = struct.unpack(_FORMAT, head)
        if not marks & _OPEN:
            return
        self.earlier_ms, self.state, self.status = held_ms, state, status
        if marks & _DOWN and down:
            self.before_ms = min(max(_now_ms() - since_ms, 0), 60000)
        self.lost = bool(marks & _DOWN) and not down

    def _changed(self, down: bool) -> None:
        now_ms = _now_ms()
        if down:
            self._down_ms = now_ms
        else:
            self._held_ms = max(self._held_ms, min(max(now_ms - self._down_ms, 0), 60000))
        self._is_open = True
        self._write(down)

    def note(self, down: bool) -> None:
        """Called by the firmware, which samples now: an undecided hold began (down), or nothing is undecided."""
        self._held_ms = self.state = self.status = 0
        if down and not self._is_open:
            self._down_ms = _now_ms()
        self._is_open = down
        self._write(down)

    def _write(self, down: bool) -> None:
        marks = (_OPEN if self._is_open else 0) | (_DOWN if down else 0)
        head = struct.pack(_FORMAT, _MAGIC, marks, 0, self._held_ms, self.state, self.status, max(self._down_ms, 0))
        self._rtc.memory(head + bytes(self._rtc.memory())[HEAD:])

    def end(self) -> None:
        """Stop recording: the firmware samples from now on."""
        for line in self.lines:
            line.end()


def _ticks_ms() -> int:
    return time.ticks_ms()  # type: ignore[return-value]


def _now_ms() -> int:
    """Milliseconds of the calendar clock, which runs on through a reset."""
    return time.time_ns() // 1000000


latch = None  # type: Latch | None
try:
    latch = Latch("/board.txt")
except Exception as error:  # whatever it is, the firmware must start
    sys.print_exception(error)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable  # noqa: F401
