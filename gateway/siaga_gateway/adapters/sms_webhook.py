"""Text messages from an aggregator: a small HTTP server of its own, so that no press waits for the console or a login.

One POST brings one message. It is answered with 200 only once the frame in it is committed; 503 asks for another try.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from siaga_gateway.adapters.sms import BEARER, REMINDED, SmsOrigin
from siaga_gateway.config_sms import SmsWebhookSettings
from siaga_gateway.formats.sms import NotAFrame, frame_of, number_of
from siaga_gateway.service.inbound import FrameSink, InboundFrame
from siaga_gateway.service.ports import Clock

WAY: Final = "webhook"
LARGEST_BODY: Final = 16 * 1024
DEADLINE_S: Final = 10.0
_AT_ONCE: Final = 200
_AGAIN_S: Final = 5
_START_S: Final = 10.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WebhookCounts:
    """Since the start."""

    frames: int = 0
    unauthorised: int = 0
    refused: int = 0  # requests and texts that are not what they should be
    again: int = 0  # sent back for another try


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class SmsWebhook:
    """`settings.port` and `settings.secret` are set; `bound` is a socket that is bound and does not listen yet."""

    def __init__(
        self,
        settings: SmsWebhookSettings,
        bound: socket.socket,
        *,
        clock: Clock,
        sink: FrameSink,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._settings = settings
        self._secret = settings.secret.get_secret_value().encode() if settings.secret else b""
        self._bound = bound
        self._clock = clock
        self._sink = sink
        self._deadline_s = deadline_s
        self._held_back = False
        self.counts = WebhookCounts()
        app = Starlette(routes=[Route(settings.path, self._receive, methods=["POST"])])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_AT_ONCE,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([bound],), name="sms-webhook", daemon=True)

    @property
    def address(self) -> str:
        host, port = self._bound.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self._settings.path}"

    def start(self) -> None:
        """Listen; returns once it does."""
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self._server.started:
            raise RuntimeError("the webhook for text messages did not start")

    def hold_back(self) -> None:
        """Take no more messages: every request is told to come again."""
        self._held_back = True

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(10)

    async def _receive(self, request: Request) -> JSONResponse:
        counts = self.counts
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._take(request)
        except _Refused as refusal:
            if refusal.status == 503:
                counts.again += 1
            else:
                counts.refused += 1
                if counts.refused % REMINDED == 1:
                    log.warning("%d requests to the SMS webhook refused; the last: %s", counts.refused, refusal.why)
            return _answer(refusal.status, refusal.why)
        except TimeoutError:
            counts.again += 1
            return _answer(503, "not stored in time, send it again")
        except ClientDisconnect:
            return _answer(400, "the request ended early")  # nobody reads it
        counts.frames += 1
        return JSONResponse({"stored": True})

    async def _take(self, request: Request) -> None:
        """Returns once the message's frame is committed. Raises _Refused."""
        header = self._settings.signature_header
        if header is None:
            scheme, _, shown = request.headers.get("authorization", "").partition(" ")
            self._check(shown.strip().encode() if scheme.lower() == "bearer" else b"", self._secret)
        body = await _body(request)
        if header is not None:
            shown = request.headers.get(header, "").lower().removeprefix("sha256=")
            self._check(shown.encode(), hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode())
        origin, frame = self._read(body)
        if self._held_back:
            raise _Refused(503, "the gateway is about to end, send it again")
        loop = asyncio.get_running_loop()
        committed = asyncio.Event()

        def acknowledge() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended; the message comes again
                loop.call_soon_threadsafe(committed.set)

        inbound = InboundFrame(frame, self._clock.now_ms(), BEARER, acknowledge, origin, kept_by_bearer=True)
        if not self._sink.offer(inbound, 0):
            raise _Refused(503, "there is no room, send it again")
        await committed.wait()

    def _check(self, shown: bytes, right: bytes) -> None:
        if not hmac.compare_digest(shown, right):
            self.counts.unauthorised += 1
            raise _Refused(401, "the secret or the signature is wrong")

    def _read(self, body: bytes) -> tuple[SmsOrigin | None, bytes]:
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            raise _Refused(400, "the body is no JSON") from None
        names = (self._settings.number_field, self._settings.text_field)
        written, text = (told.get(name) for name in names) if isinstance(told, dict) else (None, None)
        if not isinstance(written, str) or not isinstance(text, str):
            raise _Refused(400, f"the body is no JSON object with the texts {names[0]!r} and {names[1]!r}")
        try:
            frame = frame_of(text)
        except NotAFrame as error:
            raise _Refused(422, f"the text holds no frame: {error}") from None
        number = number_of(written)
        return None if number is None else SmsOrigin(WAY, number), frame


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise _Refused(413, f"at most {LARGEST_BODY} bytes")
    return bytes(body)


def _answer(status: int, why: str) -> JSONResponse:
    headers = {"retry-after": str(_AGAIN_S)} if status == 503 else {}
    return JSONResponse({"stored": False, "why": why}, status, headers)
