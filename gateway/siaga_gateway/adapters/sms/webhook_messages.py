"""Processes the messages that an aggregator posts: joins their parts, stores their frames, each once."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga_gateway.adapters.sms.multipart import MultipartAssembly
from siaga_gateway.adapters.sms.replies import BEARER, REMINDED, SmsOrigin
from siaga_gateway.adapters.sms.replies import WEBHOOK as WAY
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.text_answer import parsed
from siaga_gateway.formats.sms import LetterCaseLost, NotAFrame, frames_of
from siaga_gateway.formats.sms_number import e164
from siaga_gateway.formats.sms_webhook_body import NotPosted, Posted
from siaga_gateway.service.inbound import FrameSink, InboundFrame, InboundText, TextOutcome, TextReader
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import StoreFailing

_REMEMBERED: Final = 10_000  # finished messages, by the aggregator's id and their text

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WebhookCounts:
    """Counts since the start."""

    frames: int = 0
    answers: int = 0  # of responders, taken, or told that they were not understood
    unauthorised: int = 0
    refused: int = 0  # requests and texts that are malformed
    case_lost: int = 0  # of these: all letters had been made lower or upper case
    again: int = 0  # rejected with a request to retry

    def note_refused(self, why: SiagaError) -> None:
        self.refused += 1
        if self.refused % REMINDED == 1:
            log.warning(Localized("log.sms.webhook_refused", count=self.refused, why=why))


class Outcome(StrEnum):
    """What became of a message."""

    STORED = "stored"
    ANSWER = "read as a responder's answer"
    NOT_PROVEN = "no button that is enrolled here made its frame"
    NO_FRAME = "the text holds no frame"
    NO_TEXT = "there is no text in it"
    AGAIN = "not stored yet, send it again"


class PostedMessages:
    """Handles messages one at a time, all in one event loop."""

    def __init__(self, clock: Clock, sink: FrameSink, counts: WebhookCounts, texts: TextReader | None = None) -> None:
        """texts: reads what holds no frame."""
        self.counts = counts
        self._texts = texts
        self._clock = clock
        self._sink = sink
        self._parts = MultipartAssembly()
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}  # parts of longer texts
        self._dealt_with: OrderedDict[str, Outcome] = OrderedDict()

    async def outcome(self, posted: Posted | None) -> Outcome:
        """Return what became of a message, once it is dealt with. None: it had no text."""
        if posted is None:
            self.counts.note_refused(NotPosted("sms.no_text"))
            return Outcome.NO_TEXT
        message, key = posted.message, _key(posted)
        if posted.id is not None and (known := self._dealt_with.get(key)) is not None:
            return known
        keys: tuple[str, ...] = (key,)
        try:
            frames = frames_of(message.text)
        except NotAFrame as error:
            if parsed(message.text) is not None and (said := await self._read(posted, key)) is not Outcome.NO_FRAME:
                return said
            now_ms = self._clock.now_ms()
            joined = self._parts.add(key, message, now_ms, now_ms)
            if joined is None:
                if self._parts.waits(key, now_ms):
                    return await self._joined(key)
                self._waiting.pop(key, None)
                if (said := await self._read(posted, key)) is not Outcome.NO_FRAME:
                    return said
                self.counts.case_lost += isinstance(error, LetterCaseLost)
                self.counts.note_refused(error)
                return Outcome.NO_FRAME
            frames, keys = joined.frames, tuple(str(each) for each in joined.keys)
        outcome = await self._store(frames, None if message.number is None else SmsOrigin(WAY, message.number))
        if outcome is not Outcome.AGAIN:
            self._settle(keys, outcome, known=posted.id is not None)
        return outcome

    async def _read(self, posted: Posted, key: str) -> Outcome:
        """Have a message without a frame read; returns once what it says is durable."""
        message = posted.message
        number = e164(message.number)
        if self._texts is None or number is None:
            return Outcome.NO_FRAME
        text = InboundText(number, message.text, self._clock.now_ms(), SmsOrigin(WAY, number))
        try:
            outcome = await asyncio.to_thread(self._texts.read, text)
        except StoreFailing:
            return Outcome.AGAIN
        if outcome is TextOutcome.STRANGER:
            return Outcome.NO_FRAME
        self.counts.answers += 1
        self._settle((key,), Outcome.ANSWER, known=posted.id is not None)
        return Outcome.ANSWER

    async def _joined(self, key: str) -> Outcome:
        """Return what becomes of a part once the others have arrived. The request waits for that up to its deadline."""
        waiting = self._waiting.setdefault(key, asyncio.get_running_loop().create_future())
        while len(self._waiting) > _REMEMBERED:
            self._waiting.pop(next(iter(self._waiting)))
        return await asyncio.shield(waiting)

    def _settle(self, keys: tuple[str, ...], outcome: Outcome, known: bool) -> None:
        """Report it to requests that wait with another part, and remember it in case the aggregator posts it again."""
        for key in keys:
            self._parts.forget(key)
            waiting = self._waiting.pop(key, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome)
            if known or len(keys) > 1:
                self._dealt_with[key] = outcome
        while len(self._dealt_with) > _REMEMBERED:
            self._dealt_with.popitem(last=False)

    async def _store(self, frames: list[bytes], origin: SmsOrigin | None) -> Outcome:
        """Store the frames; returns once all are dealt with and committed."""
        loop = asyncio.get_running_loop()
        stored = 0
        for frame in frames:
            told, kept, taken = asyncio.Event(), threading.Event(), threading.Event()

            def tell(told: asyncio.Event = told) -> None:
                with contextlib.suppress(RuntimeError):  # the loop has ended; the message comes again
                    loop.call_soon_threadsafe(told.set)

            def acknowledge(taken: threading.Event = taken, tell: Callable[[], None] = tell) -> None:
                taken.set()
                tell()

            inbound = InboundFrame(
                frame,
                self._clock.now_ms(),
                BEARER,
                acknowledge,
                origin,
                stored=kept.set,
                kept_by_bearer=True,
                no_room=tell,
            )
            if not self._sink.offer(inbound, 0):
                return Outcome.AGAIN
            await told.wait()
            if not taken.is_set():
                return Outcome.AGAIN
            stored += kept.is_set()
            self.counts.frames += kept.is_set()
        return Outcome.STORED if stored == len(frames) else Outcome.NOT_PROVEN


def _key(posted: Posted) -> str:
    """Return a key that is the same when the aggregator posts a message again."""
    message = posted.message
    told = "\0".join((posted.id or "", message.number or "", repr(message.part), message.text))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
