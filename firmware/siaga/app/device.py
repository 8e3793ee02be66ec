"""The button: start everything, keep it running, and let the alarm's life decide what is sent and shown."""

import asyncio
import binascii
import gc
import io
import os
import sys

from siaga.app import flash, left
from siaga.app.board import RESTART, SLEEP, Board
from siaga.app.delivery import Delivery
from siaga.app.faults import Faults
from siaga.app.hand import Hand
from siaga.app.identity import ENROL_COUNTER, FIRST_START, Identity
from siaga.app.memory import Memory
from siaga.app.outbox import Outbox, OutboxFull
from siaga.app.radios import Radios
from siaga.app.report import Reporter
from siaga.app.settings import choose
from siaga.app.sleep import Sleep
from siaga.app.supervision import Supervision
from siaga.app.time_floor import TimeFloor
from siaga.app.version import BUILT, TEXT
from siaga.core import alarm, button, frame
from siaga.core.bearers import Waiting
from siaga.core.profile import PROFILES
from siaga.drivers.clock import Clock
from siaga.drivers.indicator import Indicator

# As many as any board has: LTE, SMS, LoRaWAN, Wi-Fi.
_BEARERS = 4
_SAMPLE_MS = 15
_TICK_MS = 250
# While nobody is at the button the heap is collected so often: in PSRAM it takes 0.1 s or more, in which nobody looks.
_TIDY_MS = 10000
# Set aside, so that a press can be kept and signed where all else has used up the memory.
_RESERVE_BYTES = 6144
_NO_CONNECTION_MS = 60000


