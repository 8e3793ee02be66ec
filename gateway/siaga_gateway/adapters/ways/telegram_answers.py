"""Fetches what people write to a Telegram bot or tap under its messages, and has it read: durably, then forgotten
there.

Of several workers one asks at a time, by lease: Telegram gives each update to one asker only. Each is forgotten as soon
as it is read: after a crash the last one may come again, which does no harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Final

from siaga_gateway.adapters.outputs.http_client import ExchangeFailed
from siaga_gateway.adapters.ways.http_way import HttpService
from siaga_gateway.catalogue import text as worded
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.formats.telegram_updates import LARGEST, WAIT_S, ChatText, NotPolled, TelegramUpdates
from siaga_gateway.service.inbound import InboundText, TextOutcome, TextReader
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing

ASKED_S: Final = WAIT_S + 10.0  # the deadline of one question
_SAID_S: Final = 10.0  # of one answer
LATE_MS: Final = 180_000  # a tap has no time: what may have waited for so long holds no more
_NOTED_MS: Final = 20_000  # so exactly it is kept when everything had been read
_LOOK_S: Final = 1.0  # without the lease
_PAUSES_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
_END_S: Final = 2.0

log = logging.getLogger(__name__)


class ChatReplies:
    """Implements service.incidents.text_answers.TextReplies: keeps what is to be said until its text is read."""

    def __init__(self) -> None:
        self._said: list[str] = []

    def reply(self, origin: Hashable, text: str) -> None:
        self._said.append(text)

    def taken(self) -> str:
        said, self._said = "\n".join(self._said), []
        return said


class TelegramAnswers:
    """Call `start` and `stop`."""

    def __init__(
        self,
        name: str,
        service: HttpService,
        spoken: TelegramUpdates,
        reader: TextReader,
        replies: ChatReplies,
        store: Store,
        lease: Lease,
        clock: Clock,
        on_change: Callable[[bool, str], None],
        language: str,
    ) -> None:
        """name: the way's. replies: what the reader answers with. on_change(up, why): called when nothing can be
        fetched, and when it can again. language: the site's."""
        self._service = service
        self._spoken = spoken
        self._reader = reader
        self._replies = replies
        self._store = store
        self._lease = lease
        self._clock = clock
        self._on_change = on_change
        self._language = language
        self._kept = f"telegram.{name}.after"
        self._all_read = f"telegram.{name}.all_read_ms"
        self._failed = 0  # in a row
        self._asking = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"answers-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Read nothing more. A question that is open at Telegram is left: what it would bring comes again."""
        self._stop.set()
        if self._asking:
            self._service.close()
        if self._thread.is_alive():
            self._thread.join(_END_S)
        self._lease.give_back()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._lease.held():
                    self._stop.wait(_LOOK_S)
                    continue
                self.fetch()
                if self._failed:
                    self._failed = 0
                    self._on_change(True, "")
            except StoreFailing as error:
                log.warning(Localized("log.sms.answer_waits", why=error))
                self._stop.wait(_LOOK_S)
            except Exception as error:
                if not self._stop.is_set():
                    self._note(error)

    def _note(self, error: Exception) -> None:
        if not isinstance(error, NotPolled | ExchangeFailed | OSError):
            log.exception(Localized("log.sms.answer_fault"))
        if not self._failed:
            self._on_change(False, str(error) if isinstance(error, NotPolled) else type(error).__name__)
        self._stop.wait(_PAUSES_S[min(self._failed, len(_PAUSES_S) - 1)])
        self._failed += 1

    def fetch(self) -> None:
        """Ask once, and have read what comes. Raises: NotPolled, ExchangeFailed, StoreFailing."""
        after = int(self._store.remembered(self._kept) or 0)
        self._asking = True
        try:
            _, answer = self._service.post(self._spoken.poll(after), time.monotonic() + ASKED_S, keep=LARGEST)
        finally:
            self._asking = False
        polled = self._spoken.read(answer.status, answer.body)
        now_ms = self._clock.now_ms()
        noted = self._store.remembered(self._all_read)
        since_ms = now_ms if noted is None else int(noted)  # no tap that comes now was made before
        for text in polled.texts:
            # The lease is renewed meanwhile: answers over a slow line may take longer than it lasts.
            if self._stop.is_set() or not self._lease.held():
                return  # it comes again
            since_ms = max(since_ms, min(text.sent_ms or 0, now_ms))
            self._take(text, late=text.tap is not None and abs(now_ms - since_ms) >= LATE_MS)
        if self._stop.is_set():
            return
        if polled.after is not None:
            self._remember(self._kept, polled.after)
        since_ms = since_ms if polled.more else now_ms
        if noted is None or abs(since_ms - int(noted)) >= _NOTED_MS:
            self._remember(self._all_read, since_ms)

    def _remember(self, what: str, number: int) -> None:
        with self._store.transaction() as transaction:
            transaction.remember(what, str(number))

    def _take(self, text: ChatText, *, late: bool) -> None:
        if text.in_group and text.tap is None:
            return  # people talk there
        now_ms = self._clock.now_ms()
        sent_ms = now_ms if text.sent_ms is None else min(text.sent_ms, now_ms)
        chat = text.chat if text.in_group else ""
        try:
            outcome = self._reader.read(InboundText(text.sender, text.text, sent_ms, None, chat, late))
            told = self._replies.taken()
        except Exception as error:
            self._replies.taken()
            if isinstance(error, StoreFailing) and not isinstance(error, StoreDamaged):
                raise
            # A damaged part of the store, or a bug, that one text hits must not keep the others from being fetched.
            log.exception(Localized("log.sms.answer_fault"))
            outcome, told = TextOutcome.UNCLEAR, worded("calls.help.unstored", self._language)
        self._remember(self._kept, text.after)
        late = late and bool(told)
        if outcome is TextOutcome.STRANGER and text.in_group and not told:
            # Without a word whoever tapped would believe that he is noted.
            told = worded("calls.help.group_stranger", self._language)
        said = self._spoken.answer(text, told, alert=outcome is not TextOutcome.TAKEN, late=late)
        if said is not None:
            try:
                self._service.post(said, time.monotonic() + _SAID_S)
            except Exception as error:  # what was said is done all the same
                log.info(Localized("log.sms.answer_unsaid", why=type(error).__name__))
