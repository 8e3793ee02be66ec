"""What the demo's stand-ins for other systems are served by: an HTTP server on 127.0.0.1, in threads of its own."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_DEADLINE_S: Final = 5
_END_S: Final = 2.0


class QuietHandler(BaseHTTPRequestHandler):
    """Answers, and keeps the connection; a client that says nothing is given up."""

    protocol_version = "HTTP/1.1"
    timeout = _DEADLINE_S

    def body_within(self, largest: int) -> bytes | None:
        """Return the request's body; None if it is longer, or does not say how long it is."""
        length = self.headers.get("content-length", "")
        return self.rfile.read(int(length)) if length.isdecimal() and int(length) <= largest else None

    def answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        """body: JSON, or empty."""
        self.send_response(status)
        if body:
            self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Discarded: the demo has its own log."""


class LoopbackServer:
    """Listens at a port that was free, from now to `close`."""

    def __init__(self, name: str, handler: type[QuietHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name=name, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=_END_S)
