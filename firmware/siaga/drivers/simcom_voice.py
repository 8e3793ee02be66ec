"""Telephone calls through the modem, as core/voice_calls.py requests them.

Networks and versions differ in what they report: some skip VOICE CALL: BEGIN for a call answered here, some send it
when it only rings at the other side, some write VOICE CALL:END without the space; without VoLTE the only sign of a
call's end is +CLCC with state 6. So AT+CLCC is polled for the end too, and everything has a deadline. No unanswered
question keeps a call from being made. Sources: 3GPP TS 27.007 6.5 (+CHUP), 7.6 (+COLP 7.8), 7.11 (+CLIP), 7.18
(+CLCC), 8.21 (+CRSL), 8.23 (+CLVL); ITU-T V.250 6.3 (D, A, S0); SIMCom A76XX AT Command Manual V1.09 and SIM7600 AT
Command Manual V3.00, their chapters on calls (VOICE CALL, MISSED_CALL, +CMICGAIN, +COUTGAIN).
"""

import asyncio

from micropython import const
from siaga.core import voice_calls
from siaga.core.at import AtError, fields, given
from siaga.core.errors import SiagaError
from siaga.core.simcom import RADIO
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.modem_bearer import LOOK_MS
from siaga.drivers.simcom import ModemListener

_LOOK_MS = const(15000)
# How often a call may survive a hang-up before the radio is switched off for it.
_HANG_UPS = const(3)
_SETTINGS = (
    "ATS0=0",  # no auto-answer
    "AT+CLIP=1",
    "AT+COLP=0",  # else ATD returns only once the other side has answered
    "AT+CRSL=0",  # incoming calls ring silently
    # Maximum volume, by whichever of the two this model supports; the microphone in the upper half of its range.
    "AT+CLVL=5",
    "AT+COUTGAIN=7",
    "AT+CMICGAIN=5",
)
_ACTIVE = b"0"  # +CLCC
_ENDED = b"6"  # SIMCom's own
_OVER = (b"NO CARRIER", b"BUSY", b"NO ANSWER", b"NO DIALTONE")


