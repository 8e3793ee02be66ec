"""Acknowledges messages in order of arrival (MQTT 3.1.1, 4.6), and never across connections: a packet identifier means
nothing on another one, and the broker redelivers what was not acknowledged (4.4)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.adapters.mqtt.batching_client import Message


class Acknowledging(Protocol):
    def acknowledge(self, mid: int) -> None: ...
    def begin_connection(self, receive_maximum: int | None = None) -> None: ...


@dataclass(slots=True)
class OpenAcknowledgement:
    """A message not yet acknowledged to the broker."""

    connection: int
    mid: int
    done: bool = False


class OrderedAcknowledgements:
    """Thread-safe."""

    def __init__(self, client: Acknowledging) -> None:
        self._client = client
        # The lock joins checking the connection's number with acknowledging: in between, the connection could be lost
        # and another one made.
        self._connection = 0
        self._open: deque[OpenAcknowledgement] = deque()
        self._lock = threading.Lock()

    def next_connection(self, receive_maximum: int | None = None) -> None:
        with self._lock:
            self._connection += 1
            self._client.begin_connection(receive_maximum)

    def begin(self, messages: Iterable[Message]) -> list[OpenAcknowledgement]:
        """Register messages; those of QoS 0 need no acknowledgement."""
        begun = [(message, OpenAcknowledgement(self._connection, message.mid)) for message in messages]
        with self._lock:
            self._open.extend(one for message, one in begun if message.qos)
        return [one for _, one in begun]

    def acknowledge(self, one: OpenAcknowledgement) -> None:
        one.done = True
        self.tell()

    def tell(self) -> None:
        """Acknowledge all that are done, up to the first that is not; also if a message in between carries no frame and
        is done at once."""
        with self._lock:
            while self._open and (self._open[0].done or self._open[0].connection != self._connection):
                first = self._open.popleft()
                if first.connection == self._connection:
                    self._client.acknowledge(first.mid)
