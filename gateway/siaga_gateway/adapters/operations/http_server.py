"""Serves `/metrics`, `/healthz` and `/readyz` on a port of their own, so that they answer when console and webhook
hang.

Python's own HTTP server, one thread a request: it shares nothing with the console's event loop. A client that does not
send its request is dropped for the next one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing

WATCHER_HEADER: Final = "Siaga-Watcher"  # names the watcher that asks; its token is the bearer's
_AT_ONCE: Final = 16
_ROOM_S: Final = 0.5  # how long a dropped one may take to end
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_REQUEST_S: Final = 5.0  # for a client's next byte
_DEADLINE_S: Final = 10.0  # for a whole request: receiving, answering, and delivery of the answer
_JSON: Final = "application/json"

log = logging.getLogger(__name__)


class Health(Protocol):
    """See service.scheduling.gateway_health.Health."""

    def hangs(self) -> str: ...

    def problems(self) -> Mapping[str, str]: ...

    def warnings(self) -> Mapping[str, str]: ...


class Watchers(Protocol):
    """See service.scheduling.watcher_presence.WatcherPresence."""

    def asked(self, name: str | None, authorization: str | None) -> str | None: ...

    def silent(self) -> list[str]: ...


class NoFigures(Failing):
    """There are no metrics right now; the text says why."""


Answer = tuple[HTTPStatus, str, bytes]
Head = Callable[[str], str | None]  # a header of the request by its name
Answers = Mapping[str, Callable[[Head], Answer]]


class OperationsServer:
    """Call `start`, `stop`. `bound` is a socket that is bound and not listening yet."""

    def __init__(
        self, bound: socket.socket, metrics: Callable[[], bytes], health: Health, watchers: Watchers | None = None
    ) -> None:
        answers: Answers = {
            "/metrics": lambda _: _metrics(metrics),
            "/healthz": lambda _: _healthz(health),
            "/readyz": lambda head: _readyz(health, watchers, head),
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


def _metrics(metrics: Callable[[], bytes]) -> Answer:
    try:
        return HTTPStatus.OK, CONTENT_TYPE, metrics()
    except NoFigures as error:
        return _told({"why": str(error)}, False)


def _healthz(health: Health) -> Answer:
    hangs = health.hangs()
    return _told({"alive": not hangs, **({"why": hangs} if hangs else {})}, not hangs)


def _readyz(health: Health, watchers: Watchers | None, head: Head) -> Answer:
    problems = health.problems()
    told: dict[str, object] = {"ready": not problems, "problems": problems}
    warnings = dict(health.warnings())
    if watchers is not None:
        if (known := watchers.asked(head(WATCHER_HEADER), head("Authorization"))) is not None:
            told["watcher"] = known
        if silent := watchers.silent():
            warnings["watchers"] = ", ".join(silent)
    if warnings:
        told["warnings"] = warnings
    return _told(told, not problems)


def _told(what: Mapping[str, object], well: bool) -> Answer:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, _JSON, json.dumps(what).encode() + b"\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bound: socket.socket, answers: Answers) -> None:
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        # Those whose request has not arrived yet, oldest first.
        self.unread: dict[socket.socket, None] = {}
        self._lock = threading.Lock()

        class Handler(_Handler):
            pass

        Handler.answers = answers
        super().__init__(bound.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            with self._lock:
                oldest: Iterable[socket.socket] = list(self.unread)[:1]
            for one in oldest:
                _cut(one)
            if not oldest or not self._room.acquire(timeout=_ROOM_S):
                self.shutdown_request(request)  # a client that asks too often is not answered; the next one is
                return
        with self._lock:
            self.unread[request] = None
        super().process_request(request, client_address)

    def has_come(self, request: socket.socket) -> None:
        """A request was read."""
        with self._lock:
            self.unread.pop(request, None)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # Covers the whole request: the socket's own timeout starts over with each byte.
        deadline = threading.Timer(_DEADLINE_S, _cut, (request,))
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self.has_come(request)
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug(Localized("log.gateway.broke_off"), exc_info=True)


def _cut(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    answers: ClassVar[Answers] = {}
    timeout = _REQUEST_S
    server_version = "siaga"
    sys_version = ""

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.has_come(self.connection)
        answer = self.answers.get(self.path.partition("?")[0])
        if answer is None:
            self._send(HTTPStatus.NOT_FOUND, _JSON, b'{"paths": ["/metrics", "/healthz", "/readyz"]}\n')
            return
        try:
            told = answer(self.headers.get)
        except Exception:
            log.exception(Localized("log.gateway.unanswered", path=self.path))
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
        """Log nothing for a scrape."""
