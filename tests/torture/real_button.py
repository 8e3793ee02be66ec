"""A button with the real firmware under MicroPython, which presses through all of it, and now and then has no power."""

from __future__ import annotations

import random
import threading
from typing import Self

from tortured_installation import Installation

from firmware.button_process import VirtualButton
from micropython import compiled
from waiting import ENDS_S

_PAUSE_S = (2.0, 12.0)
_POWER_CUTS = 0.2  # of the presses


class RealButton:
    """Enrolled while it is entered; presses from `start` to `finish`. `presses`: the counters of those it stored."""

    def __init__(self, installation: Installation, number: int, seed: int) -> None:
        self.presses: set[int] = set()
        self.power_cuts = 0
        self.fault: BaseException | None = None
        self._chance = random.Random(seed + number)
        self._installation = installation
        settings = {
            "mqtt_hosts": [installation.address.host],
            "mqtt_port": installation.address.port,
            "gateway_key": installation.office.public_hex,
        }
        compiled()
        self._button = VirtualButton(installation.folder / f"button-{number}", settings)
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"button-{number}", daemon=True)

    def __enter__(self) -> Self:
        start = self._button.start().until(ev="start")
        self.device_id = bytes.fromhex(start["device_id"])
        self._installation.office.enrol(start["device_id"], frame=str(start["enrol"]))
        self._button.until(ev="frame", kind=6, step="acknowledged", within=ENDS_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)
        self._button.kill()

    def start(self) -> None:
        self._thread.start()

    def finish(self, within_s: float) -> None:
        """Press no more, and see every press acknowledged."""
        self._enough.set()
        self._thread.join(ENDS_S)
        if self.fault is not None:
            raise self.fault
        assert not self._thread.is_alive(), "the button does not end"
        for counter in sorted(self.presses):
            self._button.until_true(
                lambda event, wanted=counter: (
                    event.get("ev") == "frame"
                    and event.get("step") == "acknowledged"
                    and event.get("counter") == wanted
                ),
                within=within_s,
            )

    def _run(self) -> None:
        try:
            while not self._enough.wait(self._chance.uniform(*_PAUSE_S)):
                self.presses.add(self._button.press())
                if self._chance.random() < _POWER_CUTS:
                    self._cut_power()
        except BaseException as error:
            self.fault = error

    def _cut_power(self) -> None:
        """The battery is taken out; what was stored is on the flash."""
        self.power_cuts += 1
        self._button.kill()
        since = len(self._button.events)
        self._button.start(wait=False)
        self._button.until(since, ev="start", within=ENDS_S)
