"""The button: builds its parts, starts everything and runs until the board ends it."""

import asyncio
import binascii
import gc
import io
import sys

from siaga.app import flash_records
from siaga.app.board import SLEEP
from siaga.app.checkin_proof import CheckinProof
from siaga.app.commands_on_demand import CommandsOnDemand
from siaga.app.delivery import Delivery
from siaga.app.feedback import Feedback
from siaga.app.identity import ENROL_COUNTER, FIRST_START, Identity
from siaga.app.incident import Incident
from siaga.app.input_actions import InputActions
from siaga.app.inputs import Inputs
from siaga.app.outbox import Outbox
from siaga.app.radios import Radios
from siaga.app.rtc_memory import RtcMemory
from siaga.app.settings_rules import choose
from siaga.app.sleep import Sleep
from siaga.app.sleep_entry import SleepEntry
from siaga.app.status_report import Reporter
from siaga.app.supervision import Supervision
from siaga.app.time_floor import TimeFloor
from siaga.app.version import BUILT, TEXT
from siaga.core import alarm, button_gestures, frame
from siaga.core.power_profile import PROFILES
from siaga.drivers.clock import Clock
from siaga.drivers.indicator import Indicator

# As many as any board has: LTE, SMS, LoRaWAN, Wi-Fi.
_BEARERS = 4
_TICK_MS = 250
# How often to collect garbage while nobody is at the button: with PSRAM it takes 0.1 s or more without sampling.
_TIDY_MS = 10000
# Set aside so that a press can be stored and signed when memory has run out.
_RESERVE_BYTES = 6144


