"""A button without hardware, under MicroPython's unix port: its flash is a file, its holder and environment are lines
on stdin, and what it shows and does are JSON lines on stdout. firmware/README.md lists both."""

import asyncio
import gc
import json
import os
import select
import sys
import time

import siaga_flash

from siaga import long_texts
from siaga.app.board import BUTTON, CASE, INPUT, MODEM, POWER, RESET, RESTART, SLEEP, TIMER, Board
from siaga.drivers.board_parts import Line, LorawanParts, ModemParts, Network, Power, ReceiverParts
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp

_START = 946684800  # what a chip assumes at power-on


class HostRtc(Rtc):
    """The host's clock; or one that was never set, as on a chip after a power cut (SIAGA_CLOCK=unset).

    mbedTLS judges certificates by this process's own clock. Under libfaketime that is this button's: the file named by
    FAKETIME_TIMESTAMP_FILE says how far it is ahead of the host's, and is written here.
    """

    def __init__(self, is_set: bool) -> None:
        self._set = is_set
        self._ahead = 0
        self._file = os.getenv("FAKETIME_TIMESTAMP_FILE") or ""
        self.faked = 0  # seconds that the process's clock is ahead of the host's
        self.skipped = 0  # seconds of sleep that were skipped
        self._fake()
        if self._file:
            self.judge_at(self.unix() if is_set else _START)

    def unix(self) -> int:
        return self.seconds() + self._ahead if self._set else 0

    def state(self) -> "tuple[bool, int, int, int]":
        return self._set, self._ahead, self.skipped, self.judged_at()

    def go_on(self, state: "tuple[bool, int, int, int]") -> None:
        self._set, self._ahead, self.skipped, judged = state
        self.judge_at(judged)

    def seconds(self) -> int:
        return int(time.time()) - self.faked + self.skipped

    def set_unix(self, seconds: int) -> None:
        self._ahead = seconds - self.seconds()
        self._set = True
        self.judge_at(seconds)

    def judged_at(self) -> int:
        return int(time.time())

    def judge_at(self, seconds: int) -> None:
        if self._file:
            self.faked += seconds - self.judged_at()
            self._fake()

    def _fake(self) -> None:
        if self._file:
            with open(self._file, "w") as file:
                file.write("%+d" % self.faked)


class SimulatedNetwork(Network):
    """Up until a `network 0`."""

    def __init__(self) -> None:
        self.on = True

    def is_up(self) -> bool:
        return self.on

    async def connect(self) -> None:
        for _ in range(100):
            if self.on:
                return
            await asyncio.sleep_ms(100)
        raise OSError("the network is switched off")

    def signal(self) -> int:
        return -60


class TextLine(Line):
    """A pin of simulated silicon: a word and its level, a line each."""

    def __init__(self, pins: "TextIO", name: str) -> None:
        self._pins = pins
        self._name = name

    def value(self, on: int) -> None:
        self._pins.write("%s %d\n" % (self._name, on))


