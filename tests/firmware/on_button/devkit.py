"""The devkit's board file on stand-ins for the chip's own modules: polarity of the pins, the calendar clock, Wi-Fi, and
a whole button on it, its flash a littlefs in memory."""

import asyncio
import binascii
import json
import os
import sys
import time

import vfs

PINS = {}
EVENTS = []


class Pin:
    IN, OUT, PULL_UP = 0, 1, 2

    def __init__(self, number, mode=0, pull=None, value=None):
        self.number, self.mode, self.pull = number, mode, pull
        PINS[number] = self
        self.level = value if value is not None else 1 if pull == Pin.PULL_UP else 0

    def value(self, level=None):
        if level is None:
            return self.level
        assert self.mode == Pin.OUT
        self.level = int(level)
        return None


class ADC:
    ATTN_11DB = 3
    microvolts = 1_930_000

    def __init__(self, pin, atten=None):
        assert atten == ADC.ATTN_11DB

    def read_uv(self):
        return ADC.microvolts


class PWM:
    last = None

    def __init__(self, pin, freq, duty_u16):
        self.hz, self.duty = freq, duty_u16
        PWM.last = self

    def freq(self, hz):
        self.hz = hz

    def duty_u16(self, duty):
        self.duty = duty


class RTC:
    kept = b""

    def memory(self, content=None):
        if content is None:
            return RTC.kept
        RTC.kept = content
        return None

    def datetime(self, when):
        year, month, day, weekday, hour, minute, second, _ = when
        RTC.set_to = time.mktime((year, month, day, hour, minute, second, weekday, 0))


class WDT:
    fed = 0

    def __init__(self, timeout):
        assert timeout >= 30000

    def feed(self):
        WDT.fed += 1


class WLAN:
    IF_STA, PM_NONE = 0, 0
    on = False
    reachable = False
    tries = 0

    def __init__(self, interface):
        assert interface == WLAN.IF_STA

    def active(self, on=None):
        if on is None:
            return WLAN.on
        WLAN.on = on
        return None

    def config(self, pm):
        assert WLAN.on and pm == WLAN.PM_NONE

    def connect(self, ssid, password):
        assert WLAN.on and (ssid, password) == ("kantor", "rahasia")
        WLAN.tries += 1

    def disconnect(self):
        pass

    def isconnected(self):
        return WLAN.on and WLAN.reachable and WLAN.tries > 0

    def status(self, what=None):
        return -61 if what == "rssi" else 201

    def ifconfig(self):
        return ("10.0.0.2", "255.0.0.0", "10.0.0.1", "10.0.0.1")


class Module:
    pass


machine, network = Module(), Module()
machine.Pin, machine.ADC, machine.PWM, machine.RTC, machine.WDT = Pin, ADC, PWM, RTC, WDT
machine.PWRON_RESET, machine.WDT_RESET = 1, 3
machine.reset_cause = lambda: 1
machine.unique_id = lambda: b"chip42"
machine.reset = lambda: EVENTS.append("reset")
network.WLAN = WLAN
network.country = lambda letters: EVENTS.append("country " + letters)
sys.modules["machine"], sys.modules["network"] = machine, network

from siaga.app import device  # noqa: E402
from siaga.app.chosen import Settings  # noqa: E402
from siaga.boards import esp32_devkit as devkit  # noqa: E402
from siaga.core import p256  # noqa: E402
from siaga.core.errors import SiagaError  # noqa: E402

board = devkit.Devkit()
assert board.woke_by() == "power" and not board.pressed() and board.tamper_open() and not board.external_power()
PINS[devkit.BUTTON].level = 0
PINS[devkit.CASE].level = 0
PINS[devkit.MAINS].level = 1
assert board.pressed() and not board.tamper_open() and board.external_power()
PINS[devkit.BUTTON].level = 1
assert board.battery() == 62, board.battery()
ADC.microvolts = 100_000
assert board.battery() is None
machine.reset_cause = lambda: 3
assert board.woke_by() == "reset"
print("holds: pins")

