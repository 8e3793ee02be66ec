"""The least of a gateway: takes frames from a broker, verifies them, and says what a test wants to be said."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import paho.mqtt.client as paho

from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.domain.frame import FrameError, Kind, Stage, Uplink, decode_uplink, encode_ack, event_digest
from siaga_gateway.domain.frame_authentication import DeviceKey, GatewayKey, verify, verify_enrol
from waiting import ENDS_S

DEADLINE_S = ENDS_S


def settings_for(gateway: SmallGateway, port: int, **more: object) -> dict[str, object]:
    """Of a button that goes to this gateway, over the broker at this port."""
    return {"mqtt_port": port, "gateway_key": gateway.public_hex, **more}


class SmallGateway:
    """`answers`: for which of what verifies stage 1 (or 6, for a test) goes back at once. An ENROL enrols."""

    def __init__(self, port: int, key: GatewayKey | None = None) -> None:
        self.key = key or GatewayKey.generate()
        self.answers: Callable[[Uplink], bool] = lambda uplink: True
        self.devices: dict[bytes, DeviceKey] = {}
        self.raw: list[bytes] = []  # everything ever published to an up topic
        self.uplinks: list[Uplink] = []  # what verified
        self.clock: Callable[[], int] = lambda: int(time.time())
        self._news = threading.Condition()
        self._port = port
        self._client = PahoClient(
            paho.CallbackAPIVersion.VERSION2, client_id=f"gateway-{os.urandom(4).hex()}", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()

    @property
    def public_hex(self) -> str:
        return self.key.public_xy.hex()

    def __enter__(self) -> SmallGateway:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._ready.wait(DEADLINE_S), "the test's gateway could not subscribe"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe("siaga/v1/up/+", qos=1)

    def _on_message(self, _client: paho.Client, _user: object, message: paho.MQTTMessage) -> None:
        with self._news:
            self.raw.append(message.payload)
            try:
                uplink = decode_uplink(message.payload)
            except FrameError:
                return
            if message.topic != f"siaga/v1/up/{uplink.device_id.hex()}":
                return
            if uplink.kind is Kind.ENROL and uplink.public_key is not None and verify_enrol(uplink):
                self.devices.setdefault(uplink.device_id, self.key.device_key(uplink.public_key))
            known = self.devices.get(uplink.device_id)
            if known is None or not verify(uplink, known):
                return
            self.uplinks.append(uplink)
            self._news.notify_all()
        if self.answers(uplink):
            test = uplink.report is not None and uplink.report.test
            self.acknowledge(uplink, Stage.TEST if test else Stage.RECEIVED)

    def acknowledge(
        self, uplink: Uplink, stage: Stage, eta: int = 255, counter: int | None = None, ago_s: int = 0
    ) -> bytes:
        """Send a true ACK of it, or of what this device sent under another counter; the frame. ago_s: made so long
        ago."""
        key = self.devices[uplink.device_id]
        if counter is not None:
            uplink = next(u for u in self.uplinks if (u.device_id, u.counter) == (uplink.device_id, counter))
        digest = event_digest(uplink.kind, uplink.counter, uplink.body)
        frame = encode_ack(key.mac_down, key.device_id, uplink.counter, digest, self.clock() - ago_s, stage, eta)
        self.send(uplink.device_id, frame)
        return frame

    def send(self, device_id: bytes, payload: bytes) -> None:
        self._client.publish(f"siaga/v1/down/{device_id.hex()}", payload, qos=1)

    def until(self, check: Callable[[Uplink], bool], within: float = DEADLINE_S) -> Uplink:
        """The first verified frame that passes."""
        deadline = time.monotonic() + within
        with self._news:
            while True:
                for uplink in self.uplinks:
                    if check(uplink):
                        return uplink
                left = deadline - time.monotonic()
                if left <= 0:
                    got = [(uplink.kind.name, uplink.counter) for uplink in self.uplinks]
                    raise AssertionError(f"no such frame within {within} s; verified were {got}")
                self._news.wait(left)

    def press(self, counter: int) -> Uplink:
        return self.until(lambda uplink: uplink.kind is Kind.PRESS and uplink.counter == counter)
