"""In front of a real broker: what answers pings and lets nothing through, in each of the ways that this happens."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self

from bare_mqtt import CONNACK, PUBACK, PUBLISH, SUBACK, packet, text

CONNECT, SUBSCRIBE, UNSUBSCRIBE, UNSUBACK, PINGREQ = 0x10, 0x82, 0xA2, 0xB0, 0xC0
PINGRESP = b"\xd0\x00"
_OURS = 65_000  # packet identifier of what is slipped in


def _packets(source: socket.socket) -> Iterator[tuple[int, bytes, bytes]]:
    """Each whole packet: its first byte, its body, all of it."""
    come = b""
    while True:
        at, end = _bounds(come)
        if end <= len(come):
            yield come[0], come[at:end], come[:end]
            come = come[end:]
            continue
        more = source.recv(65_536)
        if not more:
            return
        come += more


def _bounds(come: bytes) -> tuple[int, int]:
    """Of the first packet's body; an end behind what has come where that is not known yet."""
    length = shift = 0
    for at, digit in enumerate(come[1:5], 2):
        length |= (digit & 127) << shift
        shift += 7
        if not digit & 128:
            return at, at + length
    return 0, len(come) + 1


class MutingProxy:
    """mutes: nothing that is published gets to a client; `spares_retained`: but what the broker had kept.

    until_clean: as long as no CONNECT has asked for a clean session. refuses: subscriptions are answered by 0x80.
    keeps: a connection that the broker has ended goes on for the client, who gets the answers he expects. connects: how
    many CONNECTs came under `client_id`; asks: how many messages of QoS 0 came from a client."""

    def __init__(self, broker_port: int, client_id: str) -> None:
        self._broker_port = broker_port
        self._client_id = text(client_id)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.mutes = self.spares_retained = self.until_clean = self.refuses = self.keeps = False
        self.is_5 = False
        self.connects = self.dropped = self.asks = 0
        self._behind: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def take_subscription(self, topic: str) -> None:
        """At the broker, of the client that came last, who hears nothing of it."""
        properties = b"\x00" if self.is_5 else b""
        assert self._behind is not None
        self._behind.sendall(packet(UNSUBSCRIBE, _OURS.to_bytes(2, "big") + properties + text(topic)))

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                behind = socket.create_connection(("127.0.0.1", self._broker_port))
                threading.Thread(target=self._up, args=(client, behind), daemon=True).start()
                threading.Thread(target=self._down, args=(behind, client), daemon=True).start()

    def _up(self, client: socket.socket, behind: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for kind, body, raw in _packets(client):
                if kind == CONNECT and self._client_id in body:
                    self.connects += 1
                    self.is_5 = body[6] == 5
                    self._behind = behind
                    if body[7] & 2 and self.until_clean:
                        self.mutes = self.until_clean = False
                self.asks += kind & 0xF6 == PUBLISH
                try:
                    behind.sendall(raw)
                    if kind != PINGREQ or not self.keeps:
                        continue
                except OSError:
                    if not self.keeps:
                        raise
                self._answer(client, kind, body)
        hang_up(behind)

    def _answer(self, client: socket.socket, kind: int, body: bytes) -> None:
        """In the broker's place."""
        if kind == PINGREQ:
            client.sendall(PINGRESP)
        elif kind == SUBSCRIBE:
            codes = body.count(b"siaga/v1/")  # no topic of ours has that twice
            client.sendall(packet(SUBACK, body[:2] + (b"\x00" if self.is_5 else b"") + b"\x01" * codes))
        elif kind & 0xF6 == PUBLISH | 2:
            at = 2 + int.from_bytes(body[:2], "big")
            client.sendall(packet(PUBACK, body[at : at + 2]))

    def _down(self, behind: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for kind, body, raw in _packets(behind):
                if kind == UNSUBACK and body[:2] == _OURS.to_bytes(2, "big"):
                    continue
                if kind & 0xF0 == PUBLISH and self.mutes and not (kind & 1 and self.spares_retained):
                    self.dropped += 1
                    continue
                if kind == SUBACK and self.refuses:
                    at = 3 if self.is_5 else 2
                    raw = packet(SUBACK, body[:at] + b"\x80" * (len(body) - at))
                if kind == CONNACK or not (self.keeps and raw == PINGRESP):
                    client.sendall(raw)
        if not self.keeps:
            hang_up(client)


def hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
