"""The SIM in a SIMCom modem: read, and unlocked by its PIN, which is never tried until the card blocks.

A card blocks at the third wrong PIN and then wants a PUK that only the operator has. So which PIN is tried is stored on
flash beforehand, and no restart, reset or power cut tries one again that the card refused. A PIN whose attempt had no
known result (a power cut) is tried once more. Sources: 3GPP TS 27.007 8.3 (+CPIN), 9.2 (+CME ERROR); SIMCom A76XX AT
Command Manual V1.09, SIM7600 AT Command Manual V3.00 (+CICCID). What a card says while it is being read: logs.
"""

import asyncio
import hashlib

from micropython import const
from siaga.core.at import AtError, fields, given, quoted
from siaga.drivers.at_port import AtTimeout

_LOOK_MS = const(500)
_GOOD = const(0)
_TRIED = const(1)
_FAILED = const(2)
_DIGEST = const(8)
# 3GPP TS 27.007 9.2.1 as text and as number: the PIN was wrong, or wrong for the last time; and no PIN was checked.
_WRONG = ("incorrect password", "SIM PUK required", ": 16", ": 12")
_UNTRIED = ("SIM busy", "SIM failure", "not inserted", "not allowed", ": 14", ": 13", ": 10", ": 3")


class PinStore:
    """Storage for a record that survives every restart and power cut; this one only as long as the program runs."""

    _record = b""

    def load(self) -> bytes:
        """Return the record, b"" if there is none."""
        return self._record

    def save(self, record: bytes) -> None:
        """Store the record. Raises OSError."""
        self._record = record


class Access:
    """What the SIM needs, from the installer's settings; "" = it needs nothing. store: which PIN was tried."""

    def __init__(
        self, apn: str = "", user: str = "", password: str = "", pin: str = "", store: "PinStore | None" = None
    ) -> None:
        self.apn = given("apn", apn)
        self.user = given("apn_user", user)
        self.password = given("apn_password", password)
        self.pin = given("sim_pin", pin)
        self.store = store or PinStore()


class SimCard:
    """The SIM.

    why: what is wrong with it, "" = usable
    locked: only a person can fix that, no repair of the modem
    """

    def __init__(self, port: "AtPort", clock: "Clock", access: Access) -> None:
        self.why = ""
        self.locked = False
        self._port = port
        self._clock = clock
        self._pin = access.pin
        self._store = access.store
        self._refused = False  # in this run: in case the flash stores nothing

    async def open(self, within_ms: int) -> bool:
        """Unlock it if needed. Returns whether it is usable; within_ms: time for one that is not readable yet. Raises
        AtTimeout and OSError."""
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
        """Return what it asks for; if it cannot be asked, the modem's error, which begins with +."""
        try:
            lines = await self._port.command("AT+CPIN?", "+CPIN:")
        except AtTimeout:
            raise
        except AtError as error:
            return "+" + error.final.decode().lstrip("+")
        return fields(lines[-1])[0].decode() if lines else "+no answer"

    async def _try(self) -> str:
        """Enter the PIN, if allowed: "" = accepted, else why not. Raises AtTimeout and OSError."""
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
        """Return the card's number (ICCID), b"" if unreadable."""
        for line in await self._port.attempt("AT+CICCID", "+ICCID:"):
            return fields(line)[0]
        return b""

    # The record: state, the PIN's digest, the card's number.

    def _digest(self) -> bytes:
        return hashlib.sha256(b"siaga sim pin " + self._pin.encode()).digest()[:_DIGEST]

    def _state(self, record: bytes, card: bytes) -> int:
        """Return what is known of this PIN and this card; -1 = nothing. An unreadable number may be this card's."""
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
            pass  # a failed flash is no reason not to try a PIN that is most likely right


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.at_port import AtPort
    from siaga.drivers.clock import Clock
