"""One connection to the broker, for one device or many: re-established whenever it is lost, while the run lasts."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from siaga_gateway.catalogue.localized import Localized
from siaga_tools.load import mqtt_packets
from siaga_tools.messages import Trouble

KEEPALIVE_S: Final = 15
_ANSWER_S: Final = 10.0
_TOGETHER: Final = 100  # topics in one SUBSCRIBE
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0
_REFUSALS: Final = {
    1: "version",
    2: "client_id",
    3: "unavailable",
    4: "login",
    5: "not_authorised",
}

Heard = Callable[[str, bytes, float], None]  # topic, payload, when (perf_counter)


@dataclass(frozen=True)
class Broker:
    """The broker's address and the login there."""

    host: str = "127.0.0.1"
    port: int = 1883
    tls: ssl.SSLContext | None = None
    user: str | None = None
    password: str | None = None


class BrokerRefused(Trouble):
    """The broker refused: a retry changes nothing."""


class NotAllowed(BrokerRefused):
    """It accepts the login, but not the subscription."""


class Connection:
    """One connection; received messages are acknowledged to the broker.

    up: whether it can publish
    heard: called for each message
    changed: called when the link comes up or goes down
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        topics: Sequence[str],
        heard: Heard,
        changed: Callable[[Connection], None] = lambda link: None,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._topics = tuple(topics)
        self._heard = heard
        self._changed = changed
        self._session: _Session | None = None
        self._chance = random.Random(client_id)  # noqa: S311 (spreads reconnects, guards nothing)
        self.losses = 0
        self.accepted = 0  # PUBACKs

    @property
    def up(self) -> bool:
        return self._session is not None

    def publish(self, head: bytes, payload: bytes) -> None:
        """Publish; only while it is up. Sent at the end of this turn of the loop. head: as mqtt_packets.publish_head()
        made it."""
        assert self._session is not None
        self._session.publish(head, payload)

    async def keep(self, gate: asyncio.Semaphore) -> None:
        """Connect, and reconnect until cancelled. Raises BrokerRefused if the very first connection is refused. gate:
        limits how many connect at once."""
        pause_s, first = _FIRST_PAUSE_S, True
        while True:
            session = _Session(self._heard, self)
            try:
                async with gate, asyncio.timeout(_ANSWER_S):
                    await self._open(session)
            except BrokerRefused:
                session.close()
                if first:
                    raise
            except (OSError, TimeoutError, mqtt_packets.PacketError):
                session.close()
            else:
                first, pause_s = False, _FIRST_PAUSE_S
                self._session = session
                self._changed(self)
                try:
                    await session.lost.wait()
                finally:
                    self._session = None
                    session.close()
                self.losses += 1
                self._changed(self)
            await asyncio.sleep(pause_s * (0.5 + self._chance.random() / 2))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _open(self, session: _Session) -> None:
        broker = self._broker
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            lambda: session, broker.host, broker.port, ssl=broker.tls, ssl_handshake_timeout=_tls_s(broker)
        )
        session.write(mqtt_packets.connect(self._client_id, KEEPALIVE_S, broker.user, broker.password))
        code = (await session.answer())[1]
        if code:
            why = Localized(f"demo.mqtt_refusal.{_REFUSALS[code]}") if code in _REFUSALS else code
            raise BrokerRefused("load_login_refused", client=self._client_id, why=why)
        for begin in range(0, len(self._topics), _TOGETHER):
            some = self._topics[begin : begin + _TOGETHER]
            session.write(mqtt_packets.subscribe(begin // _TOGETHER + 1, some))
            granted = (await session.answer())[2:]
            if 0x80 in granted:
                topic = some[granted.index(0x80)]
                raise NotAllowed("load_topic_refused", client=self._client_id, topic=topic)


def _tls_s(broker: Broker) -> float | None:
    return None if broker.tls is None else _ANSWER_S


class _Session(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, heard: Heard, link: Connection) -> None:
        self._heard = heard
        self._link = link
        self._reader = mqtt_packets.Reader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._out = bytearray()
        self._packet_id = 0
        self._alive_at = time.monotonic()
        self._beat: asyncio.TimerHandle | None = None
        self.lost = asyncio.Event()

    # For the connection

    def write(self, packet: bytes) -> None:
        """Send at the end of this turn of the loop, together with everything else written in it."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out += packet

    def publish(self, head: bytes, payload: bytes) -> None:
        self._packet_id = self._packet_id % 65_535 + 1
        self.write(head + self._packet_id.to_bytes(2, "big") + payload)

    async def answer(self) -> bytes:
        """Return the body of the next CONNACK or SUBACK. Raises OSError if the connection is lost instead."""
        waiting = asyncio.ensure_future(self._answers.get())
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait((waiting, lost), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ConnectionError("the broker hung up")
            return waiting.result()
        finally:
            waiting.cancel()
            lost.cancel()

    def close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        if self._transport is not None and not self._transport.is_closing():
            with contextlib.suppress(OSError):
                self._transport.write(bytes(self._out) + mqtt_packets.DISCONNECT)
            self._out.clear()
            self._transport.close()
        self.lost.set()

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._beat = self._loop.call_later(KEEPALIVE_S / 2, self._heartbeat)

    def connection_lost(self, error: Exception | None) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self.lost.set()

    def data_received(self, piece: bytes) -> None:
        now = time.perf_counter()
        self._alive_at = time.monotonic()
        try:
            for kind, flags, body in self._reader.feed(piece):
                if kind == mqtt_packets.PUBLISH:
                    topic, packet_id, payload = mqtt_packets.published(flags, body)
                    self._heard(topic, payload, now)
                    if packet_id:
                        self.write(mqtt_packets.puback(packet_id))
                elif kind == mqtt_packets.PUBACK:
                    self._link.accepted += 1
                elif kind in (mqtt_packets.CONNACK, mqtt_packets.SUBACK):
                    self._answers.put_nowait(body)
        except mqtt_packets.PacketError:
            self._abort()

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(self._out))
        self._out.clear()

    def _heartbeat(self) -> None:
        if time.monotonic() - self._alive_at > 1.5 * KEEPALIVE_S:
            self._abort()
            return
        self.write(mqtt_packets.PINGREQ)
        self._beat = self._loop.call_later(KEEPALIVE_S / 2, self._heartbeat)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.lost.set()
