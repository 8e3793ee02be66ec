"""An ESP32 without silicon: MicroPython's unix port with stand-ins for `machine`, `network` and `esp32`
(silicon/chip/), and here what surrounds a processor: power, reset, watchdog, deep sleep, the part that keeps the time.

The firmware on it is the real one, on a littlefs in a file that is its root. What it says on its console is what a
cable would show; its pins, and what is on its wires, go over a pty of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from siaga_tools.silicon.serial_line import SerialLine
from siaga_tools.simulate.clock import SimClock

CHIP: Final = Path(__file__).resolve().parent.parent / "silicon" / "chip"
BLOCK_BYTES: Final = 4096
# machine.reset_cause() of this port.
POWER_ON, HARD_RESET, WATCHDOG, DEEP_SLEEP = 1, 2, 3, 4
# Bits of RTC_CNTL_WAKEUP_STATE.
EXT0, EXT1, TIMER = 1, 2, 8
# What pads do by themselves while the chip starts or sleeps (ESP32 data sheet, strapping pins); others float.
_PULLED_UP: Final = frozenset({0, 5, 15})
# Pads that the part with the clock holds by itself; the others are held in sleep only where the firmware says so.
_CLOCK_PADS: Final = frozenset({0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, *range(34, 40)})
# From power or wake to the chip's clock, where ESP-IDF tests a PSRAM, and from there to the firmware's first look at
# the button, as estimated for a chip: firmware/README.md.
DARK_MS: Final = 540
LOAD_MS: Final = 1000
_DO_S: Final = 20.0
# What mem_info() prints, and the bytes of a block of this 64-bit port's heap.
_MEMORY: Final = ("mem: ", "stack: ", "GC: ", " No. of 1-blocks: ")
_BLOCK: Final = 32
# What stands in for the chip's own modules lies on the same heap, and takes no less than this of it: the firmware is
# given so much more, and has what it was told. What these make while they run (pins, lines) is the firmware's loss.
STAND_INS: Final = 29 * 1024
# How long nothing may have come or gone before time is skipped, real seconds: whoever is asked answers within it.
QUIET_S: Final = 0.25
# Time is skipped in steps that are no shorter: up to so many simulated microseconds a task may wake late, as on a chip
# that makes a signature.
GRAIN_US: Final = 1_000_000
# However fast time goes: a host that was busy for less is no processor that hangs. Counted in looks, since one that
# stood still has not looked either.
_LOOK_S: Final = 1.0
_LOOKS: Final = 5


def heap_bytes(words: str) -> int:
    """192k, 1m or plain bytes, as MicroPython's -X heapsize has them. Raises ValueError."""
    factor = {"k": 1024, "m": 1024 * 1024}.get(words[-1:].lower(), 1)
    return int(words[:-1] if factor > 1 else words) * factor


class Life(StrEnum):
    OFF = "off"
    RUNNING = "running"
    ASLEEP = "asleep"
    STOPPED = "stopped"  # its program came to an end, which on a chip is the REPL


@dataclass
class Pad:
    """One pin as the chip has it."""

    is_output: bool = False
    level: int = 0
    is_held: bool = False


class Watcher:
    """Whom the chip tells, from its own thread; nothing here may wait."""

    def on_console(self, line: str) -> None:
        """A line of its console."""

    def on_pin(self, number: int, level: int | None) -> None:
        """What it drives on a pin now; None = nothing."""

    def on_tone(self, number: int, hz: int, duty: int) -> None: ...

    def on_uart(self, number: int, baud: int, tx: int, rx: int) -> None: ...

    def on_life(self, life: Life, why: str) -> None: ...

    def on_heap(self, used: int, free: int) -> None:
        """Bytes after a collection: before the firmware began, and whenever asked for."""


@dataclass
class ChipParts:
    """What a chip is made of. heap: what the firmware has, in MicroPython's words. wires: (tx, rx) of a UART: the pty
    at its other end. sleep_ppm: by how much its clock runs fast in deep sleep, in millionths; that of an ESP32, an RC
    oscillator, is off by tenths of a percent to percents. dark_ms: from power or wake until its clock begins; load_ms:
    from there until its firmware is loaded, at least."""

    micropython: str
    flash: Path
    blocks: int
    heap: str = "512k"
    chip_id: bytes = b"\x24\x0a\xc4\x00\x00\x01"
    psram: bool = True
    wires: dict[tuple[int, int], str] = field(default_factory=dict)
    sleep_ppm: int = 0
    environ: dict[str, str] | None = None
    dark_ms: int = DARK_MS
    load_ms: int = LOAD_MS
    calibrated: bool = True


