"""The console inside the gateway's process: its pages, and a web server that says when it is ready and ends when it is
told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config import Settings
from siaga_gateway.premises import StartError, session_secret
from siaga_gateway.service.disclosures import DisclosureLog
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.maintenance_desk import MaintenanceDesk
from siaga_gateway.service.operate import Operator
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.sign_in_log import SignInLog
from siaga_gateway.web.app import LOOPBACK_HOSTS, ConsoleOptions, VendorMissing, create_app, end_streams

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


def console_app(
    settings: Settings,
    store: SqlStore,
    operator: Operator,
    disclosures: DisclosureLog,
    sign_ins: SignInLog,
    bell: JournalBell,
    clock: Clock,
) -> FastAPI:
    """Raises StartError where its browser libraries are missing."""
    options = ConsoleOptions(
        gateway_name=settings.name,
        mode=settings.mode,
        language=settings.language,
        operators=settings.console.operators,
        secret=session_secret(settings.data_dir),
        hosts=(*LOOPBACK_HOSTS, settings.console.host, *settings.console.allowed_hosts),
    )
    try:
        return create_app(
            reader=store,
            operate=operator,
            disclosures=disclosures,
            sign_ins=sign_ins,
            bell=bell,
            clock=clock,
            options=options,
            maintenance=MaintenanceDesk(store, bell, clock, settings.supervision.wanted),
        )
    except VendorMissing as error:
        raise StartError(str(error)) from None
