"""Telephone calls by the modem, as core/voice.py wants them.

Not all networks and versions say all of this: some skip VOICE CALL: BEGIN for a call that is answered here, some say it
when it only rings at the other side, some write VOICE CALL:END without the blank. So an end is also looked for by
AT+CLCC, and everything has a deadline. Sources: 3GPP TS 27.007 6.5 (+CHUP), 7.6 (+COLP 7.8), 7.11 (+CLIP), 7.18
(+CLCC), 8.21 (+CRSL), 8.23 (+CLVL); ITU-T V.250 6.3 (D, A, S0); SIMCom A76XX AT Command Manual V1.09 and SIM7600 AT
Command Manual V3.00, their chapters on calls (VOICE CALL, MISSED_CALL, +CMICGAIN, +COUTGAIN).
"""

import asyncio

from micropython import const
from siaga.core import voice
from siaga.core.alarm import State
from siaga.core.at import AtError, fields, given, number
from siaga.core.errors import SiagaError
from siaga.core.simcom import RADIO
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.clock import Clock
from siaga.drivers.modem_bearer import LOOK_MS
from siaga.drivers.simcom import Hearer, Modem

_LOOK_AT_CALL_MS = const(15000)
_SET_UP_MS = const(5000)
# So often a call may survive a hang-up before the radio goes off for it.
_HANG_UPS = const(3)
_SETTINGS = (
    "ATS0=0",  # never answers by itself
    "AT+CLIP=1",
    "AT+COLP=0",  # else ATD comes back only when the other side has answered
    "AT+CRSL=0",  # who rings here is not heard
    # As loud as it goes, by whichever of the two this model knows; the microphone in the upper half of its range.
    "AT+CLVL=5",
    "AT+COUTGAIN=7",
    "AT+CMICGAIN=5",
)
_OVER = (b"NO CARRIER", b"BUSY", b"NO ANSWER", b"NO DIALTONE")


class Voice(Hearer):
    """calls: the policy. call_number: "" = none. answers: the command centre's numbers, in full. tell(step, why)
    hears how calls go: dialling, answering, began, hanging_up, failed, over. Raises AtError for a number that a modem
    cannot be given."""

    def __init__(
        self, modem: Modem, clock: Clock, tell: "Tell", call_number: str, answers: "list[str]", allowed: bool
    ) -> None:
        self.calls = voice.Calls(bool(call_number), answers, allowed, modem.port.percent)
        self._modem = modem
        self._port = modem.port
        self._clock = clock
        self._tell = tell
        self._number = given("call_number", call_number)
        self._action = voice.NOTHING
        self._news = asyncio.Event()
        self._starts = 0
        self._started = 0
        self._set_up_ms = 0
        self._look_ms = 0
        self._hang_ups = 0
        modem.hearers.append(self)

    @property
    def busy(self) -> bool:
        """Whether a call is under way or still to be made: the button stays awake."""
        return self.calls.busy

    def on_state(self, state: State) -> None:
        """The alarm's state, after each of its steps; nothing here waits."""
        self._step((voice.STATE, state))

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        if line == b"RING":
            self._step((voice.RING,))
        elif line.startswith(b"+CLIP:"):
            self._step((voice.CALLER, fields(line)[0].decode()))
        elif line.startswith(b"VOICE CALL:"):
            what = line[11:].strip()
            if what.startswith(b"BEGIN"):
                self._step((voice.BEGIN,))
            elif what.startswith(b"END"):
                self._step((voice.OVER,))
        elif line.startswith(b"MISSED_CALL:"):
            self._step((voice.MISSED,))
        elif line in _OVER:
            self._step((voice.OVER,))
        else:
            return False
        return True

    def _step(self, event: tuple) -> None:
        before = self.calls.phase
        action = self.calls.step(event, self._clock.ms())
        after = self.calls.phase
        if action:
            self._action = action
            self._news.set()
        self._modem.is_calling = after > voice.RINGING
        if after == before:
            return
        if after == voice.UP:
            self._look_ms = self._clock.ms() + self._port.scaled(_LOOK_AT_CALL_MS)
            self._tell("began", "")
        elif after == voice.IDLE:
            self._hang_ups = 0
            if before > voice.RINGING:
                self._tell("over", "")

    async def run(self) -> None:
        """Do what the policy wants; never returns."""
        try:
            while True:
                if self._starts != self._modem.starts:
                    self._starts = self._modem.starts
                    self._action = voice.NOTHING
                    self._step((voice.LOST,))
                self._step((voice.TICK, await self._is_ready()))
                action, self._action = self._action, voice.NOTHING
                try:
                    if action:
                        await self._do(action)
                    elif self.calls.phase == voice.UP and self._clock.ms() >= self._look_ms:
                        await self._look()
                except (SiagaError, OSError) as error:
                    self._tell("failed", str(error) or repr(error))
                    if isinstance(error, AtTimeout):
                        self._modem.check()
                    self._step((voice.FAILED,))
                if not self._action:
                    await self._wait()
        finally:
            self._modem.is_calling = False

    async def _wait(self) -> None:
        self._news.clear()
        try:
            await asyncio.wait_for_ms(self._news.wait(), LOOK_MS)
        except asyncio.TimeoutError:
            pass

    async def _is_ready(self) -> bool:
        """Whether there is a network to call in, and the modem is set up: once a start, and again if that failed."""
        modem = self._modem
        if not modem.network.sms:
            return False
        starts = modem.starts
        if self._started != starts and self._clock.ms() >= self._set_up_ms:
            try:
                for text in _SETTINGS:
                    await self._port.attempt(text)
                self._started = starts
            except (AtTimeout, OSError):
                self._set_up_ms = self._clock.ms() + self._port.scaled(_SET_UP_MS)
                modem.check()
        return self._started == modem.starts

    async def _do(self, action: str) -> None:
        if action == voice.DIAL:
            if await self._is_up():
                raise AtError("a call is up already")
            if self.calls.phase != voice.DIALLING:
                return  # it was taken back meanwhile
            self._tell("dialling", "")
            await self._port.command("ATD%s;" % self._number)
        elif action == voice.ANSWER:
            self._tell("answering", "")
            await self._port.command("ATA")
            self._step((voice.BEGIN,))
        else:
            await self._hang_up()

    async def _hang_up(self) -> None:
        self._hang_ups += 1
        if self._hang_ups > _HANG_UPS:
            if self._modem.network.sms:
                self._modem.is_calling = False
                self._modem.want(RADIO, "a call does not end")
            self._step((voice.OVER,))
            return
        self._tell("hanging_up", "")
        await self._port.attempt("AT+CHUP")
        if not await self._is_up():
            self._step((voice.OVER,))

    async def _look(self) -> None:
        """Whether the call is still there. One that ended without a word was cut off: perhaps with its modem."""
        self._look_ms = self._clock.ms() + self._port.scaled(_LOOK_AT_CALL_MS)
        if not await self._is_up() and self.calls.phase == voice.UP:
            self._step((voice.LOST,))

    async def _is_up(self) -> bool:
        """Whether any voice call is, in whatever state; LTE modems list their data connections beside them."""
        for line in await self._port.attempt("AT+CLCC", "+CLCC:"):
            parts = fields(line)
            if len(parts) > 3 and number(parts[3]) == 0:
                return True
        return False


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str, str], None]
