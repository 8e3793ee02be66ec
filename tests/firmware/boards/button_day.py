"""A day in the life of a button, compressed: three shifts alike, each with presses, outages, failing radios, forgers
and a gateway that does not answer; and what its heap did meanwhile.

What happens is timed in hours of a shift of eight; a shorter one has all of it, faster. Time in which nothing happens
is skipped (SimClock.skips).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from brokers import Mosquitto, free_port
from firmware.boards.button_day_figures import Ear, Figures
from firmware.boards.button_day_hours import HOURS, NUMBER, REAL_S, DayGateway, Hours
from firmware.broker_certificates import Authority
from firmware.small_gateway import SmallGateway
from micropython import FIRMWARE, micropython
from siaga_gateway.domain.frame import CommandCode, Kind, Stage, encode_command
from siaga_tools.silicon.gnss import ReceiverCondition
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.simulate.button import HEAP, WIFI, ButtonParts, SimulatedButton
from spoiling import spoilt
from waiting import eventually

SHIFTS: Final = 3
HOME: Final = (-5.4292, 105.2613)
# Simulated seconds in one real second while somebody is at something: a modem's shortest deadline is still 0.3 s then.
SPEED: Final = 15.0
_TRIES: Final = 60
_HOLDS: Final = 5


class Day(Hours):
    """run() it once. hours, quiet_s: see Hours."""

    def __init__(
        self, folder: Path, board: str, *, hours: float = 24.0, heap: str | None = None, quiet_s: float = 0.15
    ) -> None:
        super().__init__(Figures(board, heap or HEAP), hours=hours, shifts=SHIFTS, place=HOME, quiet_s=quiet_s)
        self._folder = folder
        self._board = board
        self._ear = Ear()
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
            "mqtt_hosts": ["127.0.0.1" if self._board == "esp32_devkit" else "localhost"],
            "mqtt_server_name": "localhost",
            "mqtt_port": secure,
            "mqtt_ca": authority.pem,
            "mqtt_keepalive_s": 120,
            "profile": "installed",
            "language": "en",
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
        button.chip.skipping.quiet_s = self._quiet_s
        button.mains(True)
        button.place(*HOME)
        self._gateway.clock = lambda: button.clock.now_us() // 1_000_000
        self._outgoing = button.modem.sms.outgoing / NUMBER.removeprefix("+") if button.modem is not None else None
        if button.modem is not None:
            self._gateway.down = self._message
        button.holder.power_on_for_test()  # which is the start of the day
        button.events.wait_signal("test_received", deadline_s=REAL_S)
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
        figures.skipped_s = button.chip.skipping.skipped_us / 1e6
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
        self._operate(
            self._take_back(opening, button.holder.duress if shift == 1 else button.holder.cancel), Stage.CLOSED, ""
        )
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
        button.holder.tamper(True)
        button.mains(False)
        button.battery(9)
        self._pass(0.1)
        button.holder.tamper(False)
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
        self._button.holder.press()
        self._await(lambda: len(self._ear.pressed) > known, "stored", seconds=60)
        return self._ear.pressed[known]

    def _take_back(self, opening: int, hold: Callable[[], None]) -> int:
        """Hold it until it is taken back; the incident's newest press. A hold that a chip did not see whole is a press
        (core/button_gestures.py): on a busy machine that happens, and the hand tries again."""
        newest = opening
        for _ in range(_HOLDS):
            known = len(self._ear.pressed)
            hold()
            self._await(
                lambda known=known: self._button.state in ("cancelled", "armed") or len(self._ear.pressed) > known,
                "cancelled, nor pressed again",
                seconds=60,
            )
            if len(self._ear.pressed) == known:
                return newest
            self.figures.half_seen += 1
            newest = self._ear.pressed[known]
            self._await(lambda newest=newest: newest in self._ear.acknowledged, "acknowledged")
        raise AssertionError(f"none of {_HOLDS} holds took press {opening} back")

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
        eventually(lambda: self._gateway.subscribed != known, "the gateway is back at its broker", timeout_s=REAL_S)
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
            button.receiver.mood = ReceiverCondition.NOISE
            self._incident(minutes=4)
            button.receiver.mood = ReceiverCondition.WELL
        self._breathe()

    def _brown_out(self) -> None:
        button = self._button
        if button.modem is not None:
            button.modem.brown_out()
        elif button.receiver is not None:
            button.receiver.mood = ReceiverCondition.NO_SKY
            self._pass(0.1)
            button.receiver.mood = ReceiverCondition.WELL
        self._breathe()

    def _forgeries(self) -> None:
        """From somebody at the broker who would like to be the gateway, and a command that was not meant for now."""
        gateway, device_id = self._gateway, bytes.fromhex(self._button.device_id)
        true = gateway.acknowledge(gateway.uplinks[-1], Stage.RECEIVED)
        forged = spoilt(true)
        for payload in (forged, b"", b"\x00" * 36, os.urandom(300), os.urandom(5000), os.urandom(60000)):
            gateway.send(device_id, payload) if len(payload) < 300 else SmallGateway.send(gateway, device_id, payload)
            self._breathe()
            self._sleep(5)
        self._commands += 1
        key = gateway.devices[device_id].mac_down
        wish = b'{"no_such_setting": 1}'
        command = encode_command(key, device_id, self._commands, gateway.clock(), CommandCode.SETTINGS, wish)
        # Until it is answered: what reads settings stays loaded from the first time on, and shifts are compared.
        for _ in range(_TRIES):
            gateway.send(device_id, command)
            self._breathe()
            for _ in range(6):
                if any(uplink.receipt and uplink.receipt.down_counter == self._commands for uplink in gateway.uplinks):
                    return
                self._sleep(10)
        self.figures.unseen.append(f"command {self._commands}")

    def _settle(self) -> None:
        """After the last act, until its check-ins say that nothing waits."""
        self._sleep(1800 * max(self._scale, 0.2))
