"""The bearer "sms": the same frame as base64 in one text message, to the gateway's numbers in turn.

Always in PDU mode: anybody can send this SIM a text, and none may be taken for the modem's output. Sources: 3GPP
TS 27.005 (+CPMS 3.2.2, +CMGF 3.2.3, +CNMI 3.4.1; 4: +CMT, +CMTI, +CMGL, +CMGR, +CMGS, +CMGD 3.5.4 in PDU mode); SIMCom
A76XX AT Command Manual V1.09 chapter 9 (+CMGS may take 40 s; a SIM7600 was seen to refuse after 2 minutes).
"""

import asyncio

from micropython import const
from siaga.core import sms
from siaga.core.at import AtError, fields, given, number
from siaga.core.errors import SiagaError
from siaga.core.frame import BEARER_SMS
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.modem_bearer import LOOK_MS, ModemBearer

# Nothing else gets through to the modem meanwhile; but one still busy with it must not be taken for dead.
_SEND_MS = const(150000)
_LIST_MS = const(20000)
_STORED = const(8)
_FRAME = const(107)  # the longest, as 144 letters
_SETTINGS = (
    'AT+CPMS="SM","SM","SM"',  # one storage, so that a number identifies one message
    "AT+CNMI=2,2,0,0,0",
)


class Sms(ModemBearer):
    """See Bearer. numbers: the gateway's, "+62..."; after a failure the next one is used."""

    name = "sms"
    number = BEARER_SMS
    first_ms = 2000
    longest_ms = 120000

    def __init__(self, modem: "Modem", clock: "Clock", owner: "Owner", numbers: "list[str]") -> None:
        super().__init__(modem, clock, owner, _FRAME)
        self.policy.costly = True
        self._numbers = [given("sms_numbers", to) for to in numbers]
        self._turn = 0
        self._stored = []  # type: list[int]
        self._spent = []  # type: list[int]
        self._unlisted = False
        self._started = 0
        self._failures = 0

    async def run(self) -> None:
        self._failures = 0
        try:
            while True:
                while not self._modem.network.sms:
                    await asyncio.sleep_ms(LOOK_MS)
                try:
                    await self._serve()
                    why = "the network is gone"
                except (SiagaError, OSError) as error:
                    why = str(error) or repr(error)
                    if isinstance(error, AtTimeout):
                        self._modem.check()
                self._modem.carries_messages = False
                self._down(why)
                await self._pause(self._failures)
                self._failures += 1
        finally:
            self._modem.carries_messages = False
            self._down("stopped")

    async def _serve(self) -> None:
        """Serve as long as there is a network for messages."""
        while self._modem.network.sms:
            if self._started != self._modem.starts:
                await self._set_up()
            if not self.policy.up:
                self._is_up("registered")
            self._modem.carries_messages = True
            if self._modem.is_calling and self._modem.is_old():
                await asyncio.sleep_ms(LOOK_MS)  # on it, commands for messages and calls conflict (3.00)
                continue
            counter = await self._send_next()
            if counter:
                self._failures = 0
                self._owner.on_puback(self, counter)
            await self._tidy()

    async def _set_up(self) -> None:
        """Set PDU mode and direct delivery. A full SIM takes no messages: stored ones are read."""
        starts = self._modem.starts
        await self._port.command("AT+CMGF=0")
        for text in _SETTINGS:
            await self._port.attempt(text)
        self._stored.clear()
        self._spent.clear()
        self._unlisted = True
        self._started = starts

    async def _tidy(self) -> None:
        """Do one thing about stored messages: list all, read one, delete one that was read. No frame waits for a
        deletion, and a failed one loses no message."""
        try:
            if self._unlisted:
                self._unlisted = False
                listed = await self._port.attempt("AT+CMGL=4", "+CMGL:", _LIST_MS)
                for i in range(len(listed) - 1):
                    if listed[i].startswith(b"+CMGL:"):
                        self._take(listed[i + 1])
                        self._spent.append(number(fields(listed[i])[0]))
            elif self._stored:
                place = self._stored.pop(0)
                said = await self._port.attempt("AT+CMGR=%d" % place, "+CMGR:")
                if len(said) > 1:
                    self._take(said[1])
                self._spent.append(place)
            elif self._spent and not self._queue:
                await self._port.attempt("AT+CMGD=%d" % self._spent.pop())
        except (SiagaError, OSError):
            self._modem.check()

    async def _hand_over(self, payload: bytes) -> None:
        """Send a message; returns once the SMS centre has it: +CMGS."""
        length, digits = sms.submit(self._numbers[self._turn], sms.text(payload))
        try:
            await self._port.command("AT+CMGF=0")  # its default differs by firmware, and others may have changed it
            unit = digits.encode() + b"\x1a"
            if not await self._port.command("AT+CMGS=%d" % length, "+CMGS:", _SEND_MS, unit):
                raise AtError("AT+CMGS: no reference from the message centre")
        except SiagaError:
            self._turn = (self._turn + 1) % len(self._numbers)
            raise

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        if line.startswith(b"+CMT:"):
            if payload is None:
                self._started = 0  # it is in text mode: it has lost its settings
            self._take(payload)
        elif line.startswith(b"+CMTI:"):
            place = number(fields(line)[-1])
            if place < 0 or len(self._stored) >= _STORED:
                self._unlisted = True  # some firmware does not report the place
            elif place not in self._stored:
                self._stored.append(place)
        elif line == b"+SMS FULL":
            self._unlisted = True  # it takes none until some are deleted
        elif line == b"SMS DONE":
            self._started = 0  # earlier it may have taken no setting, and listed nothing
        else:
            return False
        return True

    def _take(self, digits: "bytes | None") -> None:
        text = None if digits is None else sms.delivered(digits)
        frame = None if text is None else sms.frame(text)
        if frame is None:
            self._owner.on_rejected("a message that is no frame")
        else:
            self._owner.on_downlink(self, frame)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.bearer import Owner
    from siaga.drivers.clock import Clock
    from siaga.drivers.simcom import Modem
