"""A message to one person as one text message: at most 160 characters of those that are one septet each in the GSM
alphabet and the same in ASCII, so that no daemon, aggregator or carrier makes two messages or question marks of it.
Pure.

A phone may fetch a link that it shows: the page behind it gives nothing away to that (GET).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.formats.service_message import AddressUnusable
from siaga_gateway.formats.sms_number import number_of
from siaga_gateway.formats.text_rules import one_line

LONGEST: Final = 160
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
# In GSM's alphabet these take two septets, or have no place at all.
_INSTEAD: Final = str.maketrans(
    {
        "[": "(",
        "{": "(",
        "]": ")",
        "}": ")",
        "|": "/",
        "\\": "/",
        "^": "",
        "~": "-",
        "`": "'",
        "·": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "×": "x",
    }
)


def sms_number(address: str) -> str:
    """Return the number to send to, with its country code. Raises: AddressUnusable."""
    number = number_of(address) or ""
    if not _NUMBER.fullmatch(number):
        raise AddressUnusable("way.number")
    return number


def sms_text(message: PersonalMessage) -> str:
    """Return title, lines and link as one text message.

    The link is whole or not there. Of the lines those go in that fit whole, in their order; the title is cut if it must
    be.
    """
    link = message.url if message.url and _plain(message.url) == message.url and len(message.url) < LONGEST else ""
    room = LONGEST - (len(link) + 1 if link else 0)
    text = _plain(message.title)[:room].rstrip()
    for line in message.text.splitlines():
        more = _plain(line)
        if more and len(text) + 2 + len(more) <= room:
            text = f"{text}, {more}" if text else more
    return " ".join(part for part in (text, link) if part) or "-"


def _plain(text: str) -> str:
    """Return a text in the characters that are the same everywhere; a letter with a mark loses the mark."""
    whole = one_line(text).translate(_INSTEAD)
    letters = unicodedata.normalize("NFKD", whole)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = plain.translate(_INSTEAD)
    return " ".join("".join(letter if " " <= letter <= "~" else "?" for letter in plain).split())
