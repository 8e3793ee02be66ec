"""A serial line without hardware: a pty whose other end any firmware opens by its path, as a UART with timeout 0."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import termios
import tty
from collections.abc import Callable

_CHUNK = 4096


def not_blocking(descriptor: int) -> None:
    """Reads of this terminal give what is there, nothing if that is nothing (termios(3): MIN 0, TIME 0)."""
    attributes = termios.tcgetattr(descriptor)
    attributes[6][termios.VMIN] = 0
    attributes[6][termios.VTIME] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


class SerialLine:
    """`path` is the firmware's end. `on_bytes` hears what the firmware writes; write() is what it reads. Has to be made
    inside a running event loop."""

    def __init__(self, on_bytes: Callable[[bytes], None]) -> None:
        self._own, self._other = pty.openpty()
        tty.setraw(self._other)
        not_blocking(self._other)
        os.set_blocking(self._own, False)
        self.path = os.ttyname(self._other)
        self._on_bytes = on_bytes
        self._unsent = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._own, self._read)

    def write(self, words: bytes) -> None:
        """Never blocks; what the terminal does not take now goes when it does. As on a wire, nobody may listen: past
        64 KiB unread bytes the oldest ones are lost."""
        self._unsent += words
        del self._unsent[: max(0, len(self._unsent) - 65536)]
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: os.write(self._own, self._unsent)]
        if self._unsent:
            self._loop.add_writer(self._own, self._flush)
        else:
            self._loop.remove_writer(self._own)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._on_bytes(os.read(self._own, _CHUNK))

    def close(self) -> None:
        self._loop.remove_reader(self._own)
        self._loop.remove_writer(self._own)
        os.close(self._own)
        os.close(self._other)
