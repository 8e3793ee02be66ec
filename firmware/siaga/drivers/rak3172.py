"""The LoRaWAN bearer: a RAK3172 with RUI3 firmware on a UART (115200 8N1), OTAA, class A.

How much the module carries is asked before every frame: given too long a payload it sends an empty frame instead.
Uplinks are unconfirmed: what counts is the gateway's own signed acknowledgement, which arrives in a receive window of
this uplink or, as nothing is received in between, of the next one, often the frame's own repeat. ADR is off unless set:
a carried button moves, and firmware before 4.x answers AT+DR=? with what was set, not with what the network chose.
"""

import asyncio
import binascii

from micropython import const
from siaga.core import bearer_policy, rui3
from siaga.core.bearer_policy import Link as Policy
from siaga.core.bearer_policy import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.frame import BEARER_LORAWAN, UNKNOWN_SIGNAL, kind_of
from siaga.drivers.bearer import Bearer
from siaga.drivers.rak3172_module import LONGEST_BUSY_MS, Module
from siaga.drivers.rui3_line import Listener, RakError, Rui3Line

PORT = const(10)
_LOOK_MS = const(50)
# The slowest frame (DR0, 51 bytes: 2.8 s), RECEIVE_DELAY2 of up to 6 s (The Things Stack), its window.
_SENT_MS = const(12000)
# RUI3 before 4.0.4 does not report the end of an unconfirmed frame; the next one finds the module busy or not.
_UNTOLD_MS = const(4000)
# Time for the answer to a press to arrive: the frame (0.4 s at most from DR3 on, 2.8 s below), the second window after
# 2 s (6 s at The Things Stack), and an ACK at its data rate. An earlier repeat would miss it.
_ANSWERED_MS = const(9000)
_ANSWERED_SLOWLY_MS = const(11000)
_ASK_MS = const(60000)
_BUSY_MS = const(1000)
_BUSY_TRIES = const(6)
_QUEUE = const(4)
_FIRST_MS = const(10000)
_LONGEST_MS = const(3600000)
_LONGEST_URGENT_MS = const(15000)
_UNANSWERED = const(4)
# After this many unanswered frames the network may have forgotten the session: only a join tells. It ends the present
# session, over which uplinks may arrive all the same; so a pending press is sent this often first.
_FORGOTTEN = const(32)


