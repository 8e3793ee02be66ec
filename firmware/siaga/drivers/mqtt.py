"""One MQTT link over asyncio: TCP or TLS underneath, core/mqtt.py on top. No wait without a deadline.

The TLS handshake happens inside the first write and read, so the CONNACK's deadline covers it too. The caller resolves
host names: the port's own look-up blocks everything.
"""

import asyncio
import gc

from siaga.core.mqtt import CONNECTED, DISCONNECT, MESSAGE, PUBLISHED, SUBSCRIBED, TOO_LONG, MqttError
from siaga.drivers.tcp import connect

_TICK_MS = 100
_CHUNK = 256


class Handler:
    """Receives a link's events. on_message must have finished with the message when it returns: then the broker gets
    its PUBACK. If it raises, the broker does not, and redelivers the message on the next link."""

    def on_connected(self) -> None:
        """Handle that the broker has accepted this client, so frames may go; the subscription is requested."""

    def on_up(self) -> None: ...

    def on_published(self, packet_id: int) -> None: ...

    def on_message(self, topic: bytes, payload: bytes) -> None: ...

    def on_too_long(self) -> None: ...

    def on_trouble(self, error: Exception) -> None:
        """Handle that on_message raised."""


class Link:
    """run() is one connection from start to end; it may be called again for the next one. The session's reply_ms is
    also the deadline of the TCP connection, of the TLS handshake, and of every write."""

    def __init__(self, session: "Session", clock: "Clock") -> None:
        self._session = session
        self._clock = clock
        self._deadline_ms = session.reply_ms
        self._writing = asyncio.Lock()
        self._stream = None  # type: asyncio.StreamWriter | None
        self._end = None  # type: str | None

    @property
    def up(self) -> bool:
        return self._stream is not None and self._session.up

    def drop(self, why: str) -> None:
        """End the current connection at the next tick; run() raises MqttError(why)."""
        self._end = why

    async def publish(self, topic: str, payload: bytes, packet_id: int) -> None:
        """Send a packet; on_published follows later. Raises MqttError or OSError if the link is down or blocked."""
        if self._stream is None or not self._session.connected:
            raise MqttError("the link to the broker is down")
        await self._write(self._session.publish(topic, payload, packet_id, self._clock.ms()))

    async def run(
        self,
        address: str,
        port: int,
        tls: "object | None",
        server_name: str,
        handler: Handler,
        others: bool = False,
    ) -> None:
        """Connect, subscribe, and pass on what arrives until the link ends, always with an exception: MqttError,
        OSError, or ValueError for an invalid server certificate. others: there are other addresses, so that one which
        takes no connection gets half the time."""
        self._end = None
        connection = await connect(address, port, self._deadline_ms // 2 if others else self._deadline_ms)
        ticking = None
        try:
            if tls is not None:
                connection.wrap(tls, server_name)  # type: ignore[arg-type]
            reader, self._stream = connection.reader, connection.writer
            await self._write(self._session.connect(self._clock.ms()))
            reading = asyncio.current_task()
            ticking = asyncio.create_task(self._tick(reading))
            while True:
                chunk = await reader.read(_CHUNK)
                if not chunk:
                    raise MqttError("the broker closed the connection")
                for event in self._session.feed(chunk):
                    await self._pass_on(event, handler)
        except asyncio.CancelledError:
            if self._end is None:
                raise
            raise MqttError(self._end)
        finally:
            self._stream = None
            if ticking is not None:
                ticking.cancel()
            connection.close()
            gc.collect()  # a TLS link holds some 40 KB outside Python's heap until its objects are collected

    async def close(self) -> None:
        """Send DISCONNECT, if the link still takes it."""
        if self._stream is not None:
            await self._write(DISCONNECT)
            self.drop("closed")

    async def _pass_on(self, event: tuple, handler: Handler) -> None:
        what = event[0]
        if what == MESSAGE:
            try:
                handler.on_message(event[2], event[3])
            except Exception as error:
                handler.on_trouble(error)
                return
            await self._acknowledge(event[1])
        elif what == TOO_LONG:
            handler.on_too_long()
            await self._acknowledge(event[1])
        elif what == PUBLISHED:
            handler.on_published(event[1])
        elif what == CONNECTED:
            await self._write(self._session.subscribe(self._clock.ms()))
            handler.on_connected()
        elif what == SUBSCRIBED:
            handler.on_up()

    async def _acknowledge(self, packet_id: int) -> None:
        packet = self._session.taken(packet_id, self._clock.ms())
        if packet:
            await self._write(packet)

    async def _write(self, packet: bytes) -> None:
        await self._writing.acquire()
        try:
            if self._stream is None:
                raise MqttError("the link to the broker is down")
            self._stream.write(packet)
            if not getattr(self._stream, "out_buf", b""):
                return  # it is sent; drain() would only let others run before the caller knows
            await asyncio.wait_for_ms(self._stream.drain(), self._deadline_ms)
        except asyncio.TimeoutError:
            why = "the network took no bytes within %d ms" % self._deadline_ms
            self.drop(why)
            raise MqttError(why)
        finally:
            self._writing.release()

    async def _tick(self, reading: "asyncio.Task[None] | None") -> None:
        """Watch the deadlines; the reader, which may wait for ever, is cancelled to end it."""
        while self._end is None:
            try:
                packet = self._session.due(self._clock.ms())
                if packet:
                    await self._write(packet)
            except Exception as error:  # no memory, say: without deadlines the reader would wait for ever
                self.drop(str(error) or repr(error))
            await asyncio.sleep_ms(_TICK_MS)
        while reading is not None:  # until it has ended: a wait that is just completing swallows a cancellation
            reading.cancel()
            await asyncio.sleep_ms(_TICK_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.core.mqtt import Session
    from siaga.drivers.clock import Clock
