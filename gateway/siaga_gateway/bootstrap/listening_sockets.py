"""The sockets that strangers can reach, bound before the gateway starts, for the front to listen on."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.bootstrap.preflight import bound_socket, console_socket
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.settings import Settings

CONSOLE: Final = "console"
WEBHOOK: Final = "webhook"
METRICS: Final = "metrics"
OWNTRACKS: Final = "owntracks"
RECEIPTS: Final = "whatsapp_receipts"
RESPONDERS: Final = "responders"  # of a process of their own


class Listeners(Protocol):
    @property
    def sockets(self) -> Mapping[str, socket.socket]: ...


@dataclass(frozen=True, slots=True)
class SomeSockets:
    """Those of one process."""

    sockets: Mapping[str, socket.socket]


class ListeningSockets:
    """This process's sockets, by name; close them at the end.

    The gateway holds them too, so that a restarted front finds its ports, and clients wait meanwhile.
    """

    def __init__(self, settings: Settings, identity: WorkerIdentity) -> None:
        """Raises: StartError if an address is taken."""
        self.sockets: dict[str, socket.socket] = {}
        self._webhook_path = settings.sms.webhook.path
        self._owntracks_path = settings.owntracks.path
        self._receipts_path = settings.whatsapp_receipts.path
        try:
            if identity.first:
                self.sockets[CONSOLE] = console_socket(settings.console)
                page = settings.responder_page
                if page.port is not None:
                    self.sockets[RESPONDERS] = bound_socket("responder_page", page.host, page.port)
            webhook, metrics = settings.sms.webhook, settings.metrics
            if webhook.port is not None:
                self.sockets[WEBHOOK] = bound_socket("sms.webhook", webhook.host, webhook.port)
            if settings.owntracks.port is not None:
                self.sockets[OWNTRACKS] = bound_socket("owntracks", settings.owntracks.host, settings.owntracks.port)
            receipts = settings.whatsapp_receipts
            if receipts.port is not None:
                self.sockets[RECEIPTS] = bound_socket("whatsapp_receipts", receipts.host, receipts.port)
            if metrics.port is not None:
                self.sockets[METRICS] = bound_socket("metrics", metrics.host, metrics.port)
        except BaseException:
            self.close()
            raise

    def of_the_front(self) -> Listeners:
        return SomeSockets({name: each for name, each in self.sockets.items() if name != RESPONDERS})

    def of_the_responders(self) -> Listeners:
        return SomeSockets({name: each for name, each in self.sockets.items() if name == RESPONDERS})

    def addresses(self) -> dict[str, str]:
        """As named in the ready line."""
        found = {}
        for name, key, path in (
            (CONSOLE, "console", "/"),
            (WEBHOOK, "sms_webhook", self._webhook_path),
            (OWNTRACKS, "owntracks", self._owntracks_path),
            (RECEIPTS, "whatsapp_receipts", self._receipts_path),
            (METRICS, "operations", ""),
            (RESPONDERS, "responder_page", ""),
        ):
            if name in self.sockets:
                host, port = self.sockets[name].getsockname()[:2]
                found[key] = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
        return found

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()
