"""A paho client that reads, acknowledges and publishes messages in batches.

For each message paho waits for its socket, reads a byte, a length and a body, and builds an object, with a dozen calls
and locks; each PUBACK wakes its thread and is written singly; each PUBLISH is stored in three places until
acknowledged. At thousands of messages a second that costs twice as much as storing them, and what the gateway does not
read in time queues up in front of a press. Here one read takes whatever has arrived, its messages go to `on_messages`
together, and all pending acknowledgements and publications go out in one write. The rest is paho's.

It overrides paho's private methods (`_sock_recv`, `_packet_read`, the packet queue). So client_factory.py tests it at
each start, and falls back to paho's own client if it does not work.
"""

from __future__ import annotations

import contextlib
import logging
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

_READ: Final = 32_768  # bytes: some 180 messages, before pending writes get their turn
_WHOLE: Final = 65_536  # a longer packet is not a frame, and is left to paho
_PUBLISH: Final = 0x30
_PUBACK: Final = 0x40
_QOS_1: Final = 0x02
_AGAIN: Final = 0x08
_RETAINED: Final = 0x01
# Limit of publications not acknowledged by the broker; an MQTT 5 broker may set a lower one.
_UNDER_WAY: Final = 10_000
_WAITING: Final = 50_000  # limit of those waiting to be published; the button asks again for a dropped answer


class Message(NamedTuple):
    """A received PUBLISH; qos 0 or 1."""

    topic: str
    body: bytes
    qos: int
    mid: int
    retained: bool = False  # the broker had stored it, and sends it with the subscription


class DrainingClient(PahoClient):
    """Use `acknowledge` instead of `ack` and `send` instead of `publish`; both are for QoS 1 and thread-safe.

    `on_messages` is called in paho's thread instead of `on_message`, except for messages that are far too long.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.failure: Exception | None = None  # why the last connection attempt failed
        self._come: bytes = b""
        self._taken = 0
        self._come_from: object = None
        self._acknowledged: deque[bytes] = deque()
        self._to_send: deque[tuple[int, bytes]] = deque()
        self._sent: dict[int, bytes] = {}  # by packet identifier, until the broker acknowledges them
        self._most_under_way = _UNDER_WAY
        self._awake = False
        self.on_messages: Callable[[Sequence[Message]], None] = lambda messages: None
        super().__init__(*arguments, **options)

    def acknowledge(self, mid: int) -> None:
        self._acknowledged.append(bytes((_PUBACK, 2)) + mid.to_bytes(2, "big"))
        self._wake()

    def send(self, topic: str, body: bytes) -> None:
        """Publish with QoS 1, not retained. It is sent again on the next connection if the broker has not acknowledged
        it."""
        if len(self._to_send) >= _WAITING:
            log.error(Localized("log.broker.takes_nothing", topic=topic))
            return
        name = topic.encode()
        mid = self._mid_generate()
        while mid in self._sent:
            mid = self._mid_generate()
        rest = b"".join(
            (len(name).to_bytes(2, "big"), name, mid.to_bytes(2, "big"), b"\0" if self._is_5 else b"", body)
        )
        self._to_send.append((mid, bytes((_PUBLISH | _QOS_1,)) + _length(len(rest)) + rest))
        self._wake()

    def begin_connection(self, receive_maximum: int | None = None) -> None:
        """Start over for a new connection, or none: packet identifiers lose their meaning, and unacknowledged
        publications are sent again.

        receive_maximum: the broker's limit (MQTT 5, 3.2.2.3.3).
        """
        self._acknowledged.clear()
        self._most_under_way = min(_UNDER_WAY, receive_maximum or _UNDER_WAY)
        again, self._sent = self._sent, {}
        for mid, packet in reversed(again.items()):
            self._to_send.appendleft((mid, bytes((packet[0] | _AGAIN,)) + packet[1:]))
        self._wake()

    @property
    def _is_5(self) -> bool:
        return bool(self._protocol == paho.MQTTv5)

    def _wake(self) -> None:
        """Make paho's thread check for pending writes."""
        if not self._awake and self._sockpairW is not None:
            self._awake = True
            with contextlib.suppress(BlockingIOError):  # it has been woken often enough
                self._sockpairW.send(b"0")

    def reconnect(self) -> MQTTErrorCode:
        """paho reports to nobody why it failed."""
        self.failure = None
        try:
            return super().reconnect()
        except (OSError, ValueError) as error:
            self.failure = error
            raise

    # Reading

    def _sock_recv(self, bufsize: int) -> bytes:
        self._look_at_socket()
        if self._taken == len(self._come):
            self._come, self._taken = super()._sock_recv(_READ), 0
        part = self._come[self._taken : self._taken + bufsize]
        self._taken += len(part)
        return part

    def _look_at_socket(self) -> None:
        if self._come_from is not self._sock:
            self._come, self._taken, self._come_from = b"", 0, self._sock

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Process all complete packets received. The start of an incomplete one stays until the rest arrives."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        self._look_at_socket()
        if self._in_packet["command"] == 0:
            try:
                part = super()._sock_recv(_READ)
            except BlockingIOError:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            except OSError:
                part = b""
            if not part:
                return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            self._come, self._taken = self._come[self._taken :] + part, 0
        while True:
            if self._in_packet["command"] == 0 and not self._take_messages():
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            try:
                result = self._packet_read()
            except (struct.error, IndexError, ValueError):  # paho 2.1, for a malformed packet
                result = MQTTErrorCode.MQTT_ERR_PROTOCOL
            if result == MQTTErrorCode.MQTT_ERR_AGAIN:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            if result > 0:
                return self._loop_rc_handle(result)
            if self._come_from is not self._sock:  # a callback has ended the connection
                return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take_messages(self) -> bool:
        """Hand over the messages up to the first packet of another type. Returns whether paho has one to handle."""
        come, at = self._come, self._taken
        messages: list[Message] = []
        wanted = False
        freed = False
        while True:
            body_at, end = _bounds(come, at)
            if end > len(come) and end - at <= _WHOLE:
                break
            command = come[at]
            if end - at <= _WHOLE and command & 0xF4 == _PUBLISH:
                message = _message(come, command, body_at, end, self._is_5)
                if message is None:
                    wanted = True
                    break
                messages.append(message)
            elif command == _PUBACK and end - body_at >= 2 and self._had(come[body_at] << 8 | come[body_at + 1]):
                freed = True
            else:
                wanted = True
                break
            at = end
        if at > self._taken:
            with self._msgtime_mutex:
                self._last_msg_in = time.monotonic()
        self._taken = at
        if freed and self._to_send:
            self._wake()
        if messages:
            self.on_messages(messages)
        return wanted and self._come_from is self._sock

    def _had(self, mid: int) -> bool:
        """The broker has a message. Returns whether it was one of ours."""
        return self._sent.pop(mid, None) is not None

    # Writing

    def loop_write(self) -> MQTTErrorCode:
        self._queue_what_waits()
        return super().loop_write()

    def _queue_what_waits(self) -> None:
        """Queue everything as one packet, acknowledgements before the answers given after them; never into a packet
        that is partly written."""
        self._awake = False
        parts = list(_emptied(self._acknowledged))
        while self._to_send and len(self._sent) < self._most_under_way and self.is_connected():
            mid, packet = self._to_send.popleft()
            self._sent[mid] = packet
            parts.append(packet)
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


