"""Delivery reports as modem daemons put them among the received messages, if they are set to. Pure.

Documentation: gammu-smsdrc(5), deliveryreport = sms: the file of a report has one word and the recipient's number.
smstools3.kekekasvi.com, "SMS file", Status Reports. Neither names the message that it is about in a way that one who
put a file into the outbox could know.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = {"Delivered": True, "Failed": False, "Pending": False, "Unknown": False}
_REPORT: Final = re.compile(r"SMS STATUS REPORT\s*\n(?:.*\n)*?Status:[ \t]*([0-9]{1,3})(?:,|\s|$)")
_RECEIVED: Final = 0  # by the phone (3GPP TS 23.040, 9.2.3.15); 1: forwarded, and not known


def delivered_in(text: str) -> bool | None:
    """Return whether a report says that a phone has a message; None: it is no report."""
    bare = text.strip()
    if bare in _WORDS:
        return _WORDS[bare]
    match = _REPORT.match(bare[:1_000])
    return None if match is None else int(match[1]) == _RECEIVED