class SimulatedBoard(Board):
    """Commands are checked completely before they change anything."""

    name = "simulated"
    folder = siaga_flash.MOUNT + "/siaga"

    def __init__(self, woke_by: str) -> None:
        self._woke_by = woke_by
        self._switched = SimulatedNetwork()
        rtc = HostRtc(os.getenv("SIAGA_CLOCK") != "unset")
        super().__init__(rtc, Lamp(), self._switched)
        self.host_rtc = rtc  # type: HostRtc
        self._pins = {"button": False, "tamper": False, "external": False, "input": False}
        self._battery = int(os.getenv("SIAGA_BATTERY") or "100")
        self._fix = None  # type: tuple[int, int, int, int, int] | None
        self._kept = b""
        self._hogged = []  # type: list[bytes]
        self._add_parts()
        for held in (os.getenv("SIAGA_PINS") or "").split(","):
            if held and held not in self._pins:
                raise SystemExit("SIAGA_PINS names %s; pins are %s" % (held, ", ".join(sorted(self._pins))))
            if held:
                self._pins[held] = True
        if siaga_flash.carried:
            self._pins, self._battery, self._fix, self._kept, self._switched.on, clock = siaga_flash.carried
            rtc.go_on(clock)
        self._break_parts()

    def _break_parts(self) -> None:
        """Make methods raise at each call, as named in SIAGA_RAISES: battery,rtc.unix,lamp.set."""
        for dotted in (os.getenv("SIAGA_RAISES") or "").split(","):
            if dotted:
                part, _, name = dotted.rpartition(".")
                setattr(getattr(self, part) if part else self, name, _broken)

    def carried(self) -> tuple:
        """Return what outlives the firmware that this class is part of."""
        return self._pins, self._battery, self._fix, self._kept, self._switched.on, self.host_rtc.state()

    def _add_parts(self) -> None:
        """Add what is on its serial lines: the ptys of simulated silicon, named by the environment."""
        percent = int(os.getenv("SIAGA_PERCENT") or "100")
        if os.getenv("SIAGA_MODEM"):
            pins: "TextIO" = open(os.getenv("SIAGA_MODEM_PINS") or "", "w")  # noqa: SIM115
            names = ("power_key", "reset", "supply", "dtr")
            key, reset, supply, dtr = [TextLine(pins, name) for name in names]
            power = Power(key, reset=reset, supply=supply, sleep=dtr)
            self.modem = ModemParts(_serial("SIAGA_MODEM"), power, percent=percent)
        if os.getenv("SIAGA_LORAWAN"):
            self.lorawan = LorawanParts(_serial("SIAGA_LORAWAN"))
        if os.getenv("SIAGA_GNSS"):
            self.receiver = ReceiverParts(_serial("SIAGA_GNSS"))

    def tell(self, event: str, facts: "dict[str, object]") -> None:
        line = {"t": self.stamp_ms(), "ev": event}
        line.update(facts)
        print(json.dumps(line))

    def stamp_ms(self) -> int:
        return time.time_ns() // 1000000 - self.host_rtc.faked * 1000

    def causes(self) -> "tuple[str, ...]":
        return (self._woke_by,)

    def kept(self) -> bytes:
        return self._kept

    def keep(self, record: bytes) -> None:
        self._kept = record

    def doze(self) -> str:
        """Simulate deep sleep, in which only what wakes the chip counts. Returns why it ended; "" = the button is not
        to go on."""
        self.tell("asleep", {"ms": self.sleep_ms})
        tamper = self._pins["tamper"]
        until_ms = time.ticks_add(time.ticks_ms(), self.sleep_ms)
        poll = select.poll()
        poll.register(sys.stdin, select.POLLIN)
        while not self.ended or self.ended == SLEEP:
            for name, why in (("button", BUTTON), ("input", INPUT)):
                if self._pins[name]:
                    return why
            if self._pins["tamper"] != tamper:
                return CASE
            left_ms = time.ticks_diff(until_ms, time.ticks_ms())
            if left_ms <= 0 or not poll.poll(left_ms):
                return TIMER
            line = sys.stdin.readline()
            if not line:
                return ""
            words = line.split()
            if words == ["wake", "timer"]:
                self.host_rtc.skipped += max(time.ticks_diff(until_ms, time.ticks_ms()), 0) // 1000
                return TIMER
            if words == ["wake", "modem"]:
                return MODEM
            self._obey_or_complain(words)
        return self.ended if self.ended == "power" else ""

    def pressed(self) -> bool:
        return self._pins["button"]

    def alarm_input(self) -> bool:
        return self._pins["input"]

    def tamper_open(self) -> bool:
        return self._pins["tamper"]

    def external_power(self) -> bool:
        return self._pins["external"]

    def battery(self) -> "int | None":
        return self._battery

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        if self._fix is None:
            return None
        latitude, longitude, accuracy, number, taken = self._fix
        return latitude, longitude, accuracy, max(0, self.host_rtc.seconds() - taken), number

    def noise(self) -> bytes:
        return str(time.time_ns()).encode()

    def offered_settings(self) -> "bytes | None":
        path = os.getenv("SIAGA_SETTINGS")
        if not path:
            return None
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            self.tell("error", {"what": "SIAGA_SETTINGS names %s, which cannot be read: %s" % (path, error)})
            return None

    async def surroundings(self) -> None:
        stdin = asyncio.StreamReader(sys.stdin.buffer)
        line = b""
        while not self.ended:
            letter = await stdin.read(1)  # more would block until it has arrived
            if not letter:
                self.ended = "stdin was closed"
            elif letter == b"\n":
                words, line = line.decode().split(), b""
                self._obey_or_complain(words)
            elif len(line) < 200:
                line += letter

    def _obey_or_complain(self, words: "list[str]") -> None:
        try:
            self._obey(words)
        except (ValueError, KeyError, IndexError) as error:
            self.tell("error", {"what": "not understood: %s (%s)" % (" ".join(words), error)})

    def _hog(self, left: int) -> None:
        """Take memory until about so many bytes are left; 0 frees it all again."""
        self._hogged = []
        gc.collect()
        try:
            while left and gc.mem_free() > left:
                self._hogged.append(bytes(max(16, min(1024, (gc.mem_free() - left) // 2))))
        except MemoryError:
            pass

    def _obey(self, words: "list[str]") -> None:
        """Carry out one line. Raises ValueError, KeyError or IndexError, having changed nothing."""
        if not words:
            return
        what, rest = words[0], words[1:]
        if what == "pin" and len(rest) == 2:
            if rest[0] not in self._pins:
                raise ValueError("pins are " + ", ".join(sorted(self._pins)))
            self._pins[rest[0]] = _one_of(rest[1])
        elif what == "battery" and len(rest) == 1:
            self._battery = _whole(rest[0], 0, 100)
        elif what == "power" and len(rest) == 1:
            if not _one_of(rest[0]):
                self.ended = "power"
        elif what == "fix" and rest == ["none"]:
            self._fix = None
        elif what == "fix" and len(rest) in (3, 4):
            latitude = _whole(rest[0], -900000000, 900000000)
            longitude = _whole(rest[1], -1800000000, 1800000000)
            accuracy = _whole(rest[2], 0, 65535)
            age = _whole(rest[3], 0, 1 << 30) if len(rest) == 4 else 0
            number = 1 if self._fix is None else self._fix[3] + 1
            self._fix = latitude, longitude, accuracy, number, self.host_rtc.seconds() - age
        elif what == "network" and len(rest) == 1:
            self._switched.on = _one_of(rest[0])
        elif what == "hog" and len(rest) == 1:
            self._hog(_whole(rest[0], 0, 1 << 20))
        elif what == "heap" and not rest:
            gc.collect()
            self.tell("heap", {"used": gc.mem_alloc(), "free": gc.mem_free()})
        elif what == "wake" and rest in (["timer"], ["modem"]):
            pass  # it is awake
        elif what == "quit" and not rest:
            self.ended = "quit"
        else:
            raise ValueError(
                "known are: pin button|tamper|external|input 1|0, battery 0..100, power 0|1, network 0|1, "
                "fix <lat_e7> <lon_e7> <accuracy_m> [age_s], fix none, wake timer|modem, heap, hog <bytes left>, quit"
            )


def _broken(*arguments: object) -> object:
    raise OSError(-258, "as SIAGA_RAISES wants it")


def _serial(name: str) -> object:
    return open(os.getenv(name) or "", "r+b")  # noqa: SIM115


def _one_of(word: str) -> bool:
    if word not in ("0", "1"):
        raise ValueError("it is 1 or 0, not " + word)
    return word == "1"


def _whole(word: str, low: int, high: int) -> int:
    value = int(word)
    if not low <= value <= high:
        raise ValueError("%d is not between %d and %d" % (value, low, high))
    return value


def boards() -> "Iterator[SimulatedBoard]":
    """Yield the board; when it is done, do what comes next. The firmware is loaded anew each time, as on a chip:
    siaga_flash.py."""
    siaga_flash.mount()
    long_texts.language = os.getenv("SIAGA_LANGUAGE") or long_texts.language
    board = SimulatedBoard(siaga_flash.woke_by or POWER)
    if siaga_flash.wrong:
        board.tell("error", {"what": siaga_flash.wrong})
    yield board
    loader = sys.modules.get("siaga_boot")
    if board.ended == "failed" and not (loader is not None and loader.is_trying()):
        raise SystemExit(1)
    woke_by = board.doze() if board.ended == SLEEP else RESET
    if board.ended == "power":
        woke_by = _power_back()
    elif board.ended not in (SLEEP, RESTART, "failed"):
        return
    if not woke_by:
        board.ended = "quit"
    siaga_flash.woke_by = woke_by
    siaga_flash.carried = () if board.ended == "power" else board.carried()


def _power_back() -> str:
    """Wait for the power. Returns "" if it does not come back."""
    while True:
        line = sys.stdin.readline()
        if not line or line.split() == ["quit"]:
            return ""
        if line.split() == ["power", "1"]:
            return POWER


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO
