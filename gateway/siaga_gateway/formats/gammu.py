"""gammu-smsd's FILES backend: the files in its inbox read, those for its outbox written. Pure.

Documentation: gammu-smsd-files(7), gammu-smsdrc(5), version 1.42. Received texts are in IN<date>_<time>_<serial>_
<sender>_<part>.txt, as UTF-16 with a byte order mark (`inboxformat = unicode`, the default) or in the system's
characters (`standard`). `inboxformat = detail` writes .smsbackup files, which are not read here.
"""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime
from typing import Final

from siaga_gateway.formats.sms import LARGEST_FILE, Message, NotAFrame, number_of

_IN: Final = re.compile(r"IN\d{8}_\d{6}_\d{2}_(?P<sender>.*)_(?P<part>\d{2})\.(?P<ending>txt|bin)", re.DOTALL)
_OUT: Final = re.compile(r"OUT.*_siaga[0-9]+\.txt")


def is_message(name: str) -> bool:
    """Whether a file of that name in the inbox is a received message."""
    return _IN.fullmatch(name) is not None


def read_message(name: str, content: bytes) -> Message:
    """The message in a file of the inbox. Raises NotAFrame for one that cannot hold a frame."""
    match = _IN.fullmatch(name)
    if match is None or match["ending"] != "txt":
        raise NotAFrame("it is no text message")
    if match["part"] != "00":
        raise NotAFrame("it is part of a longer message")
    if len(content) > LARGEST_FILE:
        raise NotAFrame(f"{len(content)} bytes")
    unicode = content.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))
    try:
        text = content.decode("utf-16" if unicode else "utf-8")
    except UnicodeDecodeError:
        raise NotAFrame("its characters cannot be read") from None
    return Message(number_of(match["sender"]), text)


def write_message(number: str, text: str, *, urgent: bool, now_ms: int, serial: int) -> tuple[str, bytes]:
    """Name and content of a file for the outbox. Files go in the order of their names: what is urgent first, then by
    time and `serial`."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    priority = "A" if urgent else "M"
    name = f"OUT{priority}{moment:%Y%m%d_%H%M%S}_{serial % 100:02}_{number}_siaga{serial}.txt"
    return name, text.encode("ascii")


def is_ours(name: str) -> bool:
    """Whether a file in the outbox is one that write_message named."""
    return _OUT.fullmatch(name) is not None
