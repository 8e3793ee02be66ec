"""The SIM in a SIMCom modem: read, and opened by its PIN, which is never tried until the card locks.

A card locks at the third wrong PIN and then wants a PUK that only the operator has. So it is kept on the flash which
PIN was tried, before it is, and no restart, reset or power cut tries one again that the card refused. A PIN whose try
had no known end (the power went) is tried once more. Sources: 3GPP TS 27.007 8.3 (+CPIN), 9.2 (+CME ERROR); SIMCom
A76XX AT Command Manual V1.09, SIM7600 AT Command Manual V3.00 (+CICCID). What a card says while it is being read: logs.
"""

import asyncio
import hashlib

from micropython import const
from siaga.core.at import AtError, fields, given, quoted
from siaga.drivers.at_port import AtPort, AtTimeout
from siaga.drivers.clock import Clock

_LOOK_MS = const(500)
_GOOD = const(0)
_TRIED = const(1)
_FAILED = const(2)
_DIGEST = const(8)
# 3GPP TS 27.007 9.2.1 by words and by number: the PIN was wrong, for the last time; and no PIN was looked at.
_WRONG = ("incorrect password", "SIM PUK required", ": 16", ": 12")
_UNTRIED = ("SIM busy", "SIM failure", "not inserted", "not allowed", ": 14", ": 13", ": 10", ": 3")


class PinStore:
    """A record that outlives every restart and power cut; this one, only as long as the program runs."""

    _record = b""

    def load(self) -> bytes:
        """b"" where there is none."""
        return self._record

    def save(self, record: bytes) -> None:
        """Raises OSError."""
        self._record = record


class Access:
    """What the SIM needs; "" where it needs nothing. The installer's settings have it. store: which PIN was tried."""

    def __init__(
        self, apn: str = "", user: str = "", password: str = "", pin: str = "", store: "PinStore | None" = None
    ) -> None:
        self.apn = given("apn", apn)
        self.user = given("apn_user", user)
        self.password = given("apn_password", password)
        self.pin = given("sim_pin", pin)
        self.store = store or PinStore()


class SimCard:
    """why: what is wrong with it, "" = it may be used. locked: only a person can mend that, and no repair of the
    modem."""

    def __init__(self, port: AtPort, clock: Clock, access: Access) -> None:
        self.why = ""
        self.locked = False
        self._port = port
        self._clock = clock
        self._pin = access.pin
        self._store = access.store
        self._refused = False  # in this run: where the flash keeps nothing

    async def open(self, within_ms: int) -> bool:
        """Whether it may be used; one that is not read yet gets so long. Raises AtTimeout and OSError."""
        until_ms = self._clock.ms() + self._port.scaled(within_ms)
        given_pin = False
        while True:
            said = await self._asked()
            self.locked = False
            if said in ("READY", "SIM PIN2", "SIM PUK2"):
                self.why = ""
                return True
            if said == "SIM PIN" and not given_pin:
                self.why = await self._try()
                given_pin = not self.why
            elif said == "SIM PUK":
                self.locked = True
                self.why = "the SIM is locked and asks for its SIM PUK: open it in a telephone, with the operator's PUK"
            elif said.startswith("+"):
                self.why = "the SIM cannot be used: %s" % said[1:].replace("CME ERROR: ", "")
            else:
                self.locked = not given_pin
                self.why = "the SIM cannot be used: it asks for %s" % said
            if self.locked or self._clock.ms() > until_ms:
                return False
            await asyncio.sleep_ms(_LOOK_MS * self._port.percent // 100)

    async def _asked(self) -> str:
        """What it asks for; where it cannot be asked, the modem's words, which begin with +."""
        try:
            lines = await self._port.command("AT+CPIN?", "+CPIN:")
        except AtTimeout:
            raise
        except AtError as error:
            return "+" + error.final.decode().lstrip("+")
        return fields(lines[-1])[0].decode() if lines else "+no answer"

    async def _try(self) -> str:
        """Give it the PIN, if that may be done: "" = it was taken, else why not. Raises AtTimeout and OSError."""
        self.locked = True
        if not self._pin:
            return "the SIM asks for its SIM PIN, and setting sim_pin is empty"
        before = self._store.load()
        card = await self._number()
        state = self._state(before, card)
        if state == _FAILED or self._refused:
            return "the SIM has refused setting sim_pin, which is not tried again: a third wrong SIM PIN locks it"
        if state != _GOOD:
            self._keep(_FAILED if state == _TRIED else _TRIED, card)
        self.locked = False
        try:
            await self._port.command("AT+CPIN=" + quoted(self._pin))
        except AtTimeout:
            raise
        except AtError as error:
            words = error.final.decode()
            if any(words.endswith(each) for each in _UNTRIED):
                self._save(before)
            else:
                self._refused = True
                self._keep(_FAILED if any(words.endswith(each) for each in _WRONG) else _TRIED, card)
            return "the SIM does not take setting sim_pin: %s" % words
        if state != _GOOD:
            self._keep(_GOOD, card)
        return ""

    async def _number(self) -> bytes:
        """The card's own (ICCID), b"" where it cannot be read."""
        for line in await self._port.attempt("AT+CICCID", "+ICCID:"):
            return fields(line)[0]
        return b""

    # The record: state, the PIN's digest, the card's number.

    def _digest(self) -> bytes:
        return hashlib.sha256(b"siaga sim pin " + self._pin.encode()).digest()[:_DIGEST]

    def _state(self, record: bytes, card: bytes) -> int:
        """What is known of this PIN and this card; -1 = nothing. A number that cannot be read may be this card's."""
        other = record[1 + _DIGEST :]
        if len(record) <= _DIGEST or record[1 : 1 + _DIGEST] != self._digest() or (card and other and card != other):
            return -1
        return record[0]

    def _keep(self, state: int, card: bytes) -> None:
        self._save(bytes((state,)) + self._digest() + card)

    def _save(self, record: bytes) -> None:
        try:
            self._store.save(record)
        except OSError:
            pass  # a flash that keeps nothing is no reason not to try a PIN that is most likely right
