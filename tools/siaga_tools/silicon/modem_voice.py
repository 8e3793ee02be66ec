"""The telephone of a simulated modem: it dials a far end that answers or not, and it can be called. No sound is
carried.

Output as in the SIMCom A76XX AT Command Manual V1.09, the SIM7600 AT Command Manual V3.00 (VOICE CALL, MISSED_CALL) and
3GPP TS 27.007 chapters 6 and 7 (+CHUP, +CLIP, +CLCC). One call at a time: while one is up, other callers find it busy.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

# Seconds. A call over LTE rings after about 3, one that falls back to 2G or 3G after about 8.
RINGS_S = 3.0
FALL_BACK_S = 5.0
BUSY_S = 4.0
NO_ANSWER_S = 60.0  # the network gives up
ANSWERS_S = 6.0
RING_EVERY_S = 6.0  # as the RI line pulses
RING_FOR_S = 30.0
RELEASE_S = 0.3
LOST_S = 5.0  # a failed radio link ends the call
_DIALLING, _ALERTING, _INCOMING, _ACTIVE, _ENDED = 2, 3, 4, 0, 6  # +CLCC
_LISTED_S = 2.0  # how long an ended call is still listed


class FarEnd(StrEnum):
    """What happens at the dialled number."""

    ANSWERS = "answers"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NO_CARRIER = "no_carrier"  # the network does not put the call through
    NO_VOICE = "no_voice"  # no VoLTE: it ends at once, and only +CLCC shows it
    LATE = "late"  # sends NO CARRIER while changing the network, then is answered


class ModemVoice:
    """The telephone.

    far_end: of the calls that it makes
    falls_back: calls use 2G or 3G, and data are suspended meanwhile
    mumbles: it does not report the end of a call
    holds: AT+CHUP returns OK and ends nothing
    dialled: the numbers so far
    answered: the callers answered so far
    collisions: dial attempts while a call was up
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self.far_end = FarEnd.ANSWERS
        self.falls_back = False
        self.mumbles = False
        self.holds = False
        self.dialled: list[str] = []
        self.answered: list[str] = []
        self.hang_ups = 0
        self.collisions = 0
        self._life: asyncio.Task[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Reset what a start forgets; it ends a call."""
        self._cancel()
        self._tells_who = False
        self._came = False
        self._state: int | None = None
        self._ended_s = -_LISTED_S
        self._number = ""
        self._began_s = 0.0

    # For the far end; from any thread.

    def call(self, number: str | None) -> None:
        """Call the modem. number: None = withheld. Raises RuntimeError if the line is busy or there is none."""

        def ring() -> None:
            if self._state is not None or not self._modem.radio.has_network():
                raise RuntimeError("it cannot be called: the line is busy, or there is no network")
            self._begin(_INCOMING, number or "")
            self._life = self._modem.loop.create_task(self._come_in(number))

        self._modem.do(ring)

    def hang_up(self) -> None:
        """End the call at the far end."""
        self._modem.do(lambda: self._end("NO CARRIER"))

    @property
    def is_up(self) -> bool:
        """Return whether a call is connected."""
        return self._state == _ACTIVE

    @property
    def is_busy(self) -> bool:
        """Return whether there is a call, connected or not."""
        return self._state is not None

    @property
    def stops_data(self) -> bool:
        return self.falls_back and self._state in (_ALERTING, _ACTIVE)

    # Calls

    def _begin(self, state: int, number: str) -> None:
        self._state = state
        self._came = state == _INCOMING
        self._number = number
        self._began_s = 0.0

    def _cancel(self) -> None:
        if self._life is not None and self._life is not asyncio.current_task():
            self._life.cancel()
        self._life = None

    def _end(self, *words: str) -> None:
        """End the call; words are sent before the modem's own."""
        if self._state is None:
            return
        was = self._state
        self._cancel()
        self._state = None
        if self.mumbles:
            return
        self._ended_s = self._modem.loop.time()
        self._tell(_ENDED)
        if self.far_end is FarEnd.NO_VOICE and was != _INCOMING:
            return
        for word in words:
            self._modem.urc(word)
        if was == _INCOMING:
            self._modem.urc(f"MISSED_CALL: {datetime.now(UTC):%I:%M%p} {self._number}")
        else:
            lasted = (self._modem.loop.time() - self._began_s) / self._modem.pace if self._began_s else 0
            self._modem.urc(f"VOICE CALL: END: {int(lasted):06d}")

    def _talk(self) -> None:
        self._state = _ACTIVE
        self._began_s = self._modem.loop.time()
        self._modem.urc("VOICE CALL: BEGIN")
        self._tell(_ACTIVE)

    def _tell(self, state: int) -> None:
        """Report the call's present state, unsolicited."""
        self._modem.urc(self._listed(state))

    def _listed(self, state: int) -> str:
        return f'+CLCC: 2,{int(self._came)},{state},0,0,"{self._number}",{145 if self._number[:1] == "+" else 129}'

    async def _go_out(self) -> None:
        """Run an outgoing call after ATD."""
        wait = self._modem.wait
        self._tell(_DIALLING)
        if self.far_end is FarEnd.NO_VOICE:
            self._end()
            return
        if self.falls_back:
            await wait(FALL_BACK_S)
        if self.far_end is FarEnd.BUSY:
            await wait(BUSY_S)
            self._end("BUSY")
            return
        if self.far_end is FarEnd.NO_CARRIER:
            self._end("NO CARRIER")
            return
        await wait(RINGS_S)
        self._state = _ALERTING
        self._tell(_ALERTING)
        if self.falls_back:
            self._modem.mqtt.lose(1)
        if self.far_end is FarEnd.NO_ANSWER:
            await wait(NO_ANSWER_S)
            self._end("NO ANSWER")
            return
        if self.far_end is FarEnd.LATE:
            self._modem.urc("NO CARRIER")
        await wait(ANSWERS_S)
        self._talk()
        await self._hold()

    async def _come_in(self, number: str | None) -> None:
        for _ in range(int(RING_FOR_S / RING_EVERY_S)):
            self._modem.urc("RING")
            self._tell(_INCOMING)
            if self._tells_who:
                # Type 145 is a full number, 129 is not; 128 is withheld.
                kind = 128 if number is None else 145 if number.startswith("+") else 129
                self._modem.urc(f'+CLIP: "{number or ""}",{kind},,,"",{0 if number else 1}')
            await self._modem.wait(RING_EVERY_S)
        self._end()

    async def _hold(self) -> None:
        """Hold until somebody hangs up, or the radio link fails."""
        while True:
            await asyncio.sleep(0.02)
            if not self._modem.radio.has_network():
                break
        await self._modem.wait(LOST_S)
        self._end("NO CARRIER")

    # Commands

    async def at_d(self, command: Command) -> None:
        number = command.rest
        if not number.endswith(";"):
            raise Refused("NO CARRIER")  # a data call, which LTE does not have
        if self._state is not None:
            self.collisions += 1
            raise Refused("ERROR")
        if not self._modem.radio.has_network():
            raise Refused("NO CARRIER")
        self.dialled.append(number[:-1])
        self._begin(_DIALLING, number[:-1])
        self._life = self._modem.loop.create_task(self._go_out())

    async def at_a(self, command: Command) -> None:
        if self._state != _INCOMING:
            raise Refused("NO CARRIER")
        self.answered.append(self._number)
        self._cancel()
        self._talk()
        self._life = self._modem.loop.create_task(self._hold())

    async def at_s(self, command: Command) -> None: ...

    async def at_chup(self, command: Command) -> None:
        self.hang_ups += 1
        if self.holds:
            return
        await self._modem.wait(RELEASE_S)
        self._end()

    async def at_clip(self, command: Command) -> None:
        self._tells_who = command.arguments[0] == "1"

    async def at_clcc(self, command: Command) -> None:
        self._modem.urc("+CLCC: 1,0,0,1,0")  # an LTE modem lists its data connection too, mode 1
        if self._state is not None:
            self._tell(self._state)
        elif self._modem.loop.time() - self._ended_s < _LISTED_S * self._modem.pace:
            self._tell(_ENDED)

    async def at_ceer(self, command: Command) -> None:
        self._modem.urc('+CEER: "31 Normal unspecified"')

    async def at_colp(self, command: Command) -> None: ...

    async def at_crsl(self, command: Command) -> None: ...

    async def at_cmicgain(self, command: Command) -> None: ...

    async def at_clvl(self, command: Command) -> None:
        if not self._modem.is_old:
            raise Refused("ERROR")

    async def at_coutgain(self, command: Command) -> None:
        if not 0 <= int(command.arguments[0]) <= 7:
            raise Refused("ERROR")
