"""How the hours of a button's day go by: in steps, with a look at its heap each minute, and messages carried."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import paho.mqtt.client as paho

from firmware.boards.button_day_figures import Figures, Sample
from firmware.small_gateway import SmallGateway
from siaga_tools.silicon.modem_sms import Message, read_message, write_message
from siaga_tools.simulate.button import SimulatedButton
from siaga_tools.simulate.chip import ChipState

HOURS: Final = 8.0  # of a shift
NUMBER: Final = "+6281100000110"
REAL_S: Final = 60.0  # what is waited for in real time has come by then
_MINUTE_US: Final = 60_000_000
_POST_US: Final = 5_000_000  # how often messages are carried


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


class Hours:
    """The time of a day, which is compressed, and the post. Its button and gateway are there once it has begun."""

    _button: SimulatedButton
    _gateway: DayGateway
    _outgoing: Path | None  # where its text messages lie; None: it sends none
    _began_us: int

    def __init__(
        self, figures: Figures, *, hours: float, shifts: int, place: tuple[float, float], quiet_s: float
    ) -> None:
        """hours: simulated, of so many shifts, each of which the script counts as eight. quiet_s: how long, in real
        seconds, the broker and the gateway may take for an answer before time goes on."""
        self.figures = figures
        self._quiet_s = quiet_s
        self._scale = hours / shifts / HOURS
        self._minute = 0
        self._place = place
        self._cut_off = False

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
        assert button.life is ChipState.RUNNING, f"its program ended: {button.events.last_error()}"
        used, free = button.heap(deadline_s=REAL_S)
        calm = button.signal == "armed" and not self._cut_off and not self._gateway.silent
        self.figures.samples.append(Sample(self._minute, used, free, button.chip.process.largest_free, calm))
        if button.state not in ("armed", "closed", "cancelled"):
            self._place = self._place[0] + 0.0005, self._place[1]
            button.place(*self._place)

    def _breathe(self) -> None:
        """Let whoever works in real time do so, before time goes on."""
        time.sleep(max(0.1, self._quiet_s))

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
