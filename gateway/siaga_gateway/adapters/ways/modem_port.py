"""Speaks AT with a modem on a serial port, through pyserial. For one thread; every wait has a deadline.

The port is opened for one call or one look, and locked meanwhile: a lock that is held is somebody else who uses this
modem.
"""

from __future__ import annotations

import contextlib
import errno
import termios
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

import serial

from siaga_gateway.domain.errors import Failing
from siaga_gateway.formats.modem_words import Heard, ModemWord, word_of
from siaga_gateway.formats.text_rules import one_line

_ANSWER_S: Final = 3.0
_READ_S: Final = 0.05
_LOCKED_S: Final = 3.0  # a look of the gateway, while the command waits
_AGAIN_S: Final = 0.1
_LONGEST_LINE: Final = 1_024
_WAKE_S: Final = 0.5
# What pyserial raises where the line is gone: a SerialException is an OSError, a termios.error is none.
_LOST: Final = (OSError, TypeError, termios.error)
_FINAL: Final = ("OK", "ERROR", "+CME ERROR", "+CMS ERROR")
# Of ATD: there they are its result.
_NO_CALL: Final = frozenset({Heard.BUSY, Heard.NO_ANSWER, Heard.NO_CARRIER})


class ModemFault(Failing):
    """The modem cannot be used now; the text says why and what to do."""


class ModemRefused(Failing):
    """It answered a command with an error."""


class ModemPort:
    """Open while entered. Every method raises ModemFault if the modem is gone or silent."""

    def __init__(self, path: str, baud: int, locked_s: float = _LOCKED_S, answer_s: float = _ANSWER_S) -> None:
        """locked_s: how long to wait for another program to let go of the port. answer_s: for a command's answer."""
        self.path = path
        self._baud = baud
        self._locked_s = locked_s
        self._answer_s = answer_s
        self._port: serial.Serial | None = None
        self._input = b""
        self._words: deque[ModemWord] = deque()

    def __enter__(self) -> Self:
        """Open it; wait a little for another program to let go of it. Raises: ModemFault."""
        until = time.monotonic() + self._locked_s
        while True:
            try:
                self._port = serial.Serial(
                    self.path, self._baud, timeout=_READ_S, write_timeout=_ANSWER_S, exclusive=True
                )
                break
            except (*_LOST, ValueError) as error:
                fault = self._not_opened(error)
                if fault.key != "modem.in_use" or time.monotonic() >= until:
                    raise fault from None
            time.sleep(_AGAIN_S)
        self._input = b""
        self._words.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(*_LOST):
                port.reset_output_buffer()  # closing waits for what a hung line never takes
            with contextlib.suppress(*_LOST):
                port.close()

    def wake(self, until: float) -> None:
        """Get its first answer, and no echo. until: time.monotonic. Raises: ModemFault."""
        while True:
            try:
                self.command("AT", min(_WAKE_S, max(0.05, until - time.monotonic())))
                break
            except ModemRefused:
                break
            except ModemFault as fault:
                if fault.key != "modem.silent" or time.monotonic() >= until:
                    raise
        self.attempt("ATE0")
        self.attempt("AT+CMEE=2")

    def attempt(self, text: str) -> list[str]:
        """As `command`; nothing where it is refused: firmwares differ in what they know."""
        try:
            return self.command(text)
        except ModemRefused:
            return []

    def command(self, text: str, within_s: float | None = None) -> list[str]:
        """Send a command; return the lines before its OK. What came by itself meanwhile is kept for `word`.

        Raises: ModemRefused, with its error as `said`; ModemFault.
        """
        self._write(text)
        until = time.monotonic() + (self._answer_s if within_s is None else within_s)
        lines: list[str] = []
        while (line := self._line(until)) is not None:
            if line == text:
                continue  # its echo
            if line == "OK":
                return lines
            word = word_of(line)
            if line.startswith(_FINAL) or (text.startswith("ATD") and word is not None and word.heard in _NO_CALL):
                raise ModemRefused("modem.refused", command=_shown(text), said=one_line(line, 80))
            if word is not None:
                self._words.append(word)
            lines.append(line)
        raise ModemFault("modem.silent", port=self.path)

    def word(self, until: float) -> ModemWord | None:
        """Return the next thing that it tells by itself; None at `until` (time.monotonic)."""
        while not self._words:
            line = self._line(until)
            if line is None:
                return None
            if (word := word_of(line)) is not None:
                return word
        return self._words.popleft()

    def forget_all(self) -> None:
        self._words.clear()

    def forget(self, heard: Heard) -> None:
        """Leave out what was told, and not read yet, of one kind."""
        self._words = deque(word for word in self._words if word.heard is not heard)

    def _write(self, text: str) -> None:
        try:
            self._opened.write(text.encode("ascii", "replace") + b"\r")
        except _LOST as error:
            raise self._gone(error) from None

    def _line(self, until: float) -> str | None:
        """Return the next line that is not empty; None at `until`. What has come already is read in any case."""
        while True:
            head, found, rest = self._input.replace(b"\r", b"\n").partition(b"\n")
            if found:
                self._input = rest
                if line := head.decode("ascii", "replace").strip("\0 \t"):
                    return line
                continue
            self._input = head[-_LONGEST_LINE:]
            try:
                got = self._opened.read(max(1, self._opened.in_waiting))
            except _LOST as error:
                raise self._gone(error) from None
            self._input += got
            if not got and time.monotonic() >= until:
                return None

    @property
    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise ModemFault("modem.gone", port=self.path, why="closed")
        return self._port

    def _gone(self, error: Exception) -> ModemFault:
        return ModemFault("modem.gone", port=self.path, why=one_line(str(error), 80) or type(error).__name__)

    def _not_opened(self, error: Exception) -> ModemFault:
        number = getattr(error, "errno", None)
        if "exclusively lock" in str(error):
            return ModemFault("modem.in_use", port=self.path)
        if number == errno.ENOENT:
            return ModemFault("modem.no_port", port=self.path)
        if number in (errno.EACCES, errno.EPERM):
            return ModemFault("modem.forbidden", port=self.path)
        return self._gone(error)


def _shown(text: str) -> str:
    """Leave numbers and texts of people out of what is told."""
    return "ATD" if text.startswith("ATD") else text.partition("=")[0]
