"""The radio of a simulated modem: registration (3GPP TS 27.007 chapters 7 and 10) and GNSS (A76XX AT Command Manual
V1.09 and SIM7600 AT Command Manual V3.00, their chapters on GNSS; the layouts are those of real logs)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

REGISTER_S = 4.0
GNSS_READY_S = 9.0
ANTENNA_MV = 2800
OPERATOR_PART = ".mnc010.mcc510.gprs"  # as networks append it to the APN
_NO_ADDRESS = "0.0.0.0"  # noqa: S104  # nothing listens on it


class ModemRadio:
    """Its registrations, and its position."""

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self._apn = "internet"
        self.reset()

    def reset(self) -> None:
        """Reset what a start forgets; the APN is kept."""
        self._report = {"CREG": 0, "CGREG": 0, "CEREG": 0}
        self._registered_s: float | None = None
        self._gnss_s: float | None = None
        self._antenna_mv = 0
        self._feeds_antenna = False
        self._said = (0, 0)

    def leave(self) -> None:
        """Switch the radio off."""
        self._registered_s = None

    def report(self) -> None:
        """Report changes, if enabled."""
        stats = self.stats()
        if stats == self._said:
            return
        if self._said[0] == 1:
            self._modem.mqtt.lose_network()
        self._said = stats
        for name, stat in (("CEREG", stats[0]), ("CGREG", stats[0]), ("CREG", stats[1])):
            if self._report[name]:
                self._modem.urc(f"+{name}: {stat}" + (',"2F1A","0A1B2C3D"' if stat == 1 else ""))

    def is_under_way(self) -> bool:
        """Return whether it is about to register."""
        return self._registered_s is not None and self._modem.loop.time() < self._registered_s

    def stats(self) -> tuple[int, int]:
        """Return stat for data, and for the rest."""
        allowed = self._modem.general.functional and self._modem.power.flight_allows
        if not allowed or not self._modem.card.usable():
            return 0, 0
        if "no_network" in self._modem.faults:
            self._registered_s = None
            return 2, 2
        if "denied" in self._modem.faults:
            self._registered_s = None
            return 3, 3
        if self._registered_s is None:
            self._registered_s = self._modem.loop.time() + REGISTER_S * self._modem.pace
        if self._modem.loop.time() < self._registered_s:
            return 2, 2
        no_data = "no_data" in self._modem.faults or self._modem.voice.stops_data
        return (2 if no_data else 1), 1

    def has_network(self) -> bool:
        return self.stats()[1] == 1

    def has_data(self) -> bool:
        """Return whether data get through; with a wrong APN it registers all the same."""
        return self.stats()[0] == 1 and "no_credit" not in self._modem.faults and self._apn == self._modem.sim.apn

    async def _registration(self, command: Command, stat: int) -> None:
        if not command.asks:
            self._report[command.name] = int(command.arguments[0])
            return
        mode = self._report[command.name]
        where = ',"2F1A","0A1B2C3D",7' if mode == 2 and stat == 1 else ""
        self._modem.urc(f"+{command.name}: {mode},{stat}{where}")

    async def at_creg(self, command: Command) -> None:
        await self._registration(command, self.stats()[1])

    async def at_cgreg(self, command: Command) -> None:
        await self._registration(command, self.stats()[0])

    async def at_cereg(self, command: Command) -> None:
        await self._registration(command, self.stats()[0])

    async def at_csq(self, command: Command) -> None:
        self._modem.urc("+CSQ: 20,99" if self.has_network() else "+CSQ: 99,99")

    async def at_cops(self, command: Command) -> None:
        self._modem.urc(f'+COPS: 0,0,"{self._modem.sim.operator}",7' if self.has_network() else "+COPS: 0")

    async def at_cgdcont(self, command: Command) -> None:
        if command.asks:
            apn = self._apn + (OPERATOR_PART if self.has_data() else "")
            self._modem.urc(f'+CGDCONT: 1,"IP","{apn}","{self._address()}",0,0,,,,')
        else:
            self._apn = command.arguments[2]

    async def at_cgauth(self, command: Command) -> None: ...

    def _address(self) -> str:
        return "10.17.51.118" if self.has_data() else _NO_ADDRESS

    async def at_cgpaddr(self, command: Command) -> None:
        if "context_refused" not in self._modem.faults:
            self._modem.urc("+CGPADDR: 1," + self._address())

    async def at_cgact(self, command: Command) -> None:
        await self._modem.wait(1)
        if not self.has_data() or "context_refused" in self._modem.faults:
            self._modem.urc("+CGEV: ME PDN DEACT 1")
            raise Refused("+CME ERROR: requested service option not subscribed (#33)")

    # GNSS

    async def at_cgps(self, command: Command) -> None:
        if not self._modem.is_old:
            raise Refused("ERROR")
        if command.asks:
            self._modem.urc(f"+CGPS: {int(self._gnss_s is not None)},1")
            return
        on = command.arguments[0] == "1"
        if on == (self._gnss_s is not None):
            raise Refused("ERROR")
        self._gnss_s = self._modem.loop.time() if on else None
        if not on:
            self._modem.later(2, self._modem.urc, "+CGPS: 0")

    async def at_cvauxv(self, command: Command) -> None:
        if not self._modem.is_old or not 1700 <= int(command.arguments[0]) <= 3050:
            raise Refused("ERROR")
        self._antenna_mv = int(command.arguments[0])

    async def at_cvauxs(self, command: Command) -> None:
        if not self._modem.is_old:
            raise Refused("ERROR")
        self._feeds_antenna = command.arguments[0] == "1"

    def _receives(self) -> bool:
        """Return whether it receives anything: the active antenna of the vendor's SIM7600 board needs its supply."""
        return not self._modem.is_old or (self._feeds_antenna and self._antenna_mv == ANTENNA_MV)

    async def at_cgnsspwr(self, command: Command) -> None:
        """Handle +CGNSSPWR in the form of users' logs."""
        if self._modem.is_old or "no_gnss" in self._modem.faults:
            raise Refused("ERROR")
        if command.asks:
            self._modem.urc(f"+CGNSSPWR: {int(self._gnss_s is not None)},0,1")
        elif command.arguments == ["1"]:
            if "gnss_deaf" in self._modem.faults:
                self._gnss_s = math.inf
                return
            self._gnss_s = self._modem.loop.time() + GNSS_READY_S * self._modem.pace
            self._modem.later(GNSS_READY_S, self._modem.urc, "+CGNSSPWR: READY!")
        elif command.arguments == ["0"]:
            self._gnss_s = None
        else:
            raise Refused("ERROR")

    async def at_cgnssinfo(self, command: Command) -> None:
        if self._gnss_s is None:
            raise Refused("ERROR")
        if self._modem.place is None or self._modem.loop.time() < self._gnss_s or not self._receives():
            self._modem.urc("+CGNSSINFO: ,,,,,,,,")
            return
        latitude, longitude = self._modem.place
        now = datetime.now(UTC)
        if self._modem.is_old:
            self._modem.urc(
                f"+CGNSSINFO: 2,09,05,00,{_minutes(latitude)},{'NS'[latitude < 0]},{_minutes(longitude)},"
                f"{'EW'[longitude < 0]},{now:%d%m%y},{now:%H%M%S}.0,44.1,0.0,,1.1,0.8,0.7"
            )
            return
        self._modem.urc(
            f"+CGNSSINFO: 3,07,,03,00,{abs(latitude):.7f},{'NS'[latitude < 0]},{abs(longitude):.7f},"
            f"{'EW'[longitude < 0]},{now:%d%m%y},{now:%H%M%S}.00,118.4,0.679,,3.43,2.74,2.06,06"
        )


def _minutes(degrees: float) -> str:
    whole, rest = divmod(abs(degrees), 1)
    return f"{int(whole):02d}{rest * 60:09.6f}"
