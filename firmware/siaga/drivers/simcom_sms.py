"""The bearer "sms": the same frame as base64 in one text message, to the gateway's numbers in turn.

Sources: 3GPP TS 27.005 (+CMGF 3.2.3, +CSDH 3.3.3, +CNMI 3.4.1, +CMT, +CMGS 3.5.1, +CMGR 3.4.3, +CMGD 3.5.4); SIMCom
A76XX AT Command Manual V1.09 chapter 9 (+CMGS may take 40 s).
"""

import asyncio

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError, fields, given, number, quoted
from siaga.core.errors import SiagaError
from siaga.core.frame import BEARER_SMS
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.bearer import Owner
from siaga.drivers.clock import Clock
from siaga.drivers.modem_bearer import LOOK_MS, ModemBearer
from siaga.drivers.simcom import Modem

_SEND_MS = const(40000)
_STORED = const(8)
_FRAME = const(107)  # the longest, as 144 letters
_SETTINGS = (
    'AT+CSCS="IRA"',
    "AT+CSDH=1",  # a message's length stands before it, so that its text cannot pretend to be the modem
    "AT+CSMP=17,167,0,0",
    "AT+CNMI=2,2,0,0,0",
)


class Sms(ModemBearer):
    """See Bearer. numbers: the gateway's, "+62...". A number that fails gives way to the next one."""

    name = "sms"
    number = BEARER_SMS
    first_ms = 2000
    longest_ms = 120000

    def __init__(self, modem: Modem, clock: Clock, owner: Owner, numbers: "list[str]") -> None:
        super().__init__(modem, clock, owner, _FRAME)
        self.policy.costly = True
        self._numbers = [given("sms_numbers", to) for to in numbers]
        self._turn = 0
        self._stored = []  # type: list[int]
        self._started = 0

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                while not self._modem.network.sms:
                    await asyncio.sleep_ms(LOOK_MS)
                try:
                    if self._started != self._modem.starts:
                        await self._set_up()
                    self._is_up("registered")
                    while self._modem.network.sms and self._started == self._modem.starts:
                        if self._modem.is_calling and self._modem.is_old():
                            await asyncio.sleep_ms(LOOK_MS)  # there, commands for messages and calls conflict (3.00)
                            continue
                        await self._fetch()
                        counter = await self._send_next()
                        if counter:
                            failures = 0
                            self._owner.on_puback(self, counter)
                    why = "the network is gone"
                except (SiagaError, OSError) as error:
                    why = str(error) or repr(error)
                    if isinstance(error, AtTimeout):
                        self._modem.check()
                self._down(why)
                await self._pause(failures)
                failures += 1
        finally:
            self._down("stopped")

    async def _set_up(self) -> None:
        """Text mode, and messages handed over as they come. A SIM that is full takes none: what it kept is read."""
        starts = self._modem.starts
        await self._port.command("AT+CMGF=1")
        for text in _SETTINGS:
            await self._port.attempt(text)
        listed = await self._port.attempt('AT+CMGL="ALL"', "+CMGL:", 20000)
        for i in range(len(listed) - 1):
            if listed[i].startswith(b"+CMGL:"):
                self._take(listed[i + 1])
        if listed:
            await self._port.attempt("AT+CMGD=1,4", None, 25000)
        self._started = starts

    async def _fetch(self) -> None:
        """One message that the modem stored instead of handing it over."""
        if not self._stored:
            return
        place = self._stored.pop(0)
        said = await self._port.attempt("AT+CMGR=%d" % place, "+CMGR:")
        if len(said) > 1:
            self._take(said[1])
        await self._port.attempt("AT+CMGD=%d" % place)

    async def _hand_over(self, payload: bytes) -> None:
        """Returns once the message centre has it: +CMGS."""
        to = quoted(self._numbers[self._turn])
        try:
            await self._port.command("AT+CMGF=1")  # its default differs by firmware, and others may have changed it
            text = simcom.sms_text(payload).encode() + b"\x1a"
            if not await self._port.command("AT+CMGS=" + to, "+CMGS:", _SEND_MS, text):
                raise AtError("AT+CMGS: no reference from the message centre")
        except SiagaError:
            self._turn = (self._turn + 1) % len(self._numbers)
            raise

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        if line.startswith(b"+CMT:"):
            self._take(payload)
        elif line.startswith(b"+CMTI:"):
            place = number(fields(line)[-1])
            if place >= 0 and place not in self._stored and len(self._stored) < _STORED:
                self._stored.append(place)
        else:
            return False
        return True

    def _take(self, text: "bytes | None") -> None:
        frame = None if text is None else simcom.sms_frame(text)
        if frame is None:
            self._owner.on_rejected("a message that is no frame")
        else:
            self._owner.on_downlink(self, frame)
