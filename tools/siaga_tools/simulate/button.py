"""A complete button: a board on the simulated chip, what is soldered and screwed to it, and whoever holds it.

Everything here may be called from any thread and returns when it has happened; waits have deadlines, in real seconds.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.gnss import Mood, SimulatedGnss
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from siaga_tools.silicon.serial_line import SerialLine
from siaga_tools.simulate.chip import Chip, ChipParts, Life, Watcher
from siaga_tools.simulate.clock import SimClock
from siaga_tools.simulate.image import BLOCKS, Installer
from siaga_tools.simulate.wiring import BOARDS, ModemWires
from siaga_tools.virtual_button import ButtonEvent, read_line
from siaga_tools.words import Trouble

# Of a 64-bit build, whose objects are larger: some 350 KB of a chip, which has megabytes (firmware/README.md, Memory).
HEAP: Final = "512k"
HOLD_MARGIN_S: Final = 0.15
_TOUCH_S: Final = 0.2
DEADLINE_S: Final = 60.0
WIFI: Final = "siaga-simulated"
_KEPT: Final = 20_000
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
    """What the holder perceives now. light and vibration: on or off; tone_hz: 0 = silence."""

    light: bool = False
    tone_hz: int = 0
    vibration: bool = False


@dataclass(frozen=True)
class Traffic:
    """What went over a serial line: ">" from the chip, "<" to it. line: modem, lorawan or gnss."""

    at_us: int
    line: str
    way: str
    text: bytes


class Audience:
    """Whom a button tells what happens; from threads of its own, and nothing here may wait."""

    def on_event(self, event: ButtonEvent) -> None:
        """A JSON line of its console."""

    def on_feedback(self, feedback: Feedback) -> None: ...

    def on_traffic(self, traffic: Traffic) -> None: ...

    def on_life(self, life: Life, why: str) -> None: ...


@dataclass
class ButtonParts:
    """What a button is made of. folder: its flash image, its modem's messages. settings: as in firmware/README.md.
    lorawan: the network that its RAK3172 is in reach of, None = it has none; lorawan_key: the key that the network
    knows. heap: of the chip, in MicroPython's words. sleep_ppm: as in ChipParts."""

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


