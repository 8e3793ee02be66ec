"""Text messages from an aggregator: a small HTTP server of its own, so that no press waits for the console or a
sign-in.

A request carries one message or many, in the aggregator's format (formats/sms_webhook_body.py), with proof that it is
the aggregator's (formats/sms_webhook_signature.py). It is answered with 200 only once all its frames are dealt with,
durably (webhook_messages.py); 503 asks for a retry, in which stored frames are skipped.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import ClassVar, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from siaga_gateway.adapters.intake_server import IntakeServer, body_within
from siaga_gateway.adapters.sms.webhook_authentication import IN_THE_HEAD, is_theirs
from siaga_gateway.adapters.sms.webhook_messages import Outcome, PostedMessages, WebhookCounts
from siaga_gateway.config.sms import SmsWebhookSettings
from siaga_gateway.domain.errors import Refused
from siaga_gateway.formats.sms_webhook_body import PRESETS, Form, NotPosted, read_posted
from siaga_gateway.service.inbound import FrameSink, TextReader
from siaga_gateway.service.ports import Clock

LARGEST_BODY: Final = 256 * 1024
DEADLINE_S: Final = 10.0
_SHARE: Final = 0.3
_AGAIN_S: Final = 5
_ASKED_BY_GET: Final = frozenset({"vonage", "zenziva"})  # providers that can be told to use GET


class PostRefused(Refused):
    """Answered with this HTTP status."""

    status: ClassVar[int]


class _Again(PostRefused):
    status = 503


class _Unauthorised(PostRefused):
    status = 401


class _Forbidden(PostRefused):
    status = 403


class _TooLarge(PostRefused):
    status = 413


class SmsWebhook:
    """The server. `settings.port` and `settings.secret` are set; `bound` is a socket that is bound and not listening
    yet."""

    def __init__(
        self,
        settings: SmsWebhookSettings,
        bound: socket.socket,
        *,
        clock: Clock,
        sink: FrameSink,
        deadline_s: float = DEADLINE_S,
        proxies: Sequence[str] = (),
        texts: TextReader | None = None,
    ) -> None:
        """texts: reads what holds no frame. proxies: in front of it, whose address many clients share."""
        self._settings = settings
        self._form = form_of(settings)
        self._shown_by = settings.shown_by
        self._deadline_s = deadline_s
        self._held_back = False
        self.counts = WebhookCounts()
        self._posted = PostedMessages(clock, sink, self.counts, texts)
        path = f"{settings.path.rstrip('/')}/{{secret}}" if self._shown_by == "path" else settings.path
        methods = ["GET", "POST"] if settings.provider in _ASKED_BY_GET else ["POST"]
        self._server = IntakeServer(
            "SMS webhook", bound, path, self._receive, methods=methods, share=_SHARE, proxies=proxies
        )

    @property
    def address(self) -> str:
        return self._server.url(self._settings.path)

    def start(self) -> None:
        """Listen; returns once it does."""
        self._server.start()

    def hold_back(self) -> None:
        """Accept no more messages: every request is told to retry."""
        self._held_back = True

    def stop(self) -> None:
        self._server.stop()

    async def _receive(self, request: Request) -> Response:
        counts = self.counts
        try:
            async with asyncio.timeout(self._deadline_s):
                outcomes = await self._take(request)
        except NotPosted as error:
            counts.note_refused(error)
            return _answer(400, str(error))
        except PostRefused as refusal:
            if refusal.status == 503:
                counts.again += 1
            else:
                counts.note_refused(refusal)
            return _answer(refusal.status, str(refusal))
        except TimeoutError:
            counts.again += 1
            return _answer(503, "not stored in time, send it again")
        except ClientDisconnect:
            return _answer(400, "the request ended early")  # the client is gone
        return self._told(outcomes)

    def _told(self, outcomes: list[Outcome]) -> Response:
        """Return the answer that makes the aggregator repeat what could be stored and is not, and nothing else."""
        if Outcome.AGAIN in outcomes:
            self.counts.again += 1
            return _answer(503, Outcome.AGAIN, outcomes)
        missing = {Outcome.NO_FRAME, Outcome.NO_TEXT}
        if missing.issuperset(outcomes):
            return _answer(400 if Outcome.NO_TEXT in outcomes else 422, outcomes[0], outcomes)
        if self._settings.provider == "twilio":
            return Response("<Response/>", media_type="text/xml")
        missed = [one for one in outcomes if one not in (Outcome.STORED, Outcome.ANSWER)]
        told: dict[str, object] = {"stored": not missed}
        if missed:
            told["why"] = str(missed[0])
        return JSONResponse(told if len(outcomes) == 1 else {**told, "messages": [str(one) for one in outcomes]})

    async def _take(self, request: Request) -> list[Outcome]:
        """Return what became of each message, once all are dealt with. Raises: PostRefused, NotPosted."""
        if self._shown_by in IN_THE_HEAD:  # before anything is read
            self._check(request, b"")
        body = b"" if request.method == "GET" else await _body(request)  # the signature covers exactly what is read
        if self._shown_by not in IN_THE_HEAD:
            self._check(request, body)
        query = str(request.url.query).encode()
        content_type = request.headers.get("content-type", "")
        posted = read_posted(self._form, body, content_type) if body else read_posted(self._form, query, "")
        if self._held_back:
            raise _Again("sms.ending")
        messages = [asyncio.create_task(self._posted.outcome(one)) for one in posted]
        try:
            async with asyncio.timeout(self._deadline_s * 0.9):
                await asyncio.wait(messages)
        except TimeoutError:
            pass
        finally:
            for task in messages:
                task.cancel()
        return [one.result() if one.done() and not one.cancelled() else Outcome.AGAIN for one in messages]

    def _check(self, request: Request, body: bytes) -> None:
        """Raises: PostRefused if the request is not proved to be the aggregator's."""
        if is_theirs(self._settings, request, body):
            return
        self.counts.unauthorised += 1
        if self._shown_by in ("bearer", "basic"):
            raise _Unauthorised("sms.secret")
        raise _Forbidden("sms.signature")


def form_of(settings: SmsWebhookSettings) -> Form:
    """Return the provider's format, with the settings' adjustments."""
    preset = PRESETS[settings.provider]
    return Form(
        preset.number if settings.number_field is None else (settings.number_field,),
        preset.text if settings.text_field is None else (settings.text_field,),
        preset.messages if settings.messages_field is None else settings.messages_field or None,
        preset.id if settings.id_field is None else (settings.id_field,),
        preset.part,
    )


async def _body(request: Request) -> bytes:
    """Raises: PostRefused for one that is too large."""
    body = await body_within(request, LARGEST_BODY)
    if body is None:
        raise _TooLarge("sms.body_size", most=LARGEST_BODY)
    return body


def _answer(status: int, why: str, outcomes: list[Outcome] | None = None) -> JSONResponse:
    headers = {"retry-after": str(_AGAIN_S)} if status == 503 else {}
    told: dict[str, object] = {"stored": False, "why": str(why)}
    if outcomes is not None and len(outcomes) > 1:
        told["messages"] = [str(one) for one in outcomes]
    return JSONResponse(told, status, headers)
