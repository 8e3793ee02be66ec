"""Plus codes: a place as ten characters that can be said on the radio and typed into a map. Pure.

The Open Location Code specification, 10 digits: a field of 1/8000 of a degree, about 14 m.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "23456789CFGHJMPQRVWX"
_FIELD: Final = 1_250  # degrees x 10^7
_PAIRS: Final = 5
_SEPARATOR: Final = "+"
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
    return f"{code[:_SEPARATOR_AT]}{_SEPARATOR}{code[_SEPARATOR_AT:]}"


_FIELDS: Final = (200_000_000, 10_000_000, 500_000, 25_000, _FIELD)  # of each pair, degrees x 10^7
_FINE: Final = 5_120  # parts of 10^-7 degrees: the fields of the digits after the tenth are whole ones
_GRID_ROWS, _GRID_COLUMNS = 5, 4
_MOST: Final = 15  # digits
_PADDING: Final = "0"


def plus_code_place(text: str, near: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Return the middle of a plus code's field (degrees x 10^7); None: it is no plus code.

    near: of a short code (HQ2C+9R), which is the one of its kind nearest to it; without it a short code is none.
    """
    code = "".join(text.split()).upper()
    before, separator, after = code.partition(_SEPARATOR)
    if not separator or len(after) == 1 or len(before) % 2 or not 2 <= len(before) <= _SEPARATOR_AT:
        return None
    digits = before.rstrip(_PADDING)
    padded = len(digits) < len(before)
    if padded and (after or len(before) < _SEPARATOR_AT or len(digits) % 2 or not digits):
        return None
    digits += after
    if len(digits) > _MOST or any(digit not in _DIGITS for digit in digits):
        return None
    missing = _SEPARATOR_AT - len(before)
    if missing:
        if near is None:
            return None
        prefix = plus_code(*near)[:missing]
        return _nearest(_middle(prefix + digits), missing, near)
    found = _middle(digits)
    return found if abs(found[0]) < 900_000_000 and found[1] < 1_800_000_000 else None


def _middle(digits: str) -> tuple[int, int]:
    south, west = -900_000_000 * _FINE, -1_800_000_000 * _FINE
    high = wide = _AROUND * _FINE
    pairs = digits[: 2 * _PAIRS]
    for place, field in zip(range(0, len(pairs), 2), _FIELDS, strict=False):
        high = wide = field * _FINE
        south += _DIGITS.index(pairs[place]) * high
        west += _DIGITS.index(pairs[place + 1]) * wide
    for digit in digits[2 * _PAIRS :]:
        high //= _GRID_ROWS
        wide //= _GRID_COLUMNS
        row, column = divmod(_DIGITS.index(digit), _GRID_COLUMNS)
        south += row * high
        west += column * wide
    return (south + high // 2) // _FINE, (west + wide // 2) // _FINE


def _nearest(found: tuple[int, int], missing: int, near: tuple[int, int]) -> tuple[int, int]:
    """Return the place in the field of the missing digits that is nearest: it may lie in the neighbouring one."""
    step = _FIELDS[missing // 2 - 1]
    latitude, longitude = found
    if latitude - near[0] > step // 2 and latitude - step > -900_000_000:
        latitude -= step
    elif near[0] - latitude > step // 2 and latitude + step < 900_000_000:
        latitude += step
    if longitude - near[1] > step // 2:
        longitude -= step
    elif near[1] - longitude > step // 2:
        longitude += step
    return latitude, (longitude + 1_800_000_000) % _AROUND - 1_800_000_000
