"""MQTT 3.1.1 for a load of thousands of devices: encodes and decodes packets, no I/O.

A client library's round trip costs more than a gateway's whole event (119 us against some 40 here, all told): the load
would measure itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
SUBACK: Final = 9
PINGRESP: Final = 13

PINGREQ: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"
_LONGEST: Final = 1 << 20  # none of our packets is near it: a stream that says so is out of sync


class PacketError(Exception):  # Not a SiagaError: the connection is made anew.
    """The broker sends something that is not MQTT."""


def connect(client_id: str, keepalive_s: int, user: str | None = None, password: str | None = None) -> bytes:
    """CONNECT with a clean session: nobody needs what the broker would store for a device that is gone."""
    flags = 0x02
    rest = _text(client_id)
    if user is not None:
        flags |= 0x80
        rest += _text(user)
    if password is not None:
        flags |= 0x40
        rest += _text(password)
    return _packet(0x10, _text("MQTT") + struct.pack(">BBH", 4, flags, keepalive_s) + rest)


def subscribe(packet_id: int, topics: Sequence[str]) -> bytes:
    """SUBSCRIBE with QoS 1 for each."""
    return _packet(0x82, struct.pack(">H", packet_id) + b"".join(_text(topic) + b"\x01" for topic in topics))


def publish_head(topic: str, size: int, *, again: bool = False) -> bytes:
    """Return a PUBLISH's bytes before its packet identifier, with QoS 1 and a payload of that size. again: sets DUP."""
    named = _text(topic)
    return bytes((0x3A if again else 0x32,)) + _length(len(named) + 2 + size) + named


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


class Reader:
    """Splits a stream into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield each complete packet: its type, its four flag bits, what follows its length. Raises PacketError."""
        stream = self._rest + piece if self._rest else piece
        start, end = 0, len(stream)
        while True:
            # The length: one to four bytes, seven bits each.
            at, size, shift = start + 1, 0, 0
            while True:
                if at >= end:
                    self._rest = stream[start:]
                    return
                byte = stream[at]
                size |= (byte & 127) << shift
                at += 1
                if byte < 128:
                    break
                shift += 7
                if shift > 21:
                    raise PacketError("a packet's length of more than four bytes")
            if size > _LONGEST:
                raise PacketError(f"a packet of {size} bytes")
            if at + size > end:
                self._rest = stream[start:]
                return
            first = stream[start]
            yield first >> 4, first & 15, stream[at : at + size]
            start = at + size


def published(flags: int, body: bytes) -> tuple[str, int, bytes]:
    """Parse a PUBLISH: topic, packet identifier (0 with QoS 0), payload. Raises PacketError."""
    if len(body) < 2:
        raise PacketError("a PUBLISH without a topic")
    end = 2 + int.from_bytes(body[:2], "big")
    packet_id, payload_at = 0, end
    if flags & 6:
        packet_id, payload_at = int.from_bytes(body[end : end + 2], "big"), end + 2
    if payload_at > len(body):
        raise PacketError("a PUBLISH that is cut short")
    return body[2:end].decode("utf-8", "replace"), packet_id, body[payload_at:]


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _length(len(body)) + body


def _length(size: int) -> bytes:
    made = bytearray()
    while True:
        size, low = size >> 7, size & 127
        made.append(low | (128 if size else 0))
        if not size:
            return bytes(made)
