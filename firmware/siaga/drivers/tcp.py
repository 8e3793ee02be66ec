"""A TCP connection without blocking, and closed however it ends: asyncio's own leaves the socket to the garbage
collector if connecting fails or is abandoned, and a chip has sixteen of them."""

import asyncio
import select
import socket
from errno import EINPROGRESS, ENOMEM

from micropython import const
from siaga.core.errors import SiagaError

_LOOK_MS = const(10)


class Connection:
    """A connection. reader, writer: asyncio's streams."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._top = sock  # type: object
        self._stream(sock)

    def _stream(self, top: object) -> None:
        self.reader = asyncio.StreamReader(top)  # type: ignore[arg-type]
        self.writer = asyncio.StreamWriter(top, {})  # type: ignore[arg-type]

    def wrap(self, context: "Context", server_name: str) -> None:
        """Switch to TLS; its handshake happens inside the first write and read."""
        self._top = context.wrap_socket(self._sock, server_hostname=server_name, do_handshake_on_connect=False)
        self._stream(self._top)

    def close(self) -> None:
        """Close at once. A TLS socket whose handshake failed does not close what is underneath."""
        for one in (self._top, self._sock):
            try:
                one.close()  # type: ignore[attr-defined]
            except OSError:
                pass


async def connect(address: str, port: int, within_ms: int) -> Connection:
    """Return a connection to an IPv4 address. Raises SiagaError on time-out, and OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo(address, port)[0][-1])
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        for _ in range(within_ms // _LOOK_MS + 1):
            for event in poll.poll(0):
                if event[1] & (select.POLLERR | select.POLLHUP):
                    sock.recv(1)  # raises the connection error
                    raise SiagaError("no connection to %s:%d" % (address, port))
                return Connection(sock)
            await asyncio.sleep_ms(_LOOK_MS)
        raise SiagaError("no connection to %s:%d within %d ms" % (address, port, within_ms))
    except BaseException:
        sock.close()
        raise


def reason(error: Exception) -> str:
    """Return why a connection ended, for people."""
    text = str(error)
    if isinstance(error, OSError) and error.args and (error.args[0] == ENOMEM or "ALLOC_FAILED" in text):
        return "no memory beside Python's heap for the connection, TLS takes some 40 KB (%s)" % text
    if isinstance(error, OSError) and len(error.args) == 1:
        return "network error %s" % text
    return text or repr(error)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Context(Protocol):
        def wrap_socket(
            self, sock: object, *, server_hostname: str = "", do_handshake_on_connect: bool = True
        ) -> object: ...