class Rak3172(Bearer, Listener):
    """The bearer.

    uart: any stream that asyncio can wait on
    reset: drives the module's RST, if the board has such a line
    """

    name = "lorawan"
    number = BEARER_LORAWAN

    def __init__(
        self,
        uart: object,
        clock: "Clock",
        owner: "Owner",
        settings: "LorawanSettings",
        reset: "Line | None" = None,
    ) -> None:
        self.policy = Policy(False, 0)
        self.line = Rui3Line(uart, clock, self)
        self.module = Module(self.line, settings, reset)
        self._clock = clock
        self._owner = owner
        self._adr = settings.adr
        self._queue = []  # type: list[tuple[int, bytes]]
        self._waiting = asyncio.Event()
        self._sending = -1
        self._rssi = UNKNOWN_SIGNAL
        self._unanswered = 0
        self._called = 0  # of these, with a press pending
        self._hurried = False
        self._why = ""
        self._forgotten = False
        self.empty_frames = 0  # sent because the payload did not fit

    def signal(self) -> int:
        return self._rssi

    def hurry(self) -> None:
        self._hurried = True

    async def send(self, counter: int, payload: bytes) -> None:
        """Queue a frame, more urgent ones first; one already queued is not queued again."""
        if not self.policy.up:
            raise SiagaError("not joined to the LoRaWAN network")
        if len(payload) > self.policy.limit:
            raise SiagaError(
                "%d bytes do not fit into the %d of DR%d" % (len(payload), self.policy.limit, self.module.data_rate)
            )
        if counter == self._sending or any(waiting[0] == counter for waiting in self._queue):
            return
        place = len(self._queue)
        rank = bearer_policy.priority(kind_of(payload))
        while place and rank < bearer_policy.priority(kind_of(self._queue[place - 1][1])):
            place -= 1
        if place >= _QUEUE:
            raise SiagaError("the LoRaWAN module has %d frames to send already" % _QUEUE)
        self._queue.insert(place, (counter, payload))
        del self._queue[_QUEUE:]  # its owner will offer it again
        self._waiting.set()

    async def run(self) -> None:
        """Stay joined whenever possible; never returns."""
        reading = asyncio.create_task(self.line.run())
        failures = 0
        try:
            while True:
                try:
                    await self._join(failures)
                    failures = 0
                    await self._serve()
                except (SiagaError, OSError) as error:
                    self._down(str(error))
                    failures += 1
                    restricted_ms = self.line.restricted_ms
                    if isinstance(error, RakError):
                        is_ready = error.final in (rui3.RESTARTED, rui3.NOT_JOINED)
                        if error.final in (b"", rui3.SILENT):
                            is_ready = await self.module.revive(error.final == rui3.SILENT)
                        if is_ready and failures == 1:
                            continue
                await self._pause(failures, restricted_ms)
        finally:
            reading.cancel()
            self._down("stopped")

    # Up and down

    async def _join(self, failures: int) -> None:
        await self.module.start_session(failures, self._forgotten)
        self._take_limit()
        self._unanswered = self._called = 0
        self._forgotten = False
        self.policy.up = True
        self._why = ""
        self._owner.on_bearer(self, True, "joined, DR%d, %d bytes" % (self.module.data_rate, self.policy.limit))

    async def _measure(self) -> None:
        """Find out what a frame may hold now. Raises RakError, OSError."""
        await self.module.measure()
        self._take_limit()

    def _take_limit(self) -> None:
        self.policy.limit = self.module.limit
        self.policy.least_ms = _ANSWERED_MS if self.module.data_rate > 2 else _ANSWERED_SLOWLY_MS

    def _down(self, why: str) -> None:
        if self.policy.up or why != self._why:
            self.policy.up = False
            self._rssi = UNKNOWN_SIGNAL
            self._why = why
            self._queue.clear()
            self._owner.on_bearer(self, False, why)

    async def _pause(self, failures: int, restricted_ms: int) -> None:
        """Wait after failures; a press shortens that, but not a duty-cycle restriction."""
        began_ms = self._clock.ms()
        while self._clock.ms() - began_ms < min(restricted_ms, _LONGEST_MS):
            await asyncio.sleep_ms(_LOOK_MS)
        chance = self._owner.chance()
        self._hurried = False
        while not self._hurried:
            longest_ms = _LONGEST_URGENT_MS if self._owner.is_urgent() else _LONGEST_MS
            if self._clock.ms() - began_ms >= back_off_ms(max(failures - 1, 0), _FIRST_MS, longest_ms, chance):
                return
            await asyncio.sleep_ms(_LOOK_MS)

    # Frames

    async def _serve(self) -> None:
        """Send what is queued until the session ends."""
        started = self.line.restarts
        while True:
            self._waiting.clear()
            if self.line.restarts != started:
                raise RakError("the LoRaWAN module began anew", rui3.RESTARTED)
            if not self._queue:
                try:
                    await asyncio.wait_for_ms(self._waiting.wait(), _ASK_MS)
                except asyncio.TimeoutError:
                    await self._see_session()
                    await self._measure()
                continue
            self._sending, payload = self._queue.pop(0)
            try:
                await self._transmit(payload)
            finally:
                self._sending = -1

    async def _see_session(self) -> None:
        if not await self.module.is_joined():
            raise RakError("the LoRaWAN session is gone", rui3.NOT_JOINED)

    async def _transmit(self, payload: bytes) -> None:
        await self._measure()
        told = "%d:%s" % (PORT, str(binascii.hexlify(payload), "ascii"))
        refusals = 0
        for _ in range(_BUSY_TRIES + 1):
            if len(payload) > self.policy.limit:
                return  # the owner offers the form that fits
            self.line.forget()
            try:
                await self.line.tell("SEND", told)
            except RakError as error:
                if error.final == rui3.PARAMETER:
                    # MAC commands took the space, and have gone out on their own in an empty frame: now there is space.
                    # If not, the module carries less than assumed.
                    self.empty_frames += 1
                    refusals += 1
                    await self._is_sent()
                    if refusals > 1:
                        await self.module.refuse(len(payload))
                        self._take_limit()
                elif error.final in (rui3.BUSY, rui3.ERROR) and self.line.restricted_ms <= LONGEST_BUSY_MS:
                    await asyncio.sleep_ms(max(self.line.restricted_ms, _BUSY_MS))
                else:
                    raise  # other bearers are quicker
                continue
            if not await self._is_sent():
                await self._see_session()
            self._unanswered += 1
            urgent = self._owner.is_urgent()
            self._called = self._called + 1 if urgent else 0
            if (self._called if urgent else self._unanswered) >= _FORGOTTEN:
                self._forgotten = True
                raise RakError("no answer to %d frames: joining anew" % self._unanswered, rui3.NOT_JOINED)
            await self._reach_farther()
            return

    async def _is_sent(self) -> bool:
        """Return whether the module reports that a frame and its windows are over; not all versions do."""
        line = self.line
        if await line.until(rui3.SENT, _SENT_MS if line.tells_sent else _UNTOLD_MS):
            return True
        line.tells_sent = False
        return False

    async def _reach_farther(self) -> None:
        """Lower the data rate after several unanswered frames, as far as a press fits; then back to the start."""
        module = self.module
        if self._adr or self._unanswered % _UNANSWERED or module.slowest == module.first == module.data_rate:
            return
        await module.use(module.data_rate - 1 if module.data_rate > module.slowest else module.first)
        await self._measure()

    # rui3_line.Listener

    def on_restarted(self) -> None:
        self._waiting.set()

    def on_noise(self) -> None:
        self._owner.on_rejected("noise on the LoRaWAN module's line")

    def on_trouble(self, what: str) -> None:
        self._owner.on_rejected(what)

    def on_received(self, line: bytes) -> None:
        down = rui3.downlink(line)
        if down is None:
            self._owner.on_rejected("a LoRaWAN downlink that is damaged")
            return
        self._rssi = max(-127, min(down.rssi, 0))
        self._unanswered = self._called = 0
        self.module.forgive()
        if down.port == PORT:
            self._owner.on_downlink(self, down.payload)
        else:
            self._owner.on_rejected("a LoRaWAN downlink on port %d" % down.port)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.core.lorawan import LorawanSettings
    from siaga.drivers.bearer import Owner
    from siaga.drivers.board_parts import Line
    from siaga.drivers.clock import Clock
