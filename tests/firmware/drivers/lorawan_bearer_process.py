"""The LoRaWAN bearer under real MicroPython, a simulated RAK3172, and what the gateway is to the network server."""

from __future__ import annotations

import base64
import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.enums import CallbackAPIVersion

from firmware.drivers.driver_process import Conversation
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172

PROGRAM = Path(__file__).parent / "on_button" / "lorawan_bearer.py"
KEY = "00112233445566778899aabbccddeeff"
SPEED = 20
PRESS = bytes([0x12, 1]) + bytes(range(41))
SIGNED = bytes([0x11, 1]) + bytes(97)
CHECKIN = bytes([0x12, 4]) + bytes(41)


@contextmanager
def bearer(rak: SimulatedRak3172, *, wired: bool = True, **settings: object) -> Iterator[Conversation]:
    """wired: whether the board has a wire to its RST."""
    given = {"app_key": KEY, "dwell": rak._dwell, **settings}
    with Conversation(PROGRAM, rak.line.path, json.dumps(given), str(SPEED), str(int(wired))) as talk:
        talk.on_fact = lambda fact: rak.reset_line(fact["rst"] == 1) if "rst" in fact else None
        yield talk


def module(network: NetworkServer, **how: Any) -> SimulatedRak3172:
    """How it is: as SimulatedRak3172 takes it."""
    return SimulatedRak3172(network, app_key=KEY, speed=SPEED, **how)


class Application:
    """What the gateway is to the network server: reads uplinks, queues downlinks."""

    def __init__(self, broker: int, network: NetworkServer) -> None:
        self.uplinks: queue.Queue[dict[str, object]] = queue.Queue()
        self._network = network
        self.client = PahoClient(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: self.uplinks.put(json.loads(m.payload))
        taken: queue.Queue[bool] = queue.Queue()
        self.client.on_subscribe = lambda *_: taken.put(True)
        self.client.connect("127.0.0.1", broker)
        self.client.loop_start()
        self.client.subscribe(f"application/{network.application}/device/+/event/up", qos=1)
        assert taken.get(timeout=5)

    def next(self) -> tuple[object, bytes]:
        event = self.uplinks.get(timeout=10)
        return event["fPort"], base64.b64decode(str(event["data"]))

    def answer(self, eui: str, payload: bytes, port: int = 10) -> None:
        body = {"devEui": eui, "confirmed": False, "fPort": port, "data": base64.b64encode(payload).decode()}
        topic = f"application/{self._network.application}/device/{eui}/command/down"
        self.client.publish(topic, json.dumps(body), qos=1).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
