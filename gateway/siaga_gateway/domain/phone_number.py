"""Telephone numbers as people write them, and which cannot be. Pure.

By `phonenumbers`, which knows the numbering plans of all countries; its tables are read at the first use.
"""

from __future__ import annotations

import re
from typing import Final

REGION: Final = "ID"  # of a number without a country code
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # not \d: other scripts have digits too
_WRITTEN: Final = re.compile(r"\+?[(0-9][0-9 ()./-]{5,24}")
_DEMO: Final = "+6200"  # of invented people: no telephone has it


def e164(written: str) -> str | None:
    """Return the number as +62..., from however it was written: 0812-3456-7890; None: it is none."""
    text = written.strip()
    if not _WRITTEN.fullmatch(text):
        return None
    if text.startswith(_DEMO):
        return text if E164.fullmatch(text) else None
    import phonenumbers

    try:
        found = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return None
    number = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return number if E164.fullmatch(number) else None


def doubtful(number: str) -> bool:
    """Whether no telephone can have this number, in E.164; those of invented people are not asked about."""
    if number.startswith(_DEMO):
        return False
    import phonenumbers

    try:
        return not phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return True
