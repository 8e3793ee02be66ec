"""A small HTTP server in a thread, for machines that bring something: an aggregator's text messages, phones' positions.
Strangers reach it too: they have their limits (http_server_limits.py)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from siaga_gateway.adapters.http_server_limits import ConnectionLimiter, ConnectionLimits, connections_within

_CONNECTIONS: Final = 200
_OF_ONE_ADDRESS: Final = 64  # mobile networks, and aggregators, put many clients behind one
_START_S: Final = 10.0
_END_S: Final = 10.0


class IntakeServer:
    """Answers requests for one path."""

    def __init__(
        self,
        name: str,
        bound: socket.socket,
        path: str,
        receive: Callable[[Request], Awaitable[Response]],
        *,
        methods: Sequence[str] = ("POST",),
        share: float,
        proxies: Sequence[str] = (),
    ) -> None:
        """name: for the log. bound: a socket that is bound and not listening yet. path: may have parameters. share: of
        the files that this process may open. proxies: in front of it, whose address many clients share."""
        self._name = name
        self._bound = bound
        limits = ConnectionLimits(connections_within(_CONNECTIONS, share), _OF_ONE_ADDRESS, tuple(proxies))
        limiter = ConnectionLimiter(name, limits)
        self._server = uvicorn.Server(
            uvicorn.Config(
                limiter.guard(Starlette(routes=[Route(path, receive, methods=list(methods))])),
                http=limiter.protocol,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([bound],), name=name, daemon=True)

    def url(self, path: str) -> str:
        """Return the address of a path here."""
        host, port = self._bound.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"

    def start(self) -> None:
        """Listen; returns once it does. Raises: RuntimeError if it does not."""
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self._server.started:
            raise RuntimeError(f"the server for {self._name} did not start")

    def stop(self) -> None:
        """Finish what is being answered; some seconds at most."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_END_S)


async def body_within(request: Request, largest: int) -> bytes | None:
    """Return a request's body; None as soon as it is longer."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            return None
    return bytes(body)
