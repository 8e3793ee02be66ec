"""A frame as the text of a short message, and back. Pure.

The text is base64 (RFC 4648, 4) and nothing else (firmware/PROTOCOL.md, 4). Whitespace is passed over, for modems,
operators and aggregators break lines and add blanks. A number is no identity here: it only says where an answer goes.
It is personal data, so what is logged of it is `masked`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

LONGEST_TEXT: Final = 160  # characters of one message in the default alphabet (3GPP TS 23.038, 6.1.2.1)
LARGEST_FILE: Final = 8_192  # bytes; a spool file with headings, in any encoding, is far smaller
_SMALLEST_FRAME: Final = 22  # a header and the shortest tag: shorter is a word that happens to be base64
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}")  # E.164 has at most 15 digits; services have 3 and more


@dataclass(frozen=True, slots=True)
class Message:
    """A text that came. `number`: whom it can be answered at; None where the sender is a name or unreadable."""

    number: str | None
    text: str


class NotAFrame(Exception):
    """A text or a file that holds no frame. What it says is not repeated here: it may be anybody's message."""


def frame_of(text: str) -> bytes:
    """The frame in a text. Raises NotAFrame."""
    letters = "".join(text.split())
    if len(letters) > LONGEST_TEXT:
        raise NotAFrame(f"{len(letters)} characters: a frame has at most {LONGEST_TEXT}")
    try:
        frame = base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        raise NotAFrame("it is no base64") from None
    if len(frame) < _SMALLEST_FRAME or base64.b64encode(frame).decode("ascii") != letters:
        raise NotAFrame("it is no base64 of a frame")
    return frame


def text_of(frame: bytes) -> str | None:
    """A frame as a text; None where it does not fit in one message (a COMMAND with more than 84 bytes of arguments)."""
    text = base64.b64encode(frame).decode("ascii")
    return text if len(text) <= LONGEST_TEXT else None


def number_of(written: str) -> str | None:
    """A telephone number as it can be written to, or None. Blanks, dashes and brackets are passed over."""
    number = re.sub(r"[\s().-]", "", written)
    return number if _NUMBER.fullmatch(number) else None


def masked(number: str) -> str:
    """What may be logged of a number: its beginning and its last two digits."""
    return f"{number[:3]}...{number[-2:]}" if len(number) > 7 else "..."
