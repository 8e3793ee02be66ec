"""The MQTT integration of a ChirpStack v4, for simulated LoRaWAN devices: uplink events out, commands in, one downlink
queue a device. Radio, keys and MAC commands are simulated by the module."""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime
import json
import threading
import uuid
from collections import defaultdict, deque
from types import TracebackType
from typing import Any, Final, Self

from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.paho_client import PahoClient

_CONNECT_S: Final = 10.0
_LONGEST_QUEUE: Final = 64


class NetworkServer:
    """The server, on a real broker.

    refused: commands that it did not accept, with the reason, as ChirpStack logs them
    """

    def __init__(
        self, host: str, port: int, application: str = "17c82e96-be03-4f38-aef3-f83d48582d97", qos: int = 1
    ) -> None:
        self.application = application
        self.refused: list[str] = []
        self._host = host
        self._port = port
        self._qos = qos
        self._queues: defaultdict[str, deque[tuple[int, bytes]]] = defaultdict(lambda: deque(maxlen=_LONGEST_QUEUE))
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._client = PahoClient(CallbackAPIVersion.VERSION2, client_id=f"chirpstack-{uuid.uuid4().hex[:8]}")
        self._client.on_connect = lambda client, *_: client.subscribe("application/+/device/+/command/down", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _client, _user, message: self._command(message.topic, bytes(message.payload))

    def uplink(self, dev_eui: str, port: int, payload: bytes, data_rate: int, counter: int) -> None:
        """Publish an uplink event, as integration.UplinkEvent in JSON with all its fields."""
        now = datetime.datetime.now(datetime.UTC)
        event = {
            "deduplicationId": str(uuid.uuid4()),
            "time": now.isoformat(),
            "deviceInfo": {
                "tenantId": str(uuid.UUID(int=1)),
                "tenantName": "Siaga",
                "applicationId": self.application,
                "applicationName": "Siaga",
                "deviceProfileId": str(uuid.UUID(int=2)),
                "deviceProfileName": "RAK3172",
                "deviceName": dev_eui,
                "devEui": dev_eui,
                "deviceClassEnabled": "CLASS_A",
                "tags": {},
            },
            "devAddr": "00189440",
            "adr": False,
            "dr": data_rate,
            "fCnt": counter,
            "fPort": port,
            "confirmed": False,
            "data": base64.b64encode(payload).decode(),
            "object": None,
            "rxInfo": [{"gatewayId": "0016c001f153a14c", "uplinkId": counter, "rssi": -70, "snr": 8.0}],
            "txInfo": {
                "frequency": 921_400_000,
                "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 12 - min(data_rate, 5)}},
            },
            "regionConfigId": "as923_2",
        }
        topic = f"application/{self.application}/device/{dev_eui}/event/up"
        self._client.publish(topic, json.dumps(event).encode(), qos=self._qos)

    def downlink(self, dev_eui: str) -> tuple[int, bytes] | None:
        """Return the FPort and payload for the receive window that is open now."""
        with self._lock:
            queue = self._queues[dev_eui]
            return queue.popleft() if queue else None

    def waiting(self, dev_eui: str) -> bool:
        """Return whether there is more: FramePending."""
        with self._lock:
            return bool(self._queues[dev_eui])

    def _command(self, topic: str, body: bytes) -> None:
        try:
            _, application, _, dev_eui, _, _ = topic.split("/")
            command: dict[str, Any] = json.loads(body)
            if command.get("devEui") != dev_eui or application != self.application:
                raise ValueError("devEui or application does not match the topic")
            port = command["fPort"]
            if not 1 <= port <= 255:
                raise ValueError(f"fPort {port}")
            payload = base64.b64decode(command["data"], validate=True)
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            self.refused.append(f"{topic}: {error!r}")
            return
        with self._lock:
            self._queues[dev_eui].append((port, payload))

    def __enter__(self) -> Self:
        self._client.connect(self._host, self._port)
        self._client.loop_start()
        if not self._subscribed.wait(_CONNECT_S):
            self.__exit__(None, None, None)
            raise TimeoutError(f"no subscription at {self._host}:{self._port} within {_CONNECT_S} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ValueError):
            self._client.disconnect()
        self._client.loop_stop()
