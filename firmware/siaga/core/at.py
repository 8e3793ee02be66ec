"""Parses what a modem sends on its serial line: bytes in, events out; no I/O.

Syntax: 3GPP TS 27.007 (result codes, 27.007 9.2 +CME ERROR), TS 27.005 (+CMS ERROR 3.2.5, +CMT and +CMGR 3.4), ITU-T
V.250; payloads whose length is in their first line: SIMCom A76XX AT Command Manual V1.09, 18.2 (+CMQTTRXTOPIC,
+CMQTTRXPAYLOAD). Messages are read in PDU mode, where one line of digits follows their head. A modem may send anything
at any time, also between a command and its reply, so a line counts as a reply only if it begins as that command's
reply does; whatever no command asked for is a URC. At most MAX_LINE bytes of a line and MAX_PAYLOAD of a payload are
held, whatever arrives.
"""

from micropython import const
from siaga.core.errors import SiagaError

REPLY = "reply"  # (REPLY, line, payload or None)
FINAL = "final"  # (FINAL, line): the command is over
PROMPT = "prompt"  # (PROMPT,): the modem accepts the payload now
URC = "urc"  # (URC, line, payload or None): unsolicited, or the late result of a command that has ended

MAX_LINE = const(400)  # the longest message in PDU mode has 352 digits
MAX_PAYLOAD = const(1024)
# A payload whose bytes stop arriving for this long was none, or lost some on the line.
PAYLOAD_GAP_MS = const(2000)

# The last number in these lines is the number of bytes after the line end.
_MEASURED = (b"+CMQTTRXTOPIC:", b"+CMQTTRXPAYLOAD:", b"+HTTPREAD:", b"+HTTPHEAD:")
# A message follows these: in PDU mode one line, in text mode free text of any number of lines.
_MESSAGES = (b"+CMT:", b"+CMGR:", b"+CMGL:")
_CALL_OVER = (b"NO CARRIER", b"BUSY", b"NO ANSWER", b"NO DIALTONE")
_BARE_URCS = (
    b"RDY",
    b"QCRDY",
    b"SMS DONE",
    b"PB DONE",
    b"RING",
    b"VOICE CALL:",
    b"MISSED_CALL:",
    b"NO CARRIER",
    b"NORMAL POWER",
    b"$",  # an NMEA sentence: the receiver's port was left on
)
_ONE_LINE = const(-1)
_NOTHING = const(-2)
_UNBOUNDED = const(-3)

_CR = const(13)
_LF = const(10)
_LINE = const(0)
_SKIP = const(1)  # the rest of an overlong line
_TEXT = const(2)  # the line that belongs to the preceding head
_PAYLOAD = const(3)
_DROP = const(4)  # an overlong payload
_FOREIGN = const(5)  # a text of unknown length: everything up to a pause


class AtError(SiagaError):
    """The modem refused a command. final: its final result line, b"" on time-out."""

    final = b""


def quoted(text: str) -> str:
    """Return a string parameter. Raises AtError for text that none can carry (V.250 5.4.2.2 has no escape that modems
    know)."""
    for letter in text:
        if letter == '"' or not " " <= letter <= "~":
            raise AtError("a modem cannot be given %r: it takes letters from space to ~ without a double quote" % text)
    return '"' + text + '"'


def given(setting: str, text: str) -> str:
    """Return a setting's text unchanged if it can be a string parameter. Raises AtError with the setting's name."""
    try:
        quoted(text)
    except AtError:
        raise AtError("setting %s cannot be given to a modem: no double quotes, and letters from space to ~" % setting)
    return text


def fields(line: bytes) -> "list[bytes]":
    """Return a line's parameters after its first colon: split at commas outside of quotes, the quotes removed."""
    start = line.find(b":") + 1
    parts = []  # type: list[bytes]
    within = False
    at = start
    for i in range(start, len(line)):
        if line[i] == 0x22:
            within = not within
        elif line[i] == 0x2C and not within:
            parts.append(_bare(line[at:i]))
            at = i + 1
    parts.append(_bare(line[at:]))
    return parts


def _bare(part: bytes) -> bytes:
    part = part.strip()
    if len(part) >= 2 and part[0] == part[-1] == 0x22:
        return part[1:-1]
    return part


def number(part: bytes) -> int:
    """Return a field's decimal number, -1 if it is none (or longer than nine digits)."""
    if not part or len(part) > 9:
        return -1
    for digit in part:
        if not 0x30 <= digit <= 0x39:
            return -1
    return int(part)


def _length(line: bytes) -> int:
    """Return how many payload bytes follow this line, or one of the three values above."""
    if line.startswith(_MEASURED):
        length = number(fields(line)[-1])
        return length if length >= 0 else _NOTHING
    if line.startswith(_MESSAGES):
        # Text lengths are given in letters of several alphabets, if at all: none is trusted.
        parts = fields(line)
        return _ONE_LINE if len(parts) <= 4 and number(parts[-1]) >= 0 else _UNBOUNDED
    return _NOTHING


