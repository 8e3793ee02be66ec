"""The button watches itself: check-ins, battery, mains, case, its own tasks, and the processor's watchdog."""

import asyncio
import gc
import io
import struct
import sys

from siaga.app import flash
from siaga.app.board import BUTTON, GUARD_MS, INPUT, MODEM, Board
from siaga.app.chosen import Settings
from siaga.app.delivery import Delivery
from siaga.app.faults import Faults
from siaga.app.memory import Memory
from siaga.app.outbox import Outbox
from siaga.app.report import Reporter
from siaga.app.version import VERSION
from siaga.core import frame
from siaga.core.bearers import Waiting
from siaga.core.steady import Steady
from siaga.drivers.clock import Clock

_RESTARTS_MAGIC = b"SGR1"
_FIRST_CHECKIN_MS = 3000
# Bytes of the chip's own memory; with less a TLS link may fail.
_LITTLE = 16384
# How long case and mains have to be what they are, how far apart they are told, and how far where they flicker.
_CASE_MS = (200, 5000, 600000)
_MAINS_MS = (0, 5000, 600000)
# A cell has recovered so long after a radio sent.
_QUIET_MS = 3000
_HOUR_MS = 3600000


class Supervision:
    """tick() a few times a second says what has to be reported; on_acknowledged() hears that it was. due_ms: when the
    next check-in is due. ending: the tasks are cancelled because the button ends."""

    def __init__(
        self,
        board: Board,
        clock: Clock,
        settings: Settings,
        checkin_s: int,
        reporter: Reporter,
        outbox: Outbox,
        delivery: Delivery,
        memory: Memory,
        first_start: bool,
        faults: Faults,
    ) -> None:
        self._board = board
        self._clock = clock
        self._settings = settings
        self._period_ms = checkin_s * 1000
        self._reporter = reporter
        self._outbox = outbox
        self._delivery = delivery
        self._path = board.folder + "/restarts"
        self._want: "dict[str, object]" = {}
        self._memory = memory
        self.restarts = 0 if first_start else self._read_restarts()
        if memory.slept:
            reporter.restarted = False
        elif not first_start:
            self.restarts += 1
        self._faults = faults
        self._told_rejected = 0
        self._low = _LITTLE
        self._died = 0
        self.ending = False
        if not memory.slept:
            self._write_restarts()
        self.due_ms = clock.ms() + (0 if memory.slept else delivery.chance() % _FIRST_CHECKIN_MS)
        if memory.slept and board.woke_by() != MODEM and not (memory.connected and board.woke_by() in (BUTTON, INPUT)):
            # Else at once: the modem rings for what this chip could not hear, and the gateway then says it again; and
            # a hand that is still holding leaves two seconds to find out whether the modem's connection holds too.
            left_s = memory.due_s - board.rtc.seconds()
            # Whatever became of the clock meanwhile: not later than one that was made now.
            self.due_ms = clock.ms() + min(max(left_s * 1000, 0), self._period_ms + self._period_ms // 10)
        self._owed = False
        self._mains = Steady(board.external_power(), *_MAINS_MS)
        self._case = Steady(memory.case_open if memory.slept else board.tamper_open(), *_CASE_MS)
        reporter.tamper_open = self._case.value
        percent = board.battery()
        reporter.low.begin(percent, memory.low)
        reporter.floor.begin(percent, memory.at_floor)

    def _read_restarts(self) -> int:
        try:
            record = flash.read_record(self._path, _RESTARTS_MAGIC)
        except flash.CorruptRecord:
            return 0
        return struct.unpack(">H", record)[0] if record is not None and len(record) == 2 else 0

    def _write_restarts(self) -> None:
        try:
            flash.write_record(self._path, _RESTARTS_MAGIC, struct.pack(">H", min(self.restarts, 65535)))
        except OSError as error:
            self._board.tell("error", {"what": "restarts cannot be counted on the flash: %s" % error})

    def tick(self, now_ms: int) -> "list[int]":
        """The kinds of frame that are due: CHECKIN, TAMPER."""
        due = []
        if self._case.look(self._board.tamper_open(), now_ms):
            self._reporter.tamper_open = self._case.value
            due.append(frame.TAMPER)
        changed = self._reporter.look_at_battery(now_ms, self._delivery.sent_ago_ms(now_ms) >= _QUIET_MS)
        if self._mains.look(self._board.external_power(), now_ms):
            changed = True
        if changed or now_ms >= self.due_ms:
            period_ms = self._period_ms
            # A tenth either way, so that a thousand buttons behind one mains failure do not all call at once.
            self.due_ms = now_ms + period_ms - period_ms // 10 + self._delivery.chance() % (period_ms // 5 + 1)
            if self._outbox.holds(frame.CHECKIN):
                self._owed = self._owed or changed  # told as soon as the one that waits has gone
            else:
                due.append(frame.CHECKIN)
        return due

    def status(self) -> bytes:
        """The 8 bytes behind a CHECKIN's report."""
        self._look_at_memory()
        bearer = self._delivery.in_use()
        return frame.encode_status(
            VERSION,
            frame.UNKNOWN_SIGNAL if bearer is None else bearer.signal(),
            frame.BEARER_UNKNOWN if bearer is None else bearer.number,
            len(self._outbox.entries),
            (self._memory.up_s * 1000 + self._clock.ms()) // _HOUR_MS,
            self.restarts,
            self._rejected(),
        )

    def _look_at_memory(self) -> None:
        """Tell what is left beside Python's heap, and count it where that was little."""
        memory = self._board.memory()
        if memory is None:
            return
        free, largest, low = memory
        self._board.tell("memory", {"free": free, "largest": largest, "low": low})
        if low < min(_LITTLE, self._low):
            self._low = low
            self._delivery.rejected += 1
            what = "the chip's own memory was down to %d bytes: Wi-Fi and TLS need more" % low
            self._board.tell("error", {"what": what})

    def _rejected(self) -> int:
        return self._outbox.rejected + self._delivery.rejected + self._faults.count - self._told_rejected

    def on_acknowledged(self, entry: Waiting) -> None:
        """A CHECKIN reached the gateway: what it told is told."""
        if len(entry.body) == 29:
            restarts, rejected = entry.body[27], entry.body[28]
            self._told_rejected += min(rejected, self._rejected())
            self._faults.told()
            if restarts and self.restarts:
                self.restarts = max(0, self.restarts - restarts)
                self._write_restarts()
        long_past = self._clock.ms() - entry.since_ms > self._period_ms
        if long_past or self._owed:
            self.due_ms = self._clock.ms()
            self._owed = False

    async def keep(self, name: str, start: "Start") -> None:
        """Run a task for ever: if it dies, say so, count it, and start it again after a second. A cancellation counts
        as a death too unless the button ends: asyncio can let another task's out."""
        while True:
            cause = None  # type: Exception | None
            try:
                await start()
            except asyncio.CancelledError:
                if self.ending:
                    raise
            except Exception as error:
                cause = error
            if isinstance(cause, MemoryError) and self._outbox.holds(frame.PRESS):
                self._outbox.lighten()
            gc.collect()
            self._died += 1
            try:
                self._tell_death(name, cause)
            except MemoryError:
                self._tell_want()
            cause = None
            await asyncio.sleep_ms(1000)

    def _tell_death(self, name: str, cause: "Exception | None") -> None:
        what = "came to its end"
        if cause is not None:
            trace = io.StringIO()
            sys.print_exception(cause, trace)
            what = "died: " + trace.getvalue()[-400:]
        self._board.tell("error", {"what": "task %s %s; restarted (%d so far)" % (name, what, self._died)})

    def _tell_want(self) -> None:
        try:
            self._board.tell("error", self._want)
        except MemoryError:
            pass  # telling it matters less than starting it again

    async def guard(self, beats: "list[Beat]") -> None:
        """Feed the processor's watchdog while every one of these tasks has run within the half of its time; a beat is
        (clock ms)()."""
        # Made before it is needed: there is no memory then.
        self._want["what"] = "a task died for want of memory; restarted"
        while True:
            now_ms = self._clock.ms()
            if all(now_ms - beat() < GUARD_MS // 2 for beat in beats):
                self._board.feed()
            await asyncio.sleep_ms(1000)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Start = Callable[[], Awaitable[None]]
    Beat = Callable[[], int]
