"""Wi-Fi of an ESP32. Its driver may raise at any call ("Wifi Internal Error") and stay broken until the radio was off;
so a failed connection attempt is always undone.

MicroPython reports one of the name servers from DHCP. The router itself is the only other one available.
"""

import asyncio

import network

from siaga.core.errors import SiagaError
from siaga.core.frame import UNKNOWN_SIGNAL
from siaga.drivers import dns
from siaga.drivers.board_parts import Network

_CONNECT_MS = 15000
# After this many consecutive failures the radio is power-cycled.
_SICK = 3


class Wifi(Network):
    """One access point, named by the settings."""

    needs_ssid = True

    def __init__(self) -> None:
        self._wlan: "network.WLAN | None" = None
        self._ssid = ""
        self._password = ""
        self._failures = 0

    def use(self, ssid: str, password: str) -> None:
        self._ssid = ssid
        self._password = password

    def settle(self, country: str) -> None:
        try:
            network.country(country)
        except (OSError, ValueError):
            pass  # the driver's default is the world-wide rules
        if not self._ssid:
            self.switch_off()

    def _station(self) -> network.WLAN:
        """Return the interface, made when first needed: that starts the driver, which takes memory and may fail. Raises
        OSError."""
        if self._wlan is None:
            self._wlan = network.WLAN(network.WLAN.IF_STA)
        return self._wlan

    def _is_on(self) -> bool:
        if self._wlan is None:
            return False
        return bool(self._wlan.active())  # type: ignore[func-returns-value]  # the stubs of 1.27 know no answer

    def switch_on(self) -> None:
        """Switch the radio on. Raises OSError."""
        station = self._station()
        if not self._is_on():
            station.active(True)
            # No power save: an acknowledgement must not wait for the next beacon.
            station.config(pm=network.WLAN.PM_NONE)

    def switch_off(self) -> None:
        try:
            if self._wlan is not None and self._is_on():
                self._wlan.active(False)
        except OSError:
            pass

    def is_up(self) -> bool:
        try:
            return self._wlan is not None and self._wlan.isconnected()
        except OSError:
            return False

    async def connect(self) -> None:
        if not self._ssid:
            raise SiagaError("setting wifi_ssid is missing")
        try:
            self.switch_on()
            station = self._station()
            if not station.isconnected():
                await self._join(station)
        except BaseException as error:
            self._undo(isinstance(error, OSError))
            raise
        self._failures = 0

    async def _join(self, station: network.WLAN) -> None:
        station.connect(self._ssid, self._password)
        for _ in range(_CONNECT_MS // 100):
            await asyncio.sleep_ms(100)
            if station.isconnected():
                return
        status = station.status()
        raise SiagaError("no Wi-Fi %s within %d ms (status %s)" % (self._ssid, _CONNECT_MS, status))

    def _undo(self, sick: bool) -> None:
        """Undo a connection attempt: a driver left connecting refuses the next connect() for ever."""
        self._failures += 1
        try:
            self._station().disconnect()
        except OSError:
            sick = True
        if sick or self._failures % _SICK == 0:
            self.switch_off()

    async def resolve(self, host: str) -> "list[str]":
        _, _, router, server = self._station().ifconfig()
        return await dns.resolve(host, server, others=(router,))

    def signal(self) -> int:
        try:
            if self._wlan is not None and self._wlan.isconnected():
                return self._wlan.status("rssi")  # type: ignore[return-value]
        except OSError:
            pass
        return UNKNOWN_SIGNAL
