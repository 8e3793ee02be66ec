"""MQTT 3.1.1 and 5 with nothing between a test and the bytes: a client that may send what no library would.

Every read has a deadline. `settled()` asks for a PINGRESP and returns what came before it: Mosquitto hands a message on
before it acknowledges it, so what a test knows to be acknowledged has come by then, or never does.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from waiting import ENDS_S

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0


class Closed(Exception):
    """The broker closed the connection."""


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def packet(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([kind])
    while True:
        length, digit = length >> 7, length & 127
        head.append(digit | (128 if length else 0))
        if not length:
            return bytes(head) + body


@dataclass
class Received:
    """A PUBLISH that came."""

    topic: str
    payload: bytes
    retained: bool


@dataclass
class BareClient:
    """One connection. ca: PEM file; None: no TLS."""

    port: int
    ca: Path | None = None
    version: int = 4
    received: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=ENDS_S)
        if self.ca is None:
            self.sock: socket.socket = plain
        else:
            context = ssl.create_default_context(cafile=str(self.ca))
            self.sock = context.wrap_socket(plain, server_hostname="localhost")
        self._buffer = b""
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Without a DISCONNECT, as a link that dies: a will goes out."""
        self.sock.close()

    def connect(
        self,
        user: str | bytes | None,
        password: str | None,
        client_id: str | bytes = "anything",
        *,
        clean: bool = True,
        keepalive_s: int = 60,
        will: tuple[str | bytes, bytes] | None = None,
        will_retained: bool = False,
    ) -> int:
        """The CONNACK's return code, 0 = taken. Raises Closed."""
        flags = 0x02 if clean else 0
        properties = b"\x00" if self.version == 5 else b""
        body = text(client_id)
        if will is not None:
            flags |= 0x0C | (0x20 if will_retained else 0)
            body += properties + text(will[0]) + text(will[1])
        if user is not None:
            flags |= 0x80
            body += text(user)
        if password is not None:
            flags |= 0x40
            body += text(password)
        head = text("MQTT") + bytes([self.version, flags]) + keepalive_s.to_bytes(2, "big") + properties
        self.send(packet(0x10, head + body))
        return self._until(CONNACK)[1]

    def send(self, raw: bytes) -> None:
        try:
            self.sock.sendall(raw)
        except OSError as error:
            raise Closed(str(error)) from None

    def subscribe(self, *topics: str) -> list[int]:
        """What was granted: a QoS for each, 128 or more = refused."""
        self._number += 1
        properties = b"\x00" if self.version == 5 else b""
        body = self._number.to_bytes(2, "big") + properties + b"".join(text(topic) + b"\x01" for topic in topics)
        self.send(packet(0x82, body))
        return list(self._until(SUBACK)[2 + len(properties) :])

    def publish(self, topic: str | bytes, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """The PUBACK's reason, 0 in MQTT 3.1.1. Raises Closed."""
        self._number += 1
        properties = b"\x00" if self.version == 5 else b""
        body = text(topic) + (self._number.to_bytes(2, "big") if qos else b"") + properties + payload
        self.send(packet(PUBLISH | qos << 1 | retain, body))
        if not qos:
            return 0
        answer = self._until(PUBACK)
        return answer[2] if len(answer) > 2 else 0

    def settled(self) -> list[Received]:
        """What came up to now. Raises Closed."""
        self.send(b"\xc0\x00")
        self._until(PINGRESP)
        came, self.received = self.received, []
        return came

    def until_closed(self) -> None:
        """Return when the broker has closed the connection. AssertionError after the deadline."""
        try:
            while True:
                self._read()
        except Closed:
            return
        except TimeoutError:
            raise AssertionError("the broker keeps the connection") from None

    def _until(self, kind: int) -> bytes:
        while True:
            came, body = self._read()
            if came & 0xF0 == kind:
                return body

    def _read(self) -> tuple[int, bytes]:
        while True:
            parsed = self._parse()
            if parsed is not None:
                kind, body = parsed
                if kind & 0xF0 == PUBLISH:
                    self._message(kind, body)
                return kind, body
            try:
                more = self.sock.recv(65_536)
            except TimeoutError:
                raise
            except OSError as error:
                raise Closed(str(error)) from None
            if not more:
                raise Closed("the broker closed the connection")
            self._buffer += more

    def _parse(self) -> tuple[int, bytes] | None:
        length = shift = 0
        for at, digit in enumerate(self._buffer[1:5], 2):
            length |= (digit & 127) << shift
            shift += 7
            if not digit & 128:
                if len(self._buffer) < at + length:
                    return None
                kind, body = self._buffer[0], self._buffer[at : at + length]
                self._buffer = self._buffer[at + length :]
                return kind, body
        return None

    def _message(self, kind: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, rest = body[2:end].decode(), body[end:]
        if kind & 0x06:
            self.send(packet(PUBACK, rest[:2]))
            rest = rest[2:]
        if self.version == 5:
            rest = rest[1 + rest[0] :]
        self.received.append(Received(topic, rest, bool(kind & 1)))
