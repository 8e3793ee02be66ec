"""The cellular network as a modem sees it: registered for what, with whom, where, how strong.

Sources: 3GPP TS 27.007 7.2 (+CREG), 10.1.20 (+CGREG), 10.1.22 (+CEREG), 8.5 (+CSQ), 7.3 (+COPS).
"""

from siaga.core import simcom
from siaga.core.frame import UNKNOWN_SIGNAL
from siaga.drivers.at_port import AtPort
from siaga.drivers.clock import Clock

_REGISTRATIONS = ("CEREG", "CGREG", "CREG")


class CellularNetwork:
    """data, sms: what it is registered for. since_ms: when it last became so. signal_dbm, operator, cell
    ("area,cell"): for the check-in. tell(what) hears of changes."""

    def __init__(self, port: AtPort, clock: Clock, tell: "Tell") -> None:
        self.data = False
        self.sms = False
        self.since_ms = 0
        self.signal_dbm = UNKNOWN_SIGNAL
        self.operator = ""
        self.cell = ""
        self._port = port
        self._clock = clock
        self._tell = tell

    def gone(self) -> None:
        """The modem is not there any more."""
        self.data = self.sms = False
        self.signal_dbm = UNKNOWN_SIGNAL

    async def prepare(self) -> None:
        """Have changes reported, with the cell."""
        for name in _REGISTRATIONS:
            await self._port.attempt("AT+%s=2" % name)

    async def look(self) -> bool:
        """Ask for everything; whether it is registered for anything. Raises AtTimeout and OSError."""
        data = sms = False
        cell = ""
        for name in _REGISTRATIONS:
            found = simcom.registration(await self._port.attempt("AT+%s?" % name, "+%s:" % name))
            if found is not None:
                # Circuit-switched registration carries no data.
                data = data or (name != "CREG" and simcom.takes_data(found[0]))
                sms = sms or simcom.takes_sms(found[0])
                cell = cell or found[1]
        was = self.data or self.sms
        if data or sms:
            self.signal_dbm = simcom.dbm(await self._port.attempt("AT+CSQ", "+CSQ:"))
            if not was or cell != self.cell:
                self.operator = simcom.operator(await self._port.attempt("AT+COPS?", "+COPS:", 30000))
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


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str], None]
