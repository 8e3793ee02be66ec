"""A real receiver of deliveries on loopback, which can be told to misbehave in every way that receivers do."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from waiting import ENDS_S

Behaviour = Callable[["Handler"], None]


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    client: tuple[str, int]  # one a connection


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver = self.server.receiver
        receiver.requests.append(Received(self.path, headers, body, self.client_address))
        with suppress(OSError):  # the gateway hangs up on us at its deadline
            receiver.behaviour(self)

    def until_closed(self, pause_s: float) -> bool:
        """Wait a moment; False once the receiver is being closed."""
        return not self.server.receiver.closing.wait(pause_s)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that does not trust the certificate, or hung up


@dataclass
class Receiver:
    """Serves while it is entered. `behaviour` answers each POST; requests are kept in order of arrival."""

    behaviour: Behaviour = field(default_factory=lambda: answer(204))
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    wanted_port: int = 0  # 0: a free one

    def __enter__(self) -> Receiver:
        self._server = _Server(("127.0.0.1", self.wanted_port), Handler)
        self._server.receiver = self
        if self.tls is not None:
            # The handshake is made in the handler's thread, at the first read.
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(ENDS_S)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}/inbox?key=hidden"


def answer(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Behaviour:
    """An orderly answer."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        if status >= 200 and status != 204:
            handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour a request; the last one stays."""
    waiting = list(behaviours)

    def behave(handler: Handler) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    return behave


def raw(written: bytes) -> Behaviour:
    """These bytes, then the end of the connection."""

    def behave(handler: Handler) -> None:
        handler.wfile.write(written)
        handler.close_connection = True

    return behave


def kept(written: bytes) -> Behaviour:
    """These bytes; the connection stays for more."""

    def behave(handler: Handler) -> None:
        handler.wfile.write(written)

    return behave


def never(handler: Handler) -> None:
    """No answer, the connection stays open."""
    while handler.until_closed(0.1):
        pass


def drip(first: bytes, endless: bytes) -> Behaviour:
    """The first bytes at once, then one byte every 50 ms: each read succeeds, the whole never does."""

    def behave(handler: Handler) -> None:
        handler.wfile.write(first)
        for byte in _for_ever(endless):
            if not handler.until_closed(0.05):
                return
            handler.wfile.write(byte)

    return behave


def flood(first: bytes, endless: bytes) -> Behaviour:
    """An answer that never ends, as fast as it is read."""

    def behave(handler: Handler) -> None:
        handler.wfile.write(first)
        while handler.until_closed(0):
            handler.wfile.write(endless)

    return behave


def reset(handler: Handler) -> None:
    """RST in place of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def _for_ever(pattern: bytes) -> Any:
    while True:
        for value in pattern:
            yield bytes((value,))
