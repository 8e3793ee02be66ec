"""The console's web server inside the gateway's process: it says when it is ready and ends when it is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from siaga_gateway.web.app import end_streams

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_FAREWELL_S: Final = 3  # for requests under way


class ConsoleServer(uvicorn.Server):
    """uvicorn, without its own handling of signals: what ends is the whole gateway, in an order of its own."""

    def __init__(self, app: FastAPI, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_FAREWELL_S,
                server_header=False,
            )
        )
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        end_streams(self._app)
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
        """Serve on a bound socket until told to end."""
        asyncio.run(self.serve(sockets=[bound]))
