"""The LoRaWAN bearer: a RAK3172 with RUI3 firmware on a UART (115200 8N1), joined over the air, class A.

How much the present data rate carries is asked before every frame: a payload that is too long makes the module send
an empty frame instead. Uplinks are unconfirmed: what counts is the gateway's own signed acknowledgement, which comes
into a receive window of this uplink or, because nothing is heard in between, of the next one, which is often the
frame's own repetition. Data rate adaptation is off unless it is set: a carried button moves, and firmware before 4.x
answers AT+DR=? with what was set and not with what the network chose.
"""

import asyncio
import binascii

from micropython import const
from siaga.core import bearers, rui3
from siaga.core.bearers import Link as Policy
from siaga.core.bearers import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.frame import BEARER_LORAWAN, UNKNOWN_SIGNAL
from siaga.drivers.bearer import Bearer, Owner
from siaga.drivers.clock import Clock
from siaga.drivers.rui3_line import Listener, RakError, Rui3Line

PORT = const(10)
_LOOK_MS = const(50)
REBOOT_MS = const(4000)
# The slowest frame (DR0, 51 bytes: 2.8 s), RECEIVE_DELAY2 of up to 15 + 1 s, its window.
_SENT_MS = const(25000)
# Until the answer to a press has come, or will not: the frame (0.4 s at most from DR3 on, 2.8 s below), the second
# window after 2 s (6 s at The Things Stack), and an ACK at its data rate. A repetition before that would miss it.
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
# So many frames without any answer, and the network may have forgotten the session. Not while a press waits: uplinks
# may arrive all the same, and to join ends the session that there is.
_FORGOTTEN = const(32)


async def tell_once_free(line: Rui3Line, name: str, value: str) -> None:
    """A transmission and its windows hold up whatever changes them. Raises RakError, OSError."""
    for _ in range(_BUSY_TRIES):
        try:
            return await line.tell(name, value)
        except RakError as error:
            if error.final != rui3.BUSY:
                raise
            await asyncio.sleep_ms(_BUSY_MS)
    await line.tell(name, value)


async def use(line: Rui3Line, data_rate: int) -> None:
    """Raises RakError, OSError."""
    if await line.ask("DR") != str(data_rate).encode():
        await tell_once_free(line, "DR", str(data_rate))


