"""A simulated ESP32: MicroPython's unix port with stand-ins for `machine`, `network` and `esp32` (silicon/chip/), and
here what surrounds a processor: power, reset, watchdog, deep sleep, the RTC.

The firmware on it is the real one, on a littlefs in a file that is its root. Its console output is what a cable would
show; its pins, and its wires, go over a pty of their own.
"""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from siaga_tools.silicon.loop_thread import LoopThread
from siaga_tools.silicon.pty_line import PtyLine
from siaga_tools.simulate.chip_idle_time import ChipSkipping
from siaga_tools.simulate.chip_pads import ChipPads, Pad, listed
from siaga_tools.simulate.chip_process import ChipProcess, heap_option, judged_by_its_own_clock
from siaga_tools.simulate.chip_sleep import ChipSleep
from siaga_tools.simulate.chip_watchdog import LOOK_S, ChipWatchdog
from siaga_tools.simulate.clock import SimClock

CHIP: Final = Path(__file__).resolve().parent.parent / "silicon" / "chip"
BLOCK_BYTES: Final = 4096
# machine.reset_cause() of this port.
POWER_ON, HARD_RESET, WATCHDOG, DEEP_SLEEP = 1, 2, 3, 4
# From power or wake to the chip's clock, while ESP-IDF tests a PSRAM, and from there to the firmware's first sample of
# the button, as estimated for a chip: firmware/README.md.
DARK_MS: Final = 540
LOAD_MS: Final = 1000


class ChipState(StrEnum):
    OFF = "off"
    RUNNING = "running"
    ASLEEP = "asleep"
    STOPPED = "stopped"  # its program ended, which on a chip leads to the REPL


class ChipListener:
    """Receives the chip's events, in its own thread; nothing here may wait."""

    def on_console(self, line: str) -> None:
        """Handle a line of its console."""

    def on_pin(self, number: int, level: int | None) -> None:
        """Handle what it now drives on a pin; None = nothing."""

    def on_tone(self, number: int, hz: int, duty: int) -> None: ...

    def on_uart(self, number: int, baud: int, tx: int, rx: int) -> None: ...

    def on_life(self, life: ChipState, why: str) -> None: ...

    def on_heap(self, used: int, free: int) -> None:
        """Handle the heap's bytes after a collection: before the firmware started, and on request."""