class Parser:
    """The parser of one modem's line. begin() says which command is running and returns its bytes, feed() takes what
    arrives, end() is called when the caller stops waiting.

    garbage: lines of noise
    cut: lines and payloads that were too long or broke off
    echoed: a command was echoed, as modems do until told otherwise
    behind: one was, after the running one had ended: more answers are to come
    """

    def __init__(self) -> None:
        self._line = bytearray(MAX_LINE)
        self._payload = bytearray()
        self._command = b""
        self._expects = None  # type: bytes | None
        self._prompt = False
        self.garbage = 0
        self.cut = 0
        self.echoed = self.behind = False
        self.reset()

    def reset(self) -> None:
        """Drop what was half received: the modem restarts."""
        self._mode = _LINE
        self._fill = 0
        self._head = b""
        self._left = 0
        self._have = 0
        self._after_cr = False
        self._fed_ms = 0

    def begin(self, command: bytes, expects: "bytes | None" = None, prompt: bool = False) -> bytes:
        """Return the bytes that send a command. expects: prefix of its reply lines, b"" = anything that is no URC, None
        = no reply. prompt: whether it asks for a payload."""
        self._command = command
        self._expects = expects
        self._prompt = prompt
        return command + b"\r"

    def end(self) -> None:
        """End the command."""
        self._command = b""
        self._expects = None
        self._prompt = False

    def feed(self, chunk: "bytes | bytearray | memoryview", now_ms: int) -> "list[tuple]":
        """Return the events in what has arrived, in order. Never raises."""
        events = []  # type: list[tuple]
        if self._mode >= _PAYLOAD and now_ms - self._fed_ms > PAYLOAD_GAP_MS:
            self.cut += 1
            self._mode = _LINE
            self._fill = 0
        self._fed_ms = now_ms
        at = 0
        end = len(chunk)
        while at < end:
            # The LF of a CR LF pair belongs to the line end, not to a payload or line after it.
            if self._after_cr and chunk[at] == _LF:
                self._after_cr = False
                at += 1
                continue
            self._after_cr = False
            if self._mode == _FOREIGN:
                break
            if self._mode >= _PAYLOAD:
                at += self._piece(chunk, at, end, events)
                continue
            byte = chunk[at]
            at += 1
            if byte == _CR or byte == _LF:
                self._after_cr = byte == _CR
                self._line_end(events)
            elif self._mode == _SKIP:
                pass
            elif self._fill == MAX_LINE:
                self.cut += 1
                if self._mode == _TEXT:
                    self._told(self._head, None, events)
                self._mode = _SKIP
            elif byte == 0x3E and self._fill == 0 and self._prompt and self._mode == _LINE:
                self._prompt = False
                events.append((PROMPT,))
            else:
                self._line[self._fill] = byte
                self._fill += 1
        return events

    def _piece(self, chunk: "bytes | bytearray | memoryview", at: int, end: int, events: "list[tuple]") -> int:
        take = min(end - at, self._left - self._have)
        if self._mode == _PAYLOAD:
            self._payload[self._have : self._have + take] = chunk[at : at + take]
        self._have += take
        if self._have == self._left:
            self._told(self._head, bytes(self._payload) if self._mode == _PAYLOAD else None, events)
            self._payload = bytearray()
            self._mode = _LINE
        return take

    def _line_end(self, events: "list[tuple]") -> None:
        mode, fill = self._mode, self._fill
        self._mode = _LINE
        self._fill = 0
        if mode == _TEXT:
            self._told(self._head, bytes(self._line[:fill]), events)
        elif mode == _LINE and fill:
            self._take(fill, events)

    def _take(self, fill: int, events: "list[tuple]") -> None:
        held = self._line
        start = 0
        while start < fill and not 0x20 < held[start] < 0x7F:
            start += 1
        if start == fill:
            if held[0] != 0x20:
                self.garbage += 1
            return
        line = bytes(held[start:fill]).rstrip()
        for byte in line:
            if not 0x20 <= byte < 0x7F:
                if line[0] != 0x2B:
                    self.garbage += 1
                    return
                # A name in another alphabet, or one flipped bit: the payload must still be matched to this line.
                line = bytes([byte if 0x20 <= byte < 0x7F else 0x3F for byte in line])
                break
        if line.startswith(b"AT"):
            self.echoed = True  # no modem begins a line of its own like this
            self.behind = self.behind or not self._command
            return
        length = _length(line)
        if length <= _NOTHING or length == 0:
            self._told(line, None if length else b"", events)
            if length == _UNBOUNDED:
                self._mode = _FOREIGN
            return
        self._head = line
        if length == _ONE_LINE:
            self._mode = _TEXT
            return
        self._left, self._have = length, 0
        if length > MAX_PAYLOAD:
            self.cut += 1
            self._mode = _DROP
        else:
            self._payload = bytearray(length)
            self._mode = _PAYLOAD

    def _told(self, line: bytes, payload: "bytes | None", events: "list[tuple]") -> None:
        """Handle a whole line, with its payload."""
        if self._command:
            if self._is_final(line):
                self.end()
                events.append((FINAL, line))
                return
            expects = self._expects
            if expects is not None:
                if expects:
                    mine = line.startswith(expects)
                else:
                    mine = line[0] not in b"+*" and not line.startswith(_BARE_URCS)
                if mine:
                    events.append((REPLY, line, payload))
                    return
        events.append((URC, line, payload))

    def _is_final(self, line: bytes) -> bool:
        if line in (b"OK", b"ERROR") or line.startswith((b"+CME ERROR", b"+CMS ERROR")):
            return True
        return line in _CALL_OVER and self._command.startswith((b"ATD", b"ATA"))
