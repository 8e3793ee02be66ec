"""Messages to send, put into a daemon's outbox folder: written under a hidden name, then renamed."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sms.replies import REMINDED, Troubles
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.formats import gammu, smstools
from siaga_gateway.service.ports import Clock

FORMATS: Final = {"gammu": gammu, "smstools": smstools}
_EVERY_S: Final = 10.0
_STUCK_S: Final = 300.0  # a daemon that takes nothing for so long is not running
_WORTH_S: Final = 120.0  # an answer that could not be written for so long is dropped: the button has asked again
_WAITING: Final = 1_000  # in memory, and in the folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    content: bytes
    until: float  # monotonic


class SpoolOutbox:
    """`send` is thread-safe; `write` and `look` are for one thread."""

    def __init__(self, spool: str, folder: Path, clock: Clock, troubles: Troubles, wake: Callable[[], None]) -> None:
        """spool: a key of FORMATS. wake: called when there is something to write."""
        self._format = FORMATS[spool]
        self._folder = folder
        self._clock = clock
        self._troubles = troubles
        self._wake = wake
        self._waiting: deque[_Waiting] = deque()
        self._serial = clock.now_ms()  # different from any of an earlier start
        self._lock = threading.Lock()
        self._full = False
        self._look_at = 0.0
        self.unsent = 0

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        with self._lock:
            self._serial += 1
            serial = self._serial
        if self._full or len(self._waiting) >= _WAITING:
            self._not_sent(str(Localized("errors.sms.too_many")))
            return
        now_ms = self._clock.now_ms()
        name, content = self._format.write_message(number, text, urgent=urgent, now_ms=now_ms, serial=serial)
        self._waiting.append(_Waiting(name, content, time.monotonic() + _WORTH_S))
        self._wake()

    def write(self) -> None:
        """Write everything that waits, as far as possible."""
        while self._waiting:
            waiting = self._waiting[0]
            try:
                self._write(waiting)
            except OSError as error:
                self._troubles.note(
                    "outbox", str(Localized("errors.sms.outbox_unwritten", folder=self._folder, why=error))
                )
                if time.monotonic() < waiting.until:
                    return
                self._not_sent(str(Localized("errors.passed_on", why=error)))
            else:
                self._troubles.over("outbox")
            self._waiting.popleft()

    def look(self) -> None:
        """Check now and then whether the daemon runs: if not, our files remain."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _EVERY_S
        now = time.time()
        ages: list[float] = []
        try:
            for file in self._folder.iterdir():
                if self._format.is_ours(file.name):
                    ages.append(now - file.lstat().st_mtime)
        except OSError as error:
            if self._folder.is_dir() and isinstance(error, FileNotFoundError):
                return  # a file was taken meanwhile: the daemon runs
            self._troubles.note("outbox", str(Localized("errors.sms.outbox_unread", folder=self._folder, why=error)))
            return
        if not self._waiting:
            self._troubles.over("outbox")
        self._full = len(ages) >= _WAITING
        if ages and max(ages) > _STUCK_S:
            why = str(Localized("errors.sms.outbox_stuck", folder=self._folder))
            self._troubles.note("stuck", why)
        else:
            self._troubles.over("stuck")

    def _write(self, waiting: _Waiting) -> None:
        aside = self._folder / f".{waiting.name}.LOCK"
        # Readable by the daemon's group too, which is its folder's.
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
        with os.fdopen(descriptor, "wb") as file:
            file.write(waiting.content)
        aside.replace(self._folder / waiting.name)

    def _not_sent(self, why: str) -> None:
        self.unsent += 1
        if self.unsent % REMINDED == 1:
            log.error(Localized("log.sms.unsent", count=self.unsent, why=why))
