"""MicroPython's `machine` of an ESP32, as far as a button's boards use it, with simulated surroundings.

As on the chip: a held pin keeps its level whatever is written to it; 34 to 39 are inputs without pulls; what the chip
refuses for a wrong pin is refused here too.
"""

import io
import struct

import host

import micropython

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
EXT0_WAKE, EXT1_WAKE, TIMER_WAKE, TOUCHPAD_WAKE, ULP_WAKE = 2, 3, 4, 5, 6

_PINS = (0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)
_RTC_PINS = (36, 37, 38, 39, 34, 35, 25, 26, 33, 32, 4, 0, 2, 15, 13, 12, 14, 27)  # by RTC number
# What makes a modem send, and how long a cell sags after it.
_ON_THE_AIR = (b"+CMQTTPUB=", b"+CMQTTCONNECT=", b"+CMGS=", b"+SEND=", b"+JOIN=", b"ATD")
_SAGS_US = 2000000
_PULLS = {None: "none", 1: "down", 2: "up"}


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2
    IRQ_FALLING, IRQ_RISING = 2, 1
    _all = {}

    def __new__(cls, number, *arguments, **keywords):
        if isinstance(number, Pin):
            return number
        if number not in _PINS:
            raise ValueError("invalid pin")
        if number not in cls._all:
            cls._all[number] = object.__new__(cls)
            cls._all[number]._begin(number)
        return cls._all[number]

    def __init__(self, number, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if mode is not None or pull != -1 or value is not None or hold is not None:
            self.init(mode, pull, value=value, drive=drive, hold=hold)

    def _begin(self, number):
        self._number = number
        self._mode = Pin.IN
        self._pull = "none"
        self._latch = 0
        self._held = number in host.boot["held"]
        self._handler = None

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if mode is not None:
            if mode != Pin.IN and self._number >= 34:
                raise ValueError("pin can only be input")
        if value is not None:
            self._latch = 1 if value else 0
        if mode is not None:
            self._mode = mode
        if pull != -1 and self._number < 34:
            self._pull = _PULLS[pull]
            host.pulls[self._number] = self._pull
        if hold is not None:
            self._held = bool(hold)
            self._tell(True)
        elif not self._held:
            self._tell(False)

    def _tell(self, always):
        mode = "in" if self._mode == Pin.IN else "out"
        host.send("pin %d %s %d %s %d" % (self._number, mode, self._latch, self._pull, self._held))

    def value(self, level=None):
        host.heed()
        if level is None:
            host.note_read(self._number)
            return host.level(self._number) if self._mode == Pin.IN else self._latch
        level = 1 if level else 0
        if level != self._latch:
            self._latch = level
            if self._mode != Pin.IN and not self._held:
                self._tell(False)
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3):
        self._handler = handler
        if handler is None:
            host.watchers.pop(self._number, None)
            return

        def changed(level, at_us):
            if trigger & (1 if level else 2):
                _edges.append((self, level, max(at_us, host.boot_us)))
                _serve_later()

        host.watchers[self._number] = changed
        host.send("listens %d" % self._number)


_edges = []


def _serve_later():
    try:
        micropython.schedule(_serve, None)
    except RuntimeError:
        pass  # its queue is full: what is in it will handle these too


def _serve(_):
    while _edges:
        pin, level, at_us = _edges.pop(0)
        if pin._handler is not None:
            host.edge = pin._number, level, at_us
            try:
                pin._handler(pin)
            finally:
                host.edge = None


def _disturb():
    """ESP32 errata 3.11: the ADC pulls GPIO 36 and 39 down for 80 ns, which causes an edge but no level change."""
    for number in (36, 39):
        if number in host.watchers:
            host.watchers[number](host.level(number), host.now_us())


_LEAST_UV = 142000  # an analog input never reads less than this
_STRAYS = 7  # one in so many readings is far too low, as ESP32 users report


class ADC:
    _taken = 0
    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3

    def __init__(self, pin, *, atten=0):
        if pin._number not in (32, 33, 34, 35, 36, 39):
            raise ValueError("not on ADC1, and the other does not work beside the radio")
        self._pin = pin._number
        self._most = (950000, 1250000, 1750000, 2450000)[atten]

    def read_uv(self):
        host.heed()
        if host.boot.get("uncalibrated", ["0"])[0] == "1":
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        return self._read_uv()

    def _read_uv(self):
        _disturb()
        ADC._taken += 1
        if ADC._taken % _STRAYS == 0:
            return _LEAST_UV
        microvolts = host.microvolts.get(self._pin, _LEAST_UV)
        if host.now_us() - host.sent_us < _SAGS_US:
            microvolts = max(microvolts - host.sag_uv, _LEAST_UV)
        return min(microvolts, self._most)

    def read_u16(self):
        host.heed()
        return self._read_uv() * 65535 // 3300000