class Device:
    """Built once a start; main() runs until the board says that it is over."""

    def __init__(self, board: Board, faults: Faults) -> None:
        self._board = board
        self._faults = faults
        self._clock = Clock(board.rtc, board.awake_ms())
        flash.make_folder(board.folder)
        self._identity = Identity(board.folder, board.noise)
        settings = self._settings = self._choose_settings()
        self._profile = PROFILES[settings.profile or board.profile]
        self._memory = Memory(board)
        if self._memory.slept and not self._identity.fresh:
            self._identity.counter.resume(self._memory.counter)
        checkin_s = settings.checkin_s or self._profile.checkin_s
        board.use(settings)
        if board.network is not None:
            board.network.settle(settings.wifi_country)
        self._floor = TimeFloor(board.folder, max(BUILT, settings.clock_floor))
        self._clock.begin(self._floor.value)
        self._clock.on_answer = self._on_time
        self._outbox = Outbox(board.folder + "/outbox", self._identity.device_id, self._identity.counter, _BEARERS)
        self._reporter = Reporter(board, self._clock, settings, self._fix)
        self._indicator = Indicator(board.lamp, self._clock, settings.silent)
        self._delivery = Delivery(
            board, self._clock, self._identity, self._outbox, self._on_ack, self._on_command, self._show
        )
        self._orders: "Orders | None" = None
        self._ordered: "list[asyncio.Task[None]]" = []
        self._tasks: "list[asyncio.Task[None]]" = []
        self.acked = False
        now_ms = self._clock.ms()
        self._incident_path = board.folder + "/incident"
        self._saved = b""
        self._state = self._restored(now_ms)
        if not self._identity.enrolled:
            self._outbox.add_unkept(frame.ENROL, ENROL_COUNTER, self._identity.public, now_ms)
        self._watch = Supervision(
            board,
            self._clock,
            settings,
            checkin_s,
            self._reporter,
            self._outbox,
            self._delivery,
            self._memory,
            self._identity.fresh == FIRST_START,
            self._faults,
        )
        self._hand = Hand(board, settings)
        self._name = ""
        self._held = self._closed = False
        self._pressed_stamp = 0
        self._hand_ms = self._tick_ms = self._tidied_ms = now_ms
        self._sleep = Sleep(board, self._clock, self._profile, self._memory, self._outbox, checkin_s)
        self._radios = Radios(
            board,
            settings,
            self._profile,
            self._memory,
            self._clock,
            self._delivery,
            self._identity,
            self._tell,
        )
        self._delivery.bearers = self._radios.bearers
        self._radios.on_state(self._state)  # what an earlier run left is not called for again
        self._over = asyncio.Event()
        self._slumber = 0, False, 0
        try:
            self._outbox.reserve = bytearray(_RESERVE_BYTES)
        except MemoryError:
            pass  # set aside as soon as there is room; a button without it is still one

    def _tell(self, event: str, **facts: object) -> None:
        self._board.tell(event, facts)

    def _complain(self, what: str) -> None:
        self._tell("error", what=what)

    def _choose_settings(self) -> "Settings":
        return choose(self._board.folder, self._board.offered_settings(), self._identity.meet, self._complain)

    def _restored(self, now_ms: int) -> alarm.State:
        """What an earlier run left: the outbox, and the incident."""
        left.load(self._outbox, now_ms, self._clock.unix())
        return left.incident(
            self._incident_path, self._identity.device_id, self._outbox, self._delivery.acked, now_ms, self._complain
        )

    def _fix(self) -> "tuple[int, int, int, int, int] | None":
        return self._radios.fix()

    def end(self, why: str) -> None:
        """Stop in good order, and leave the rest to the board: RESTART or SLEEP."""
        if not self._board.ended:
            self._board.ended = why
        self._over.set()

    async def _surround(self) -> None:
        try:
            await self._board.surroundings()
        finally:
            self._over.set()

    async def main(self) -> None:
        """Everything at once, until the board's surroundings end."""
        if self._identity.fresh == FIRST_START:
            self._tell("log", what="the first start: a new key was made")
        elif self._identity.fresh:
            self._tell("log", what="a new key was made: %s" % self._identity.fresh)
            self._tell("error", what="this button has a new identity and must be enrolled anew")
        self._tell(
            "start",
            device_id=binascii.hexlify(self._identity.device_id).decode(),
            enrol=binascii.hexlify(self._identity.enrol_frame()).decode(),
            version=TEXT,
            restarts=self._watch.restarts,
            woke_by=self._board.woke_by(),
        )
        self._show()
        if alarm.is_lost(self._state):
            self._complain("the press of the open incident is gone from the flash: it is made again")
            self._hear(button.PRESS)
        keep = self._watch.keep
        beats = [lambda: self._hand_ms, lambda: self._tick_ms, lambda: self._delivery.beat_ms]
        tasks = self._tasks = [
            asyncio.create_task(keep("hand", self._feel)),
            asyncio.create_task(keep("delivery", self._delivery.run)),
            asyncio.create_task(keep("ticks", self._ticks)),
            asyncio.create_task(keep("indicator", self._indicator.run)),
            asyncio.create_task(keep("guard", lambda: self._watch.guard(beats))),
        ]
        for name, start in self._radios.tasks:
            tasks.append(asyncio.create_task(keep(name, start)))
        if self._has_orders():
            self._give_orders()
        surround = asyncio.create_task(self._surround())
        try:
            await self._over.wait()
            if surround.done():
                await surround  # raises what it raised
            if self._board.ended not in ("power", SLEEP):
                for bearer in self._delivery.bearers:
                    await bearer.close()
        finally:
            surround.cancel()
            self._watch.ending = True
            for task in tasks + self._ordered:
                task.cancel()
            await asyncio.sleep_ms(0)
        if self._board.ended == SLEEP:
            self._lie_down()

    async def _feel(self) -> None:
        """Button and external input under the hand."""
        hand = self._hand
        while True:
            now_ms = self._hand_ms = self._clock.ms()
            for word in hand.feel(now_ms, self._is_open):
                self._pressed_stamp = self._board.stamp_ms()
                self._hear(word)
            if hand.held != self._held:
                self._held = hand.held
                self._tell("button", down=self._held)
                self._show()
            if self._held:
                self._sleep.stir()
            if hand.closed != self._closed:
                self._closed = hand.closed
                self._tell("input", closed=self._closed)
            await asyncio.sleep_ms(_SAMPLE_MS)

    def _is_open(self) -> bool:
        return alarm.is_open(self._state)

    def _hear(self, word: str) -> None:
        """What the hand meant. Memory that was set aside for this is given where there is no other."""
        try:
            self._heed(word)
        except MemoryError:
            self._outbox.reserve = None
            self._outbox.lighten()
            gc.collect()
            self._heed(word)

    def _heed(self, word: str) -> None:
        if word == button.PRESS:
            self._step((alarm.PRESSED, frame.TRIGGER_HOLD))
        elif word == button.TAPS:
            self._step((alarm.PRESSED, frame.TRIGGER_TRIPLE_TAP))
        elif word == button.CLOSED:
            self._step((alarm.PRESSED, frame.TRIGGER_EXTERNAL))
        elif word == button.STAYS:
            self._tell("error", what="the external input has been closed for a minute: it cannot raise an alarm now")
        elif word == button.TEST:
            self._step((alarm.TESTED,))
        elif word == button.TOUCH:
            self._sleep.stir()
            self._faults.count += 1  # told in the next check-in: somebody may have needed help
            self._tell("log", what="the touch that woke the button was too short for a press")
            self._show()
        elif word == button.STUCK:
            self._tell("error", what="the button has been down for a minute: is it stuck?")
        else:
            self._step((alarm.CANCELLED, word == button.DURESS))

    async def _ticks(self) -> None:
        """What goes by the clock: the alarm's deadlines, updates, supervision."""
        while True:
            now_ms = self._tick_ms = self._clock.ms()
            floor = self._delivery.sparse = self._reporter.at_floor()
            self._step((alarm.TICK, self._reporter.news(), floor))
            orders = self._orders
            wanted = self._state.opening != 0 or self._state.test != 0 or (orders is not None and orders.is_locating)
            self._radios.locate(wanted or self._sleep.locates)
            for kind in self._watch.tick(now_ms):
                self._keep(kind, 0, 0)
            idle = self._is_idle() and (orders is None or not orders.is_busy)
            if idle and now_ms - self._tidied_ms >= _TIDY_MS:
                gc.collect()
                self._tidied_ms = now_ms
            seconds = self._sleep.tick(idle, floor, self._watch.due_ms, self._radios.knows_place())
            if seconds > 0:
                await self._fall_asleep(seconds)
            if self._outbox.reserve is None and gc.mem_free() > 3 * _RESERVE_BYTES:
                self._outbox.reserve = bytearray(_RESERVE_BYTES)
            await asyncio.sleep_ms(_TICK_MS)

    def _is_idle(self) -> bool:
        """Whether nobody needs this button awake."""
        state = self._state
        if state.opening or state.test or state.notice or self._hand.held or self._board.pressed():
            return False
        return not self._board.alarm_input() and not self._radios.calling and not self._over.is_set()

    async def _fall_asleep(self, seconds: int) -> None:
        self._tell("log", what="asleep for %d s" % seconds)
        connected = await self._radios.rest()
        if not self._is_idle():
            self._radios.rouse()
            self._tell("log", what="awake: something came up")
            return
        self._slumber = seconds, connected, self._identity.counter.used
        self.end(SLEEP)

    def _lie_down(self) -> None:
        """The last thing before deep sleep, when no task runs any more that could use another counter."""
        board = self._board
        seconds, connected, used = self._slumber
        if self._identity.counter.used != used:
            board.ended = RESTART  # a hand was quicker than the sleep
            return
        self._memory.low, self._memory.at_floor = self._reporter.low.on, self._reporter.floor.on
        case_open = self._reporter.tamper_open
        self._sleep.remember(seconds, self._watch.due_ms, connected, case_open, used + 1)
        board.sleep_ms = seconds * 1000
        board.modem_sleeps = not self._profile.modem_off

    def _step(self, event: tuple) -> None:
        self._state, actions = alarm.next_state(self._state, event, self._clock.ms())
        self._delivery.acked.since = alarm.since(self._state)
        self._radios.on_state(self._state)
        for action in actions:
            if action[0] == alarm.SAVE:
                self._save()
            else:
                self._keep(action[1], action[2], action[3])
        self._show()

    def _save(self) -> None:
        record = self._identity.device_id + self._state.saved() + self._delivery.acked.saved()
        if record == self._saved:
            return
        try:
            flash.write_record(self._incident_path, left.INCIDENT_MAGIC, record)
            self._saved = record
        except OSError as error:
            self._tell("error", what="the incident's stage does not go onto the flash: %s" % error)

    def _keep(self, kind: int, flags: int, opening: int) -> bool:
        """Put a frame into the outbox, and let the alarm know. Whether it is there."""

        def body_of(counter: int) -> bytes:
            body = self._reporter.body(kind, flags, counter - opening if opening else 0)
            return body + self._watch.status() if kind == frame.CHECKIN else body

        try:
            entry = self._outbox.keep(kind, body_of, self._clock.ms())
        except OutboxFull as error:
            self._tell("error", what="a frame of kind %d was not kept: %s" % (kind, error))
            self._step((alarm.UNSTORED, kind))
            return False
        facts = {"kind": kind, "counter": entry.counter, "bearer": ""}
        if kind in (frame.PRESS, frame.CANCEL):
            self._tell("frame", t=self._pressed_stamp, step="pressed", **facts)
        if entry.durable:
            self._tell("frame", step="stored", **facts)
        else:
            self._tell("error", what="the flash does not keep frame %d: it is only in memory" % entry.counter)
        self._sleep.stir()
        marked = bool(flags & (frame.FLAG_TEST if kind == frame.PRESS else frame.FLAG_DURESS))
        self._step((alarm.STORED, kind, entry.counter, marked))
        self._delivery.kept(kind)
        return True

    def _on_ack(self, entry: "Waiting | None", kind: int, counter: int, stage: int, eta: "int | None") -> None:
        self._sleep.stir()
        self.acked = True
        self._step((alarm.ACKED, kind, counter, stage, eta))
        if self._state.opening:
            self._save()  # the digest of what leaves the outbox now: later stages may name it
        if entry is not None and kind == frame.CHECKIN:
            self._watch.on_acknowledged(entry)

    def _on_time(self, told: int) -> None:
        """The gateway's own time, just now."""
        tls = self._radios.tls
        try:
            self._floor.heard(told, 0 if tls is None else tls.ends)
        except OSError as error:
            self._complain("the flash does not take the time: %s" % error)
        self._clock.floor = self._floor.value

    def _on_command(self, down: frame.Down) -> None:
        self._sleep.stir()
        self._give_orders().on_command(down)

    def _give_orders(self) -> "Orders":
        """The code for commands and updates is loaded with the first one: a start does not need it."""
        if self._orders is None:
            from siaga.app.orders import Orders

            self._orders = Orders(
                self,
                self._board,
                self._clock,
                self._settings,
                self._identity,
                self._outbox,
                self._delivery,
                self._radios,
            )
            for name, start in self._orders.tasks:
                self._ordered.append(asyncio.create_task(self._watch.keep(name, start)))
        return self._orders

    def _has_orders(self) -> bool:
        """Whether an earlier run left something under way: a command, a firmware's trial or how that ended."""
        loader = sys.modules.get("siaga_boot")
        if loader is not None and loader.boot is not None and loader.boot.has_news():
            return True
        return any(item[0].startswith("command-") for item in os.ilistdir(self._board.folder))

    def is_calm(self) -> bool:
        """Whether nothing of a press goes on, so that an update or a restart is in nobody's way."""
        return self._is_idle() and not self._outbox.holds(frame.PRESS)

    def test_press(self) -> bool:
        """Make a test press; whether it was kept."""
        before = self._state.test
        self._step((alarm.TESTED,))
        return self._state.test != before

    def check_in(self) -> bool:
        """Make a check-in; whether it was kept."""
        return self._keep(frame.CHECKIN, 0, 0)

    def _show(self) -> None:
        name = alarm.state_name(self._state)
        if name != self._name:
            self._name = name
            self._tell("state", state=name)
        now_ms = self._clock.ms()
        signal = alarm.signal(self._state, now_ms, self._settings.no_ack_s * 1000)
        if signal == "armed":
            if self._hand.signal(now_ms):
                signal = self._hand.signal(now_ms)
            elif self._board.unfit:
                signal = "unfit_chip"
            elif not self._radios.bearers:
                signal = "not_set_up"
            elif self._reporter.low.on:
                signal = "low_battery"
            elif not self._delivery.is_up() and now_ms - self._delivery.up_ms >= _NO_CONNECTION_MS:
                signal = "no_connection"
        if self._indicator.show(signal):
            silent = self._settings.silent
            self._tell("indicator", signal=signal, light=not silent, sound=not silent, vibration=True)


def run(board: Board, faults: Faults) -> None:
    """Be a button on this board until it is over; board.ended says why, and tells of a failure."""
    try:
        asyncio.run(Device(board, faults).main())
    except Exception as error:
        trace = io.StringIO()
        sys.print_exception(error, trace)
        board.ended = "failed"
        board.tell("error", {"what": "the button stopped: " + trace.getvalue()[-600:]})


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.chosen import Settings
    from siaga.app.orders import Orders
