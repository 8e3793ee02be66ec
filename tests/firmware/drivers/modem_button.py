"""The modem's real drivers under MicroPython on a simulated modem, with a real broker behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto, free_port
from firmware.drivers.driver_process import Conversation
from gateway.outputs.receiver_certificates import Authority
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_sim import Sim
from waiting import eventually

PROGRAM = Path(__file__).resolve().parent / "on_button" / "modem.py"
PACE = 0.04  # one second of the modem's manual in 40 ms
UP, DOWN = "siaga/v1/up/00112233445566ff", "siaga/v1/down/00112233445566ff"
PRESS = bytes([0x11, 1]) + bytes(range(97))
CHECKIN = bytes([0x11, 5]) + bytes(range(255, 158, -1))


_ISSUING = threading.Lock()


class Broker:
    """Mosquitto with a certificate for localhost, and a client beside it that sees and says everything."""

    def __init__(self, folder: Path, authority: Authority, **server: Any) -> None:
        certificate = folder / f"localhost-{server.get('expired', False)}.pem"
        with _ISSUING:  # tests side by side have brokers of their own, with one certificate
            if not certificate.exists():
                authority.server("localhost", **server)
        self.port = free_port()
        plain = free_port()
        self.mosquitto = Mosquitto(
            folder / f"mosquitto{plain}",
            f"listener {plain} 127.0.0.1",
            f"listener {self.port} 127.0.0.1",
            f"certfile {certificate}",
            f"keyfile {certificate}",
            port=plain,
        )
        self.got: list[tuple[str, bytes]] = []
        self._client = PahoClient(CallbackAPIVersion.VERSION2, "watcher", clean_session=False)
        self._client.on_message = lambda _, __, message: self.got.append((message.topic, bytes(message.payload)))
        self._client.on_connect = lambda client, *_: client.subscribe("siaga/#", 1)
        self._client.reconnect_delay_set(0.1, 0.2)

    def __enter__(self) -> Broker:
        self.mosquitto.start()
        self._client.connect("127.0.0.1", self.mosquitto.port)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self.mosquitto.kill()

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1)

    def until(self, payload: bytes) -> None:
        eventually(lambda: (UP, payload) in self.got, f"{payload.hex()} at the broker")


class Button:
    """The simulated modem and the program that drives it."""

    def __init__(self, folder: Path, broker: Broker, authority: Authority, settings: dict[str, Any], sim: Sim) -> None:
        model = settings.pop("model", "A7670E-FASE")
        self.modem = A7670(folder, pace=PACE, sim=sim, model=model)
        self.folder = folder
        given = {
            "port": broker.port,
            "ca": authority.file.read_text(),
            "percent": int(PACE * 100),
            "store": str(folder / "sim"),
            **settings,
        }
        file = folder / "settings.json"
        file.write_text(json.dumps(given))
        self._start = lambda: Conversation(PROGRAM, self.modem.path, self.modem.pins.path, str(file))

    def __enter__(self) -> Button:
        self.modem.__enter__()
        self.program = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__()
        self.modem.__exit__(None, None, None)

    def until(self, within: float = 60, **facts: object) -> dict[str, Any]:
        try:
            return self.program.until(within, **facts)
        except AssertionError as error:
            raise AssertionError(f"{error}\nasked: {self.modem.asked[-40:]}") from None

    def up(self, bearer: str = "lte") -> None:
        self.until(bearer=bearer, up=True)

    def send(self, counter: int, frame: bytes, bearer: str = "lte") -> None:
        self.program.say(f"send {bearer} {counter} {frame.hex()}")

    def restart(self) -> None:
        """The chip restarts, its modem does not."""
        self.program.__exit__()
        self.program = self._start()


Maker = Callable[..., Button]
