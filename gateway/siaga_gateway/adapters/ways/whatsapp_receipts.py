"""Takes what WhatsApp's Cloud API posts of messages that were sent: a small server in the front.

Each request proves itself by an HMAC of its body under the app's secret. What is taken is stored before the answer;
Meta posts again, for a day, what is not answered with 200.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Final

from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from siaga_gateway.adapters.intake_server import IntakeServer, body_within
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.whatsapp_receipts import WhatsappReceiptsSettings
from siaga_gateway.formats.sms_webhook_signature import is_hmac
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.formats.whatsapp_receipts import LARGEST, receipts
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)

DEADLINE_S: Final = 10.0
_OVERTAKES_MS: Final = 60_000  # an outcome is recorded well within
_SHARE: Final = 0.1
_LONGEST_CHALLENGE: Final = 200


class WhatsappReceipts:
    """The server. `bound` is a socket that is bound and not listening yet."""

    def __init__(
        self,
        settings: WhatsappReceiptsSettings,
        bound: socket.socket,
        *,
        take: Callable[[Sequence[str]], Collection[str]],
        clock: Clock,
        deadline_s: float = DEADLINE_S,
        proxies: Sequence[str] = (),
    ) -> None:
        """take: keeps durably that these messages have arrived, and returns those that it does not know; may block, and
        raise StoreFailing. proxies: in front of
        it, whose address many clients share."""
        self._secret = _told(settings.app_secret)
        self._token = _told(settings.verify_token)
        self._path = settings.path
        self._take = take
        self._clock = clock
        self._deadline_s = deadline_s
        self._server = IntakeServer(
            "receipts of WhatsApp",
            bound,
            settings.path,
            self._receive,
            methods=("GET", "POST"),
            share=_SHARE,
            proxies=proxies,
        )

    @property
    def address(self) -> str:
        return self._server.url(self._path)

    def start(self) -> None:
        """Listen; returns once it does."""
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def _receive(self, request: Request) -> Response:
        if request.method != "POST":
            return self._introduced(request)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._taken(request)
        except (StoreFailing, TimeoutError):
            return PlainTextResponse("try again", 503)
        except ClientDisconnect:
            return PlainTextResponse("")

    def _introduced(self, request: Request) -> Response:
        """Answer Meta's question at the set-up of the webhook."""
        asked = request.query_params
        shown = asked.get("hub.verify_token", "").encode("utf-8", "replace")
        if asked.get("hub.mode") != "subscribe" or not hmac.compare_digest(shown, self._token):
            return PlainTextResponse("wrong verify token", 403)
        return PlainTextResponse(asked.get("hub.challenge", "")[:_LONGEST_CHALLENGE])

    async def _taken(self, request: Request) -> Response:
        """Raises: StoreFailing."""
        shown = request.headers.get("x-hub-signature-256")
        body = None if shown is None else await body_within(request, LARGEST)
        if shown is None or body is None or not is_hmac(self._secret, body, shown):
            log.warning(Localized("log.whatsapp.refused"))
            return PlainTextResponse("not signed by the app's secret", 401)
        found = receipts(body)
        for number, why in found.failed:
            log.warning(Localized("log.whatsapp.failed", number=one_line(number, 60), why=one_line(why, 120) or "-"))
        if found.arrived:
            unknown = await asyncio.to_thread(self._take, tuple(found.arrived))
            if any(self._is_new(found.arrived[each]) for each in unknown):
                # It has overtaken what the service answered when the message was sent, which is recorded soon.
                return PlainTextResponse("try again", 503)
        return PlainTextResponse("")

    def _is_new(self, at_s: int | None) -> bool:
        return at_s is not None and abs(self._clock.now_ms() - at_s * 1_000) < _OVERTAKES_MS


def _told(secret: SecretStr | None) -> bytes:
    if secret is None:
        raise ValueError("the settings have made sure of it")
    return secret.get_secret_value().encode()
