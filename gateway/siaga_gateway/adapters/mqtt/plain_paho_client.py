"""A client on paho's public interface only, for a version of paho that batching_client.py does not know.

Slower: each message is read and acknowledged singly.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

from paho.mqtt.enums import MQTTErrorCode

from siaga_gateway.adapters.mqtt.batching_client import Message
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)


class PlainClient(PahoClient):
    """Adds to paho what DrainingClient has; every message goes to `on_message`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.failure: Exception | None = None
        self.on_messages: Callable[[Sequence[Message]], None] = lambda messages: None
        super().__init__(*arguments, **options)

    def acknowledge(self, mid: int) -> None:
        self.ack(mid, 1)

    def send(self, topic: str, body: bytes) -> None:
        self.publish(topic, body, qos=1)

    def begin_connection(self, receive_maximum: int | None = None) -> None:
        """Does nothing: paho sends again by itself."""

    def reconnect(self) -> MQTTErrorCode:
        self.failure = None
        try:
            return super().reconnect()
        except (OSError, ValueError) as error:
            self.failure = error
            raise

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """A malformed packet ends the connection, but not paho's thread."""
        try:
            return super().loop_read(max_packets)
        except Exception as error:
            log.debug(Localized("log.broker.no_packet", error=error))
            sock = self.socket()
            if sock is not None:
                with contextlib.suppress(OSError):
                    cast(socket.socket, sock).shutdown(socket.SHUT_RDWR)
            return MQTTErrorCode.MQTT_ERR_SUCCESS