class Rak3172(Bearer, Listener):
    """uart: any stream that asyncio can wait on. reset: pulls the module's reset line, if the board has one."""

    name = "lorawan"
    number = BEARER_LORAWAN

    def __init__(
        self,
        uart: object,
        clock: Clock,
        owner: Owner,
        settings: "LorawanSettings",
        reset: "Callable[[], None] | None" = None,
    ) -> None:
        self.policy = Policy(False, 0)
        self.line = Rui3Line(uart, clock, self)
        self._clock = clock
        self._owner = owner
        self._settings = settings
        self._reset = reset
        self._queue = []  # type: list[tuple[int, bytes]]
        self._waiting = asyncio.Event()
        self._sending = -1
        self._rssi = UNKNOWN_SIGNAL
        self._unanswered = 0
        self._data_rate = settings.data_rate
        self._hurried = False
        self._why = ""
        self._forgotten = False
        self.empty_frames = 0  # sent because MAC commands left no room

    def signal(self) -> int:
        return self._rssi

    def hurry(self) -> None:
        self._hurried = True

    async def send(self, counter: int, payload: bytes) -> None:
        """Queue a frame: what is more urgent goes first, and a frame that waits already is not queued twice."""
        if not self.policy.up:
            raise SiagaError("not joined to the LoRaWAN network")
        if len(payload) > self.policy.limit:
            raise SiagaError(
                "%d bytes do not fit into the %d of DR%d" % (len(payload), self.policy.limit, self._data_rate)
            )
        if counter == self._sending or any(waiting[0] == counter for waiting in self._queue):
            return
        place = len(self._queue)
        rank = bearers.priority(payload[1])
        while place and rank < bearers.priority(self._queue[place - 1][1][1]):
            place -= 1
        if place >= _QUEUE:
            raise SiagaError("the LoRaWAN module has %d frames to send already" % _QUEUE)
        self._queue.insert(place, (counter, payload))
        del self._queue[_QUEUE:]  # its owner will offer it again
        self._waiting.set()

    async def run(self) -> None:
        """Be joined whenever that is possible; never returns."""
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
                    if isinstance(error, RakError) and not error.final and failures % 2 == 0:
                        await self._restart()
                await self._pause(failures)
        finally:
            reading.cancel()
            self._down("stopped")

    # Up and down

    async def _join(self, failures: int) -> None:
        from siaga.drivers import rak3172_start

        await rak3172_start.start_session(self.line, self._settings, failures, self._forgotten)
        await self._measure()
        self._unanswered = 0
        self._forgotten = False
        self.policy.up = True
        self._why = ""
        self._owner.on_bearer(self, True, "joined, DR%d, %d bytes" % (self._data_rate, self.policy.limit))

    async def _measure(self) -> None:
        """Ask for the data rate, and know what it carries. Raises RakError where the answer is none."""
        answer = await self.line.ask("DR")
        if not answer.isdigit() or len(answer) > 2:
            raise RakError("the module says its data rate is %r" % answer, answer)
        self._data_rate = int(answer)
        self.policy.limit = rui3.payload_limit(self._settings.band, self._data_rate, self._settings.dwell)
        self.policy.least_ms = _ANSWERED_MS if self._data_rate > 2 else _ANSWERED_SLOWLY_MS

    def _down(self, why: str) -> None:
        if self.policy.up or why != self._why:
            self.policy.up = False
            self._why = why
            self._queue.clear()
            self._owner.on_bearer(self, False, why)

    async def _restart(self) -> None:
        """The module is silent."""
        try:
            if self._reset is not None:
                self._reset()
            else:
                await self.line.write(b"\r\nATZ\r\n")
        except (SiagaError, OSError):
            pass  # the next command says so again
        self.line.restarted()
        await asyncio.sleep_ms(REBOOT_MS)

    async def _pause(self, failures: int) -> None:
        began_ms = self._clock.ms()
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
        while True:
            self._waiting.clear()
            if not self._queue:
                try:
                    await asyncio.wait_for_ms(self._waiting.wait(), _ASK_MS)
                except asyncio.TimeoutError:
                    if await self.line.ask("NJS") != b"1":
                        raise RakError("the LoRaWAN session is gone", rui3.NOT_JOINED)
                    await self._measure()
                continue
            self._sending, payload = self._queue.pop(0)
            try:
                await self._transmit(payload)
            finally:
                self._sending = -1

    async def _transmit(self, payload: bytes) -> None:
        await self._measure()
        if len(payload) > self.policy.limit:
            return  # the data rate changed meanwhile; the owner offers the form that fits
        told = "%d:%s" % (PORT, str(binascii.hexlify(payload), "ascii"))
        for attempt in range(_BUSY_TRIES + 1):
            self.line.forget()
            try:
                await self.line.tell("SEND", told)
            except RakError as error:
                if attempt == _BUSY_TRIES and error.final in (rui3.PARAMETER, rui3.BUSY):
                    return  # its owner offers the frame again
                if error.final == rui3.PARAMETER:
                    # MAC commands took the room, and have gone out by themselves in an empty frame: now there is room.
                    self.empty_frames += 1
                    await self.line.until((b"+EVT:TX_DONE",), _SENT_MS)
                elif error.final == rui3.BUSY:
                    await asyncio.sleep_ms(min(max(self.line.restricted_ms, _BUSY_MS), _SENT_MS))
                else:
                    raise
                continue
            await self.line.until((b"+EVT:TX_DONE", b"+EVT:SEND_CONFIRMED"), _SENT_MS)
            self._unanswered += 1
            if self._unanswered >= _FORGOTTEN and not self._owner.is_urgent():
                self._forgotten = True
                raise RakError("no answer to %d frames: joining anew" % self._unanswered, rui3.NOT_JOINED)
            await self._reach_farther()
            return

    async def _reach_farther(self) -> None:
        """Nothing came back on several frames: go slower, as far as a press fits; from there back to the start."""
        settings = self._settings
        if settings.adr or self._unanswered % _UNANSWERED or settings.slowest == settings.data_rate == self._data_rate:
            return
        await use(self.line, self._data_rate - 1 if self._data_rate > settings.slowest else settings.data_rate)
        await self._measure()

    # rui3_line.Listener

    def on_noise(self) -> None:
        self._owner.on_rejected("noise on the LoRaWAN module's line")

    def on_received(self, line: bytes) -> None:
        down = rui3.downlink(line)
        if down is None:
            self._owner.on_rejected("a LoRaWAN downlink that is damaged")
            return
        self._rssi = max(-127, min(down.rssi, 0))
        self._unanswered = 0
        if down.port == PORT:
            self._owner.on_downlink(self, down.payload)
        else:
            self._owner.on_rejected("a LoRaWAN downlink on port %d" % down.port)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.drivers.rak3172_start import LorawanSettings
