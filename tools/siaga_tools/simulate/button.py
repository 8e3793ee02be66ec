"""A complete button: a board on the simulated chip, the parts attached to it, and its holder.

Everything here is thread-safe and returns when it has happened; waits have deadlines, in real seconds.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from siaga_tools.board_wiring import BOARDS
from siaga_tools.messages import Trouble
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.gnss import SimulatedGnss
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from siaga_tools.simulate.button_events import DEADLINE_S, ButtonEvents
from siaga_tools.simulate.chip import Chip, ChipListener, ChipParts, ChipState
from siaga_tools.simulate.clock import SimClock
from siaga_tools.simulate.flash_image import BLOCKS, Installer
from siaga_tools.simulate.holder import Holder
from siaga_tools.simulate.silicon_parts import SiliconParts, Traffic
from siaga_tools.virtual_button import ButtonEvent, read_line

# For a 64-bit build, whose objects are larger: some 350 KB of a chip, which has megabytes (firmware/README.md, Memory).
HEAP: Final = "512k"
WIFI: Final = "siaga-simulated"
# Volts of one Li-ion cell by percent, as firmware/siaga/drivers/battery.py reads them.
_CELL: Final = (
    (100, 4150),
    (90, 4050),
    (80, 3970),
    (70, 3900),
    (60, 3850),
    (50, 3800),
    (40, 3770),
    (30, 3740),
    (20, 3700),
    (10, 3620),
    (5, 3500),
    (0, 3300),
)


@dataclass
class Feedback:
    """What the holder perceives now.

    light, second, vibration: on or off; second: the light's other colour, where a board has one
    tone_hz: 0 = silence
    """

    light: bool = False
    second: bool = False
    tone_hz: int = 0
    vibration: bool = False


class ButtonListener:
    """Receives a button's events, from other threads; nothing here may wait."""

    def on_event(self, event: ButtonEvent) -> None:
        """Handle a JSON line of its console."""

    def on_feedback(self, feedback: Feedback) -> None: ...

    def on_traffic(self, traffic: Traffic) -> None: ...

    def on_life(self, life: ChipState, why: str) -> None: ...


@dataclass
class ButtonParts:
    """What a button is made of.

    folder: its flash image, its modem's messages
    settings: as in firmware/README.md
    lorawan: the network in range of its RAK3172, None = it has none
    lorawan_key: the key that the network knows
    heap: of the chip, in MicroPython's notation
    sleep_ppm: as in ChipParts
    """

    folder: Path
    micropython: str
    firmware: Path  # the folder with main.py
    board: str = "t_a7670"
    settings: Mapping[str, Any] = field(default_factory=dict)
    lorawan: NetworkServer | None = None
    lorawan_key: str = "00112233445566778899AABBCCDDEEFF"
    lorawan_dwell: bool = True
    sim: Sim = field(default_factory=Sim)
    heap: str = HEAP
    chip_id: bytes = b"\x24\x0a\xc4\x00\x00\x01"
    sleep_ppm: int = -5000


