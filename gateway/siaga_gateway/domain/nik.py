"""What a NIK says of itself, and what in it cannot be right. Pure.

Sixteen digits: province, regency and district (two each), the day of birth (plus 40 for a woman), month and year (two
digits), and a number of its own. The first six stay those of the first registration, wherever its holder lives now.
Some true NIKs are irregular: what is found here is a doubt, for a person to compare with the card.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

NIK: Final = re.compile(r"[0-9]{16}")
_WOMAN: Final = 40  # added to the day
# The codes of provinces (Kepmendagri), with those of 2022 in Papua.
PROVINCES: Final = frozenset(
    {*range(11, 20), 21, *range(31, 37), *range(51, 54), *range(61, 66), *range(71, 77), 81, 82, *range(91, 98)}
)
DEMO: Final = 99  # of invented people: no province has it


def doubts(nik: str, today: date) -> tuple[str, ...]:
    """Return what cannot be right, by name: province, place, birth, number; nothing for an invented person's, and for
    what is no NIK at all."""
    if not NIK.fullmatch(nik) or int(nik[:2]) == DEMO:
        return ()
    found = []
    if int(nik[:2]) not in PROVINCES:
        found.append("province")
    elif "00" in (nik[2:4], nik[4:6]):
        found.append("place")
    if born(nik, today) is None:
        found.append("birth")
    if nik[12:] == "0000":
        found.append("number")
    return tuple(found)


def born(nik: str, today: date) -> date | None:
    """Return the day of birth, of the latest century in which it is past; None: there is no such day."""
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    if day > _WOMAN:
        day -= _WOMAN
    for century in (2000, 1900):
        try:
            found = date(century + year, month, day)
        except ValueError:
            continue
        if found <= today:
            return found
    return None


def masked(nik: str) -> str:
    """Return all but the last four digits as dots."""
    return "•" * max(0, len(nik) - 4) + nik[-4:]
