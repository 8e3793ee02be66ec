"""A sender, as carriers, daemons and aggregators write it, as a number to answer to. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}")  # E.164 has at most 15 digits; services have 3 and more
_SCHEME: Final = re.compile(r"(?:tel|sms|smsto):", re.IGNORECASE)  # RFC 3966, RFC 5724
_COUNTRY: Final = "62"  # whose numbers may be written without it
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST: Final = 64  # characters that are examined


def number_of(written: object) -> str | None:
    """Return a dialable telephone number; None for a name, an empty value, or anything else.

    Blanks, dashes, brackets and invisible characters are skipped. An international number gets a plus sign: it begins
    with 00, or with a blank before the country code, which was a plus sign before a form was decoded. Integers are read
    as their digits.
    """
    if isinstance(written, bool):
        return None
    if isinstance(written, float) and written.is_integer():
        written = int(written)
    if isinstance(written, int):
        written = str(written) if 0 < written < 10**15 else ""
    if not isinstance(written, str) or len(written) > _LONGEST:
        return None
    text = "".join(_plain(letter) for letter in unicodedata.normalize("NFKC", unquote(written)))
    blank_first = text[:1] == " "
    number = _SCHEME.sub("", text.strip(), count=1).partition(";")[0]
    number = re.sub(r"(?<=[0-9])\s*\(0\)", "", number)  # +62(0)812: the trunk prefix is not dialled
    number = re.sub(r"[\s().-]", "", number)
    if number.startswith("00") and len(number) > 9:
        number = f"+{number[2:]}"
    elif blank_first and re.fullmatch(r"[1-9][0-9]{9,14}", number):
        number = f"+{number}"
    return number if _NUMBER.fullmatch(number) else None


def e164(written: object) -> str | None:
    """Return a number with its country code: the same for one telephone, however it is written; None for a name, a
    service's short number, or anything else."""
    number = number_of(written) or ""
    if number.startswith("0") and len(number) >= 8:
        number = f"+{_COUNTRY}{number.lstrip('0')}"
    elif number.startswith(_COUNTRY) and len(number) >= 9:
        number = f"+{number}"  # a spreadsheet drops the plus sign
    if number.startswith(f"+{_COUNTRY}0"):  # +62 0812: the trunk prefix is not dialled
        number = f"+{_COUNTRY}{number[len(_COUNTRY) + 1 :].lstrip('0')}"
    return number if _E164.fullmatch(number) else None


def _plain(letter: str) -> str:
    """Return a decimal digit of any script as ASCII; nothing for an invisible character."""
    category = unicodedata.category(letter)
    if category == "Cf" or letter == "\0":
        return ""
    return str(unicodedata.decimal(letter)) if category == "Nd" else letter