def _emptied(waiting: deque[bytes]) -> Iterator[bytes]:
    while waiting:
        yield waiting.popleft()


def _length(size: int) -> bytes:
    """Encode a remaining length (MQTT 3.1.1, 2.2.3)."""
    parts = bytearray()
    while size > 127:
        parts.append(size & 127 | 128)
        size >>= 7
    parts.append(size)
    return bytes(parts)


def _bounds(come: bytes, at: int) -> tuple[int, int]:
    """Return where the packet at `at` has its body, and where it ends; beyond what was received if that is unknown or
    malformed."""
    size, shift, index = 0, 0, at + 1
    while index < len(come):
        byte = come[index]
        index += 1
        size |= (byte & 127) << shift
        if byte < 128:
            return index, index + size
        shift += 7
        if shift > 21:
            return index, index + _WHOLE + 1  # not a length: paho reports it
    return index, len(come) + 1


def _message(come: bytes, command: int, at: int, end: int, is_5: bool) -> Message | None:
    """Parse a PUBLISH of QoS 0 or 1; None if it is malformed."""
    topic_at = at + 2
    at = topic_at + (come[at] << 8 | come[at + 1]) if end - at >= 2 else end + 1
    topic_end = at
    qos = command >> 1 & 1
    mid = 0
    if qos:
        if end - at < 2:
            return None
        mid = come[at] << 8 | come[at + 1]
        at += 2
    if is_5:  # properties: we need none of them
        size = shift = 0
        while at < end:
            byte = come[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        at += size
    if at > end:
        return None
    topic = come[topic_at:topic_end].decode("utf-8", "replace")
    return Message(topic, come[at:end], qos, mid, bool(command & _RETAINED))
