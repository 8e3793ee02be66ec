"""Folds and counts repeated log lines, whoever writes them: a disk full of log lines stops presses too."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TextIO

from siaga_gateway.catalogue.localized import Localized

WINDOW_S: Final = 10.0
# Full lines in a window: of identical text, of one template with any values, of one logger.
SAME: Final = 3
ALIKE: Final = 20
ALL: Final = 100
_LONGEST: Final = 200  # characters shown of a folded line


@dataclass(slots=True)
class _Window:
    ends: float
    shown: dict[tuple[object, ...], int] = field(default_factory=dict)
    folded: dict[tuple[str, int, str], tuple[int, str | Localized]] = field(default_factory=dict)  # times, one of them


class FoldingHandler(logging.StreamHandler[TextIO]):
    """Writes lines within the limits; at the end of each window says how often each other line came.

    A `debug` line about a frame was asked for, and is folded only if repeated literally.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic, window_s: float = WINDOW_S) -> None:
        super().__init__(stream)
        self._clock = clock
        self._window_s = window_s
        self._window: _Window | None = None

    def emit(self, record: logging.LogRecord) -> None:
        # Called with the handler's lock held, see logging.Handler.handle.
        try:
            record.getMessage()
        except Exception:  # a library's template that does not fit its values: that stops nothing
            self.handleError(record)
            return
        now = self._clock()
        if self._window is None or now >= self._window.ends:
            self._tell()
            self._window = _Window(now + self._window_s)
        if self._admits(self._window, record):
            super().emit(record)
            return
        if not self._window.folded:
            timer = threading.Timer(self._window_s, self._tell_late)
            timer.daemon = True
            timer.start()
        key = (record.name, record.levelno, _form(record))
        if len(self._window.folded) >= ALL and key not in self._window.folded:
            key = ("siaga", logging.WARNING, "")
        times, line = self._window.folded.get(key, (0, _line(record)))
        self._window.folded[key] = times + 1, line

    def close(self) -> None:
        with self.lock or threading.RLock():
            self._tell()
        super().close()

    def _tell_late(self) -> None:
        with self.lock or threading.RLock():
            if self._window is not None and self._clock() >= self._window.ends:
                self._tell()

    def _tell(self) -> None:
        window, self._window = self._window, None
        if window is None:
            return
        for (name, level, _), (count, line) in window.folded.items():
            message = Localized("log.folded.more", lines=count, seconds=round(self._window_s), line=line)
            told = logging.LogRecord(name, level, "", 0, message, None, None)
            told.folded = count
            super().emit(told)

    @staticmethod
    def _admits(window: _Window, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        about = (getattr(record, "device", None), getattr(record, "counter", None))
        scopes: list[tuple[tuple[object, ...], int]] = [
            ((record.name, record.getMessage(), repr(error), about), SAME),
            ((record.name, record.levelno, _form(record)), ALIKE),
            ((record.name,), ALL),
        ]
        if record.levelno <= logging.DEBUG:
            scopes = scopes[:1]
        if any(window.shown.get(scope, 0) >= most for scope, most in scopes):
            return False
        for scope, _ in scopes:
            window.shown[scope] = window.shown.get(scope, 0) + 1
        return True


def _form(record: logging.LogRecord) -> str:
    """Return what all lines of one template have in common."""
    return record.msg.key if isinstance(record.msg, Localized) else str(record.msg)


def _line(record: logging.LogRecord) -> str | Localized:
    """Return its text, to show for all lines like it."""
    return record.msg if isinstance(record.msg, Localized) else record.getMessage().partition("\n")[0][:_LONGEST]
