"""The button of one scenario in its installation, and what steps are made of: acts, waits, paces."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware.bundle_server import BundleServer
from firmware.signed_bundles import release_public
from micropython import FIRMWARE, flash_image, micropython
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from siaga_tools.simulate.button import WIFI, ButtonParts, SimulatedButton
from siaga_tools.virtual_button import ButtonEvent
from stage.timeline import Timeline
from system.installation import GATEWAY_NUMBER, SERVER, Installation
from system.relay import Relay
from system.scenario import Scenario
from waiting import ENDS_S, eventually

PACE = 10.0
BRISK = 25.0  # while a modem starts and looks for its network
FAST = 80.0
FASTEST = 120.0  # without a modem, whose own deadlines are the shortest; a frame may take 75 s by Wi-Fi
WITHIN_S = ENDS_S
KEY = "00112233445566778899AABBCCDDEEFF"
BEARERS = {"wifi": "mqtt"}  # the button's own word for a way, where it is another
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def has_failed(event: ButtonEvent) -> bool:
    return event.kind == "error" and str(event.facts["what"]).startswith("the button stopped")


class Trap(list[str]):
    """What a modem was asked, with something that happens, once, when it is asked for `wanted` (a regular
    expression); in its own thread."""

    def __init__(self, asked: list[str], wanted: str, act: Callable[[], None]) -> None:
        super().__init__(asked)
        self._wanted = wanted
        self._act = act
        self.sprung = False

    def append(self, text: str) -> None:
        super().append(text)
        if not self.sprung and re.match(self._wanted, text):
            self.sprung = True
            self._act()


class Scene:
    """One scenario in one installation, and what its steps are made of."""

    def __init__(self, scenario: Scenario, house: Installation, folder: Path) -> None:
        self.scenario = scenario
        self.house = house
        self.timeline = Timeline()
        self._began_ms = time.time_ns() // 1_000_000
        self._number = house.number()
        self._folder = folder
        self._mark = 0
        self._pace = PACE
        self._button: SimulatedButton | None = None
        self._has_id = self._enrol_frame = ""
        self._settings: dict[str, Any] = {}
        self._traps: list[Trap] = []
        self._forged: list[bytes] = []
        self._releases: BundleServer | None = None
        self._relays: list[Relay] = []
        self.enter: Callable[[Relay], Relay]  # for as long as the scenario is played

    @property
    def button(self) -> SimulatedButton:
        assert self._button is not None
        return self._button

    @property
    def device_id(self) -> str:
        return self._has_id

    def make(self) -> SimulatedButton:
        scenario, house = self.scenario, self.house
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(flash_image(scenario.board), self._folder / "flash.img")
        settings: dict[str, Any] = {"gateway_key": house.public_hex, "profile": scenario.profile, "language": "en"}
        if "lte" in scenario.ways or "wifi" in scenario.ways:
            settings |= {"mqtt_hosts": [SERVER], "mqtt_port": house.tls_port, "mqtt_ca": house.authority}
            if not scenario.tls:
                settings |= {"mqtt_hosts": ["127.0.0.1"], "mqtt_port": house.port, "mqtt_tls": False, "mqtt_ca": ""}
        if "wifi" in scenario.ways:
            settings["wifi_ssid"] = WIFI
        if "sms" in scenario.ways:
            settings["sms_numbers"] = [GATEWAY_NUMBER]
        lorawan = "lorawan" in scenario.ways
        if lorawan:
            settings["lorawan_app_key"] = KEY
        if scenario.release:
            settings["release_key"] = release_public()
        self._settings = {**settings, **scenario.settings}
        parts = ButtonParts(
            self._folder,
            micropython(),
            FIRMWARE,
            scenario.board,
            self._settings,
            lorawan=house.network if lorawan else None,
            lorawan_key=KEY,
            sim=Sim(number=f"+62811{self._number:08d}"),
            chip_id=b"\x24\x0a\xc4" + self._number.to_bytes(3, "big"),
        )
        button = SimulatedButton(parts, speed=PACE, audience=self.timeline)
        if button.modem is not None:
            button.modem.sms.outgoing = house.sms / "outgoing"
            button.modem.sms.incoming = house.sms / "incoming"
        return button

    def act(self) -> None:
        """From here on expectations look."""
        self._mark = self.button.events.mark()

    def wait(self, wanted: Callable[[ButtonEvent], bool], what: str) -> ButtonEvent:
        def wanted_or_worst(event: ButtonEvent) -> bool:
            assert not has_failed(event), f"instead of {what}: {event.facts['what']}"
            return wanted(event)

        return self.button.events.wait_for(wanted_or_worst, after=self._mark, deadline_s=WITHIN_S, what=what)

    def wait_frame(self, kind: int, step: str, what: str = "", **facts: object) -> ButtonEvent:
        wanted = {"kind": kind, **facts}
        return self.wait(
            lambda event: (
                event.kind == "frame"
                and event.facts["step"] == step
                and all(event.facts[name] == fact for name, fact in wanted.items())
            ),
            what or f"a frame of kind {kind} {step} {facts or ''}",
        )

    def wait_down(self, down: bool) -> None:
        self.wait(lambda event: event.kind == "button" and event.facts["down"] is down, f"the button {down=}")

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        return eventually(holds, what, timeout_s=WITHIN_S)

    @contextmanager
    def at_pace(self, pace: float) -> Iterator[None]:
        self.button.set_speed(min(pace, self._pace))
        try:
            yield
        finally:
            self.button.set_speed(self._pace)

    @property
    def modem(self) -> A7670:
        assert self.button.modem is not None, "this board has no modem"
        return self.button.modem

    @property
    def lorawan(self) -> SimulatedRak3172:
        assert self.button.lorawan is not None, "lorawan is not among its ways"
        return self.button.lorawan

    def incident(self) -> dict[str, Any]:
        """Its newest one."""
        return dict(self.until(lambda: self.house.incidents(self.device_id), "an incident")[-1])

    def started(self) -> None:
        start = self.wait(lambda event: event.kind == "start", "its first words")
        if not self._has_id:
            self._has_id = str(start.facts["device_id"])
            self._enrol_frame = str(start.facts["enrol"])
            if self.scenario.enrolled:
                self.house.enrol(self._enrol_frame, self._number)

    def stored(self, *kinds: int) -> list[int]:
        """Counters that the button has kept so far, in their order."""
        return [
            int(event.facts["counter"])
            for event in self.button.events.all()
            if event.kind == "frame" and event.facts["step"] == "stored" and event.facts["kind"] in kinds
        ]

    def acknowledged_so_far(self) -> set[int]:
        """Counters that the gateway has acknowledged to the button so far."""
        return {
            int(event.facts["counter"])
            for event in self.button.events.all()
            if event.kind == "frame" and event.facts["step"] == "acknowledged"
        }
