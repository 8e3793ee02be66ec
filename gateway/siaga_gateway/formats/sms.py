"""A frame as the text of an SMS, and back. Pure.

The text is plain base64 (RFC 4648, 4; firmware/PROTOCOL.md, 4), from the button and in answers. A received text may
have been altered in transit, and a frame is found in it all the same (sms_carrier_encodings.py, sms_frame_search.py). A
number does not authenticate: it only says where an answer goes. It is personal data, so logs contain only its `masked`
form.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import re
from dataclasses import dataclass
from typing import Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.frame import glance
from siaga_gateway.formats.sms_carrier_encodings import LONGEST_LOOKED_AT, readings
from siaga_gateway.formats.sms_frame_search import frames_in, whole_in
from siaga_gateway.formats.sms_number import number_of as number_of

LONGEST_TEXT: Final = 160  # characters of one message in the default alphabet (3GPP TS 23.038, 6.1.2.1)
LARGEST_FILE: Final = 8_192  # bytes; a spool file with headings, in any encoding, is far smaller
_SMALLEST_FRAME: Final = 22  # a header and the shortest tag: anything shorter is a word that happens to be base64
_ONE_CASE: Final = re.compile(r"e[qg][e-za-f][a-z0-9+/_-]{33,}|E[QG][A-Z][A-Z0-9+/_-]{33,}")


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a text that came in several messages (3GPP TS 23.040, 9.2.3.24.1). None: unknown."""

    reference: str
    number: int  # from 1
    total: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """A received text. `number`: to answer to; None if the sender is a name or unreadable."""

    number: str | None
    text: str
    part: Part | None = None


class NotAFrame(Malformed):
    """A text or a file without a frame. Its content is not repeated here: it may be anybody's message."""


class LetterCaseLost(NotAFrame):
    """Something made all letters lower case, or all upper case. That destroys base64 beyond recovery."""


def frames_of(text: str) -> list[bytes]:
    """Return the frames in a text, whatever surrounds them, in order. Raises: NotAFrame.

    Bytes that do not begin like a frame are returned only if the text is their base64 and nothing else: then they are
    journalled, with the reason why they are not a frame.
    """
    with contextlib.suppress(binascii.Error, ValueError):
        frame = base64.b64decode(text.strip()[: LONGEST_TEXT + 1], validate=True)
        if glance(frame) is not None and _mixed(frame):
            return [frame]  # as the button sent it
    best: list[bytes] = []
    most = 0
    for reading in readings(text):
        found, score = frames_in(reading)
        if score > most:
            best, most = found, score
    if best and not any(_mixed(frame) for frame in best):
        raise LetterCaseLost("sms.letter_case")
    return best or [_bare(text)]


def whole_frames(text: str) -> list[bytes]:
    """Return the frames in a joined text, if each ends where its base64 ends; else none."""
    return next(filter(None, map(whole_in, readings(text))), [])


def frame_of(text: str) -> bytes:
    """Return the first frame in a text. Raises: NotAFrame."""
    return frames_of(text)[0]


def _mixed(frame: bytes) -> bool:
    """Whether its text has lower-case letters; one in 10^13 real PRESSes has none."""
    return any(letter.islower() for letter in base64.b64encode(frame).decode("ascii"))


def _bare(text: str) -> bytes:
    letters = "".join(text.split())
    if _ONE_CASE.search(re.sub(r"[\r\n]", "", text[:LONGEST_LOOKED_AT])):
        raise LetterCaseLost("sms.letter_case")
    if len(letters) > LONGEST_TEXT:
        raise NotAFrame("sms.no_frame_among", size=len(letters))
    try:
        frame = base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        raise NotAFrame("sms.none") from None
    if len(frame) < _SMALLEST_FRAME or base64.b64encode(frame).decode("ascii") != letters:
        raise NotAFrame("sms.none")
    return frame


def letters_of(content: bytes, encoding: str | None = None) -> str:
    """Decode a text in any encoding (`encoding`, if known): a frame's characters are the same in all."""
    if content.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return content.decode("utf-16", "ignore")
    for name in (encoding, "utf-8"):
        if name is not None:
            with contextlib.suppress(UnicodeDecodeError, LookupError):
                return content.decode(name)
    return content.decode("latin-1")


def text_of(frame: bytes) -> str | None:
    """Encode a frame as a text; None if it does not fit in one message (a COMMAND with more than 84 bytes of
    arguments)."""
    text = base64.b64encode(frame).decode("ascii")
    return text if len(text) <= LONGEST_TEXT else None


def masked(number: str) -> str:
    """Return what may be logged of a number: its beginning and its last two digits."""
    return f"{number[:3]}...{number[-2:]}" if len(number) > 7 else "..."
