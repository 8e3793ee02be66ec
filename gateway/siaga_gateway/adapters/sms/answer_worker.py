"""Reads answers of responders in a thread of its own, so that no press by text message waits for what they ask of the
store."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.inbound import InboundText, TextOutcome, TextReader
from siaga_gateway.service.store import StoreFailing

_WAITING: Final = 1_000
_PAUSE_S: Final = 1.0  # before the next one, where the store fails
_END_S: Final = 5.0

log = logging.getLogger(__name__)

# What became of a text; None: it has to come again.
Done = Callable[[TextOutcome | None], None]


class AnswerWorker:
    """Call `start`, then `offer` from any thread, `stop`."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._texts: queue.Queue[tuple[InboundText, Done] | None] = queue.Queue(_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sms-answers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin no other text; what waits comes again with the next start."""
        self._stop.set()
        with contextlib.suppress(queue.Full):
            self._texts.put_nowait(None)  # wakes one that waits

    def stop(self) -> None:
        """End, after the one that is being read."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def offer(self, text: InboundText, done: Done) -> bool:
        """Queue a text; `done` is called once it is dealt with. False: no room now."""
        try:
            self._texts.put_nowait((text, done))
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            waiting = self._texts.get()
            if waiting is None:
                return
            text, done = waiting
            done(self._read(text))

    def _read(self, text: InboundText) -> TextOutcome | None:
        try:
            return self._reader.read(text)
        except StoreFailing as error:
            log.warning(Localized("log.sms.answer_waits", why=error))
            self._stop.wait(_PAUSE_S)
            return None
        except Exception:
            # A bug hit by one text must not end the others; a person finds it among those set aside.
            log.exception(Localized("log.sms.answer_fault"))
            return TextOutcome.UNCLEAR
