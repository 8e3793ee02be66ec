"""MicroPython's `network`: a station in range of one simulated access point. Sockets are the host's own loopback.

As on the chip its driver can get stuck: after a connect() that raised it is still connecting, and raises at the next
one until a disconnect() (fault "raises"); or it connects for ever until its radio was off (fault "hangs").
"""

import host
import pool

_CONNECT_US = 1500000


def country(letters=None):
    return letters


class WLAN:
    IF_STA, IF_AP = 0, 1
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2

    def __init__(self, interface=0):
        self._on = False
        self._ssid = ""
        self._since_us = 0
        self._is_connecting = False
        self._hangs = False

    def active(self, on=None):
        if on is None:
            return self._on
        if bool(on) != self._on:
            host.radio_on = self._on = bool(on)
            pool.regions(self._on)  # for its low-water mark
            self._ssid = ""
            self._is_connecting = self._hangs = False
            self._tell()
        return None

    def config(self, *names, **values):
        if not self._on:
            raise OSError("Wifi Not Started")

    def connect(self, ssid, password=None):
        if not self._on:
            raise OSError("Wifi Not Started")
        host.heed()
        fault, host.network[2] = host.network[2], ""
        if fault == "raises" or self._is_connecting:
            self._is_connecting = True
            raise OSError("Wifi Internal Error")
        self._hangs = self._hangs or fault == "hangs"
        self._ssid = ssid
        self._since_us = host.now_us()
        self._tell()

    def disconnect(self):
        self._ssid = ""
        self._is_connecting = False
        self._tell()

    def _tell(self):
        host.send("wlan %d %s" % (self._on, self._ssid.replace(" ", "_") or "-"))

    def isconnected(self):
        host.heed()
        there = self._on and not self._hangs and self._ssid and self._ssid.replace(" ", "_") == host.network[0]
        there = there and pool.regions(True)[0][1] > 1100  # with less a chip never joins
        if not there:
            self._since_us = host.now_us()
        return bool(there) and host.now_us() - self._since_us >= _CONNECT_US

    def status(self, what=None):
        if what == "rssi":
            if not self.isconnected():
                raise OSError("STA must be connected")
            return host.network[1]
        return 1010 if self.isconnected() else 201

    def ifconfig(self):
        return "127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1"
