"""Downloads a file by HTTP/1.1 over the board's own IP network: one request a connection, a deadline for every wait,
only one piece held. TLS verifies the server against the same authorities as MQTT does."""

import asyncio
import gc

from micropython import const
from siaga.drivers.http_source import PIECE, Headers, HttpError, Source, answer, size, split_url
from siaga.drivers.tcp import connect
from siaga.drivers.tls import ServerTls

_CONNECT_MS = const(15000)
_ANSWER_MS = const(20000)
_LINE = const(1024)
_LINES = const(64)
_CHUNK = const(256)


class Http(Source):
    """See Source. ca: PEM text of the authorities, "" = https is refused."""

    def __init__(self, network: "Network", ca: str, clock: "Clock") -> None:
        self._network = network
        self._ca = ca
        self._clock = clock
        self._connection: "Connection | None" = None
        self._rest = b""
        self._left = -1
        self._chunked = False

    def is_up(self) -> bool:
        return self._network.is_up()

    async def open(self, url: str, start: int) -> "Answer":
        tls, host, port, path = split_url(url)
        if tls and not self._ca:
            raise HttpError("setting mqtt_ca is missing: without it no server can be verified")
        await self._network.connect()
        addresses = await self._network.resolve(host)
        server = ServerTls(self._ca, self._clock) if tls else None
        try:
            return await self._ask_one_of(addresses, host, port, path, start, server)
        except ValueError as error:
            if server is None or not server.forgives(str(error)):
                raise
        await self.close()
        return await self._ask_one_of(addresses, host, port, path, start, server)

    async def _ask_one_of(
        self, addresses: "list[str]", host: str, port: int, path: str, start: int, tls: "ServerTls | None"
    ) -> "Answer":
        for address in addresses[:-1]:
            try:
                return await self._ask(address, host, port, path, start, tls)
            except (HttpError, OSError) as error:
                if isinstance(error, HttpError) and error.is_final:
                    raise
                await self.close()
        return await self._ask(addresses[-1], host, port, path, start, tls)

    async def _ask(
        self, address: str, host: str, port: int, path: str, start: int, tls: "ServerTls | None"
    ) -> "Answer":
        connection = self._connection = await connect(address, port, _CONNECT_MS)
        try:
            if tls is not None:
                connection.wrap(tls.context, host)  # type: ignore[arg-type]
            self._rest = b""
            name = host if port == (443 if tls else 80) else "%s:%d" % (host, port)
            request = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: siaga\r\nAccept-Encoding: identity\r\n" % (path, name)
            if start:
                request += "Range: bytes=%d-\r\n" % start
            await self._write((request + "Connection: close\r\n\r\n").encode())
            return await self._head(start)
        except asyncio.TimeoutError:
            raise HttpError("%s does not answer in time" % host)

    async def _write(self, request: bytes) -> None:
        assert self._connection is not None
        self._connection.writer.write(request)
        await asyncio.wait_for_ms(self._connection.writer.drain(), _ANSWER_MS)

    async def _head(self, start: int) -> "Answer":
        words = (await self._line()).split()
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit() or len(words[1]) != 3:
            raise HttpError("the server does not speak HTTP/1.1")
        headers = Headers()
        for _ in range(_LINES):
            line = await self._line()
            if not line:
                break
            headers.take(line)
        else:
            raise HttpError("the server's answer has too many header lines")
        found = answer(int(words[1]), headers, start)
        self._chunked = headers.chunked
        self._left = 0 if headers.chunked else headers.length
        return found

    async def _more(self, most: int) -> bytes:
        """Return what has arrived, at least a byte; b"" = the server closed."""
        assert self._connection is not None
        if self._rest:
            piece, self._rest = self._rest[:most], self._rest[most:]
            return piece
        try:
            piece = await asyncio.wait_for_ms(self._connection.reader.read(most), _ANSWER_MS)
        except asyncio.TimeoutError:
            raise HttpError("the server stopped in the middle")
        return piece or b""

    async def _line(self) -> bytes:
        line = b""
        while b"\n" not in line:
            if len(line) > _LINE:
                raise HttpError("the server's answer has a line without an end")
            piece = await self._more(_CHUNK)
            if not piece:
                raise HttpError("the server closed in the middle of its answer")
            line += piece
        line, _, rest = line.partition(b"\n")
        self._rest = rest + self._rest
        return line.rstrip(b"\r")

    async def read(self) -> bytes:
        if self._chunked and self._left == 0:
            self._left = size(await self._line())
            if self._left < 0:
                raise HttpError("the server's chunks make no sense")
            if self._left == 0:
                self._chunked = False
        if self._left == 0:
            return b""
        piece = await self._more(PIECE if self._left < 0 else min(PIECE, self._left))
        if self._left > 0:
            if not piece:
                raise HttpError("the server closed in the middle of the file")
            self._left -= len(piece)
            if self._chunked and self._left == 0:
                await self._line()
        return piece

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        self._rest = b""
        if connection is not None:
            connection.close()
            connection = None
            gc.collect()  # as in drivers/mqtt.py: a TLS link is 40 KB outside of Python's heap


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.clock import Clock
    from siaga.drivers.http_source import Answer
    from siaga.drivers.tcp import Connection
    from siaga.drivers.wifi_mqtt import Network
