"""A receiver that takes every POST at once and answers 204, as cheaply as asyncio can. Prints its port; ends with its
standard input."""

from __future__ import annotations

import asyncio
import sys


class Taker(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._come = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come += data
        while (end := self._come.find(b"\r\n\r\n")) >= 0:
            _, _, after = self._come[:end].lower().partition(b"content-length:")
            whole = end + 4 + int(after.split(b"\r\n", 1)[0])
            if len(self._come) < whole:
                return
            del self._come[:whole]
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Taker, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
