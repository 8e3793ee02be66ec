"""Wi-Fi of an ESP32. Its driver raises at any call ("Wifi Internal Error") and can stay sick until its radio was off;
so whatever ends a try to connect, what it began is undone.

MicroPython tells one name server of those that DHCP named. The router itself is the other one that there is.
"""

import asyncio

import network

from siaga.core.errors import SiagaError
from siaga.core.frame import UNKNOWN_SIGNAL
from siaga.drivers import dns
from siaga.drivers.parts import Network

_CONNECT_MS = 15000
# After so many failures one after another the radio is switched off and on.
_SICK = 3


class Wifi(Network):
    """One access point, named by the settings."""

    needs_ssid = True

    def __init__(self) -> None:
        self._wlan = network.WLAN(network.WLAN.IF_STA)
        self._ssid = ""
        self._password = ""
        self._failures = 0

    def use(self, ssid: str, password: str, country: str) -> None:
        self._ssid = ssid
        self._password = password
        try:
            network.country(country)
        except (OSError, ValueError):
            pass  # the driver's own rules are for the whole world
        if not ssid:
            self.switch_off()

    def _is_on(self) -> bool:
        return bool(self._wlan.active())  # type: ignore[func-returns-value]  # the stubs of 1.27 know no answer

    def switch_on(self) -> None:
        """Raises OSError."""
        if not self._is_on():
            self._wlan.active(True)
            # Always listening: an acknowledgement must not wait for the next beacon.
            self._wlan.config(pm=network.WLAN.PM_NONE)

    def switch_off(self) -> None:
        try:
            if self._is_on():
                self._wlan.active(False)
        except OSError:
            pass

    def is_up(self) -> bool:
        try:
            return self._wlan.isconnected()
        except OSError:
            return False

    async def connect(self) -> None:
        if not self._ssid:
            raise SiagaError("setting wifi_ssid is missing")
        try:
            self.switch_on()
            if not self._wlan.isconnected():
                await self._join()
        except BaseException as error:
            self._undo(isinstance(error, OSError))
            raise
        self._failures = 0

    async def _join(self) -> None:
        self._wlan.connect(self._ssid, self._password)
        for _ in range(_CONNECT_MS // 100):
            await asyncio.sleep_ms(100)
            if self._wlan.isconnected():
                return
        status = self._wlan.status()
        raise SiagaError("no Wi-Fi %s within %d ms (status %s)" % (self._ssid, _CONNECT_MS, status))

    def _undo(self, sick: bool) -> None:
        """A driver that is left connecting refuses the next connect() for ever."""
        self._failures += 1
        try:
            self._wlan.disconnect()
        except OSError:
            sick = True
        if sick or self._failures % _SICK == 0:
            self.switch_off()

    async def resolve(self, host: str) -> "list[str]":
        _, _, router, server = self._wlan.ifconfig()
        return await dns.resolve(host, server, others=(router,))

    def signal(self) -> int:
        try:
            if self._wlan.isconnected():
                return self._wlan.status("rssi")  # type: ignore[return-value]
        except OSError:
            pass
        return UNKNOWN_SIGNAL