class PWM:
    def __init__(self, pin, *, freq=5000, duty_u16=0):
        if pin._number >= 34:
            raise ValueError("pin can only be input")
        self._pin, self._hz, self._duty = pin._number, freq, duty_u16

    def freq(self, hz=None):
        if hz is None:
            return self._hz
        if hz != self._hz:
            self._hz = hz
            self._tell()
        return None

    def duty_u16(self, duty=None):
        if duty is None:
            return self._duty
        if duty != self._duty:
            self._duty = duty
            self._tell()
        return None

    def _tell(self):
        host.send("pwm %d %d %d" % (self._pin, self._hz, self._duty))


class UART(io.IOBase):
    """What was sent before the chip listened is lost, as on a wire."""

    def __init__(self, number, baudrate=115200, *, tx=None, rx=None, timeout=0, rxbuf=256, txbuf=256):
        self._number = number
        self._file = None
        host.wired.append(self)
        self.init(baudrate, tx=tx, rx=rx, timeout=timeout, rxbuf=rxbuf, txbuf=txbuf)

    def init(self, baudrate=115200, *, tx=None, rx=None, timeout=0, rxbuf=256, txbuf=256):
        if timeout:
            raise ValueError("this UART's reads never wait: timeout=0")
        host.heed()
        path = host.uarts.get((tx, rx))
        if path is None:
            raise ValueError("no wire leads to pins %s and %s" % (tx, rx))
        if self._file is None:
            self._file = open(host.host_path(path), "r+b")
        waste = bytearray(256)
        while self._file.readinto(waste):
            pass
        host.send("uart %d %d %d %d" % (self._number, baudrate, tx, rx))

    def read(self, count=-1):
        return self._file.read(count if count >= 0 else 4096) or None

    def readinto(self, buffer):
        return self._file.readinto(buffer) or None

    def write(self, words):
        if any(word in bytes(words) for word in _ON_THE_AIR):
            host.sent_us = host.now_us()
        return self._file.write(words)

    def any(self):
        return 0

    def ioctl(self, request, argument):
        if request == 10:  # MP_STREAM_GET_FILENO: the host's own poll waits on it
            return self._file.fileno()
        return 0


class RTC:
    def memory(self, content=None):
        if content is None:
            return host.rtc_memory
        if len(content) > 2048:
            raise ValueError("buffer too long")
        host.rtc_memory = bytes(content)
        host.tell_rtc()
        return None

    def datetime(self, moment=None):
        import time

        if moment is None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime()
            return year, month, day, weekday, hour, minute, second, 0
        year, month, day, _, hour, minute, second, us = moment
        wanted = time.mktime((year, month, day, hour, minute, second, 0, 0)) * 1000000 + us
        host.rtc_offset_us += wanted - host.rtc_us()
        host.tell_rtc()
        return None


class WDT:
    def __init__(self, *, id=0, timeout=5000):
        host.send("wdt %d" % timeout)

    def feed(self):
        host.send("feed")


def reset_cause():
    return int(host.boot["boot"][0])


def wake_reason():
    """One cause; the timer's takes precedence over a pin's, as in ESP-IDF 5."""
    state = int(host.boot["boot"][1])
    for bit, reason in ((8, TIMER_WAKE), (1, EXT0_WAKE), (2, EXT1_WAKE)):
        if state & bit:
            return reason
    return 0


class _Registers:
    """What the RTC part keeps of the last wake, and one word that survives resets; nothing else is simulated."""

    def __init__(self):
        self._word = bytearray(4)  # little-endian, as the host's file has it
        self._file = None  # of the host, which keeps the word while there is no process

    def __setitem__(self, address, value):
        # A firmware writes it at each of a board's calls, hundreds of times a second: nothing is allocated for it.
        if address != 0x3FF4804C:
            raise ValueError("no register is simulated at %x" % address)
        if self._file is None:
            self._load()
        struct.pack_into("<I", self._word, 0, value)
        if self._file is not None:
            self._file.seek(0)
            self._file.write(self._word)

    def _load(self):
        if self._file is None and "word" in host.boot:
            self._file = open("/host" + host.boot["word"][0], "r+b")
            self._file.readinto(self._word)

    def __getitem__(self, address):
        if address == 0x3FF4804C:
            self._load()
            return struct.unpack("<I", self._word)[0]
        if address == 0x3FF48038:
            return int(host.boot["boot"][1])
        if address == 0x3FF480D0:
            pins = host.boot["boot"][2]
            return 0 if pins == "-" else sum(1 << _RTC_PINS.index(int(pin)) for pin in pins.split(","))
        raise ValueError("no register is simulated at %x" % address)


mem32 = _Registers()


def unique_id():
    return bytes.fromhex(host.boot["id"][0])


def freq(hz=None):
    return 160000000


def reset():
    host.send("reset")
    host.stop()


def deepsleep(ms=-1):
    import esp32

    host.send("sleep %d %s" % (ms, esp32._sources()))
    host.stop()