class Device:
    """Built once a start; main() runs until the board ends it. Its parts: the incident; what the inputs, the gateway's
    commands and the clock do to it; what the holder sees and hears; how it goes to sleep."""

    def __init__(self, board: "Board", faults: "Faults") -> None:
        self._board = board
        clock = self._clock = Clock(board.rtc, board.awake_ms())
        flash_records.make_folder(board.folder)
        identity = self._identity = Identity(board.folder, board.noise)
        settings = choose(board.folder, board.offered_settings(), identity.meet, self._complain)
        profile = PROFILES[settings.profile or board.profile]
        memory = RtcMemory(board)
        if memory.slept and not identity.fresh:
            identity.counter.resume(memory.counter)
        checkin_s = settings.checkin_s or profile.checkin_s
        board.use(settings)
        if board.network is not None:
            board.network.settle(settings.wifi_country)
        self._floor = TimeFloor(board.folder, max(BUILT, settings.clock_floor))
        clock.begin(self._floor.value)
        clock.on_answer = self._on_time
        outbox = self._outbox = Outbox(board.folder + "/outbox", identity.device_id, identity.counter, _BEARERS)
        reporter = self._reporter = Reporter(board, clock, settings, lambda: self._radios.fix())
        self._indicator = Indicator(board.lamp, clock, settings.silent)
        delivery = self._delivery = Delivery(
            board,
            clock,
            identity,
            outbox,
            CheckinProof(board.rtc, memory, bool(identity.fresh) or identity.met_anew),
            lambda *told: self._incident.on_acknowledged(*told),
            self._on_command,
            lambda: self._incident.show(),
        )
        first_start = identity.fresh == FIRST_START
        now_ms = self._tick_ms = self._tidied_ms = clock.ms()
        supervision = self._supervision = Supervision(
            board, clock, settings, checkin_s, reporter, outbox, delivery, memory, first_start, faults
        )
        hand = Inputs(board, settings)
        sleep = self._sleep = Sleep(board, clock, profile, memory, outbox, checkin_s)
        radios = self._radios = Radios(board, settings, profile, memory, clock, delivery, identity, self._tell)
        delivery.bearers = radios.bearers
        feedback = Feedback(board, clock, settings, self._indicator, hand, radios, reporter, delivery)
        incident = self._incident = Incident(
            board,
            clock,
            identity.device_id,
            outbox,
            reporter,
            delivery,
            supervision,
            radios,
            sleep,
            feedback,
            now_ms,
        )
        if not identity.enrolled:
            outbox.add_unkept(frame.ENROL, ENROL_COUNTER, identity.public, now_ms)
        self._inputs = InputActions(board, clock, hand, incident, outbox, sleep, faults)
        self._over = asyncio.Event()
        sleep_entry = self._sleep_entry = SleepEntry(
            board,
            identity,
            memory,
            reporter,
            supervision,
            hand,
            radios,
            sleep,
            incident,
            self._over,
            self.end,
            profile.modem_off,
        )

        def load_commands() -> "CommandActions":
            from siaga.app.command_actions import CommandActions

            return CommandActions(
                board, clock, settings, identity, outbox, delivery, radios, incident, sleep_entry.is_idle, self.end
            )

        self._commands = CommandsOnDemand(board.folder, load_commands, supervision.keep)
        try:
            outbox.reserve = bytearray(_RESERVE_BYTES)
        except MemoryError:
            pass  # set aside as soon as there is room; without it the button still works

    def _tell(self, event: str, **facts: object) -> None:
        self._board.tell(event, facts)

    def _complain(self, what: str) -> None:
        self._tell("error", what=what)

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
        """Run everything until the board's surroundings() ends."""
        self._introduce()
        self._incident.show()
        if alarm.is_lost(self._incident.state):
            self._complain("the press of the open incident is gone from the flash: it is made again")
            self._inputs.on_gesture(button_gestures.PRESS)
        keep = self._supervision.keep
        beats = [lambda: self._inputs.beat_ms, lambda: self._tick_ms, lambda: self._delivery.beat_ms]
        tasks = [
            asyncio.create_task(keep("hand", self._inputs.run)),
            asyncio.create_task(keep("delivery", self._delivery.run)),
            asyncio.create_task(keep("ticks", self._ticks)),
            asyncio.create_task(keep("indicator", self._indicator.run)),
            asyncio.create_task(keep("guard", lambda: self._supervision.guard(beats))),
        ]
        for name, start in self._radios.tasks:
            tasks.append(asyncio.create_task(keep(name, start)))
        self._commands.resume()
        surround = asyncio.create_task(self._surround())
        try:
            await self._over.wait()
            if surround.done():
                await surround  # re-raises its exception
            if self._board.ended not in ("power", SLEEP):
                for bearer in self._delivery.bearers:
                    await bearer.close()
        finally:
            surround.cancel()
            self._supervision.ending = True
            for task in tasks + self._commands.tasks:
                task.cancel()
            await asyncio.sleep_ms(0)
        if self._board.ended == SLEEP:
            self._sleep_entry.finish()

    def _introduce(self) -> None:
        """Write the start message to the console."""
        identity = self._identity
        if identity.fresh == FIRST_START:
            self._tell("log", what="the first start: a new key was made")
        elif identity.fresh:
            self._tell("log", what="a new key was made: %s" % identity.fresh)
            self._tell("error", what="this button has a new identity and must be enrolled anew")
        self._tell(
            "start",
            device_id=binascii.hexlify(identity.device_id).decode(),
            enrol=binascii.hexlify(identity.enrol_frame()).decode(),
            version=TEXT,
            restarts=self._supervision.restarts,
            woke_by=self._board.woke_by(),
        )

    async def _ticks(self) -> None:
        """Run what is time-driven: alarm deadlines, updates, supervision."""
        incident = self._incident
        while True:
            now_ms = self._tick_ms = self._clock.ms()
            floor = self._delivery.sparse = self._reporter.at_floor()
            incident.step((alarm.TICK, self._reporter.news(), floor))
            wanted = incident.state.opening != 0 or incident.state.test != 0 or self._commands.is_locating
            self._radios.locate(wanted or self._sleep.locates)
            for kind in self._supervision.tick(now_ms):
                incident.keep(kind, 0, 0)
            idle = self._sleep_entry.is_idle() and not self._commands.is_busy
            if idle and now_ms - self._tidied_ms >= _TIDY_MS:
                gc.collect()
                self._tidied_ms = now_ms
            seconds = self._sleep.tick(idle, floor, self._supervision.due_ms, self._radios.knows_place())
            if seconds > 0:
                await self._sleep_entry.begin(seconds)
            if self._outbox.reserve is None and gc.mem_free() > 3 * _RESERVE_BYTES:
                self._outbox.reserve = bytearray(_RESERVE_BYTES)
            await asyncio.sleep_ms(_TICK_MS)

    def _on_time(self, told: int) -> None:
        """Take the gateway's time from a fresh answer."""
        tls = self._radios.tls
        try:
            self._floor.heard(told, 0 if tls is None else tls.ends)
        except OSError as error:
            self._complain("the flash does not take the time: %s" % error)
        self._clock.floor = self._floor.value

    def _on_command(self, down: frame.Down) -> None:
        self._sleep.stir()
        self._commands.on_command(down)


def run(board: "Board", faults: "Faults") -> None:
    """Be a button on this board until it is over; board.ended says why, and a failure is logged."""
    try:
        asyncio.run(Device(board, faults).main())
    except Exception as error:
        trace = io.StringIO()
        sys.print_exception(error, trace)
        board.ended = "failed"
        board.tell("error", {"what": "the button stopped: " + trace.getvalue()[-600:]})


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.board import Board
    from siaga.app.board_faults import Faults
    from siaga.app.command_actions import CommandActions
