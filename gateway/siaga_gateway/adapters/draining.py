"""paho's client, reading and acknowledging many messages at a time.

paho waits for its socket, reads a byte, a length and a body, and goes back to wait, for each message; each PUBACK wakes
its thread and is written by itself. At thousands of messages a second that is most of what receiving costs, and what
the gateway does not take off the connection in time waits there in front of a press. Here a read takes whatever has
come, and all acknowledgements given since the last look go out in one write.

It overrides what paho keeps to itself (`_sock_recv`, the queue of packets): paho is pinned, and were it changed, the
tests of the link would fail.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

_READ: Final = 16_384  # bytes: some hundred messages, after which what waits to be written has its turn
_PUBACK: Final = 0x40


class DrainingClient(paho.Client):
    """`acknowledge` in place of `ack`, for QoS 1; from any thread."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._come: bytes = b""
        self._taken = 0
        self._come_from: object = None
        self._acknowledged: deque[bytes] = deque()
        super().__init__(*arguments, **options)

    def acknowledge(self, mid: int) -> None:
        self._acknowledged.append(bytes((_PUBACK, 2)) + mid.to_bytes(2, "big"))
        if len(self._acknowledged) == 1 and self._sockpairW is not None:
            with contextlib.suppress(BlockingIOError):  # then it has been woken often enough
                self._sockpairW.send(b"0")

    def forget_acknowledgements(self) -> None:
        """A packet identifier means nothing on another connection."""
        self._acknowledged.clear()

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._come_from is not self._sock:
            self._come, self._taken, self._come_from = b"", 0, self._sock
        if self._taken == len(self._come):
            self._come, self._taken = super()._sock_recv(_READ), 0
        part = self._come[self._taken : self._taken + bufsize]
        self._taken += len(part)
        return part

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Also all that has been read and not been looked at: no select would tell of that."""
        while True:
            result = super().loop_read(max_packets)
            if result or self._taken == len(self._come) or self._come_from is not self._sock:
                return result

    def loop_write(self) -> MQTTErrorCode:
        self._queue_acknowledgements()
        return super().loop_write()

    def _queue_acknowledgements(self) -> None:
        """As one packet, before the answers that were given after them; not into a packet that is written in part."""
        parts = []
        while self._acknowledged:
            parts.append(self._acknowledged.popleft())
        if not parts:
            return
        packet = b"".join(parts)
        begun = bool(self._out_packet) and self._out_packet[0]["pos"] > 0
        self._out_packet.insert(
            int(begun),
            {
                "command": _PUBACK,
                "mid": 0,
                "qos": 1,
                "pos": 0,
                "to_process": len(packet),
                "packet": packet,
                "info": None,
            },
        )