assert board.rtc.unix() == 0
board.rtc.at_least(int(time.time()) + 5_000_000)
assert abs(RTC.set_to - time.time() - 5_000_000) < 3 and board.rtc.unix() == 0, "a floor is no time"
board.rtc.set_unix(1_900_000_000)
assert RTC.set_to == 1_900_000_000 and abs(board.rtc.unix() - time.time()) < 2
RTC.kept = b""
print("holds: clock")

board.lamp.set(True, 1500, True)
assert (PINS[devkit.LED].level, PINS[devkit.VIBRATION].level, PWM.last.hz, PWM.last.duty) == (1, 1, 1500, 32768)
board.lamp.set(False, 0, False)
assert (PINS[devkit.LED].level, PINS[devkit.VIBRATION].level, PWM.last.duty) == (0, 0, 0)
assert not WLAN.on
assert b"chip42" in board.noise() and WLAN.on, "the radio is on while a key is made"
print("holds: lamp and noise")


async def wifi():
    devkit._CONNECT_MS = 300
    wanted = Settings()
    try:
        await board.network.connect()
        raise AssertionError("connected to nothing")
    except SiagaError as error:
        assert "wifi_ssid" in str(error)
    wanted.wifi_ssid, wanted.wifi_password = "kantor", "rahasia"
    board.use(wanted)
    assert EVENTS == ["country ID"]
    began = time.ticks_ms()
    try:
        await board.network.connect()
        raise AssertionError("connected to nobody")
    except SiagaError as error:
        assert str(error) == "no Wi-Fi kantor within 300 ms (status 201)"
    assert time.ticks_diff(time.ticks_ms(), began) < 2000 and not board.network.is_up()
    WLAN.reachable = True
    await board.network.connect()
    assert board.network.is_up() and board.network.signal() == -61
    assert await board.network.resolve("10.1.2.3") == "10.1.2.3"


asyncio.run(wifi())
print("holds: Wi-Fi")


class Ram:
    def __init__(self):
        self.cells = bytearray(4096 * 32)

    def readblocks(self, block, buffer, offset=0):
        buffer[:] = self.cells[block * 4096 + offset :][: len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self.cells[block * 4096 + offset : block * 4096 + offset + len(buffer)] = buffer

    def ioctl(self, op, arg):
        return {4: 32, 5: 4096}.get(op, 0)


ram = Ram()
vfs.VfsLfs2.mkfs(ram)
vfs.mount(vfs.VfsLfs2(ram), "/chip")
devkit.Devkit.folder = "/chip/siaga-state"
devkit._SETTINGS = "/chip/settings.json"
key = binascii.hexlify(p256.public_key(p256.private_from(b"gateway" * 8))).decode()
with open("/chip/settings.json", "w") as file:
    json.dump(
        {
            "mqtt_host": "127.0.0.1",
            "mqtt_port": 9,
            "mqtt_tls": False,
            "gateway_key": key,
            "wifi_ssid": "kantor",
            "wifi_password": "rahasia",
            "hold_ms": 150,
            "cancel_hold_ms": 900,
        },
        file,
    )


class Short(devkit.Devkit):
    """A devkit whose world ends soon after a press."""

    def tell(self, event, facts):
        EVENTS.append((event, facts))

    async def surroundings(self):
        await asyncio.sleep_ms(100)
        PINS[devkit.BUTTON].level = 0
        await asyncio.sleep_ms(400)
        PINS[devkit.BUTTON].level = 1
        await asyncio.sleep_ms(100)


EVENTS.clear()
device.run(Short())
EVENTS = [event for event in EVENTS if isinstance(event, tuple)]
told = [facts for event, facts in EVENTS if event == "frame" and facts["kind"] == 1]
assert [facts["step"] for facts in told][:2] == ["pressed", "stored"], EVENTS
assert ("state", {"state": "sending"}) in EVENTS and WDT.fed > 0
assert [facts["why"] for event, facts in EVENTS if event == "bearer"], "it tried to connect"
assert "identity" in os.listdir("/chip/siaga-state")
print("holds: a press on the devkit")
