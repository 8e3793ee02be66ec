"""A spool in the style of SMS Server Tools 3: headings, an empty line, the text. Read and written; pure.

Documentation: smstools3.kekekasvi.com, "SMS file". The tools' simulated modem stores its messages like this too.
Numbers have the country code without a plus sign; others have the prefix "s". The daemon joins the parts of a long text
itself, unless `internal_combine = no`: then they have a heading UDH-DATA.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from siaga_gateway.formats.sms import LARGEST_FILE, Message, NotAFrame, Part, letters_of, number_of

_OURS: Final = re.compile(r"[am]\d{8}T\d{6}-siaga[0-9]+")
_COUNTRY: Final = re.compile(r"[1-9][0-9]{7,14}")  # anything shorter is a service's number


def is_message(name: str) -> bool:
    """Whether a file of that name in the incoming folder is a received message; hidden and locked ones are not."""
    return not name.startswith(".") and not name.endswith(".LOCK")


def read_message(name: str, content: bytes) -> Message:
    """Parse a file of the incoming folder. Raises: NotAFrame if it cannot contain a frame."""
    if len(content) > LARGEST_FILE:
        raise NotAFrame("sms.size", size=len(content))
    head, blank, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    headings = dict(line.partition(":")[::2] for line in head.decode("utf-8", "replace").splitlines())
    if not blank or not {"From", "From_TOA", "Received", "Sent"} & headings.keys():
        raise NotAFrame("sms.no_headings")
    alphabet = headings.get("Alphabet", "").strip().upper()
    text = letters_of(body, "utf-16-be" if alphabet.startswith(("UCS", "UNI", "CHI")) else None)
    return Message(_sender(headings), text, _part(headings.get("UDH-DATA", "")))


def _sender(headings: Mapping[str, str]) -> str | None:
    """Return the number to answer to: with a plus sign if it includes the country code."""
    kind = headings.get("From_TOA", "").strip().upper()  # like "91 international, ISDN/telephone"
    if kind.startswith("D"):  # alphanumeric, even if it happens to be all digits
        return None
    number = number_of(headings.get("From", "").strip())
    if kind.startswith("A") and number is not None and not number.startswith("0"):
        return None  # a national number without its trunk prefix
    international = kind.startswith("9") or not kind
    return f"+{number}" if number is not None and international and _COUNTRY.fullmatch(number) else number


def _part(header: str) -> Part | None:
    """Parse a user data header in hex: its length, then elements of code, length, data (TS 23.040, 9.2.3.24)."""
    try:
        told = bytes.fromhex(header.strip())[1:]
    except ValueError:
        return None
    while len(told) >= 2:
        code, data, told = told[0], told[2 : 2 + told[1]], told[2 + told[1] :]
        if (code, len(data)) in ((0, 3), (8, 4)):
            return Part(data[:-2].hex(), data[-1], data[-2])
    return None


def write_message(number: str, text: str, *, urgent: bool, now_ms: int, serial: int) -> tuple[str, bytes]:
    """Return name and content of a file for the outgoing folder."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    name = f"{'a' if urgent else 'm'}{moment:%Y%m%dT%H%M%S}-siaga{serial}"
    international = number.startswith("+") or _COUNTRY.fullmatch(number)
    # "s": dialled as is. Without it the daemon takes every number to include a country code.
    return name, f"To: {number.removeprefix('+') if international else f's{number}'}\n\n{text}".encode("ascii")


def is_ours(name: str) -> bool:
    """Whether write_message made that file name in the outgoing folder."""
    return _OURS.fullmatch(name) is not None


def is_urgent(name: str) -> bool:
    """Whether the daemon sends that file before others; of those that write_message made."""
    return name.startswith("a")
