"""`/metrics`, `/healthz` and `/readyz`, on a port apart from console and webhook: it answers also where those hang.

Python's own HTTP server, a thread a request: it shares nothing with the event loop that it has to judge.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from siaga_gateway.adapters.metrics import CONTENT_TYPE
from siaga_gateway.service.health import Health

_AT_ONCE: Final = 8
_DEADLINE_S: Final = 5.0  # for a client to send its request and to take the answer
_JSON: Final = "application/json"

log = logging.getLogger(__name__)

Answer = tuple[HTTPStatus, str, bytes]


class OperationsServer:
    """`start`, `stop`. `bound` is a socket that is bound and does not listen yet."""

    def __init__(self, bound: socket.socket, metrics: Callable[[], bytes], health: Health) -> None:
        answers: Mapping[str, Callable[[], Answer]] = {
            "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE, metrics()),
            "/healthz": lambda: _healthz(health),
            "/readyz": lambda: _readyz(health),
        }
        self._server = _Server(bound, answers)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="operations-http", daemon=True
        )

    @property
    def address(self) -> str:
        host, port = self._server.socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        self._server.server_activate()
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()


def _healthz(health: Health) -> Answer:
    hangs = health.hangs()
    return _told({"alive": not hangs, **({"why": hangs} if hangs else {})}, not hangs)


def _readyz(health: Health) -> Answer:
    problems = health.problems()
    return _told({"ready": not problems, "problems": problems}, not problems)


def _told(what: Mapping[str, object], well: bool) -> Answer:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, _JSON, json.dumps(what).encode() + b"\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bound: socket.socket, answers: Mapping[str, Callable[[], Answer]]) -> None:
        self._room = threading.BoundedSemaphore(_AT_ONCE)

        class Handler(_Handler):
            pass

        Handler.answers = answers
        super().__init__(bound.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)  # whoever asks too often is not answered; the next one is
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # Over the whole request: the socket's own timeout begins anew with each byte.
        deadline = threading.Timer(_DEADLINE_S, _cut, (request,))
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a request for figures broke off", exc_info=True)


def _cut(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    answers: Mapping[str, Callable[[], Answer]] = {}
    timeout = _DEADLINE_S
    server_version = "siaga"
    sys_version = ""

    def do_GET(self) -> None:
        answer = self.answers.get(self.path.partition("?")[0])
        if answer is None:
            self._send(HTTPStatus.NOT_FOUND, _JSON, b'{"paths": ["/metrics", "/healthz", "/readyz"]}\n')
            return
        try:
            told = answer()
        except Exception:
            log.exception("%s cannot be answered", self.path)
            told = (HTTPStatus.INTERNAL_SERVER_ERROR, _JSON, b'{"why": "see the log"}\n')
        self._send(*told)

    do_HEAD = do_GET

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Each scrape is no line of the log."""
