"""A web server of the front: it reports when it is ready and that it lives, and stops on request."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import uvicorn
from fastapi import FastAPI

from siaga_gateway.adapters.http_server_limits import (
    ConnectionLimiter,
    ConnectionLimits,
    behind_proxies,
    connections_within,
)

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_FAREWELL_S: Final = 3  # for requests in progress
_SIGN_S: Final = 1
_CONNECTIONS: Final = 400
_SHARE: Final = 0.6
_OF_ONE_ADDRESS: Final = 100


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handling: the whole gateway stops, in an order of its own."""

    def __init__(
        self,
        name: str,
        app: FastAPI,
        proxies: Sequence[str],
        on_ready: Callable[[], None],
        alive: Callable[[], None],
        told: threading.Event,
        at_end: Callable[[], None] = lambda: None,
        is_upload: Callable[[str], bool] = lambda path: False,
    ) -> None:
        """name: for the log. alive: called every second by the loop that answers. told: set if the signal came already.
        at_end: called in the loop before the server waits for its connections. is_upload: whether files are
        uploaded at a path, which takes longer."""
        connections = connections_within(_CONNECTIONS, _SHARE)
        limits = ConnectionLimits(connections, _OF_ONE_ADDRESS, tuple(proxies), is_upload=is_upload)
        limiter = ConnectionLimiter(name, limits)

        async def sign() -> None:
            alive()

        super().__init__(
            uvicorn.Config(
                limiter.guard(behind_proxies(app, proxies)),
                http=limiter.protocol,
                callback_notify=sign,
                timeout_notify=_SIGN_S,
                proxy_headers=False,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_FAREWELL_S,
                server_header=False,
            )
        )
        self._at_end = at_end
        self._on_ready = on_ready
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.should_exit = self.should_exit or self._told.is_set()
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._at_end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._told_to_end)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _told_to_end(self) -> None:
        self.force_exit = self.should_exit  # told twice: do not wait for open requests
        self.should_exit = True

    def run_on(self, bound: socket.socket) -> None:
        """Serve on a bound socket until told to stop."""
        asyncio.run(self.serve(sockets=[bound]))
