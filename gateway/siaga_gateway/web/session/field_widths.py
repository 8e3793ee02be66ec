"""How many characters a field of a form takes. What is right is said by the rule that checks it; these keep a pasted
page out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WIDTHS: Final[Mapping[str, int]] = {
    "nik": 24,  # 16 digits, with blanks or dots between
    "phone": 30,
    "place": 40,  # a latitude and a longitude
    "station_key": 64,
    "number": 18,  # of an incident
    "quota_mb": 8,
    "token": 200,  # of a program: half of that, with what a paste brings along
    "version": 11,  # three numbers of one byte
}
