"""A spool as SMS Server Tools 3 has it: headings, an empty line, the text. Read and written; pure.

Documentation: smstools3.kekekasvi.com, "SMS file". The simulated modem of the tools keeps its messages so too. Numbers
stand there without a plus sign, with the country's code.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from siaga_gateway.formats.sms import LARGEST_FILE, Message, NotAFrame, number_of

_OURS: Final = re.compile(r"[am]\d{8}T\d{6}-siaga[0-9]+")
_COUNTRY: Final = re.compile(r"[1-9][0-9]{7,14}")  # what is shorter is a service's number


def is_message(name: str) -> bool:
    """Whether a file of that name in the incoming folder is a received message; hidden and locked ones are not."""
    return not name.startswith(".") and not name.endswith(".LOCK")


def read_message(name: str, content: bytes) -> Message:
    """The message in a file of the incoming folder. Raises NotAFrame for one that cannot hold a frame."""
    if len(content) > LARGEST_FILE:
        raise NotAFrame(f"{len(content)} bytes")
    head, blank, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    headings = dict(line.partition(":")[::2] for line in head.decode("utf-8", "replace").splitlines())
    if not blank or "From" not in headings:
        raise NotAFrame("it has no heading From: and an empty line before its text")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAFrame("its characters cannot be read") from None
    number = number_of(headings["From"])
    if number is not None and _COUNTRY.fullmatch(number):
        number = f"+{number}"
    return Message(number, text)


def write_message(number: str, text: str, *, urgent: bool, now_ms: int, serial: int) -> tuple[str, bytes]:
    """Name and content of a file for the outgoing folder."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    name = f"{'a' if urgent else 'm'}{moment:%Y%m%dT%H%M%S}-siaga{serial}"
    return name, f"To: {number.removeprefix('+')}\n\n{text}".encode("ascii")


def is_ours(name: str) -> bool:
    """Whether a file in the outgoing folder is one that write_message named."""
    return _OURS.fullmatch(name) is not None
