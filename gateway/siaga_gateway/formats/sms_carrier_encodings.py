"""Undoes the encodings that carriers, daemons and aggregators add to a text. Pure.

Each step undoes one encoding, and leaves other text unchanged. Two in a row happen (a form inside XML), more do not.
Everything is linear in the text, which is truncated, and the number of readings is limited: senders of texts must not
be able to burn the gateway's CPU.
"""

from __future__ import annotations

import binascii
import html
import quopri
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

LONGEST_LOOKED_AT: Final = 2_048  # characters; a frame has at most 192, its longest encoding five times as many
_MOST_READINGS: Final = 12
_DEPTH: Final = 2

_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_QUOTED: Final = re.compile(r"=(?:[0-9A-Fa-f]{2}|\r?\n)")
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\([/\"\\])|\\[rntfb]")
_TAG: Final = re.compile(r"<[^<>]{1,200}>")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{72,}")  # the shortest frame's text has 36 characters
_DASHES: Final = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63], "-")
# '_' in ASCII has the code of the section sign in the GSM alphabet; GSM's has that of a control character in ASCII
# (3GPP TS 23.038, 6.2.1).
_GSM: Final = {0xA7: "_", 0x11: "_"}


def readings(text: str) -> Iterator[str]:
    """Yield the text itself first, then its decodings; all without invisible characters."""
    known: set[str] = set()
    level = [text[:LONGEST_LOOKED_AT]]
    for depth in range(_DEPTH + 1):
        deeper: list[str] = []
        for one in level:
            if one in known:
                continue
            known.add(one)
            yield _cleaned(one)
            if len(known) >= _MOST_READINGS:
                return
            if depth < _DEPTH:
                deeper += [step(one) for step in _STEPS]
        level = deeper


def _cleaned(text: str) -> str:
    """Remove control and invisible characters; normalize dashes and blanks."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text[:LONGEST_LOOKED_AT])[:LONGEST_LOOKED_AT]
    text = text.translate(_DASHES).translate(_GSM)
    if text.count("@") * 3 > len(text):  # code 0 is '@' in the GSM alphabet: UCS-2 mistaken for characters
        text = text.replace("@", "")
    if text.isascii() and text.isprintable():
        return text
    return "".join(one for one in text if one.isspace() or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co"))


def _percent(text: str) -> str:
    return unquote(text) if _PERCENT.search(text) else text


def _entities(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _tags(text: str) -> str:
    return _TAG.sub("\n", text)


def _quoted_printable(text: str) -> str:
    if not _QUOTED.search(text):
        return text
    return quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _escapes(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else match[2] or "\n"

    return _ESCAPE.sub(plain, text)


def _hexadecimal(text: str) -> str:
    """Decode UCS-2 or ASCII that a modem wrote as hex digits."""

    def decoded(match: re.Match[str]) -> str:
        digits = match[0]
        told = binascii.unhexlify(digits[: len(digits) // 2 * 2])
        if told.isascii() and b"\0" not in told[:8]:
            return told.decode("ascii")
        return told.decode("utf-16-le" if told[1:2] == b"\0" else "utf-16-be", "ignore")

    return _HEX.sub(decoded, text)


_STEPS: Final[tuple[Callable[[str], str], ...]] = (
    _percent,
    _entities,
    _tags,
    _quoted_printable,
    _escapes,
    _hexadecimal,
)
