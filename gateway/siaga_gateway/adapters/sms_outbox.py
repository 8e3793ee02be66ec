"""Messages to send, put into a daemon's outbox folder: written aside, hidden, and then renamed."""

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

from siaga_gateway.adapters.sms import REMINDED, Troubles
from siaga_gateway.formats import gammu, smstools
from siaga_gateway.service.ports import Clock

FORMATS: Final = {"gammu": gammu, "smstools": smstools}
_EVERY_S: Final = 10.0
_STUCK_S: Final = 300.0  # a daemon that takes nothing for so long is not there
_WORTH_S: Final = 120.0  # an answer that could not be written for so long is not: the button asked again
_WAITING: Final = 1_000  # in memory and in the folder each

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    content: bytes
    until: float  # monotonic


class SpoolOutbox:
    """`send` from any thread; `write` and `look` from one."""

    def __init__(self, spool: str, folder: Path, clock: Clock, troubles: Troubles, wake: Callable[[], None]) -> None:
        """`spool`: a key of FORMATS. `wake` is called when there is something to write."""
        self._format = FORMATS[spool]
        self._folder = folder
        self._clock = clock
        self._troubles = troubles
        self._wake = wake
        self._waiting: deque[_Waiting] = deque()
        self._serial = clock.now_ms()  # unlike any of an earlier start
        self._lock = threading.Lock()
        self._full = False
        self._look_at = 0.0
        self.unsent = 0

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        with self._lock:
            self._serial += 1
            serial = self._serial
        if self._full or len(self._waiting) >= _WAITING:
            self._not_sent("too many wait to be sent")
            return
        now_ms = self._clock.now_ms()
        name, content = self._format.write_message(number, text, urgent=urgent, now_ms=now_ms, serial=serial)
        self._waiting.append(_Waiting(name, content, time.monotonic() + _WORTH_S))
        self._wake()

    def write(self) -> None:
        """All that waits, as far as it can be written."""
        while self._waiting:
            waiting = self._waiting[0]
            try:
                self._write(waiting)
            except OSError as error:
                self._troubles.note("outbox", f"nothing can be written to sms.outbox {self._folder}: {error.strerror}")
                if time.monotonic() < waiting.until:
                    return
                self._not_sent(error.strerror or str(error))
            else:
                self._troubles.over("outbox")
            self._waiting.popleft()

    def look(self) -> None:
        """Now and then, whether the daemon is there: one that is not leaves our files lying."""
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
                return  # a file was taken while we looked: the daemon is there
            self._troubles.note("outbox", f"sms.outbox {self._folder} cannot be read: {error.strerror}")
            return
        if not self._waiting:
            self._troubles.over("outbox")
        self._full = len(ages) >= _WAITING
        if ages and max(ages) > _STUCK_S:
            why = f"nobody takes the messages out of sms.outbox {self._folder}: is the daemon running?"
            self._troubles.note("stuck", why)
        else:
            self._troubles.over("stuck")

    def _write(self, waiting: _Waiting) -> None:
        aside = self._folder / f".{waiting.name}.LOCK"
        # For the daemon's group too, which is that of its folder.
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
        with os.fdopen(descriptor, "wb") as file:
            file.write(waiting.content)
        aside.replace(self._folder / waiting.name)

    def _not_sent(self, why: str) -> None:
        self.unsent += 1
        if self.unsent % REMINDED == 1:
            log.error("%d text messages could not be sent, the last for: %s", self.unsent, why)