class Voice(ModemListener):
    """The voice calls. Raises AtError for a number that a modem cannot be given.

    calls: the policy
    call_number: "" = none
    answers: the command centre's numbers, in full
    tell(step, why): called with a call's progress: dialling, answering, began, hanging_up, failed, over
    """

    def __init__(
        self, modem: "Modem", clock: "Clock", tell: "Tell", call_number: str, answers: "list[str]", allowed: bool
    ) -> None:
        self.calls = voice_calls.Calls(bool(call_number), answers, allowed, modem.port.percent)
        self._modem = modem
        self._port = modem.port
        self._clock = clock
        self._tell = tell
        self._number = given("call_number", call_number)
        self._phase = voice_calls.IDLE
        self._action = voice_calls.NOTHING
        self._starts = 0
        self._set_up = 0
        self._look_ms = 0
        self._hang_ups = 0
        self._direction = b""  # of the call that was made or answered, as in +CLCC
        modem.listeners.append(self)

    def on_state(self, state: "State") -> None:
        """Take the alarm's state, after each step; nothing here waits."""
        self._note(self.calls.alarm(state, self._clock.ms()))

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        calls = self.calls
        now_ms = self._clock.ms()
        action = voice_calls.NOTHING
        if line == b"RING":
            calls.rings(now_ms)
        elif line.startswith(b"+CLIP:"):
            action = calls.caller(fields(line)[0].decode(), now_ms)
        elif line.startswith(b"MISSED_CALL:"):
            calls.gave_up()
        elif line in _OVER or line.startswith((b"VOICE CALL: END", b"VOICE CALL:END")):
            calls.over(False, now_ms)
        elif line.startswith(b"VOICE CALL:"):
            if line.endswith(b"BEGIN"):
                action = calls.began(now_ms)
        elif line.startswith(b"+CLCC:"):
            self._listed(line)
        else:
            return False
        self._note(action)
        return True

    def _note(self, action: int) -> None:
        """Note what the policy wants, and log what has become of it."""
        if action:
            self._action = action
        was, self._phase = self._phase, self.calls.phase
        self._modem.is_calling = self._phase > voice_calls.RINGING
        if self._phase == voice_calls.IDLE:
            self._hang_ups = 0
            if was > voice_calls.RINGING:
                self._tell("over", "")
        elif self._phase == voice_calls.UP != was:
            self._look_ms = self._clock.ms() + self._port.scaled(_LOOK_MS)
            self._tell("began", "")

    def _over(self, lost: bool) -> None:
        self.calls.over(lost, self._clock.ms())
        self._note(voice_calls.NOTHING)

    async def run(self) -> None:
        """Do what the policy wants; never returns."""
        try:
            while True:
                try:
                    await self._go_on()
                except (SiagaError, OSError) as error:
                    self._tell("failed", str(error) or repr(error))
                    if isinstance(error, AtTimeout):
                        self._modem.check()
                    self._note(self.calls.failed(self._clock.ms()))
                await asyncio.sleep_ms(LOOK_MS)
        finally:
            self._modem.is_calling = False

    async def _go_on(self) -> None:
        modem = self._modem
        if self._starts != modem.starts:
            self._starts = modem.starts
            self._action = voice_calls.NOTHING
            self._over(True)
        if modem.network.sms and self._set_up != self._starts:
            await self._prepare()
        ready = modem.network.sms and self._set_up == modem.starts
        self._note(self.calls.tick(ready, self._clock.ms()))
        action, self._action = self._action, voice_calls.NOTHING
        if action == voice_calls.DIAL:
            self._direction = b""  # what ended before is still listed for a while
            if await self._is_up(False):
                raise AtError("a call is up already")
            if self.calls.phase == voice_calls.DIALLING:  # it was not withdrawn meanwhile
                self._direction = b"0"
                self._tell("dialling", "")
                await self._port.command("ATD%s;" % self._number)
        elif action == voice_calls.ANSWER:
            self._direction = b"1"
            self._tell("answering", "")
            await self._port.command("ATA")
            self._note(self.calls.began(self._clock.ms()))
        elif action == voice_calls.HANG_UP:
            await self._hang_up()
        elif self._phase == voice_calls.UP and self._clock.ms() >= self._look_ms:
            # A call that ended without a report was cut off, perhaps with its modem.
            self._look_ms = self._clock.ms() + self._port.scaled(_LOOK_MS)
            if not await self._is_up(True) and self._phase == voice_calls.UP:
                self._over(True)

    async def _prepare(self) -> None:
        """A setting that is refused, or unanswered, keeps no call from being made."""
        starts = self._modem.starts
        for text in _SETTINGS:
            try:
                await self._port.attempt(text)
            except (SiagaError, OSError):
                self._modem.check()
        self._set_up = starts

    async def _hang_up(self) -> None:
        self._hang_ups += 1
        if self._hang_ups > _HANG_UPS:
            if self._modem.network.sms:
                self._modem.is_calling = False
                self._modem.want(RADIO, "a call does not end")
            self._over(False)
            return
        self._tell("hanging_up", "")
        await self._port.attempt("AT+CHUP")
        if not await self._is_up(True):
            self._over(False)

    async def _is_up(self, doubt: bool) -> bool:
        """Return whether any voice call is up, in any state. doubt: the answer if the modem does not say."""
        up = False
        try:
            for line in await self._port.attempt("AT+CLCC", "+CLCC:"):
                up = self._listed(line) or up
        except (SiagaError, OSError):
            self._modem.check()
            return doubt
        return up

    def _listed(self, line: bytes) -> bool:
        """Parse a call listed by the modem, solicited or not: id, direction (0 = ours), state, mode (0 = voice; LTE
        modems list their data connections beside it). Returns whether it is up, in any state."""
        parts = fields(line)
        if len(parts) < 3 or (len(parts) > 3 and parts[3] != b"0"):
            return False
        state, ours, phase = parts[2], parts[1] == self._direction, self.calls.phase
        now_ms = self._clock.ms()
        if state == _ENDED:
            if phase == voice_calls.RINGING and parts[1] == b"1":
                self.calls.gave_up()
            elif phase >= voice_calls.DIALLING and ours:
                self.calls.over(False, now_ms)
        elif state == _ACTIVE and voice_calls.DIALLING <= phase < voice_calls.UP and ours:
            self._note(self.calls.began(now_ms))
        return state != _ENDED


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.core.alarm import State
    from siaga.drivers.clock import Clock
    from siaga.drivers.simcom import Modem

    Tell = Callable[[str, str], None]
