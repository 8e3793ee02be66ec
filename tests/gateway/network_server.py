"""A LoRaWAN network server as the gateway meets it: its MQTT topics, and JSON as it writes it."""

from __future__ import annotations

import base64
import json
import queue

from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.formats.lorawan import Origin
from waiting import ENDS_S

APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"

EUI = "ac1f09fffe05a1b2"

UP = f"application/{APPLICATION}/device/{EUI}/event/up"

DOWN = f"application/{APPLICATION}/device/{EUI}/command/down"

ORIGIN = Origin(APPLICATION, EUI)


def event(payload: bytes, port: int = 10, **more: object) -> dict[str, object]:
    """As ChirpStack 4 writes it (its documentation's example, with emit_fields as since 4.1)."""
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-07-18T09:34:15.775023242+00:00",
        "deviceInfo": {
            "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
            "applicationId": APPLICATION,
            "applicationName": "Siaga",
            "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
            "deviceName": "toko-contoh",
            "devEui": EUI,
            "tags": {},
        },
        "devAddr": "00189440",
        "adr": True,
        "dr": 3,
        "fCnt": 0,
        "fPort": port,
        "confirmed": False,
        "data": base64.b64encode(payload).decode(),
        "object": None,
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5}],
        "txInfo": {"frequency": 921400000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 9}}},
        **more,
    }


def body(payload: bytes, port: int = 10, **more: object) -> bytes:
    return json.dumps(event(payload, port, **more)).encode()


class NetworkServer:
    """What ChirpStack's MQTT integration does: publishes events, takes commands."""

    def __init__(self, port: int) -> None:
        self.commands: queue.Queue[tuple[str, dict[str, object]]] = queue.Queue()
        self.client = PahoClient(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: self.commands.put((m.topic, json.loads(m.payload)))
        taken: queue.Queue[bool] = queue.Queue()
        self.client.on_subscribe = lambda *_: taken.put(True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe("application/+/device/+/command/+", qos=1)
        assert taken.get(timeout=ENDS_S)

    def uplink(self, payload: bytes, port: int = 10, topic: str = UP, qos: int = 1) -> None:
        self.client.publish(topic, body(payload, port), qos=qos).wait_for_publish(ENDS_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
