"""Somebody who subscribes to a broker, as another system would: paho, MQTT 5."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from waiting import eventually


@dataclass(frozen=True)
class Came:
    topic: str
    body: bytes
    retained: bool
    content_type: str | None
    expires_s: int | None


class Subscriber:
    """`with` it; `came` is what has come, in order. Connects anew by itself."""

    def __init__(self, port: int, topics: str = "#") -> None:
        self.came: list[Came] = []
        self._topics = topics
        self._port = port
        self._subscribed = threading.Event()
        client = PahoClient(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]
        client.on_connect = lambda *_: client.subscribe(self._topics, qos=1)
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_disconnect = lambda *_: self._subscribed.clear()
        client.on_message = self._on_message
        self._client = client

    def __enter__(self) -> Self:
        self._client.connect_async("127.0.0.1", self._port)
        self._client.loop_start()
        self.subscribed()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def subscribed(self) -> None:
        eventually(self._subscribed.is_set, "the subscription")

    def of(self, part: str) -> list[Came]:
        return [each for each in self.came if f"/{part}" in each.topic]

    def _on_message(self, _client: Any, _user: Any, message: Any) -> None:
        properties = message.properties
        self.came.append(
            Came(
                message.topic,
                message.payload,
                message.retain,
                getattr(properties, "ContentType", None),
                getattr(properties, "MessageExpiryInterval", None),
            )
        )
