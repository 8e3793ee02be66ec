"""Sends text messages through an aggregator's HTTP API: one JSON POST a message, a few attempts, in threads."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.adapters.sms.replies import REMINDED, Troubles
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.sms import SmsAggregatorSettings
from siaga_gateway.service.ports import Clock, Delivered

_WAITING: Final = 1_000
_THREADS: Final = 2
_TRIES: Final = 3
_PAUSE_S: Final = 2.0
_WORTH_S: Final = 120.0  # after that an answer is not tried any more: the button has asked again
_LOOK_S: Final = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Text:
    body: bytes
    key: str
    until: float  # monotonic


class SmsAggregator:
    """Implements adapters.sms.replies.SmsSender."""

    def __init__(
        self,
        settings: SmsAggregatorSettings,
        *,
        clock: Clock,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
        pause_s: float = _PAUSE_S,
    ) -> None:
        """Requires `settings.url`. on_change: see SmsSpool. Raises: ValueError, which names the wrong setting."""
        token = None if settings.token is None else settings.token.get_secret_value()
        self._settings = settings
        self._poster = Poster(
            settings.url or "",
            clock=clock,
            token=token,
            ca_file=settings.ca,
            allow_plaintext=settings.plaintext,
            language="en",
            success=settings.success,
        )
        self._troubles = Troubles(on_change)
        self._pause_s = pause_s
        self._texts: queue.Queue[_Text | None] = queue.Queue(_WAITING)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"sms-aggregator-{number}", daemon=True)
            for number in range(_THREADS)
        ]
        self.unsent = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop; what still waits is dropped, as the button asks again."""
        self._stop.set()
        with contextlib.suppress(queue.Full):
            for _ in self._threads:
                self._texts.put_nowait(None)  # wakes one that waits
        for thread in self._threads:
            if thread.is_alive():
                thread.join(12)
        self._poster.close()

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        fields = {**self._settings.extra, self._settings.number_field: number, self._settings.text_field: text}
        key = "siaga-sms-" + hashlib.sha256(f"{number} {text}".encode()).hexdigest()[:16]
        try:
            self._texts.put_nowait(_Text(json.dumps(fields).encode(), key, time.monotonic() + _WORTH_S))
        except queue.Full:
            self._not_sent(str(Localized("errors.sms.too_many")))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                text = self._texts.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if text is None:
                return
            try:
                self._try(text)
            except Exception:
                log.exception(Localized("log.sms.aggregator_fault"))

    def _try(self, text: _Text) -> None:
        why = str(Localized("errors.sms.waited"))
        for number in range(_TRIES):
            if time.monotonic() > text.until:
                break
            result = self._poster.post(text.body, "application/json", text.key)
            if isinstance(result, Delivered):
                self._troubles.over("aggregator")
                return
            why = result.detail
            pause_s = max(self._pause_s * 2**number, result.retry_after_s or 0)
            if result.permanent or number == _TRIES - 1 or self._stop.wait(min(pause_s, _WORTH_S)):
                break
        self._not_sent(why)
        self._troubles.note("aggregator", why)

    def _not_sent(self, why: str) -> None:
        self.unsent += 1
        if self.unsent % REMINDED == 1:
            log.error(Localized("log.sms.not_taken", count=self.unsent, why=why))
