"""One connection to the broker, for one device or many: made again whenever it is lost, while the run lasts."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from siaga_tools.load import wire

KEEPALIVE_S: Final = 15
_ANSWER_S: Final = 10.0
_TOGETHER: Final = 100  # topics in one SUBSCRIBE
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0
_REFUSALS: Final = {
    1: "protocol version",
    2: "client id",
    3: "server unavailable",
    4: "user or password",
    5: "not authorised",
}

Heard = Callable[[str, bytes, float], None]  # topic, payload, when (perf_counter)


@dataclass(frozen=True)
class Broker:
    """Where it is and who we are there."""

    host: str = "127.0.0.1"
    port: int = 1883
    tls: ssl.SSLContext | None = None
    user: str | None = None
    password: str | None = None


class Refused(Exception):
    """The broker answered, and the answer is no: trying again changes nothing."""


class NotAllowed(Refused):
    """It lets us in, and does not let us read what we asked for."""


class Link:
    """`up` while it can publish. `heard` is called for each message; what was heard is acknowledged to the broker.

    `changed` is called when the link comes up and when it goes down.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        topics: Sequence[str],
        heard: Heard,
        changed: Callable[[Link], None] = lambda link: None,
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
        self.refusal = ""

    @property
    def up(self) -> bool:
        return self._session is not None

    def publish(self, head: bytes, payload: bytes) -> None:
        """`head` as wire.publish_head made it. Only while it is up; goes out at the end of this turn of the loop."""
        assert self._session is not None
        self._session.publish(head, payload)

    async def keep(self, gate: asyncio.Semaphore) -> None:
        """Connect, and again whenever the connection is lost, until cancelled. Raises Refused where the very first
        connection is refused. `gate` bounds how many connect at once."""
        pause_s, first = _FIRST_PAUSE_S, True
        while True:
            session = _Session(self._heard, self)
            try:
                async with gate, asyncio.timeout(_ANSWER_S):
                    await self._open(session)
            except Refused as error:
                self.refusal = str(error)
                session.close()
                if first:
                    raise
            except (OSError, TimeoutError, wire.WireError):
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
        session.write(wire.connect(self._client_id, KEEPALIVE_S, broker.user, broker.password))
        code = (await session.answer())[1]
        if code:
            raise Refused(f"the broker refuses {self._client_id}: {_REFUSALS.get(code, code)}")
        for begin in range(0, len(self._topics), _TOGETHER):
            some = self._topics[begin : begin + _TOGETHER]
            session.write(wire.subscribe(begin // _TOGETHER + 1, some))
            granted = (await session.answer())[2:]
            if 0x80 in granted:
                raise NotAllowed(f"the broker does not let {self._client_id} read {some[granted.index(0x80)]}")


def _tls_s(broker: Broker) -> float | None:
    return None if broker.tls is None else _ANSWER_S


class _Session(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, heard: Heard, link: Link) -> None:
        self._heard = heard
        self._link = link
        self._reader = wire.Reader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._out = bytearray()
        self._packet_id = 0
        self._alive_at = time.monotonic()
        self._beat: asyncio.TimerHandle | None = None
        self.lost = asyncio.Event()

    # What the link asks for

    def write(self, packet: bytes) -> None:
        """At the end of this turn of the loop, together with what else is written in it."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out += packet

    def publish(self, head: bytes, payload: bytes) -> None:
        self._packet_id = self._packet_id % 65_535 + 1
        self.write(head + self._packet_id.to_bytes(2, "big") + payload)

    async def answer(self) -> bytes:
        """The body of the next CONNACK or SUBACK. Raises OSError when the connection is lost instead."""
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
                self._transport.write(bytes(self._out) + wire.DISCONNECT)
            self._out.clear()
            self._transport.close()
        self.lost.set()

    # What asyncio calls

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
                if kind == wire.PUBLISH:
                    topic, packet_id, payload = wire.published(flags, body)
                    self._heard(topic, payload, now)
                    if packet_id:
                        self.write(wire.puback(packet_id))
                elif kind == wire.PUBACK:
                    self._link.accepted += 1
                elif kind in (wire.CONNACK, wire.SUBACK):
                    self._answers.put_nowait(body)
        except wire.WireError:
            self._abort()

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(self._out))
        self._out.clear()

    def _heartbeat(self) -> None:
        if time.monotonic() - self._alive_at > 1.5 * KEEPALIVE_S:
            self._abort()
            return
        self.write(wire.PINGREQ)
        self._beat = self._loop.call_later(KEEPALIVE_S / 2, self._heartbeat)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.lost.set()
