"""gammu-smsd's FILES backend: reads its inbox files, writes its outbox files. Pure.

Documentation: gammu-smsd-files(7), gammu-smsdrc(5), version 1.42. Received texts are in
IN<date>_<time>_<serial>_<sender>_<part>.txt, as UTF-16 with a byte order mark (`inboxformat = unicode`, the default) or
in the system's encoding (`standard`). Each part of a long text is a file, and the names do not show reliably which
belong together. `inboxformat = detail` writes .smsbackup files, which are not supported here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from siaga_gateway.formats.sms import LARGEST_FILE, Message, NotAFrame, letters_of, number_of

_IN: Final = re.compile(r"IN\d{8}_\d{6}_\d{2}_(?P<sender>.*)_(?P<part>\d{2})\.(?P<ending>txt|bin)", re.DOTALL)
_OUT: Final = re.compile(r"OUT.*_siaga[0-9]+\.txt")


def is_message(name: str) -> bool:
    """Whether an inbox file of that name is a received message."""
    return _IN.fullmatch(name) is not None


def read_message(name: str, content: bytes) -> Message:
    """Parse an inbox file. Raises: NotAFrame if it cannot contain a frame."""
    match = _IN.fullmatch(name)
    if match is None or match["ending"] != "txt":
        raise NotAFrame("sms.no_message")
    if len(content) > LARGEST_FILE:
        raise NotAFrame("sms.size", size=len(content))
    return Message(number_of(match["sender"]), letters_of(content))


def write_message(number: str, text: str, *, urgent: bool, now_ms: int, serial: int) -> tuple[str, bytes]:
    """Return name and content of an outbox file. The daemon sends in order of names: urgent first, then by time and
    `serial`."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    priority = "A" if urgent else "M"
    name = f"OUT{priority}{moment:%Y%m%d_%H%M%S}_{serial % 100:02}_{number}_siaga{serial}.txt"
    return name, text.encode("ascii")


def is_ours(name: str) -> bool:
    """Whether write_message made that outbox file name."""
    return _OUT.fullmatch(name) is not None


def is_urgent(name: str) -> bool:
    """Whether the daemon sends that file before others; of those that write_message made."""
    return name.startswith("OUTA")
