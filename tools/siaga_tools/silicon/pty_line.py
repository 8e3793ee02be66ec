"""A serial line between a simulated module and whoever opens it: a pseudo-terminal that passes raw bytes.

VMIN = 0 on the button's side, because MicroPython's unix port reads a file until it has as many bytes as it asked for
(termios(3): with VMIN = 0 and VTIME = 0 a read returns what is there).
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_CC: Final = 6  # where tcgetattr keeps the control characters
_WRITE_S: Final = 2.0


class PtyLine:
    """The line. Unread bytes are lost when the buffer is full, as on a wire.

    path: what the button opens
    trace(direction, bytes): gets what the button sends (">") and receives ("<")
    """

    def __init__(self) -> None:
        self.trace: Callable[[str, bytes], None] = lambda way, words: None
        self._module, self._button = os.openpty()
        tty.setraw(self._button)
        attributes = termios.tcgetattr(self._button)
        attributes[_CC][termios.VMIN] = 0
        attributes[_CC][termios.VTIME] = 0
        termios.tcsetattr(self._button, termios.TCSANOW, attributes)
        os.set_blocking(self._module, False)
        self.path = os.ttyname(self._button)
        self.lost = 0

    def fileno(self) -> int:
        """Return the module's end, for select."""
        return self._module

    def read(self, timeout_s: float) -> bytes:
        """Return what the button sent; nothing after timeout_s."""
        ready, _, _ = select.select([self._module], [], [], max(timeout_s, 0))
        if not ready:
            return b""
        try:
            words = os.read(self._module, 4096)
        except OSError:  # nobody has the other end open
            return b""
        self.trace(">", words)
        return words

    def drop(self) -> None:
        """Drop what nobody has read, at either end: whoever opens it next hears only what comes from now on."""
        termios.tcflush(self._button, termios.TCIFLUSH)
        self.read(0)

    def write(self, words: bytes) -> None:
        """Send bytes to the button."""
        self.trace("<", words)
        while words:
            _, ready, _ = select.select([], [self._module], [], _WRITE_S)
            if not ready:
                self.lost += len(words)
                return
            with contextlib.suppress(BlockingIOError):
                words = words[os.write(self._module, words) :]

    def close(self) -> None:
        for end in (self._module, self._button):
            with contextlib.suppress(OSError):
                os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
