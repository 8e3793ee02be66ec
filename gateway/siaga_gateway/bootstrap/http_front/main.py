"""The front's own process, with what strangers can connect to; the press process starts it: one for console, metrics
and webhook, one for the responders' page.

It only reads the store. Whatever changes something - an operator's step, a journal entry, a frame by SMS - is done by
the press process, which it asks over `adapters.interprocess_link`. It is given neither the gateway's key nor a broker
password. start.py says how it starts and ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NoReturn, Protocol

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.interprocess_link import FrontSide
from siaga_gateway.adapters.operations.http_server import OperationsServer
from siaga_gateway.adapters.operations.remote_metrics import RemoteMetrics
from siaga_gateway.adapters.sql import StoreUnusable
from siaga_gateway.bootstrap import log_setup
from siaga_gateway.bootstrap.http_front.supervisor import ALIVE, FAILED, FAILING, READY
from siaga_gateway.bootstrap.listening_sockets import CONSOLE, METRICS, OWNTRACKS, RECEIPTS, RESPONDERS, WEBHOOK
from siaga_gateway.bootstrap.preflight import StartError, allow_descriptors
from siaga_gateway.bootstrap.quick_imports import quick_imports
from siaga_gateway.catalogue.localized import as_fact
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.service.scheduling.watcher_presence import WatcherPresence
from siaga_gateway.service.store import StoreFailing

_SIGN_S: Final = 1.0
_NICENESS: Final = 5
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")  # Linux only
_DISPOSABLE: Final = 300


def main(line: Connection, listeners: Mapping[str, socket.socket]) -> None:
    """Serve on the listeners, by name, until SIGTERM or the end of the link. Exits with 1 if it cannot start."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: told.set())
    try:
        settings: Settings = pickle.loads(line.recv_bytes())  # noqa: S301 - from the process that started this one
    except (EOFError, OSError):
        return  # the press process is gone already
    language = log_setup.language_of(settings.language)
    log_setup.set_up(settings.log_format, settings.log_level, language=language)
    allow_descriptors()
    _stand_back()
    side = FrontSide(line)
    try:
        _serve(settings, side, listeners, told)
    except StartError as error:
        _give_up(side, FAILED, error)
    except (StoreUnusable, StoreFailing) as error:  # the press process has it open: the next start may find it working
        _give_up(side, FAILING, error)


def _give_up(side: FrontSide, why: str, error: SiagaError) -> NoReturn:
    """Tell the press process, whose log says it, and exit."""
    side.say(why, key=error.key, values={name: as_fact(value) for name, value in error.values.items()})
    side.end()
    sys.exit(1)


def _stand_back() -> None:
    """On a machine too small for both, presses come first; if memory runs out, this process is killed first."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    with contextlib.suppress(OSError):
        _OOM_SCORE.write_text(str(_DISPOSABLE))


def _serve(settings: Settings, side: FrontSide, listeners: Mapping[str, socket.socket], told: threading.Event) -> None:
    """Raises: StartError, StoreUnusable, StoreFailing if it cannot start."""
    clock = WallClock()
    servers: list[_Server] = []
    token = settings.watch.token
    watchers = WatcherPresence(
        None if token is None else token.get_secret_value(), settings.watch.watchers, settings.watch.silent_after_s
    )
    of_webhook: Callable[[], bytes] = bytes
    if WEBHOOK in listeners:
        from siaga_gateway.adapters.sms.metrics import webhook_exposition
        from siaga_gateway.adapters.sms.webhook import SmsWebhook
        from siaga_gateway.bootstrap.http_front.calls import RemoteTexts

        proxies = settings.console.proxies
        webhook = SmsWebhook(
            settings.sms.webhook,
            listeners[WEBHOOK],
            clock=clock,
            sink=side,
            proxies=proxies,
            texts=RemoteTexts(side.ask),
        )
        of_webhook = webhook_exposition(webhook.counts)
        servers.append(webhook)
    of_owntracks: Callable[[], bytes] = bytes
    if OWNTRACKS in listeners:
        from siaga_gateway.adapters.owntracks.http_intake import OwntracksDoor
        from siaga_gateway.adapters.owntracks.metrics import owntracks_exposition
        from siaga_gateway.bootstrap.http_front.calls import POSITION_TOKENS, REFUSED_POSITIONS, TAKE_POSITIONS

        door = OwntracksDoor(
            settings.owntracks,
            listeners[OWNTRACKS],
            clock=clock,
            tokens=partial(side.ask, POSITION_TOKENS),
            take=partial(side.ask, TAKE_POSITIONS),
            refused=partial(side.tell, REFUSED_POSITIONS),
            proxies=settings.console.proxies,
        )
        of_owntracks = owntracks_exposition(door.counts)
        servers.append(door)
    if RECEIPTS in listeners:
        from siaga_gateway.adapters.ways.whatsapp_receipts import WhatsappReceipts
        from siaga_gateway.bootstrap.http_front.calls import ARRIVED

        servers.append(
            WhatsappReceipts(
                settings.whatsapp_receipts,
                listeners[RECEIPTS],
                take=partial(side.ask, ARRIVED),
                clock=clock,
                proxies=settings.console.proxies,
            )
        )
    if METRICS in listeners:
        figures = RemoteMetrics(side)
        servers.append(
            OperationsServer(
                listeners[METRICS], lambda: figures.metrics() + of_webhook() + of_owntracks(), figures, watchers
            )
        )

    def ready() -> None:
        for server in servers:
            server.start()
        side.say(READY)

    def alive() -> None:
        side.say(ALIVE)

    try:
        if CONSOLE in listeners:
            with quick_imports():
                from siaga_gateway.bootstrap.console_server import serve_console

            serve_console(settings, side, listeners[CONSOLE], clock, ready, alive, told, watchers.silent)
        elif RESPONDERS in listeners:
            with quick_imports():
                from siaga_gateway.bootstrap.responder_server import serve_page

            serve_page(settings, side, listeners[RESPONDERS], clock, ready, alive, told)
        else:
            side.start(lambda: None)
            ready()
            while not told.wait(_SIGN_S):
                alive()
    finally:
        for server in servers:
            server.stop()


class _Server(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...
