"""A receiver of the gateway's webhook, as another system would have it: it accepts only signed requests.

It runs in its own threads, so that drawing does not delay the arrival time it notes.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

from siaga_tools.demo.loopback_server import LoopbackServer, QuietHandler

PATH: Final = "/siaga"
_LARGEST: Final = 1 << 20  # bytes


def new_secret() -> str:
    """Return a secret as Standard Webhooks write it: `whsec_` and base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Receiver:
    """Listens on 127.0.0.1. The callbacks run in its threads.

    on_notice(CloudEvent, webhook-id, at_ms): called for each delivery with a valid signature
    on_refused(why): called for the others
    """

    def __init__(
        self,
        secret: str,
        *,
        on_notice: Callable[[dict[str, Any], str, int], None],
        on_refused: Callable[[str], None],
    ) -> None:
        judge = Webhook(secret)

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                at_ms = time.time_ns() // 1_000_000
                body = self.body_within(_LARGEST) if self.path == PATH else None
                if body is None:
                    self._refuse(HTTPStatus.BAD_REQUEST)
                    on_refused(f"{self.path}, {self.headers.get('content-length', '?')} bytes")
                    return
                try:
                    judge.verify(body, dict(self.headers.items()), json_parse=False)
                    event = json.loads(body)
                except (WebhookVerificationError, ValueError) as error:
                    self._refuse(HTTPStatus.UNAUTHORIZED)
                    on_refused(str(error) or type(error).__name__)
                    return
                self.answer(HTTPStatus.NO_CONTENT)
                on_notice(event, self.headers["webhook-id"], at_ms)

            def _refuse(self, status: HTTPStatus) -> None:
                self.close_connection = True
                self.answer(status)

        self._server = LoopbackServer("receiver", Handler)

    @property
    def url(self) -> str:
        return self._server.url + PATH

    def close(self) -> None:
        self._server.close()
