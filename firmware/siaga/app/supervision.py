"""The button supervises itself: check-ins, battery, mains, case, its own tasks, and the hardware watchdog."""

import asyncio
import gc
import io
import struct
import sys

from siaga.app import flash_records
from siaga.app.board import BUTTON, GUARD_MS, INPUT, MODEM
from siaga.app.version import VERSION
from siaga.core import frame
from siaga.core.hysteresis import FlickerFilter

_RESTARTS_MAGIC = b"SGR1"
_FIRST_CHECKIN_MS = 3000
# Free bytes of internal RAM below which a TLS link may fail.
_LITTLE = 16384
# Case and mains: debounce time, least time between reports, and the same where they flicker.
_CASE_MS = (200, 5000, 600000)
_MAINS_MS = (0, 5000, 600000)
# How long a cell takes to recover after a radio sent.
_QUIET_MS = 3000
_HOUR_MS = 3600000


class Supervision:
    """tick(), called a few times a second, says what is to be reported; on_acknowledged() hears that it was.

    due_ms: when the next check-in is due
    ending: the tasks are cancelled because the button ends
    """

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        settings: "Settings",
        checkin_s: int,
        reporter: "Reporter",
        outbox: "Outbox",
        delivery: "Delivery",
        memory: "RtcMemory",
        first_start: bool,
        faults: "Faults",
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
            # Else at once: the modem rings for what this chip could not hear, and the gateway then repeats it; and a
            # holder still holding leaves two seconds to find out whether the modem's connection still works.
            left_s = memory.due_s - board.rtc.seconds()
            # Whatever became of the clock meanwhile: no later than one scheduled now.
            self.due_ms = clock.ms() + min(max(left_s * 1000, 0), self._period_ms + self._period_ms // 10)
        self._owed = False
        self._mains = FlickerFilter(board.external_power(), *_MAINS_MS)
        self._case = FlickerFilter(memory.case_open if memory.slept else board.tamper_open(), *_CASE_MS)
        reporter.tamper_open = self._case.value
        percent = board.battery()
        reporter.low.begin(percent, memory.low)
        reporter.floor.begin(percent, memory.at_floor)

    def _read_restarts(self) -> int:
        try:
            record = flash_records.read_record(self._path, _RESTARTS_MAGIC)
        except flash_records.CorruptRecord:
            return 0
        return struct.unpack(">H", record)[0] if record is not None and len(record) == 2 else 0

    def _write_restarts(self) -> None:
        try:
            flash_records.write_record(self._path, _RESTARTS_MAGIC, struct.pack(">H", min(self.restarts, 65535)))
        except OSError as error:
            self._board.tell("error", {"what": "restarts cannot be counted on the flash: %s" % error})

    def tick(self, now_ms: int) -> "list[int]":
        """Return the kinds of frame that are due: CHECKIN, TAMPER."""
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
                self._owed = self._owed or changed  # reported once the pending one has gone
            else:
                due.append(frame.CHECKIN)
        return due

    def status(self) -> bytes:
        """Return the 8 bytes after a CHECKIN's report."""
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
        """Log the free memory beside Python's heap, and count it if low."""
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

    def on_acknowledged(self, entry: "Waiting") -> None:
        """Note that a CHECKIN reached the gateway: what it reported is settled."""
        counts = frame.counts_of(entry.body)
        if counts is not None:
            restarts, rejected = counts
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
        """Run a task for ever: if it dies, log it, count it, and restart it after a second. A cancellation counts as a
        death too unless the button is ending: asyncio can leak one from another task."""
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
            pass  # restarting it matters more than logging

    async def guard(self, beats: "list[Beat]") -> None:
        """Feed the hardware watchdog while every one of these tasks has run within half its time-out. beats: functions
        that return the clock's ms at the task's last run."""
        # Allocated beforehand: when it is needed there is no memory.
        self._want["what"] = "a task died for want of memory; restarted"
        while True:
            now_ms = self._clock.ms()
            if all(now_ms - beat() < GUARD_MS // 2 for beat in beats):
                self._board.feed()
            await asyncio.sleep_ms(1000)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from siaga.app.board import Board
    from siaga.app.board_faults import Faults
    from siaga.app.delivery import Delivery
    from siaga.app.outbox import Outbox
    from siaga.app.rtc_memory import RtcMemory
    from siaga.app.settings import Settings
    from siaga.app.status_report import Reporter
    from siaga.core.bearer_policy import Waiting
    from siaga.drivers.clock import Clock

    Start = Callable[[], Awaitable[None]]
    Beat = Callable[[], int]
