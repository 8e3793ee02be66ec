"""What a whole button keeps on MicroPython's heap, radios up and presses delivered, as `make bench` prints it.

Each set-up is the firmware's bytecode as a chip gets it, on the simulated board, its radios on simulated silicon, a
real broker behind them. `heap` on its console collects, and tells what is left. The 64-bit interpreter's objects are
up to twice those of the chip.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from brokers import Mosquitto, free_port  # noqa: E402
from firmware.button_process import VirtualButton  # noqa: E402
from firmware.small_gateway import SmallGateway  # noqa: E402
from gateway.outputs.receiver_certificates import Authority  # noqa: E402
from micropython import FIRMWARE  # noqa: E402
from siaga_tools.firmware_build.bytecode import runnable  # noqa: E402
from siaga_tools.silicon.a7670 import A7670  # noqa: E402
from siaga_tools.silicon.gnss import SimulatedGnss  # noqa: E402
from siaga_tools.silicon.network_server import NetworkServer  # noqa: E402
from siaga_tools.silicon.rak3172 import SimulatedRak3172  # noqa: E402

# 250 KB on the chip, whose objects take 0.69 of what they take on 64 bits.
LIMIT: Final = 362 * 1024
KEY: Final = "00112233445566778899aabbccddeeff"
PLACE: Final = (-5.4, 105.27)
SetUp = Callable[[ExitStack, Path, int], tuple[dict[str, object], dict[str, str]]]


@contextmanager
def place(folder: Path) -> Iterator[tuple[dict[str, object], int]]:
    """A broker with TLS, a gateway behind it; the settings to reach them, and the broker's plain port."""
    authority = Authority(folder, "house")
    authority.server("localhost")
    certificate = folder / "localhost-False.pem"
    plain, secure = free_port(), free_port()
    listeners = (f"listener {plain} 127.0.0.1", f"listener {secure} 127.0.0.1")
    files = (f"certfile {certificate}", f"keyfile {certificate}")
    with Mosquitto(folder / "mosquitto", *listeners, *files, port=plain), SmallGateway(plain) as gateway:
        reach = {
            "mqtt_hosts": ["localhost"],
            "mqtt_port": secure,
            "mqtt_tls": True,
            "mqtt_ca": authority.file.read_text(),
        }
        yield {**reach, "gateway_key": gateway.public_hex, "checkin_s": 600, "profile": "installed"}, plain


def lte(stack: ExitStack, folder: Path, port: int) -> tuple[dict[str, object], dict[str, str]]:
    modem = stack.enter_context(A7670(folder, pace=0.04))
    modem.place = PLACE
    lines = {"SIAGA_MODEM": modem.path, "SIAGA_MODEM_PINS": str(modem.pins.path), "SIAGA_PERCENT": "4"}
    return {"sms_numbers": ["+6281100000110"]}, lines


def lorawan(stack: ExitStack, folder: Path, port: int) -> tuple[dict[str, object], dict[str, str]]:
    network = stack.enter_context(NetworkServer("127.0.0.1", port))
    module = stack.enter_context(SimulatedRak3172(network, app_key=KEY, speed=20))
    return {"lorawan_app_key": KEY}, {"SIAGA_LORAWAN": module.line.path}


def receiver(stack: ExitStack, folder: Path, port: int) -> tuple[dict[str, object], dict[str, str]]:
    gnss = stack.enter_context(SimulatedGnss(0.2))
    gnss.place = (round(PLACE[0] * 10**7), round(PLACE[1] * 10**7))
    return {}, {"SIAGA_GNSS": gnss.line.path}


# What it is called, its parts, and the names of its bearers.
SET_UPS: Final[dict[str, tuple[tuple[SetUp, ...], tuple[str, ...]]]] = {
    "devkit: Wi-Fi, TLS, receiver": ((receiver,), ("mqtt",)),
    "T-A7670: LTE, SMS, GNSS": ((lte,), ("lte", "sms")),
    "T-A7670: LTE, SMS, GNSS, LoRaWAN": ((lte, lorawan), ("lte", "sms", "lorawan")),
}


def used(parts: tuple[SetUp, ...], bearers: tuple[str, ...], heap: str, program: Path) -> tuple[int, int]:
    """Bytes used and free after a collection. AssertionError where the button does not do its work."""
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        settings, port = stack.enter_context(place(Path(made)))
        button = VirtualButton(Path(made) / "button", settings)
        for part in parts:
            more, lines = part(stack, Path(made), port)
            settings = {**settings, **more}
            button.environment = {**button.environment, **lines}
        button.set(**settings)
        button.heap = heap
        button.program = program
        stack.callback(button.kill)
        button.start()
        for bearer in bearers:
            button.until(ev="bearer", bearer=bearer, up=True, within=60)
        for _ in range(3):
            counter = button.press()
            button.until(ev="frame", kind=1, counter=counter, step="acknowledged", within=60)
        wrong = [event["what"] for event in button.all(ev="error") if "Memory" in event["what"]]
        assert not wrong, wrong
        button.say("heap")
        told = button.until(ev="heap")
        return told["used"], told["free"]


def main() -> None:
    with tempfile.TemporaryDirectory() as room:
        program = runnable(FIRMWARE, Path(room))
        for name, (parts, bearers) in SET_UPS.items():
            bytes_used, _ = used(parts, bearers, "512k", program)
            print(
                json.dumps({"name": f"heap, {name}", "value": bytes_used, "unit": "bytes", "limit": LIMIT}), flush=True
            )


if __name__ == "__main__":
    main()
