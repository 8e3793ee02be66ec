"""Plus codes: a place as ten characters that can be said on the radio and typed into a map. Pure.

The Open Location Code specification, 10 digits: a field of 1/8000 of a degree, about 14 m.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "23456789CFGHJMPQRVWX"
_FIELD: Final = 1_250  # degrees x 10^7
_PAIRS: Final = 5
_SEPARATOR_AT: Final = 8
_AROUND: Final = 3_600_000_000  # degrees x 10^7


def plus_code(latitude: int, longitude: int) -> str:
    """Return the plus code of a position (degrees x 10^7), as 6P58HQ2C+9R."""
    south = min(max(latitude, -900_000_000), 900_000_000 - _FIELD) + 900_000_000
    west = (longitude + 1_800_000_000) % _AROUND
    rows, columns = south // _FIELD, west // _FIELD
    code = ""
    for _ in range(_PAIRS):
        rows, row = divmod(rows, len(_DIGITS))
        columns, column = divmod(columns, len(_DIGITS))
        code = _DIGITS[row] + _DIGITS[column] + code
    return f"{code[:_SEPARATOR_AT]}+{code[_SEPARATOR_AT:]}"