class SimulatedButton(ChipListener):
    """Enter it, power_on() it.

    holder: the finger on it
    events: its console
    silicon: the parts on its wires, with their own faults and positions
    state, signal, feedback: what it reports and shows now
    """

    def __init__(self, parts: ButtonParts, *, speed: float = 1.0, audience: ButtonListener | None = None) -> None:
        if parts.board not in BOARDS:
            raise Trouble("board_unknown", board=parts.board, known=", ".join(BOARDS))
        self.parts = parts
        self.wiring = BOARDS[parts.board]
        self.clock = SimClock(speed)
        self.feedback = Feedback()
        self.signal = ""
        self.state = ""
        self.device_id = ""
        self.enrol = ""
        self.bauds: dict[tuple[int, int], int] = {}
        self._audience = audience or ButtonListener()
        self._heap = (0, 0)
        self._heap_told = threading.Condition()
        parts.folder.mkdir(parents=True, exist_ok=True)
        self.flash = parts.folder / "flash.img"
        self._installer = Installer(parts.micropython, parts.firmware, parts.folder)
        if not self.flash.exists():
            self._installer.make(self.flash, parts.board)
        self.offer(parts.settings)
        self.silicon = SiliconParts(self.wiring, self.clock, self._audience.on_traffic)
        self.silicon.add_lorawan(parts.lorawan, parts.lorawan_key, parts.lorawan_dwell)
        self.silicon.add_receiver()
        self.silicon.add_modem(parts.folder / "sms", parts.sim, self._ring)
        chip = ChipParts(
            parts.micropython,
            self.flash.resolve(),
            BLOCKS,
            heap=parts.heap,
            chip_id=parts.chip_id,
            wires=self.silicon.wires,
            sleep_ppm=parts.sleep_ppm,
        )
        self.chip = Chip(chip, self.clock, self)
        if self.modem is not None:
            self.chip.skipping.unsettled.append(self.modem.unsettled_s)
        self.events = ButtonEvents(parts.board, lambda: self.life)
        self.holder = Holder(parts.board, self.chip, self.wiring, self.clock, self.events, self.power_cut)

    def __enter__(self) -> Self:
        self.silicon.start()
        self.chip.__enter__()
        for switch in (self.wiring.button, self.wiring.foot_switch, self.wiring.case, self.wiring.mains):
            self.chip.drive(switch.pin, switch.level(False))
        if self.wiring.modem is not None:
            self.chip.drive(self.wiring.modem.ring, 1)
        self.battery(100)
        self.wifi(True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.events.close()
        try:
            self.chip.__exit__(kind, error, trace)
        finally:
            self.silicon.stop()

    @property
    def modem(self) -> A7670 | None:
        return self.silicon.modem

    @property
    def lorawan(self) -> SimulatedRak3172 | None:
        return self.silicon.lorawan

    @property
    def receiver(self) -> SimulatedGnss | None:
        return self.silicon.receiver

    @property
    def life(self) -> ChipState:
        """Return its chip's state of life."""
        return self.chip.life

    # Installer and power

    def offer(self, settings: Mapping[str, Any]) -> None:
        """Copy settings onto the flash; they apply from the next start on. The chip must not be running."""
        file = self.parts.folder / "settings.json"
        file.write_text(json.dumps(dict(settings)), encoding="utf-8")
        self._installer.copy(self.flash, {file: "/settings.json"})

    def power_on(self, *, held: bool = False) -> None:
        """Switch it on. held: with the button pressed."""
        self.holder.power_on(held=held)

    def power_cut(self) -> None:
        """Cut the power of chip, modem and module at once."""
        self.chip.power_off()
        self.silicon.power_cut()

    def brown_out(self) -> None:
        """Dip its supply, whatever the button's contact does: chip, modem and module restart at once."""
        self.power_cut()
        self.chip.power_on()

    def reset(self) -> None:
        """Pulse the chip's reset line only."""
        self.chip.reset()

    # Surroundings

    def mains(self, there: bool) -> None:
        self.chip.drive(self.wiring.mains.pin, self.wiring.mains.level(there))

    def battery(self, percent: float) -> None:
        """Set its cell's voltage by charge in percent; below 0 = no cell."""
        millivolts = 0.0
        for (above, above_mv), (below, below_mv) in pairwise(_CELL):
            if below <= percent <= above:
                millivolts = below_mv + (above_mv - below_mv) * (percent - below) / (above - below)
        self.chip.voltage(self.wiring.cell, int(millivolts * 500))

    def wifi(self, there: bool) -> None:
        """Switch the access point that the settings name, or the default one."""
        self.chip.access_point(str(self.parts.settings.get("wifi_ssid") or WIFI) if there else "")

    def place(self, latitude: float | None, longitude: float = 0.0) -> None:
        """Set its position, degrees; None = no satellites."""
        self.silicon.place(latitude, longitude)

    # Time

    def set_speed(self, speed: float) -> None:
        self.clock.set_speed(speed)

    def set_skips(self, skips: bool) -> None:
        """Set whether idle time is skipped. Raises ValueError with a LoRaWAN module, whose waits run on host time."""
        if skips and self.lorawan is not None:
            raise ValueError("a LoRaWAN module waits in the host's time: nothing can be skipped")
        self.clock.set_skips(skips)

    def skip_sleep(self, margin_s: float = 1.0) -> bool:
        """If it sleeps with a timer, skip to shortly before its end."""
        wakes_at_us = self.chip.wakes_at_us
        if self.life is not ChipState.ASLEEP or wakes_at_us is None:
            return False
        self.clock.jump(max(0.0, (wakes_at_us - self.clock.now_us()) / 1_000_000 - margin_s))
        return True

    def sleep(self, sim_s: float) -> None:
        """Let so many simulated seconds pass."""
        self.clock.until(self.clock.now_us() + int(sim_s * 1_000_000))

    def heap(self, *, deadline_s: float = DEADLINE_S) -> tuple[int, int]:
        """Return the chip's heap in bytes: used after a collection, without the simulation's own part, and free."""
        with self._heap_told:
            self._heap = (0, 0)
        self.chip.ask_heap()
        until = time.monotonic() + deadline_s
        with self._heap_told:
            while self._heap == (0, 0):
                if time.monotonic() > until:
                    raise Trouble("button_silent", name=self.parts.board, what="heap", seconds=f"{deadline_s:g}")
                self._heap_told.wait(1.0)
            used, free = self._heap
        return used - self.chip.heap_base, free

    # ChipListener: from the chip's thread

    def on_console(self, line: str) -> None:
        event = read_line(line)
        match event.kind:
            case "start":
                self.device_id = str(event.facts["device_id"])
                self.enrol = str(event.facts["enrol"])
            case "state":
                self.state = str(event.facts["state"])
            case "indicator":
                self.signal = str(event.facts["signal"])
        self.events.add(event)
        self._audience.on_event(event)

    def on_pin(self, number: int, level: int | None) -> None:
        if number == self.wiring.led:
            self.feedback.light = level == 1
        elif number == self.wiring.second_led:
            self.feedback.second = level == 1
        elif number == self.wiring.vibration:
            self.feedback.vibration = level == 1
        else:
            self.silicon.on_pin(number, level)
            return
        self._audience.on_feedback(self.feedback)

    def on_tone(self, number: int, hz: int, duty: int) -> None:
        if number == self.wiring.buzzer:
            self.feedback.tone_hz = hz if duty else 0
            self._audience.on_feedback(self.feedback)

    def on_uart(self, number: int, baud: int, tx: int, rx: int) -> None:
        self.bauds[tx, rx] = baud
        self.silicon.on_uart(baud, (tx, rx))

    def on_life(self, life: ChipState, why: str) -> None:
        self.events.on_life(why)
        if life is not ChipState.RUNNING:
            self.feedback.tone_hz = 0
        self._audience.on_life(life, why)

    def on_heap(self, used: int, free: int) -> None:
        with self._heap_told:
            self._heap = (used, free)
            self._heap_told.notify_all()

    def _ring(self, low: bool) -> None:
        """Called from the modem's thread."""
        if self.wiring.modem is not None:
            pin = self.wiring.modem.ring
            self.chip.later(lambda: self.chip.drive(pin, 0 if low else 1))