@dataclass
class ChipParts:
    """What a chip is made of. heap: for the firmware, in MicroPython's notation. wires: (tx, rx) of a UART: the pty at
    its other end. sleep_ppm: how much its clock runs fast in deep sleep, in ppm; an ESP32's RC oscillator is off by
    tenths of a percent to percents. dark_ms: from power or wake until its clock starts. load_ms: from there until its
    firmware is loaded, at least."""

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
    """Runs in its own thread while entered, initially without power. All methods are thread-safe.

    `starts`: how often a program started. `heap_base`: bytes of the heap that the simulation itself takes. `is_here`:
    whether the host's process for this start exists. `process`: the running program. `pads`: its pins. `deep_sleep`:
    what ends that. `skipping`: skips idle time.
    """

    def __init__(self, parts: ChipParts, clock: SimClock, watcher: ChipListener) -> None:
        self.parts = parts
        self.life = ChipState.OFF
        self.starts = 0
        self.heap_base = 0
        self.is_here = False
        self._clock = clock
        self._watcher = watcher
        self._thread = LoopThread("simulated ESP32")
        self.do = self._thread.do
        self.later = self._thread.later
        self.process = ChipProcess(self._thread.loop, watcher.on_console, self._stopped)
        self.pads = ChipPads(watcher.on_pin)
        self.deep_sleep = ChipSleep(clock, self.pads, parts.sleep_ppm)
        self.skipping = ChipSkipping(self._thread.loop, clock, self.deep_sleep)
        self._watchdog = ChipWatchdog(clock)
        self._timer: asyncio.TimerHandle | None = None
        self._line = PtyLine()
        self._text = b""
        self._microvolts: dict[int, int] = {}
        self._access_point = ("", 0)
        self._sag_uv = 0
        clock.listeners.append(lambda: self.later(self._paced))
        clock.on_free.append(lambda: self.later(self.skipping.skip))

    # For the outside

    def power_on(self) -> None:
        self.do(lambda: self._start(POWER_ON, 0, ()) if self.life is not ChipState.RUNNING else None)

    def power_off(self) -> None:
        """Cut the power at once, wherever it is; the flash stays as it is."""
        self.do(self._power_off)

    def reset(self) -> None:
        """Pulse its reset line, which this port cannot tell from power."""
        self.restart(POWER_ON)

    def restart(self, cause: int) -> None:
        """Restart at once, for this cause: a machine.reset_cause()."""
        self.do(lambda: self._restart(cause))

    def drive(self, pin: int, level: int | None) -> None:
        """Drive a pin: a level, or None. Returns once the chip could see it."""
        self.do(lambda: self._drive(pin, level))

    def voltage(self, pin: int, microvolts: int) -> None:
        def change() -> None:
            self._microvolts[pin] = microvolts
            self._tell(f"adc {pin} {microvolts}")

        self.do(change)

    def run_off(self, seconds: float) -> None:
        """Shift its clock by this much; while it sleeps."""

        def change() -> None:
            assert self.life is ChipState.ASLEEP
            self.deep_sleep.run_off(seconds)

        self.do(change)

    def sag(self, microvolts: int) -> None:
        """Set how much less every analog input reads while a radio sends: its supply is weak."""
        self._sag_uv = microvolts
        self.do(lambda: self._tell(f"sag {microvolts}"))

    def access_point(self, ssid: str, rssi: int = -55) -> None:
        """Set which Wi-Fi is in range; "" = none."""

        def change() -> None:
            self._access_point = (ssid, rssi)
            self._tell(self._wlan())

        self.do(change)

    def wifi_fault(self, fault: str) -> None:
        """Set its Wi-Fi driver's fault at the next connect: "raises" or "hangs"."""
        self.do(lambda: self._tell(f"wlan_fault {fault}"))

    def ask_sample(self, pin: int) -> threading.Event:
        """Return what is set once its program has taken a sample of this pin, begun from now on; -1 = of any."""
        sampled = threading.Event()
        self.do(lambda: self.pads.ask(pin, sampled, self._tell))
        return sampled

    def ask_heap(self) -> None:
        """Have it collect, and report to on_heap() and, a moment later, `process.largest_free`."""
        self.do(lambda: self._tell("heap"))

    @property
    def wakes_at_us(self) -> int | None:
        """Return when its timer ends its sleep, None = it has none."""
        return self.deep_sleep.wakes_at_us

    def __enter__(self) -> Self:
        self._thread.loop.add_reader(self._line.fileno(), self._hear)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self._power_off)
        self._thread.stop()
        self._line.close()

    # Lifecycle

    def _live(self, life: ChipState, why: str = "") -> None:
        self.life = life
        self._watcher.on_life(life, why)

    def _start(self, cause: int, state: int, pins: tuple[int, ...]) -> None:
        """Start. state: bits of RTC_CNTL_WAKEUP_STATE. pins: of EXT1."""
        self.process.end()
        self._line.drop()
        self._text = b""
        self._watchdog.off()
        self.skipping.wish_us = None
        self.deep_sleep.awake()
        self.starts += 1
        self.heap_base = 0
        self.is_here = False
        self.pads.listened_to.clear()
        parts = self.parts
        word = parts.flash.with_suffix(".word")
        if self.deep_sleep.rtc is None:
            word.write_bytes(bytes(4))
        offset_us, memory = self.deep_sleep.power_on()
        command = [parts.micropython, "-X", heap_option(parts.heap), str(CHIP / "start.py"), self._line.path]
        mine = os.environ if parts.environ is None else parts.environ
        self.process.start(command, {**mine, "MICROPYPATH": ".frozen", **judged_by_its_own_clock(parts.flash)})
        held = self.pads.held
        self._live(ChipState.RUNNING)
        self._tell(self._pace())
        for number, level in self.pads.levels.items():
            self._tell(f"level {number} {level} {self._clock.now_us()}")
        for number, microvolts in self._microvolts.items():
            self._tell(f"adc {number} {microvolts}")
        self._tell(f"sag {self._sag_uv}")
        for (tx, rx), path in parts.wires.items():
            self._tell(f"uart {tx} {rx} {path}")
        self._tell(self._wlan())
        self._tell(f"rtc {offset_us} {memory.hex() or '-'}")
        self._tell(f"word {word}")
        self._tell(f"id {parts.chip_id.hex()}")
        self._tell(f"psram {int(parts.psram)}")
        self._tell(f"held {listed(held)}")
        self._tell(f"flash {parts.flash} {parts.blocks}")
        self._tell(f"uncalibrated {int(not parts.calibrated)}")
        self._tell(f"start {parts.dark_ms * 1000} {parts.load_ms * 1000}")
        self._tell(f"boot {cause} {state} {listed(pins)}")
        self._tell("run")

    def _power_off(self) -> None:
        self._end()
        self.deep_sleep.power_off()
        self.pads.power_off(self.life is not ChipState.OFF)
        if self.life is not ChipState.OFF:
            self._live(ChipState.OFF)

    def _end(self) -> None:
        """End its program, and everything scheduled for it."""
        self.process.end()
        self._watchdog.off()
        self.deep_sleep.wakes_at_us = None
        self._stop_timer()

    def _restart(self, cause: int) -> None:
        self._end()
        self.deep_sleep.drift()
        self.pads.let_go(self.life is not ChipState.OFF)
        self._start(cause, 0, ())

    def _stopped(self, code: int) -> None:
        self._end()
        self._live(ChipState.STOPPED, f"its program ended with {code}")

    # Deep sleep, and what is due

    def _sleep(self, words: list[str]) -> None:
        self._end()
        self.pads.sleep()
        self.deep_sleep.begin(words)
        self._live(ChipState.ASLEEP)
        self._look()
        self._set_timer()
        self.skipping.skip()

    def _look(self) -> None:
        """Check whether anything ends the sleep, and collect all that does."""
        if self.life is not ChipState.ASLEEP:
            return
        state, pins = self.deep_sleep.ends()
        if state:
            self._stop_timer()
            self.deep_sleep.drift()
            self._start(DEEP_SLEEP, state, pins)

    def _paced(self) -> None:
        self._tell(self._pace())
        self._set_timer()
        if self.life is ChipState.ASLEEP:
            self.skipping.skip()

    def _set_timer(self) -> None:
        """Schedule what is due first: the end of the sleep, or the watchdog's time-out."""
        self._stop_timer()
        asleep = self.life is ChipState.ASLEEP
        due_us = self.deep_sleep.wakes_at_us if asleep else self._watchdog.due_us
        if due_us is not None:
            left_s = self._clock.real_s((due_us - self._clock.now_us()) / 1_000_000)
            if not asleep:
                left_s = min(left_s, LOOK_S) if left_s > 0 else LOOK_S
            self._timer = self._thread.loop.call_later(max(0.0, left_s), self._on_time)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self) -> None:
        self._timer = None
        hangs = self._watchdog.look()
        if self.life is ChipState.ASLEEP and self.deep_sleep.is_over():
            self._look()
        elif self.life is ChipState.RUNNING and hangs:
            self._watcher.on_life(ChipState.RUNNING, "the watchdog was not fed: reset")
            self._restart(WATCHDOG)
        else:
            self._set_timer()

    # Input

    def _tell(self, line: str) -> None:
        if self.process.pid is not None:
            self._line.write(f"{line}\n".encode())

    def _pace(self) -> str:
        return f"clock {self.skipping.quiet_ms} {' '.join(map(str, self._clock.base()))}"

    def _wlan(self) -> str:
        ssid, rssi = self._access_point
        return f"wlan {ssid.replace(' ', '_') or '-'} {rssi}"

    def _drive(self, pin: int, level: int | None) -> None:
        if level is None:
            self.pads.levels.pop(pin, None)
        else:
            self.pads.levels[pin] = level
        self._tell(f"level {pin} {'-' if level is None else level} {self._clock.now_us()}")
        self._look()

    # Output

    def _hear(self) -> None:
        self._text += self._line.read(0)
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            self._obey(line.decode("ascii", "replace").split())

    def _obey(self, words: list[str]) -> None:
        match words:
            case ["pin", number, mode, level, _, held]:
                self.pads.put(int(number), Pad(mode == "out", int(level), held == "1"))
            case ["pwm", number, hz, duty]:
                self._watcher.on_tone(int(number), int(hz), int(duty))
            case ["uart", number, baud, tx, rx]:
                self._watcher.on_uart(int(number), int(baud), int(tx), int(rx))
            case ["rtc", offset_us, memory]:
                self.deep_sleep.rtc = (int(offset_us), b"" if memory == "-" else bytes.fromhex(memory))
            case ["hold", holds]:
                self.pads.holds_all = holds == "1"
            case ["wdt", milliseconds]:
                self._watchdog.patience_ms = int(milliseconds)
                self._feed()
            case ["listens", number]:
                self.pads.listened_to.add(int(number))
            case ["ahead", sim_us]:
                self._clock.catch_up(int(sim_us))
            case ["sampled", number]:
                self.pads.on_sampled(int(number))
            case ["here"]:
                self.is_here = True
            case ["idle", until_us]:
                self.skipping.wish_us = int(until_us)
                self.skipping.skip()
            case ["awake"]:
                self.skipping.wish_us = None
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
                self._end()
                self._live(ChipState.STOPPED, "its program came to an end")

    def _feed(self) -> None:
        first = self._watchdog.due_us is None
        self._watchdog.feed()
        if first:
            self._set_timer()
