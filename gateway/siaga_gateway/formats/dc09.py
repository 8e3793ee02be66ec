"""SIA DC-09 (ANSI/SIA DC-09-2013), the protocol of alarm receiving centres: frames, encryption, answers.

    <LF> crc 0LLL "token" sequence Rreceiver Lline #account [ data ] blocks timestamp <CR>

`crc` (CRC-16, polynomial 0x8005 reflected, from 0) and `0LLL` (length) are four hexadecimal digits each, over all from
the first quote to before the CR. With a key the token has an asterisk, and everything behind the `[` is AES-CBC
without initialisation vector, as hexadecimal digits, after padding that ends in `|`. Times are
GMT: a receiver refuses what is more than 20 s ahead of its clock, or 40 s behind it.

What an incident's changes are in it stands in dc09_events.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.value import record

NOISE_BYTES: Final = 8  # what one message's padding is made of
LAST_SEQUENCE: Final = 9999  # then 1 again

_BLOCK: Final = 16
_NO_IV: Final = bytes(_BLOCK)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD: Final = re.compile(r"([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})(\".*)", re.DOTALL)
_BODY: Final = re.compile(r'"(\*?)(ACK|NAK|DUH|RSP)"([0-9]{4})([^\[\]"]*)\[(.*)', re.DOTALL)
# Some receivers refuse what they cannot place without a frame around it.
_BARE: Final = re.compile(r'"(NAK|DUH)"')
_ACCOUNT: Final = re.compile(r"#([0-9A-Fa-f]+)")
_TIME: Final = re.compile(r"_([0-9]{2}):([0-9]{2}):([0-9]{2}),([0-9]{2})-([0-9]{2})-([0-9]{4})$")


class NotDc09(Malformed):
    """Bytes that are no answer according to DC-09; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was agreed with a receiver."""

    account: str  # 3 to 16 hexadecimal digits: supervision, and events of whoever has none of their own
    receiver: str = "0"  # 1 to 6 hexadecimal digits, as the line
    line: str = "0"
    key: bytes | None = field(default=None, repr=False)  # 16, 24 or 32 bytes; None: unencrypted


@record
class Answer:
    """A receiver's answer."""

    reply: str  # ACK, NAK, DUH or RSP (an acknowledgement with something beside it)
    encrypted: bool
    sequence: int | None  # None: an answer without a frame
    account: str | None
    at_ms: int | None  # the receiver's clock, Unix ms


def message(
    line: Line, token: str, sequence: int, content: str, at_ms: int, noise: bytes, account: str | None = None
) -> bytes:
    """Return a message as it goes over the line.

    token: SIA-DCS, ADM-CID or NULL. sequence: 1 to LAST_SEQUENCE. content: what is behind the opening bracket, up to
    and with the last closing one, printable ASCII. at_ms: now, by the receiver's clock as far as known. noise:
    NOISE_BYTES random bytes. account: of this event; None: the line's. Raises: OverflowError past the year 9999.
    """
    star, rest = "", content + timestamp(at_ms)
    if line.key is not None:
        star, rest = "*", _encrypted(line.key, rest, noise)
    of = account or line.account
    return framed(f'"{star}{token}"{sequence:04d}R{line.receiver}L{line.line}#{of}[{rest}')


def null(line: Line, sequence: int, at_ms: int, noise: bytes) -> bytes:
    """Return a supervision message: nothing happened, and the line is whole."""
    return message(line, "NULL", sequence, "]", at_ms, noise)


def framed(body: str) -> bytes:
    """Return a body, from its first quote to its end, with CRC and length, between LF and CR."""
    written = body.encode("ascii")
    return b"\n%04X%04X%s\r" % (crc(written), len(written), written)


def timestamp(at_ms: int) -> str:
    """Format as `_14:03:27,11-23-2026`, GMT, rounded down. Raises: OverflowError past the year 9999."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).strftime("_%H:%M:%S,%m-%d-%Y")


def crc(body: bytes) -> int:
    """Return the CRC-16 of the standard's annex."""
    value = 0
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def is_whole(received: bytes) -> bool:
    """Whether an answer has come to its end."""
    return b"\r" in received.lstrip(b"\r\n") or _BARE.fullmatch(received.decode("latin-1").strip()) is not None


def read_answer(received: bytes, key: bytes | None) -> Answer:
    """Return the answer. Raises: NotDc09, whose text says what is wrong with it."""
    written = received.decode("latin-1").strip("\r\n")
    if bare := _BARE.fullmatch(written):
        return Answer(bare[1], False, None, None, None)
    head = _HEAD.fullmatch(written)
    if head is None:
        raise NotDc09("dc09.no_frame")
    body = head[3].encode("latin-1")
    if int(head[2], 16) != len(body):
        raise NotDc09("dc09.length", told=int(head[2], 16), length=len(body))
    if int(head[1], 16) != crc(body):
        raise NotDc09("dc09.crc")
    parts = _BODY.fullmatch(head[3])
    if parts is None:
        raise NotDc09("dc09.no_answer")
    star, token, sequence, who, rest = parts.groups()
    if star:
        rest = _decrypted(key, rest)
    account = _ACCOUNT.search(who)
    return Answer(token, bool(star), int(sequence), account[1].upper() if account else None, _read_time(rest))


def _encrypted(key: bytes, written: str, noise: bytes) -> str:
    # 5.4.4.3: at least one character of padding, a whole block where nothing would be missing.
    missing = _BLOCK - len("|" + written) % _BLOCK
    padded = f"{noise.hex()[:missing]}|{written}".encode("ascii")
    cipher = Cipher(AES(key), CBC(_NO_IV)).encryptor()
    return (cipher.update(padded) + cipher.finalize()).hex().upper()


def _decrypted(key: bytes | None, rest: str) -> str:
    """Return the text behind the padding. Raises: NotDc09."""
    try:
        hidden = bytes.fromhex(rest)
    except ValueError:
        hidden = b""
    if key is None or not hidden or len(hidden) % _BLOCK:
        raise NotDc09("dc09.encrypted")
    cipher = Cipher(AES(key), CBC(_NO_IV)).decryptor()
    shown = (cipher.update(hidden) + cipher.finalize()).decode("latin-1")
    # The time is the proof that both have the same key: a reader with another one sees noise.
    if "]" not in shown or _read_time(shown) is None:
        raise NotDc09("dc09.other_key")
    return shown


def _read_time(rest: str) -> int | None:
    """Return the timestamp at the end, Unix ms; None: there is none that makes sense."""
    found = _TIME.search(rest)
    if found is None:
        return None
    hour, minute, second, month, day, year = map(int, found.groups())
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (at - _EPOCH) // timedelta(milliseconds=1)
