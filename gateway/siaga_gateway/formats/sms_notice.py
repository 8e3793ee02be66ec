"""A message to one person as a text message: at most 160 characters of those that are one septet each in the GSM
alphabet and the same in ASCII, so that no daemon, aggregator or carrier makes two messages or question marks of it. One
that says how to answer may take two messages (3GPP TS 23.040, 9.2.3.24.1): without place or link it would be no call.
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
LONGEST_OF_TWO: Final = 306  # each has 7 characters less for what joins them
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
    """Return title, lines, how to answer, and link as a text message.

    The link is whole or not there. Of the lines those go in that fit whole, in their order; the title is cut if it must
    be.
    """
    if message.whole:
        return _whole(message)
    longest = LONGEST if message.reply is None else LONGEST_OF_TWO
    link = message.url if message.url and plain(message.url) == message.url and len(message.url) < LONGEST else ""
    reply = plain(message.reply or "")
    end = " ".join(part for part in (f"{reply}." if reply else "", link) if part)
    room = longest - (len(end) + 1 if end else 0)
    text = plain(message.title)[:room].rstrip()
    for line in message.text.splitlines():
        more = plain(line)
        if more and len(text) + 2 + len(more) <= room:
            text = f"{text}, {more}" if text else more
    if reply and len(text) < room and text[-1:] not in ("", ".", "?"):
        text += "."
    return " ".join(part for part in (text, end) if part) or "-"


def _whole(message: PersonalMessage) -> str:
    """The text, then title and link as far as there is room for them beside it."""
    text, title, url = plain(message.text)[:LONGEST_OF_TWO], plain(message.title), message.url or ""
    if len(title) + 2 + len(text) <= LONGEST_OF_TWO:
        text = f"{title}: {text}"
    if url and plain(url) == url and len(text) + 1 + len(url) <= LONGEST_OF_TWO:
        text = f"{text} {url}"
    return text or "-"


def plain(text: str) -> str:
    """Return a text in the characters that are the same everywhere; a letter with a mark loses the mark."""
    whole = one_line(text).translate(_INSTEAD)
    letters = unicodedata.normalize("NFKD", whole)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = plain.translate(_INSTEAD)
    return " ".join("".join(letter if " " <= letter <= "~" else "?" for letter in plain).split())
