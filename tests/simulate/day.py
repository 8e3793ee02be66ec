"""A day in the life of a button, compressed: three shifts alike, each with presses, outages, failing radios, forgers
and a gateway that does not answer; and what its heap did meanwhile.

What happens is timed in hours of a shift of eight; a shorter one has all of it, faster. Time in which nothing happens
is skipped (SimClock.skips).
"""

from __future__ import annotations

import base64
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import paho.mqtt.client as paho
from broker_certificates import Authority
from small_gateway import SmallGateway

from brokers import Mosquitto, free_port
from micropython import FIRMWARE, micropython
from siaga_gateway.domain.frame import CommandCode, Kind, Stage, encode_command
from siaga_tools.silicon.a7670 import Fault
from siaga_tools.silicon.gnss import Mood
from siaga_tools.silicon.modem_sms import Message, read_message, write_message
from siaga_tools.simulate.button import WIFI, Audience, ButtonParts, SimulatedButton
from siaga_tools.simulate.chip import Life
from siaga_tools.virtual_button import ButtonEvent

SHIFTS: Final = 3
HOURS: Final = 8.0  # of a shift, as the script below counts
HEAPS: Final = {"esp32_devkit": "240k", "t_a7670": "272k"}
NUMBER: Final = "+6281100000110"
HOME: Final = (-5.4292, 105.2613)
# Simulated seconds in one real second while somebody is at something: a modem's shortest deadline is still 0.3 s then.
SPEED: Final = 15.0
_MINUTE_US: Final = 60_000_000
_POST_US: Final = 5_000_000  # how often messages are carried
_REAL_S: Final = 60.0
_TRIES: Final = 60


class DayGateway(SmallGateway):
    """Also by text message; `subscribed` counts how often a broker let it."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.subscribed = 0
        self.silent = False
        self.answers = lambda uplink: not self.silent
        self.down: Callable[[bytes], None] | None = None  # by message, beside the broker
        self._client.on_subscribe = self._on_subscribe

    def _on_subscribe(self, *_: object) -> None:
        self.subscribed += 1
        self._ready.set()

    def send(self, device_id: bytes, payload: bytes) -> None:
        super().send(device_id, payload)
        if self.down is not None:
            self.down(payload)

    def take(self, frame: bytes, device_id: str) -> None:
        """One that came by text message."""
        message = paho.MQTTMessage(topic=f"siaga/v1/up/{device_id}".encode())
        message.payload = frame
        self._on_message(self._client, None, message)


class Ear(Audience):
    """What of its events the day is judged by; the button itself forgets."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.pressed: list[int] = []
        self.acknowledged: list[int] = []
        self.starts = 0
        self.downs: dict[str, int] = {}

    def on_event(self, event: ButtonEvent) -> None:
        facts = event.facts
        if event.kind == "error":
            self.errors.append(str(facts["what"]))
        elif event.kind == "start":
            self.starts += 1
        elif event.kind == "bearer" and not facts["up"]:
            name = str(facts["bearer"])
            self.downs[name] = self.downs.get(name, 0) + 1
        elif event.kind == "frame" and facts["kind"] == Kind.PRESS:
            if facts["step"] == "stored":
                self.pressed.append(int(facts["counter"]))
            elif facts["step"] == "acknowledged":
                self.acknowledged.append(int(facts["counter"]))


@dataclass(frozen=True)
class Sample:
    """minute: of the day. used, free, largest: bytes after a collection. calm: armed, with nothing else going on."""

    minute: int
    used: int
    free: int
    largest: int
    calm: bool