class SimulatedButton(Watcher):
    """Enter it, power_on() it. `modem`, `lorawan`, `receiver` are its silicon, with their own faults and places; None
    where it has none. `events`, `traffic`: so far (the last 20,000). `life`: of its chip."""

    def __init__(self, parts: ButtonParts, *, speed: float = 1.0, audience: Audience | None = None) -> None:
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
        self.traffic: list[Traffic] = []
        self.bauds: dict[tuple[int, int], int] = {}
        self.modem: A7670 | None = None
        self.lorawan: SimulatedRak3172 | None = None
        self.receiver: SimulatedGnss | None = None
        self._audience = audience or Audience()
        self._events: list[ButtonEvent] = []
        self._forgotten = 0
        self._news = threading.Condition()
        self._hand = threading.RLock()
        self._silicon = contextlib.ExitStack()
        self._why = ""
        self._heap = (0, 0)
        self._put_away = False
        parts.folder.mkdir(parents=True, exist_ok=True)
        self.flash = parts.folder / "flash.img"
        self._installer = Installer(parts.micropython, parts.firmware, parts.folder)
        if not self.flash.exists():
            self._installer.make(self.flash, parts.board)
        self.offer(parts.settings)
        wires = self._solder()
        chip = ChipParts(
            parts.micropython,
            self.flash.resolve(),
            BLOCKS,
            heap=parts.heap,
            chip_id=parts.chip_id,
            wires=wires,
            sleep_ppm=parts.sleep_ppm,
        )
        self.chip = Chip(chip, self.clock, self)
        if self.modem is not None:
            self.chip.unsettled.append(self.modem.unsettled_s)

    def _solder(self) -> dict[tuple[int, int], str]:
        """Every part on its wires; a wire without a part leads to nobody."""
        parts, wiring = self.parts, self.wiring
        wires = {}
        for pins, line in (
            (wiring.lorawan, self._solder_lorawan()),
            (wiring.gnss, self._solder_receiver()),
            (None if wiring.modem is None else (wiring.modem.tx, wiring.modem.rx), self._solder_modem(parts)),
        ):
            if pins is not None:
                wires[pins] = (line or self._silicon.enter_context(SerialLine())).path
        self.clock.listeners.append(self._pace)
        return wires

    def _solder_modem(self, parts: ButtonParts) -> SerialLine | None:
        if self.wiring.modem is None:
            return None
        pace = self.clock.real_s(1)
        self.modem = A7670(parts.folder / "sms", pace=pace, sim=parts.sim, model=self.wiring.modem.model)
        self.modem.line.trace = self._tracer("modem")
        self.modem.on_ring = self._ring
        return self.modem.line

    def _solder_lorawan(self) -> SerialLine | None:
        parts = self.parts
        if parts.lorawan is None:
            return None
        self.lorawan = SimulatedRak3172(
            parts.lorawan, app_key=parts.lorawan_key, dwell=parts.lorawan_dwell, speed=self.clock.speed
        )
        self.lorawan.line.trace = self._tracer("lorawan")
        return self.lorawan.line

    def _solder_receiver(self) -> SerialLine | None:
        if self.wiring.gnss is None:
            return None
        self.receiver = SimulatedGnss(now=self._now, pause=self._next_second, turn=self.clock.held)
        self.receiver.mood = Mood.NO_SKY
        self.receiver.line.trace = self._tracer("gnss")
        return self.receiver.line

    def _pace(self) -> None:
        if self.modem is not None:
            self.modem.pace = self.clock.real_s(1)
        if self.lorawan is not None:
            self.lorawan.speed = self.clock.speed

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now_us() / 1_000_000, UTC)

    def _next_second(self, is_over: Callable[[], bool]) -> bool:
        return self.clock.until(self.clock.now_us() + 1_000_000, is_over)

    def __enter__(self) -> Self:
        for part in (self.modem, self.lorawan, self.receiver):
            if part is not None:
                self._silicon.enter_context(part)
        if self.modem is not None and self.wiring.modem is not None:
            if self.wiring.modem.supply is not None:
                self.modem.press_line("supply", False)
            if self.wiring.modem.flight is not None:
                self.modem.press_line("flight", False)
        self._silicon.enter_context(self.chip)
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
        with self._news:
            self._put_away = True
            self._news.notify_all()
        self._silicon.close()

    # The installer.

    def offer(self, settings: Mapping[str, Any]) -> None:
        """Copy settings onto the flash; they hold from the next start on. The chip must not run."""
        file = self.parts.folder / "settings.json"
        file.write_text(json.dumps(dict(settings)), encoding="utf-8")
        self._installer.copy(self.flash, {file: "/settings.json"})

    # Power.

    def power_on(self, *, held: bool = False) -> None:
        """Switch it on; held: with the button pressed."""
        self._contact("button", held)
        self.chip.power_on()

    def power_cut(self) -> None:
        """Everything without current at once: chip, modem, module."""
        self.chip.power_off()
        if self.modem is not None:
            self.modem.press_line("supply", False)
            if self.wiring.modem is not None and self.wiring.modem.supply is None:
                self.modem.press_line("supply", True)
            self.modem.do(lambda: None)  # it is off when this returns
        if self.lorawan is not None:
            self.lorawan.power_cycle()

    def brown_out(self) -> None:
        """Its supply dips, whatever the finger does: chip, modem and module start anew at once."""
        self.power_cut()
        self.chip.power_on()

    def reset(self) -> None:
        """The chip's reset line alone."""
        self.chip.reset()

    @property
    def life(self) -> Life:
        return self.chip.life

    # The human.

    def press(self, hold_s: float = 2.0) -> None:
        """Hold it for so long (simulated seconds) after it was felt, then let go."""
        with self._hand, self.clock.paced():
            mark = self.mark()
            self._contact("button", True)
            try:
                self.wait_for(lambda event: event.kind == "button" and event.facts["down"] is True, after=mark)
                self.sleep(hold_s + HOLD_MARGIN_S)
            finally:
                self._contact("button", False)

    def cancel(self, hold_s: float = 6.5) -> None:
        """In the middle between the two cancels: a free one counts only what the chip saw of it."""
        with self._at_hand_pace():
            self.press(hold_s)

    def duress(self, hold_s: float = 8.0) -> None:
        with self._at_hand_pace():
            self.press(hold_s)

    def tap(self, times: int = 3) -> None:
        """Short taps, a third of a second apart."""
        with self._hand, self.clock.paced():
            for _ in range(times):
                self._contact("button", True)
                self.sleep(0.15)
                self._contact("button", False)
                self.sleep(0.2)

    def test(self) -> None:
        """Switch it off, and ask for a test as it is switched on."""
        self.power_cut()
        self.power_on_for_test()

    def power_on_for_test(self) -> None:
        """Switch it on with the button held, let go at once, and touch it as soon as the light asks for that."""
        with self._hand, self.clock.paced(), self._at_hand_pace():
            mark = self.mark()
            self.power_on(held=True)
            try:
                until = time.monotonic() + DEADLINE_S
                while not self.chip.listens_to(self.wiring.button.pin):
                    if time.monotonic() > until:
                        raise Trouble("button_silent", name=self.parts.board, what="start", seconds=f"{DEADLINE_S:g}")
                    time.sleep(0.005)
                self.sleep(_TOUCH_S)
            finally:
                self._contact("button", False)
            self.wait_signal("press_for_test", after=mark)
            self.touch()

    def touch(self) -> None:
        """As short as it is felt."""
        with self._hand, self.clock.paced(), self._at_hand_pace():
            mark = self.mark()
            self._contact("button", True)
            try:
                self.wait_for(lambda event: event.kind == "button" and event.facts["down"] is True, after=mark)
            finally:
                self._contact("button", False)

    @contextlib.contextmanager
    def _at_hand_pace(self) -> Iterator[None]:
        """No faster than real: on a busy machine a short touch would become a long one."""
        speed = self.clock.speed
        self.set_speed(min(speed, 1.0))
        try:
            yield
        finally:
            self.set_speed(speed)

    def hold(self, down: bool) -> None:
        """The finger alone."""
        self._contact("button", down)

    def tamper(self, is_open: bool) -> None:
        self._contact("case", is_open)

    def foot_switch(self, closed: bool) -> None:
        self._contact("foot_switch", closed)

    # The surroundings.

    def mains(self, there: bool) -> None:
        self._contact("mains", there)

    def battery(self, percent: float) -> None:
        """Its cell's voltage at so many percent; below 0 no cell."""
        millivolts = 0.0
        for (above, above_mv), (below, below_mv) in pairwise(_CELL):
            if below <= percent <= above:
                millivolts = below_mv + (above_mv - below_mv) * (percent - below) / (above - below)
        self.chip.voltage(self.wiring.cell, int(millivolts * 500))

    def wifi(self, there: bool) -> None:
        """The access point that the settings name, or the usual one."""
        self.chip.access_point(str(self.parts.settings.get("wifi_ssid") or WIFI) if there else "")

    def place(self, latitude: float | None, longitude: float = 0.0) -> None:
        """Where it is, degrees; None = no satellites."""
        if self.modem is not None:
            self.modem.place = None if latitude is None else (latitude, longitude)
        if self.receiver is not None:
            there = None if latitude is None else (round(latitude * 1e7), round(longitude * 1e7))
            self.receiver.mood = Mood.NO_SKY if there is None else Mood.WELL
            self.receiver.place = there

    def set_speed(self, speed: float) -> None:
        self.clock.set_speed(speed)

    def set_skips(self, skips: bool) -> None:
        """Whether time in which nothing happens passes in a moment. Raises ValueError with a LoRaWAN module, whose
        waits go by the host's time."""
        if skips and self.lorawan is not None:
            raise ValueError("a LoRaWAN module waits in the host's time: nothing can be skipped")
        self.clock.set_skips(skips)

    def skip_sleep(self, margin_s: float = 1.0) -> bool:
        """If it sleeps with an alarm clock, let the time until shortly before it pass in a moment."""
        wakes_at_us = self.chip.wakes_at_us
        if self.life is not Life.ASLEEP or wakes_at_us is None:
            return False
        self.clock.jump(max(0.0, (wakes_at_us - self.clock.now_us()) / 1_000_000 - margin_s))
        return True

    def sleep(self, sim_s: float) -> None:
        """Let so many simulated seconds pass."""
        self.clock.until(self.clock.now_us() + int(sim_s * 1_000_000))

    def _contact(self, name: str, acts: bool) -> None:
        switch = getattr(self.wiring, name)
        self.chip.drive(switch.pin, switch.level(acts))

    # What it says.

    @property
    def events(self) -> list[ButtonEvent]:
        with self._news:
            return list(self._events)

    def mark(self) -> int:
        """A place in the stream of events: wait_for(after=mark) sees only what comes later."""
        with self._news:
            return self._forgotten + len(self._events)

    def wait_for(
        self,
        wanted: Callable[[ButtonEvent], bool],
        *,
        after: int = 0,
        deadline_s: float = DEADLINE_S,
        what: str = "event",
    ) -> ButtonEvent:
        """The first event from `after` on that is wanted. Raises Trouble: `button_silent` at the deadline,
        `button_ended` where its program ended."""
        until = time.monotonic() + deadline_s
        at = after
        with self._news:
            while True:
                for event in self._events[max(0, at - self._forgotten) :]:
                    if wanted(event):
                        return event
                at = self._forgotten + len(self._events)
                if self._put_away or self.life is Life.STOPPED:
                    raise Trouble("button_ended", name=self.parts.board, code=self._why, why=self.last_words())
                left_s = until - time.monotonic()
                if left_s <= 0:
                    raise Trouble("button_silent", name=self.parts.board, what=what, seconds=f"{deadline_s:g}")
                self._news.wait(min(left_s, 1.0))

    def wait_state(self, state: str, *, after: int = 0, deadline_s: float = DEADLINE_S) -> ButtonEvent:
        """Until it says that it is in this state: armed, sending, received, ..."""
        return self.wait_for(
            lambda event: event.kind == "state" and event.facts["state"] == state,
            after=after,
            deadline_s=deadline_s,
            what=state,
        )

    def wait_signal(self, signal: str, *, after: int = 0, deadline_s: float = DEADLINE_S) -> ButtonEvent:
        """Until it shows this signal."""
        return self.wait_for(
            lambda event: event.kind == "indicator" and event.facts["signal"] == signal,
            after=after,
            deadline_s=deadline_s,
            what=signal,
        )

    def wait_bearer(
        self, bearer: str, up: bool = True, *, after: int = 0, deadline_s: float = DEADLINE_S
    ) -> ButtonEvent:
        """Until this way is up, or down."""
        return self.wait_for(
            lambda event: event.kind == "bearer" and event.facts["bearer"] == bearer and event.facts["up"] is up,
            after=after,
            deadline_s=deadline_s,
            what=f"bearer {bearer}",
        )

    def wait_life(self, life: Life, *, deadline_s: float = DEADLINE_S) -> None:
        """Until its chip is in this state."""
        until = time.monotonic() + deadline_s
        with self._news:
            while self.life is not life:
                left_s = until - time.monotonic()
                if left_s <= 0 or self._put_away:
                    raise Trouble("button_silent", name=self.parts.board, what=life, seconds=f"{deadline_s:g}")
                self._news.wait(min(left_s, 1.0))

    def heap(self, *, deadline_s: float = DEADLINE_S) -> tuple[int, int]:
        """Bytes of the chip's heap that are used after a collection, without those of the simulation, and free."""
        with self._news:
            self._heap = (0, 0)
        self.chip.ask_heap()
        until = time.monotonic() + deadline_s
        with self._news:
            while self._heap == (0, 0):
                if time.monotonic() > until:
                    raise Trouble("button_silent", name=self.parts.board, what="heap", seconds=f"{deadline_s:g}")
                self._news.wait(1.0)
            used, free = self._heap
        return used - self.chip.heap_base, free

    def last_words(self) -> str:
        """The last thing that it said went wrong."""
        for event in reversed(self._events):
            if event.kind == "error":
                return str(event.facts.get("what", ""))
        return "-"

    # Watcher: from the chip's thread.

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
        with self._news:
            self._events.append(event)
            if len(self._events) > 2 * _KEPT:
                self._forgotten += _KEPT
                del self._events[:_KEPT]
            self._news.notify_all()
        self._audience.on_event(event)

    def on_pin(self, number: int, level: int | None) -> None:
        wiring = self.wiring
        if number in (wiring.led, wiring.vibration):
            if number == wiring.led:
                self.feedback.light = level == 1
            else:
                self.feedback.vibration = level == 1
            self._audience.on_feedback(self.feedback)
        elif number == wiring.lorawan_reset and self.lorawan is not None:
            self.lorawan.reset_line(level == 0)
        elif wiring.modem is not None and self.modem is not None:
            self._modem_line(wiring.modem, self.modem, number, level == 1)
        elif number == wiring.gnss_supply and self.receiver is not None:
            self.receiver.powered = level == 1

    @staticmethod
    def _modem_line(wires: ModemWires, modem: A7670, number: int, acts: bool) -> None:
        for name, pin in (
            ("power_key", wires.key),
            ("reset", wires.reset),
            ("dtr", wires.dtr),
            ("supply", wires.supply),
            ("flight", wires.flight),
        ):
            if pin == number:
                modem.press_line(name, acts)

    def on_tone(self, number: int, hz: int, duty: int) -> None:
        if number == self.wiring.buzzer:
            self.feedback.tone_hz = hz if duty else 0
            self._audience.on_feedback(self.feedback)

    def on_uart(self, number: int, baud: int, tx: int, rx: int) -> None:
        self.bauds[tx, rx] = baud
        if self.receiver is not None and (tx, rx) == self.wiring.gnss:
            self.receiver.heard_at = baud

    def on_life(self, life: Life, why: str) -> None:
        with self._news:
            self._why = why
            self._news.notify_all()
        if life is not Life.RUNNING:
            self.feedback.tone_hz = 0
        self._audience.on_life(life, why)

    def on_heap(self, used: int, free: int) -> None:
        with self._news:
            self._heap = (used, free)
            self._news.notify_all()

    def _ring(self, low: bool) -> None:
        """From the modem's thread."""
        if self.wiring.modem is not None:
            pin = self.wiring.modem.ring
            self.chip.later(lambda: self.chip.drive(pin, 0 if low else 1))

    def _tracer(self, line: str) -> Callable[[str, bytes], None]:
        def trace(way: str, text: bytes) -> None:
            traffic = Traffic(self.clock.now_us(), line, way, text)
            if len(self.traffic) >= _KEPT:
                del self.traffic[: _KEPT // 2]
            self.traffic.append(traffic)
            self._audience.on_traffic(traffic)

        return trace