class Chip:
    """Runs in a thread of its own while it is entered, without power at first. All methods may be called from any
    thread. `starts`: how often a program began. `heap_base`: bytes of the heap that the simulation itself takes.
    `is_here`: whether the host's process for this start is there.
    `largest_free`: bytes of the largest free piece when it was last asked."""

    def __init__(self, parts: ChipParts, clock: SimClock, watcher: Watcher) -> None:
        self.parts = parts
        self.life = Life.OFF
        self.starts = 0
        self.heap_base = 0
        self.is_here = False
        self._listens: set[int] = set()
        self.largest_free = 0
        self.quiet_s = QUIET_S
        self.skipped_us = 0
        self.unsettled: list[Callable[[float], float]] = []
        self._wish_us: int | None = None
        self._again: asyncio.TimerHandle | None = None
        self.woke_by = (POWER_ON, 0)
        self.wakes_at_us: int | None = None
        self._clock = clock
        self._watcher = watcher
        self._line = SerialLine()
        self._text = b""
        self._said = b""
        self._complained = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._pads: dict[int, Pad] = {}
        self._driven: dict[int, int | None] = {}
        self._levels: dict[int, int] = {}
        self._microvolts: dict[int, int] = {}
        self._access_point = ("", 0)
        self._sag_uv = 0
        self._holds_all = False
        self._rtc: tuple[int, bytes] | None = None
        self._ext0: tuple[int, int] | None = None
        self._ext1: tuple[tuple[int, ...], int] = ((), 1)
        self._slept_us: int | None = None
        self._guard_ms = 0
        self._guard_us: int | None = None
        self._looks = 0  # since it was fed
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated ESP32", daemon=True)
        clock.listeners.append(lambda: self._call(self._paced))
        clock.on_free.append(lambda: self._call(self._skip))

    # For whoever holds it.

    def power_on(self) -> None:
        self.do(lambda: self._start(POWER_ON, 0, ()) if self.life is not Life.RUNNING else None)

    def power_off(self) -> None:
        """At once, wherever it is; what is on the flash stays as it is."""
        self.do(self._power_off)

    def reset(self) -> None:
        """By its reset line, which this port cannot tell from power."""
        self.do(lambda: self._restart(POWER_ON))

    def drive(self, pin: int, level: int | None) -> None:
        """What the world does to a pin: a level, or nothing. Returns once the chip could see it."""
        self.do(lambda: self._drive(pin, level))

    def voltage(self, pin: int, microvolts: int) -> None:
        def change() -> None:
            self._microvolts[pin] = microvolts
            self._tell(f"adc {pin} {microvolts}")

        self.do(change)

    def run_off(self, seconds: float) -> None:
        """Its clock is so much more ahead than it was, or behind; while it sleeps."""

        def change() -> None:
            assert self._rtc is not None and self.life is Life.ASLEEP
            self._rtc = self._rtc[0] + int(seconds * 1_000_000), self._rtc[1]

        self.do(change)

    def sag(self, microvolts: int) -> None:
        """How much less every analog input reads while a radio sends: its supply is weak."""
        self._sag_uv = microvolts
        self.do(lambda: self._tell(f"sag {microvolts}"))

    def access_point(self, ssid: str, rssi: int = -55) -> None:
        """Which Wi-Fi is in reach; "" = none."""

        def change() -> None:
            self._access_point = (ssid, rssi)
            self._tell(self._wlan())

        self.do(change)

    def wifi_fault(self, fault: str) -> None:
        """What its Wi-Fi driver does at the next connect: "raises" or "hangs"."""
        self.do(lambda: self._tell(f"wlan_fault {fault}"))

    def listens_to(self, pin: int) -> bool:
        """Whether its program has asked for interrupts of this pin since it started."""
        return pin in self._listens

    def ask_heap(self) -> None:
        """Have it collect, and tell on_heap() and, a moment later, `largest_free`."""
        self.do(lambda: self._tell("heap"))

    def do(self, what: Callable[[], None]) -> None:
        """Something that happens to it, in its own thread; returns when it has."""
        if threading.current_thread() is self._thread:
            what()
            return
        done: Future[None] = Future()

        def step() -> None:
            try:
                what()
                done.set_result(None)
            except Exception as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(step)
        done.result(_DO_S)

    def later(self, what: Callable[[], None]) -> None:
        """The same without waiting for it."""
        self._call(what)

    def _call(self, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(what)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self._power_off)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._line.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._line.fileno(), self._hear)
        self._loop.run_forever()

    # Life.

    def _live(self, life: Life, why: str = "") -> None:
        self.life = life
        self._watcher.on_life(life, why)

    def _start(self, cause: int, state: int, pins: tuple[int, ...]) -> None:
        """state: bits of RTC_CNTL_WAKEUP_STATE; pins: of EXT1."""
        self._end_process()
        self._line.read(0)
        self._text = self._said = self._complained = b""
        self._guard_us = self._wish_us = None
        self.wakes_at_us = None
        self._ext0, self._ext1 = None, ((), 1)
        self.woke_by = (cause, state)
        self.starts += 1
        self.heap_base = 0
        self.is_here = False
        self._listens.clear()
        word = self.parts.flash.with_suffix(".word")
        if self._rtc is None:
            self._rtc = (-self._clock.now_us(), b"")
            word.write_text("0", encoding="ascii")
        offset_us, memory = self._rtc
        process = subprocess.Popen(
            [
                self.parts.micropython,
                "-X",
                f"heapsize={heap_bytes(self.parts.heap) + STAND_INS}",
                str(CHIP / "start.py"),
                self._line.path,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **(os.environ if self.parts.environ is None else self.parts.environ),
                "MICROPYPATH": ".frozen",
                **self._faked(),
            },
            start_new_session=True,
        )
        self._process = process
        for stream, take in ((process.stdout, self._read_console), (process.stderr, self._read_complaints)):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._loop.add_reader(stream.fileno(), take, stream.fileno(), process)
        held = [number for number, pad in self._pads.items() if pad.is_held]
        self._live(Life.RUNNING)
        self._tell(self._pace())
        for number, level in self._levels.items():
            self._tell(f"level {number} {level} {self._clock.now_us()}")
        for number, microvolts in self._microvolts.items():
            self._tell(f"adc {number} {microvolts}")
        self._tell(f"sag {self._sag_uv}")
        for (tx, rx), path in self.parts.wires.items():
            self._tell(f"uart {tx} {rx} {path}")
        self._tell(self._wlan())
        self._tell(f"rtc {offset_us} {memory.hex() or '-'}")
        self._tell(f"word {word}")
        self._tell(f"id {self.parts.chip_id.hex()}")
        self._tell(f"psram {int(self.parts.psram)}")
        self._tell(f"held {_listed(held)}")
        self._tell(f"flash {self.parts.flash} {self.parts.blocks}")
        self._tell(f"uncalibrated {int(not self.parts.calibrated)}")
        self._tell(f"start {self.parts.dark_ms * 1000} {self.parts.load_ms * 1000}")
        self._tell(f"boot {cause} {state} {_listed(pins)}")
        self._tell("run")

    def _faked(self) -> dict[str, str]:
        """What has certificates judged by its own clock, where libfaketime is there; else the host's clock judges."""
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            return {}
        ahead = self.parts.flash.with_suffix(".ahead")
        ahead.write_text("+0", encoding="ascii")
        return {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(ahead),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream, read in ((process.stdout, self._read_console), (process.stderr, self._read_complaints)):
            assert stream is not None
            read(stream.fileno(), process)  # what it said before
            self._loop.remove_reader(stream.fileno())
            stream.close()

    def _power_off(self) -> None:
        self._end_process()
        self._unwind()
        self._rtc = self._slept_us = None
        self._pads.clear()
        self._drive_out()
        if self.life is not Life.OFF:
            self._live(Life.OFF)

    def _unwind(self) -> None:
        self._guard_us = self.wakes_at_us = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drift(self) -> None:
        """What its clock ran off while it slept."""
        if self._slept_us is not None and self._rtc is not None:
            offset_us, memory = self._rtc
            off_us = (self._clock.now_us() - self._slept_us) * self.parts.sleep_ppm // 1_000_000
            self._rtc = offset_us + off_us, memory
        self._slept_us = None

    def _restart(self, cause: int) -> None:
        self._end_process()
        self._unwind()
        self._drift()
        self._let_go()
        self._start(cause, 0, ())

    def _let_go(self) -> None:
        """Every pad that is not held does what it does by itself."""
        self._pads = {number: pad for number, pad in self._pads.items() if pad.is_held}
        self._drive_out()

    def _drive_out(self) -> None:
        for number in list({*self._driven, *self._pads, *_PULLED_UP}):
            pad = self._pads.get(number)
            if pad is not None:
                level = pad.level if pad.is_output else None
            else:
                level = 1 if number in _PULLED_UP and self.life is not Life.OFF else None
            if self._driven.get(number) != level:
                self._driven[number] = level
                self._watcher.on_pin(number, level)

    # Deep sleep.

    def _sleep(self, words: list[str]) -> None:
        longest_ms = int(words[0])
        self._ext0 = None if words[1] == "-" else (int(words[1]), int(words[2]))
        pins = () if words[3] == "-" else tuple(int(pin) for pin in words[3].split(","))
        self._ext1 = (pins, int(words[4]))
        self._end_process()
        self._unwind()
        for number, pad in list(self._pads.items()):
            if pad.is_held and number not in _CLOCK_PADS and not self._holds_all:
                pad.is_held = False
        self._let_go()
        if longest_ms >= 0:
            self.wakes_at_us = self._clock.now_us() + longest_ms * 1_000_000_000 // (1_000_000 + self.parts.sleep_ppm)
        self._slept_us = self._clock.now_us()
        self._live(Life.ASLEEP)
        self._look()
        self._set_timer()
        self._skip()

    def _look(self) -> None:
        """Whether something ends the sleep, and all that does. The resistors on the wires are in `_levels`; a pin
        without reads LOW."""
        if self.life is not Life.ASLEEP:
            return
        state = 0
        if self._ext0 is not None and self._levels.get(self._ext0[0], 0) == self._ext0[1]:
            state |= EXT0
        pins, level = self._ext1
        acting = tuple(pin for pin in pins if self._levels.get(pin, 0) == level)
        if acting and (level or len(acting) == len(pins)):
            state |= EXT1
        if self.wakes_at_us is not None and self._clock.now_us() >= self.wakes_at_us:
            state |= TIMER
        if state:
            self._unwind()
            self._drift()
            self._start(DEEP_SLEEP, state, acting if state & EXT1 else ())

    def _paced(self) -> None:
        self._tell(self._pace())
        self._set_timer()
        if self.life is Life.ASLEEP:
            self._skip()

    def _set_timer(self) -> None:
        """For whatever is due first: the end of the sleep, or the watchdog's patience."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.wakes_at_us if self.life is Life.ASLEEP else self._guard_us
        if due is not None:
            left_s = self._clock.real_s((due - self._clock.now_us()) / 1_000_000)
            if self.life is not Life.ASLEEP:
                left_s = min(left_s, _LOOK_S) if left_s > 0 else _LOOK_S
            self._timer = self._loop.call_later(max(0.0, left_s), self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._looks += 1
        now_us = self._clock.now_us()
        if self.life is Life.ASLEEP and self.wakes_at_us is not None and now_us >= self.wakes_at_us:
            self._look()
        elif self._is_hung(now_us):
            self._watcher.on_life(Life.RUNNING, "the watchdog was not fed: reset")
            self._restart(WATCHDOG)
        else:
            self._set_timer()

    def _is_hung(self, now_us: int) -> bool:
        if self.life is not Life.RUNNING or self._guard_us is None or now_us < self._guard_us:
            return False
        return self._looks > _LOOKS

    # What goes in.

    def _tell(self, line: str) -> None:
        if self._process is not None:
            self._line.write(f"{line}\n".encode())

    def _pace(self) -> str:
        sim_us, real_us, permille = self._clock.base()
        return f"clock {sim_us} {real_us} {permille} {int(self.quiet_s * 1000) if self._clock.skips else 0}"

    # Skipping.

    def _skip(self) -> None:
        """Let time pass in a moment until its firmware is awake again, if nobody anywhere is at something."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        wish_us = self.wakes_at_us if self.life is Life.ASLEEP else self._wish_us
        now_us = self._clock.now_us()
        if not self._clock.skips or wish_us is None or wish_us <= now_us:
            return
        wait_s = max((unsettled(self.quiet_s) for unsettled in self.unsettled), default=0.0)
        if wait_s:
            self._again = self._loop.call_later(wait_s, self._skip)
            return
        if self.life is Life.RUNNING:
            wish_us = max(wish_us, now_us + GRAIN_US)
        if self._clock.skip_to(wish_us):
            self._wish_us = None
            self.skipped_us += self._clock.now_us() - now_us

    def _wlan(self) -> str:
        ssid, rssi = self._access_point
        return f"wlan {ssid.replace(' ', '_') or '-'} {rssi}"

    def _drive(self, pin: int, level: int | None) -> None:
        if level is None:
            self._levels.pop(pin, None)
        else:
            self._levels[pin] = level
        self._tell(f"level {pin} {'-' if level is None else level} {self._clock.now_us()}")
        self._look()

    # What comes out.

    def _read_console(self, fileno: int, process: subprocess.Popen[bytes]) -> None:
        self._said, ended = self._read(fileno, self._said, self._take)
        if ended and process is self._process:
            self._loop.remove_reader(fileno)
            self._stopped(process)

    def _take(self, line: str) -> None:
        """Its console's, without what micropython.mem_info() prints."""
        if line.startswith(_MEMORY):
            _, found, blocks = line.partition("max free sz: ")
            self.largest_free = int(blocks) * _BLOCK if found else self.largest_free
        else:
            self._watcher.on_console(line)

    def _read_complaints(self, fileno: int, process: subprocess.Popen[bytes]) -> None:
        self._complained, ended = self._read(fileno, self._complained, self._watcher.on_console)
        if ended and process is self._process:
            self._loop.remove_reader(fileno)

    @staticmethod
    def _read(fileno: int, rest: bytes, take: Callable[[str], None]) -> tuple[bytes, bool]:
        while True:
            try:
                got = os.read(fileno, 65536)
            except BlockingIOError:
                return rest, False
            except OSError:
                return rest, True
            if not got:
                return rest, True
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                take(line.decode("utf-8", "replace").rstrip("\r"))

    def _stopped(self, process: subprocess.Popen[bytes]) -> None:
        """The process ended by itself: a fault of the firmware or of the simulation."""
        code = process.wait()
        self._end_process()
        self._unwind()
        self._live(Life.STOPPED, f"its program ended with {code}")

    def _hear(self) -> None:
        self._text += self._line.read(0)
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            self._obey(line.decode("ascii", "replace").split())

    def _obey(self, words: list[str]) -> None:
        match words:
            case ["pin", number, mode, level, _, held]:
                self._pads[int(number)] = Pad(mode == "out", int(level), held == "1")
                self._drive_out()
            case ["pwm", number, hz, duty]:
                self._watcher.on_tone(int(number), int(hz), int(duty))
            case ["uart", number, baud, tx, rx]:
                self._watcher.on_uart(int(number), int(baud), int(tx), int(rx))
            case ["rtc", offset_us, memory]:
                self._rtc = (int(offset_us), b"" if memory == "-" else bytes.fromhex(memory))
            case ["hold", holds]:
                self._holds_all = holds == "1"
            case ["wdt", milliseconds]:
                self._guard_ms = int(milliseconds)
                self._feed()
            case ["listens", number]:
                self._listens.add(int(number))
            case ["here"]:
                self.is_here = True
            case ["idle", until_us]:
                self._wish_us = int(until_us)
                self._skip()
            case ["awake"]:
                self._wish_us = None
            case ["feed"]:
                self._feed()
            case ["heap", used, free]:
                self.heap_base = self.heap_base or int(used)
                self._watcher.on_heap(int(used), int(free))
            case ["sleep", *rest]:
                self._sleep(rest)
            case ["reset"]:
                self._restart(HARD_RESET)
            case ["ended"]:
                self._end_process()
                self._unwind()
                self._live(Life.STOPPED, "its program came to an end")

    def _feed(self) -> None:
        first = self._guard_us is None
        self._guard_us = self._clock.now_us() + self._guard_ms * 1000
        self._looks = 0
        if first:
            self._set_timer()


def _listed(numbers: tuple[int, ...] | list[int]) -> str:
    return ",".join(str(number) for number in numbers) or "-"