@dataclass
class Figures:
    """What a day came to."""

    board: str
    heap: str
    samples: list[Sample] = field(default_factory=list)
    simulated_s: float = 0.0
    real_s: float = 0.0
    skipped_s: float = 0.0
    pressed: list[int] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    received: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    downs: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    waiting: int = -1  # frames in its outbox, as its last check-in told
    restarts: int = 0
    frames: int = 0
    unseen: list[str] = field(default_factory=list)  # what an operator did and the button never showed

    def low_water(self, part: int, of: int) -> int:
        """The least free heap in one of so many parts of the day, all alike; the first minutes are warm-up."""
        return min(sample.free for sample in self._part(part, of))

    def calm_water(self, part: int, of: int) -> int:
        """The same while nothing was going on."""
        return min(sample.free for sample in self._part(part, of) if sample.calm)

    def calm_usual(self, part: int, of: int) -> float:
        """The median while nothing was going on: one look may catch what is under way, half of them do not."""
        return statistics.median(sample.free for sample in self._part(part, of) if sample.calm)

    def _part(self, part: int, of: int) -> list[Sample]:
        warm = self.samples[2:]
        return warm[len(warm) * part // of : len(warm) * (part + 1) // of]

    @property
    def memory_errors(self) -> list[str]:
        return [error for error in self.errors if "MemoryError" in error or "memory allocation" in error]

    @property
    def deaths(self) -> list[str]:
        return [error for error in self.errors if error.startswith("task ")]


class Day:
    """run() it once. image: a flash image of the board with the firmware on it, which becomes this button's own.
    quiet_s: how long, in real seconds, the broker and the gateway may take for an answer before time goes on."""

    def __init__(
        self, folder: Path, board: str, *, hours: float = 24.0, heap: str | None = None, quiet_s: float = 0.15
    ) -> None:
        self.figures = Figures(board, heap or HEAPS[board])
        self._folder = folder
        self._board = board
        self._quiet_s = quiet_s
        self._scale = hours / SHIFTS / HOURS
        self._ear = Ear()
        self._minute = 0
        self._place = HOME
        self._cut_off = False
        self._commands = 0
        folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> Figures:
        began_s = time.monotonic()
        authority = Authority("day")
        plain, secure = free_port(), free_port()
        lines = (f"listener {plain} 127.0.0.1", f"listener {secure} 127.0.0.1")
        lines += tuple(authority.issue(self._folder / "certificate", "localhost"))
        self._broker_lines = lines, plain
        self._broker = self._new_broker(0)
        settings = {
            "mqtt_host": "127.0.0.1" if self._board == "esp32_devkit" else "localhost",
            "mqtt_server_name": "localhost",
            "mqtt_port": secure,
            "mqtt_ca": authority.pem,
            "mqtt_keepalive_s": 120,
            "profile": "installed",
        }
        if self._board == "esp32_devkit":
            settings["wifi_ssid"] = WIFI
        else:
            settings["sms_numbers"] = [NUMBER]
        try:
            with DayGateway(plain) as gateway:
                self._gateway = gateway
                settings["gateway_key"] = gateway.public_hex
                parts = ButtonParts(
                    self._folder / "button",
                    micropython(),
                    FIRMWARE,
                    self._board,
                    settings,
                    heap=self.figures.heap,
                )
                with SimulatedButton(parts, speed=SPEED, audience=self._ear) as button:
                    self._button = button
                    self._live(button)
        finally:
            self._broker.kill()
        self.figures.real_s = time.monotonic() - began_s
        return self.figures

    def _new_broker(self, number: int) -> Mosquitto:
        lines, plain = self._broker_lines
        return Mosquitto(self._folder / f"broker-{number}", *lines, port=plain).start()

    def _live(self, button: SimulatedButton) -> None:
        button.chip.quiet_s = self._quiet_s
        button.mains(True)
        button.place(*HOME)
        self._gateway.clock = lambda: button.clock.now_us() // 1_000_000
        self._outgoing = button.modem.sms.outgoing / NUMBER.removeprefix("+") if button.modem is not None else None
        if button.modem is not None:
            self._gateway.down = self._message
        button.power_on(held=True)  # a test, which is the start of the day
        button.wait_state("test", deadline_s=_REAL_S)
        button.hold(False)
        button.wait_signal("test_received", deadline_s=_REAL_S)
        tested = len(self._ear.pressed)
        self._began_us = button.clock.now_us()
        with button.clock.held():
            button.set_skips(True)
            for shift in range(SHIFTS):
                self._shift(shift)
            self._until(SHIFTS * HOURS)
            self._settle()
        figures, ear = self.figures, self._ear
        figures.simulated_s = (button.clock.now_us() - self._began_us) / 1e6
        figures.skipped_s = button.chip.skipped_us / 1e6
        figures.pressed, figures.acknowledged = ear.pressed[tested:], ear.acknowledged
        figures.received = {uplink.counter for uplink in self._gateway.uplinks if uplink.kind is Kind.PRESS}
        figures.errors, figures.downs, figures.restarts = ear.errors, ear.downs, ear.starts - 1
        figures.frames = len(self._gateway.uplinks)
        reports = [uplink.status for uplink in self._gateway.uplinks if uplink.status is not None]
        figures.rejected = sum(status.rejected for status in reports)
        figures.waiting = reports[-1].waiting

    # The script. Times are hours of a shift.

    def _shift(self, shift: int) -> None:
        at, button = partial(self._until, shift=shift), self._button
        at(0.2)
        self._incident(minutes=5)
        at(0.8)
        self._forgeries()
        at(1.0)
        with self._no_broker():
            at(1.05)
        at(1.3)
        with self._no_network():
            at(1.35)
            opening = self._press()
            at(1.5)
        self._go_through(opening, minutes=12)
        at(2.0)
        with self._no_broker(replaced=shift + 1):
            at(2.5)
            opening = self._press()
            at(3.0)
        self._go_through(opening, minutes=15, last=Stage.SEEN)
        (button.duress if shift == 1 else button.cancel)()
        self._operate(opening, Stage.CLOSED, "")
        at(3.6)
        self._hang()
        at(4.0)
        self._brown_out()
        at(4.4)
        self._gateway.silent = True
        at(4.5)
        opening = self._press()
        at(5.4)
        self._gateway.silent = False
        self._go_through(opening, minutes=5)
        at(6.0)
        for _ in range(4):
            with self._no_network():
                self._pass(0.02)
            self._pass(0.05)
        at(6.5)
        button.tamper(True)
        button.mains(False)
        button.battery(9)
        self._pass(0.1)
        button.tamper(False)
        button.mains(True)
        button.battery(100)
        at(7.0)
        self._incident(minutes=20)

    def _incident(self, minutes: float) -> None:
        self._go_through(self._press(), minutes)

    def _go_through(self, opening: int, minutes: float, last: Stage = Stage.CLOSED) -> None:
        """From received to closed, so long in all."""
        self._await(lambda: self._button.state == "received", "received")
        for stage, state in (
            (Stage.SEEN, "seen"),
            (Stage.ASSIGNED, "assigned"),
            (Stage.ON_SCENE, "on_scene"),
            (Stage.CLOSED, ""),
        ):
            self._pass(minutes / 60 / 4)
            self._operate(opening, stage, state)
            if stage is last:
                return

    def _operate(self, opening: int, stage: Stage, state: str) -> None:
        """An operator does something; said again until the button shows it. state: "" = no incident any more."""
        uplink = next(uplink for uplink in self._gateway.uplinks if uplink.counter == opening)

        def shown() -> bool:
            return self._button.state == state if state else self._button.state in ("closed", "cancelled", "armed")

        for _ in range(_TRIES):
            self._gateway.acknowledge(uplink, stage, counter=opening, eta=6 if stage is Stage.ASSIGNED else 255)
            self._breathe()
            for _ in range(6):
                if shown():
                    return
                self._sleep(10)
        self.figures.unseen.append(f"{stage.name} of {opening}")

    def _press(self) -> int:
        known = len(self._ear.pressed)
        self._button.press()
        self._await(lambda: len(self._ear.pressed) > known, "stored", seconds=60)
        return self._ear.pressed[known]

    @contextlib.contextmanager
    def _no_broker(self, replaced: int = 0) -> Iterator[None]:
        """Killed; then the same again, or another with an empty store."""
        known = self._gateway.subscribed
        self._broker.kill()
        self._cut_off = True
        self._breathe()
        yield
        if replaced:
            self._broker = self._new_broker(replaced)
        else:
            self._broker.start()
        until_s = time.monotonic() + _REAL_S
        while self._gateway.subscribed == known:
            assert time.monotonic() < until_s, "the gateway does not come back to its broker"
            time.sleep(0.02)
        self._cut_off = False

    @contextlib.contextmanager
    def _no_network(self) -> Iterator[None]:
        button = self._button
        if button.modem is None:
            button.wifi(False)
        else:
            button.modem.fail(Fault.NO_NETWORK)
            button.modem.drop_network()
        self._breathe()
        yield
        if button.modem is None:
            button.wifi(True)
        else:
            button.modem.heal()
        self._breathe()

    def _hang(self) -> None:
        """Of the modem; of the receiver where there is none."""
        button = self._button
        if button.modem is not None:
            button.modem.fail(Fault.HANG)
        elif button.receiver is not None:
            button.receiver.mood = Mood.NOISE
            self._incident(minutes=4)
            button.receiver.mood = Mood.WELL
        self._breathe()

    def _brown_out(self) -> None:
        button = self._button
        if button.modem is not None:
            button.modem.brown_out()
        elif button.receiver is not None:
            button.receiver.mood = Mood.NO_SKY
            self._pass(0.1)
            button.receiver.mood = Mood.WELL
        self._breathe()

    def _forgeries(self) -> None:
        """From somebody at the broker who would like to be the gateway, and a command that was not meant for now."""
        gateway, device_id = self._gateway, bytes.fromhex(self._button.device_id)
        true = gateway.acknowledge(gateway.uplinks[-1], Stage.RECEIVED)
        forged = bytes([*true[:-1], true[-1] ^ 1])
        for payload in (forged, b"", b"\x00" * 36, os.urandom(300), os.urandom(5000), os.urandom(60000)):
            gateway.send(device_id, payload) if len(payload) < 300 else SmallGateway.send(gateway, device_id, payload)
            self._breathe()
            self._sleep(5)
        self._commands += 1
        key = gateway.devices[device_id].mac_down
        wish = b'{"no_such_setting": 1}'
        command = encode_command(key, device_id, self._commands, gateway.clock(), CommandCode.SETTINGS, wish)
        gateway.send(device_id, command)
        self._breathe()

    # Time.

    def _until(self, hours: float, shift: int = 0) -> None:
        self._sleep_until(self._began_us + int((shift * HOURS + hours) * 3600e6 * self._scale))

    def _pass(self, hours: float) -> None:
        self._sleep(hours * 3600 * self._scale)

    def _sleep(self, seconds: float) -> None:
        self._sleep_until(self._button.clock.now_us() + int(seconds * 1e6))

    def _await(self, holds: Callable[[], bool], what: str, seconds: float = 1200) -> None:
        for _ in range(int(seconds / 2)):
            if holds():
                return
            self._sleep(2)
        raise AssertionError(f"not {what} within {seconds} simulated seconds; it is {self._button.state}")

    def _sleep_until(self, us: int) -> None:
        clock = self._button.clock
        while True:
            now_us = clock.now_us()
            if now_us >= self._began_us + (self._minute + 1) * _MINUTE_US:
                self._minute = (now_us - self._began_us) // _MINUTE_US
                self._each_minute()
            if self._cut_off and self._outgoing is not None:
                self._carry()
            if now_us >= us:
                return
            steps = [us, self._began_us + (self._minute + 1) * _MINUTE_US]
            if self._cut_off and self._outgoing is not None:
                steps.append(now_us + _POST_US)
            clock.until(min(steps))

    def _each_minute(self) -> None:
        button = self._button
        assert button.life is Life.RUNNING, f"its program ended: {button.last_words()}"
        used, free = button.heap(deadline_s=_REAL_S)
        calm = button.signal == "armed" and not self._cut_off and not self._gateway.silent
        self.figures.samples.append(Sample(self._minute, used, free, button.chip.largest_free, calm))
        if button.state not in ("armed", "closed", "cancelled"):
            self._place = self._place[0] + 0.0005, self._place[1]
            button.place(*self._place)

    def _breathe(self) -> None:
        """Let whoever works in real time do so, before time goes on."""
        time.sleep(max(0.1, self._quiet_s))

    # Messages.

    def _message(self, payload: bytes) -> None:
        modem = self._button.modem
        if self._cut_off and modem is not None:
            write_message(modem.sms.incoming, "From", Message(NUMBER, base64.b64encode(payload).decode()))

    def _carry(self) -> None:
        """What lies in the spool goes to the gateway, whose answers go back the same way."""
        assert self._outgoing is not None
        if not self._outgoing.is_dir():
            return
        for file in sorted(self._outgoing.iterdir()):
            if not file.name.startswith("."):
                self._gateway.take(base64.b64decode(read_message(file).text), self._button.device_id)
                file.unlink()
                self._breathe()

    def _settle(self) -> None:
        """After the last act, until its check-ins say that nothing waits."""
        self._sleep(1800 * max(self._scale, 0.2))
