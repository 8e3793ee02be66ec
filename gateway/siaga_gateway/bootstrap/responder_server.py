"""The responders' page, on a web server in a process of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import cast
from urllib.parse import urlsplit

from siaga_gateway.adapters.interprocess_link import FrontSide, RemotePort
from siaga_gateway.adapters.photograph_conversion import PhotographConversion
from siaga_gateway.adapters.sql import open_store
from siaga_gateway.bootstrap.http_front.calls import ANSWERS, DISCLOSURES, DUTY, OPENED
from siaga_gateway.bootstrap.web_server import WebServer
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_links import open_duty
from siaga_gateway.service.dispatch.duty_page import DutyPage
from siaga_gateway.service.dispatch.responder_links import open_link
from siaga_gateway.service.ports import Clock, Disclosures, ResponderActions
from siaga_gateway.web.app import LOOPBACK_HOSTS
from siaga_gateway.web.responder.app import PageOptions, ResponderPage, create_responder_app, is_upload
from siaga_gateway.web.responder.duty_routes import DutyRoutes


def serve_page(
    settings: Settings,
    side: FrontSide,
    bound: socket.socket,
    clock: Clock,
    on_ready: Callable[[], None],
    alive: Callable[[], None],
    told: threading.Event,
) -> None:
    """Serve until SIGTERM. Raises: StoreUnusable."""
    store = open_store(settings, clock.now_ms())
    with contextlib.closing(store):
        side.start(lambda: None)
        url = urlsplit(settings.responder_page.public_url or "")
        options = PageOptions(
            site=settings.whole_site().name,
            local=settings.local,
            language=settings.language,
            hosts=(*LOOPBACK_HOSTS, *filter(None, [url.hostname])),
            secure=url.scheme == "https",
            show_holder=settings.responder_page.show_holder,
        )
        actions = cast(ResponderActions, RemotePort(side, ANSWERS, asked=True))
        disclosures = cast(Disclosures, RemotePort(side, DISCLOSURES, asked=False))
        opened_in_browser = partial(side.tell, OPENED)
        page = ResponderPage(
            partial(open_link, store),
            actions,
            disclosures.shown,
            clock,
            options,
            PhotographConversion().converted,
            opened_in_browser,
        )
        app = create_responder_app(page, options)
        of_duty = cast(DutyPage, RemotePort(side, DUTY, asked=True))
        opened = partial(open_duty, store, Duty(store, settings.local.zone))
        DutyRoutes(page, opened, of_duty, clock, options).add_to(app)
        try:
            proxies = settings.responder_page.proxies
            WebServer("responder_page", app, proxies, on_ready, alive, told, is_upload=is_upload).run_on(bound)
        finally:
            side.end()
