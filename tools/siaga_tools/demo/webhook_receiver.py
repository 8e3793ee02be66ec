"""A receiver of the gateway's webhook, as another system would have it: it accepts only signed requests.

It runs in its own threads, so that drawing does not delay the arrival time it notes.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

PATH: Final = "/siaga"
_LARGEST: Final = 1 << 20  # bytes
_DEADLINE_S: Final = 5


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

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = _DEADLINE_S

            def do_POST(self) -> None:
                at_ms = time.time_ns() // 1_000_000
                length = self.headers.get("content-length", "")
                if self.path != PATH or not length.isdecimal() or int(length) > _LARGEST:
                    self._answer(HTTPStatus.BAD_REQUEST)
                    on_refused(f"{self.path}, {length or '?'} bytes")
                    return
                body = self.rfile.read(int(length))
                try:
                    judge.verify(body, dict(self.headers.items()), json_parse=False)
                    event = json.loads(body)
                except (WebhookVerificationError, ValueError) as error:
                    self._answer(HTTPStatus.UNAUTHORIZED)
                    on_refused(str(error) or type(error).__name__)
                    return
                self._answer(HTTPStatus.NO_CONTENT)
                on_notice(event, self.headers["webhook-id"], at_ms)

            def _answer(self, status: HTTPStatus) -> None:
                self.send_response(status)
                self.send_header("content-length", "0")
                if status is not HTTPStatus.NO_CONTENT:
                    self.close_connection = True
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Discarded: the demo has its own log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="receiver", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)
