"""A plain ESP32 development board on Wi-Fi: button, case switch, LED, buzzer and vibration motor on a breadboard.

Every contact closes to ground against the chip's own pull-up. The two inputs without pull-up (34, 35) are tied to
ground where nothing is connected to them.
"""

import asyncio
import json
import time

import machine
import network

from siaga.app import flash
from siaga.app.board import POWER, RESET, RESTART, Board
from siaga.core.errors import SiagaError
from siaga.core.frame import UNKNOWN_SIGNAL
from siaga.drivers import battery, dns
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga.drivers.parts import Network

BUTTON = 27
CASE = 26  # closed to ground while the case is shut
LED = 2  # the board's own
BUZZER = 25  # a passive one, through a transistor
VIBRATION = 33  # through a transistor
MAINS = 34  # 5 V through a divider
CELL = 35  # one Li-ion cell through two equal resistors

_CONNECT_MS = 15000
_SETTINGS = "/settings.json"  # where an installer's tool puts them: mpremote cp settings.json :settings.json
# Time 0 of this port's calendar, in Unix seconds.
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0
# Kept in memory that lives as long as the calendar clock does: whether somebody trustworthy set that clock.
_CLOCK_IS_SET = b"siaga clock"


class ChipRtc(Rtc):
    """The chip's calendar clock. It starts in 2000 after a power cut and goes on through every reset."""

    def __init__(self) -> None:
        self._rtc = machine.RTC()

    def unix(self) -> int:
        return time.time() + _EPOCH if self._rtc.memory() == _CLOCK_IS_SET else 0

    def set_unix(self, seconds: int) -> None:
        self._write(seconds)
        self._rtc.memory(_CLOCK_IS_SET)

    def at_least(self, seconds: int) -> None:
        if time.time() + _EPOCH < seconds:
            self._write(seconds)

    def seconds(self) -> int:
        return time.time()

    def _write(self, seconds: int) -> None:
        year, month, day, hour, minute, second, weekday = time.gmtime(seconds - _EPOCH)[:7]
        self._rtc.datetime((year, month, day, weekday, hour, minute, second, 0))


class PinLamp(Lamp):
    """LED, buzzer and motor."""

    def __init__(self) -> None:
        self._led = machine.Pin(LED, machine.Pin.OUT, value=0)
        self._motor = machine.Pin(VIBRATION, machine.Pin.OUT, value=0)
        self._buzzer = machine.PWM(machine.Pin(BUZZER), freq=1000, duty_u16=0)

    def set(self, light: bool, tone_hz: int, vibration: bool) -> None:
        self._led.value(light)
        self._motor.value(vibration)
        if tone_hz:
            self._buzzer.freq(tone_hz)
        self._buzzer.duty_u16(32768 if tone_hz else 0)


class Wifi(Network):
    """One access point, named by the settings."""

    def __init__(self) -> None:
        self._wlan = network.WLAN(network.WLAN.IF_STA)
        self._ssid = ""
        self._password = ""

    def use(self, ssid: str, password: str, country: str) -> None:
        network.country(country)
        self._ssid = ssid
        self._password = password

    def switch_on(self) -> None:
        if not self._wlan.active():
            self._wlan.active(True)
            # Always listening: an acknowledgement must not wait for the next beacon.
            self._wlan.config(pm=network.WLAN.PM_NONE)

    def is_up(self) -> bool:
        return self._wlan.isconnected()

    async def connect(self) -> None:
        if not self._ssid:
            raise SiagaError("setting wifi_ssid is missing")
        self.switch_on()
        if self._wlan.isconnected():
            return
        self._wlan.connect(self._ssid, self._password)
        for _ in range(_CONNECT_MS // 100):
            await asyncio.sleep_ms(100)
            if self._wlan.isconnected():
                return
        status = self._wlan.status()
        self._wlan.disconnect()
        raise SiagaError("no Wi-Fi %s within %d ms (status %d)" % (self._ssid, _CONNECT_MS, status))

    async def resolve(self, host: str) -> str:
        return await dns.resolve(host, self._wlan.ifconfig()[3])

    def signal(self) -> int:
        return self._wlan.status("rssi") if self._wlan.isconnected() else UNKNOWN_SIGNAL


class Devkit(Board):
    folder = "/siaga-state"

    def __init__(self) -> None:
        self._wifi = Wifi()
        super().__init__(ChipRtc(), PinLamp(), self._wifi)
        self._button = machine.Pin(BUTTON, machine.Pin.IN, machine.Pin.PULL_UP)
        self._case = machine.Pin(CASE, machine.Pin.IN, machine.Pin.PULL_UP)
        self._mains = machine.Pin(MAINS, machine.Pin.IN)
        self._cell = machine.ADC(machine.Pin(CELL), atten=machine.ADC.ATTN_11DB)
        self._watchdog = None  # type: machine.WDT | None

    def tell(self, event: str, facts: "dict[str, object]") -> None:
        line = {"t": self.stamp_ms(), "ev": event}  # type: dict[str, object]
        line.update(facts)
        print(json.dumps(line))

    def stamp_ms(self) -> int:
        return time.time_ns() // 1000000 + _EPOCH * 1000

    def woke_by(self) -> str:
        return POWER if machine.reset_cause() == machine.PWRON_RESET else RESET

    def pressed(self) -> bool:
        return not self._button.value()

    def tamper_open(self) -> bool:
        return bool(self._case.value())

    def external_power(self) -> bool:
        return bool(self._mains.value())

    def battery(self) -> "int | None":
        return battery.percent(self._cell.read_uv() * 2 // 1000)

    def noise(self) -> bytes:
        self._wifi.switch_on()  # with its radio off the chip's random source repeats itself
        time.sleep_ms(100)
        readings = "".join(str(self._cell.read_uv()) for _ in range(32))
        return machine.unique_id() + readings.encode()

    def offered_settings(self) -> "str | None":
        try:
            content = flash.read_file(_SETTINGS)
            return None if content is None else content.decode()
        except (OSError, UnicodeError) as error:
            self.tell("error", {"what": "%s cannot be read: %s" % (_SETTINGS, error)})
            return None

    def use(self, settings: "Settings") -> None:
        self._wifi.use(settings.wifi_ssid, settings.wifi_password, settings.wifi_country)

    def guard(self, timeout_ms: int) -> None:
        if self._watchdog is None:  # once started it cannot be stopped
            self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        if self._watchdog is not None:
            self._watchdog.feed()

    async def surroundings(self) -> None:
        while True:
            await asyncio.sleep(3600)


def boards() -> "Iterator[Devkit]":
    """The one board. If it ever stops being a button, it starts anew."""
    board = Devkit()
    yield board
    if board.ended != RESTART:
        time.sleep(10)
    machine.reset()


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from siaga.app.chosen import Settings
