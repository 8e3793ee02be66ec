"""The cellular network as a modem sees it: registration, operator, cell, signal.

Sources: 3GPP TS 27.007 7.2 (+CREG), 10.1.1 (+CGDCONT), 10.1.20 (+CGREG), 10.1.22 (+CEREG), 8.5 (+CSQ), 7.3 (+COPS).
"""

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError, fields, quoted
from siaga.core.frame import UNKNOWN_SIGNAL
from siaga.drivers.at_port import AtTimeout

_REGISTRATIONS = ("CEREG", "CGREG", "CREG")
# How often in a row all three may go unanswered, although it answers otherwise.
_MUTE = const(3)


class CellularNetwork:
    """The registration.

    data, sms: what it is registered for
    since_ms: when it last became so
    signal_dbm, operator, cell ("area,cell"): for the check-in
    tell(what): called with changes
    """

    def __init__(self, port: "AtPort", clock: "Clock", tell: "Tell") -> None:
        self.data = False
        self.sms = False
        self.since_ms = 0
        self.signal_dbm = UNKNOWN_SIGNAL
        self.operator = ""
        self.cell = ""
        self._port = port
        self._clock = clock
        self._tell = tell
        self._mute = 0

    def gone(self) -> None:
        """Reset: the modem is gone."""
        self.data = self.sms = False
        self._mute = 0
        self.signal_dbm = UNKNOWN_SIGNAL

    async def use(self, access: "Access") -> None:
        """Set the access point. It belongs to the attach: a change needs the radio off and on (TS 27.007 10.1.1). A
        modem that refuses keeps its own: whether that carries data will show. Raises AtTimeout and OSError."""
        if not access.apn:
            return
        if access.user:
            await self._port.attempt("AT+CGAUTH=1,1,%s,%s" % (quoted(access.password), quoted(access.user)))
        for line in await self._port.attempt("AT+CGDCONT?", "+CGDCONT:"):
            parts = fields(line)
            if len(parts) > 2 and parts[0] == b"1" and simcom.is_apn(parts[2].decode(), access.apn):
                return
        await self._port.attempt('AT+CGDCONT=1,"IP",' + quoted(access.apn))
        await self._port.attempt("AT+CFUN=0", None, 20000)

    async def prepare(self) -> None:
        """Enable change reports, with the cell."""
        for name in _REGISTRATIONS:
            await self._port.attempt("AT+%s=2" % name)

    async def is_prepared(self) -> bool:
        """Return whether the modem is still as prepare() left it, so that it has not restarted."""
        for line in await self._port.attempt("AT+CREG?", "+CREG:"):
            if len(fields(line)) > 1 and fields(line)[0] == b"2":
                return True
        return False

    async def look(self) -> bool:
        """Poll everything. Returns whether it is registered for anything. An unanswered question changes nothing as
        long as others are answered. Raises AtTimeout and OSError."""
        data = sms = False
        cell = ""
        unknown = 0
        for name in _REGISTRATIONS:
            lines = await self._ask("AT+%s?" % name, "+%s:" % name, 9000)
            if lines is None:
                unknown += 1
                continue
            found = simcom.registration(lines)
            if found is not None:
                # A circuit-switched registration carries no data.
                data = data or (name != "CREG" and simcom.takes_data(found[0]))
                sms = sms or simcom.takes_sms(found[0])
                cell = cell or found[1]
        was = self.data or self.sms
        self._mute = self._mute + 1 if unknown == len(_REGISTRATIONS) else 0
        if self._mute >= _MUTE:
            raise AtTimeout("it does not tell what it is registered for")
        if unknown:
            data, sms, cell = data or self.data, sms or self.sms, cell or self.cell
        if data or sms:
            self.signal_dbm = simcom.dbm(await self._ask("AT+CSQ", "+CSQ:", 9000) or [])
            if not was or cell != self.cell:
                self.operator = simcom.operator(await self._ask("AT+COPS?", "+COPS:", 30000) or [])
            if not was:
                self.since_ms = self._clock.ms()
                self._tell("registered with %s, cell %s, %d dBm" % (self.operator, cell, self.signal_dbm))
        elif was:
            self._tell("the network is lost")
            self.signal_dbm = UNKNOWN_SIGNAL
        self.cell = cell
        self.data = data
        self.sms = sms
        return data or sms

    async def _ask(self, text: str, expects: str, deadline_ms: int) -> "list[bytes] | None":
        """Return the answer; None if this question has none, but AT has. Raises AtTimeout and OSError."""
        try:
            return await self._port.command(text, expects, deadline_ms)
        except AtTimeout:
            if not await self._port.answers():
                raise
            return None
        except AtError:
            return []


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.drivers.at_port import AtPort
    from siaga.drivers.clock import Clock
    from siaga.drivers.simcom_sim import Access

    Tell = Callable[[str], None]
