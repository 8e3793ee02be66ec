"""From the press to its first byte on the way out: whole simulated buttons at their real pace, for `make bench`.

Out is: the first byte of the frame handed to the modem's MQTT (the payload after AT+CMQTTPAYLOAD) or to the LoRaWAN
module (AT+SEND). It is counted from the moment in which the button takes a hold for a press; where it slept, also from
the finger, which holds for hold_ms (2 s) and wakes it meanwhile. The modem takes the times that its documents and logs
give (siaga_tools/silicon/a7670.py). The interpreter is this machine's: what the chip takes for an ES256 signature is
added; its start, some seconds at most, falls into the two that the finger holds.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from brokers import Mosquitto  # noqa: E402
from firmware.small_gateway import SmallGateway  # noqa: E402
from micropython import FIRMWARE, micropython  # noqa: E402
from siaga_tools.silicon.network_server import NetworkServer  # noqa: E402
from siaga_tools.simulate.button import ButtonListener, ButtonParts, SimulatedButton  # noqa: E402
from siaga_tools.simulate.chip import ChipState  # noqa: E402
from siaga_tools.simulate.silicon_parts import Traffic  # noqa: E402
from waiting import eventually  # noqa: E402

KEY: Final = "00112233445566778899AABBCCDDEEFF"
FAST: Final = 15.0
SIGN_US: Final = 200_000  # an ES256 signature on the chip, estimated (firmware/README.md)
WITHIN_S: Final = 120.0
# name, profile, ways, limit in seconds
CASES: Final = (
    ("installed, LTE", "installed", ("lte",), 0.3),
    ("ready, LTE kept through the sleep", "ready", ("lte",), 2.0),
    ("deep, LoRaWAN", "deep", ("lte", "lorawan"), 1.5),
    ("deep, LTE", "deep", ("lte",), 18.0),
)


class Ear(ButtonListener):
    """Hears the first PRESS that goes out on any line."""

    def __init__(self) -> None:
        self.listens = False
        self.out_us: int | None = None
        self.is_signed = False
        self._text: dict[str, bytes] = {}

    def on_traffic(self, traffic: Traffic) -> None:
        if not self.listens or traffic.way != ">" or self.out_us is not None:
            return
        text = self._text[traffic.line] = self._text.get(traffic.line, b"")[-400:] + traffic.text
        # A frame begins with version and suite (1 = ES256, 2 = HS256-64), then its kind: 1 is a PRESS.
        for suite in (1, 2):
            head = bytes([0x10 + suite, 1])
            if head in text if traffic.line == "modem" else b":" + head.hex().encode() in text.lower():
                self.is_signed = suite == 1
                self.out_us = traffic.at_us


@contextmanager
def button(profile: str, ways: tuple[str, ...], ear: Ear) -> Iterator[SimulatedButton]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(Mosquitto(folder / "broker"))
        gateway = stack.enter_context(SmallGateway(broker.port))
        network = stack.enter_context(NetworkServer("127.0.0.1", broker.port)) if "lorawan" in ways else None
        settings = {
            "mqtt_hosts": ["127.0.0.1"],
            "mqtt_port": broker.port,
            "mqtt_tls": False,
            "gateway_key": gateway.public_hex,
            "profile": profile,
            **({"lorawan_app_key": KEY} if network else {}),
        }
        parts = ButtonParts(
            folder / "button", micropython(), FIRMWARE, "t_a7670", settings, lorawan=network, lorawan_key=KEY
        )
        yield stack.enter_context(SimulatedButton(parts, speed=FAST, audience=ear))


def measure(profile: str, ways: tuple[str, ...]) -> tuple[float, float]:
    """Seconds to the first byte out: from the press, and from the finger."""
    ear = Ear()
    with button(profile, ways, ear) as one:
        one.power_on()
        for way in ways:
            one.events.wait_bearer(way, deadline_s=WITHIN_S)
        if profile != "installed":
            one.events.wait_life(ChipState.ASLEEP, deadline_s=WITHIN_S)
            one.sleep(15)  # the modem's own line has to fall asleep too
        one.set_speed(1)
        one.sleep(1)
        mark = one.events.mark()
        ear.listens = True
        finger_us = one.clock.now_us()
        one.holder.hold(True)
        one.events.wait_for(
            lambda event: event.kind == "frame" and event.facts["kind"] == 1 and event.facts["step"] == "pressed",
            after=mark,
            deadline_s=WITHIN_S,
        )
        pressed_us = one.clock.now_us()
        one.holder.hold(False)
        eventually(lambda: ear.out_us is not None, f"{profile}: a press goes out", timeout_s=WITHIN_S)
        assert ear.out_us is not None
        sign_us = SIGN_US if ear.is_signed else 0
        return (max(ear.out_us - pressed_us, 0) + sign_us) / 1e6, (ear.out_us - finger_us + sign_us) / 1e6


def main() -> None:
    for name, profile, ways, limit in CASES:
        press_s, finger_s = measure(profile, ways)
        print(
            json.dumps({"name": f"{name}: from the press", "value": press_s, "unit": "s", "limit": limit}), flush=True
        )
        if profile != "installed":
            print(json.dumps({"name": f"{name}: from the finger", "value": finger_s, "unit": "s"}), flush=True)


if __name__ == "__main__":
    main()
