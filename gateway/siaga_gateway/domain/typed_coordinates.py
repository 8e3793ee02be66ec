"""A place as people write it: in degrees, or degrees, minutes and seconds, with the letters of either language. Pure.

Without floating point: degrees x 10^7, as everywhere.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from siaga_gateway.domain.installation_area import Place, on_globe

_NORTH, _SOUTH, _EAST, _WEST = "NSEW"
_LATITUDE: Final = {_NORTH: 1, _SOUTH: -1}
_LONGITUDE: Final = {_EAST: 1, _WEST: -1}
_LETTERS: Final = {
    **dict.fromkeys(("N", "U", "LU", "UTARA", "NORTH"), _NORTH),
    **dict.fromkeys(("S", "LS", "SELATAN", "SOUTH"), _SOUTH),
    **dict.fromkeys(("E", "T", "BT", "TIMUR", "EAST"), _EAST),
    **dict.fromkeys(("W", "B", "BB", "BARAT", "WEST"), _WEST),
}
_SAY_NOTHING: Final = frozenset(
    {"GEO", "LAT", "LATITUDE", "LON", "LONG", "LONGITUDE", "LINTANG", "BUJUR", "DAN", "AND", "DEG"}
)
_MARKS: Final = re.compile("[°º˚'’′ʹ\"”″:;/()]")
_TOKEN: Final = re.compile(r"[^\W\d_]+|[-+]?\d+(?:\.\d+)?|\S")
_DECIMAL_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
_LONGEST: Final = 100


def typed_coordinates(text: str) -> Place | None:
    """Return the place that a text gives, latitude first where no letters say otherwise; None: it gives none.

    `-5.4292, 105.2610`, `-5,4292 105,2610`, `5°25'45" LS 105°15'40" BT`, `S 5 25.75 E 105 15.66`,
    `geo:-5.4292,105.2610`.
    """
    if len(text) > _LONGEST:
        return None
    plain = _MARKS.sub(" ", text.upper().replace("−", "-").replace("–", "-"))
    readings = [plain.replace(",", " ")]
    if "." not in plain:
        readings.insert(0, _DECIMAL_COMMA.sub(".", plain).replace(",", " "))
    for reading in readings:
        found = _read(_TOKEN.findall(reading))
        if found is not None:
            return found
    return None


def _read(tokens: list[str]) -> Place | None:
    groups: list[tuple[str, list[Decimal]]] = []  # letter, degrees with what follows them
    numbers: list[Decimal] = []
    letters: list[tuple[str, int]] = []  # with how many numbers stand before it
    for token in tokens:
        if token in _SAY_NOTHING:
            continue
        if token in _LETTERS:
            letters.append((_LETTERS[token], len(numbers)))
            continue
        try:
            numbers.append(Decimal(token))
        except InvalidOperation:
            return None
    if not letters:
        half, odd = divmod(len(numbers), 2)
        if odd or not 1 <= half <= 3:
            return None
        return _without_letters(_degrees(numbers[:half], None), _degrees(numbers[half:], None))
    if len(letters) != 2:
        return None
    (first, before_first), (second, before_second) = letters
    # Each letter stands before its numbers, or behind them.
    cut = before_second if before_first == 0 else before_first
    if before_first != 0 and before_second != len(numbers):
        return None
    groups = [(first, numbers[:cut]), (second, numbers[cut:])]
    by_axis: dict[bool, int] = {}
    for letter, given in groups:
        degrees = _degrees(given, letter)
        if degrees is None:
            return None
        by_axis[letter in _LATITUDE] = degrees
    return _on_globe(by_axis[True], by_axis[False]) if len(by_axis) == 2 else None


def _without_letters(first: int | None, second: int | None) -> Place | None:
    if first is None or second is None:
        return None
    return _on_globe(first, second) or _on_globe(second, first)


def _on_globe(latitude: int, longitude: int) -> Place | None:
    return (latitude, longitude) if on_globe((latitude, longitude)) else None


def _degrees(given: list[Decimal], letter: str | None) -> int | None:
    """Return degrees x 10^7 of degrees, minutes and seconds; None: they are none."""
    if not 1 <= len(given) <= 3:
        return None
    whole, parts = given[0], given[1:]
    if any(each < 0 or each >= 60 for each in parts) or abs(whole) > 180:
        return None
    if any(each != each.to_integral_value() for each in given[:-1]):
        return None  # only the last of them may be broken
    negative = whole.is_signed()
    if letter is not None and negative:
        return None
    sign = -1 if negative else 1
    if letter is not None:
        sign = (_LATITUDE | _LONGITUDE)[letter]
    size = abs(whole) + sum((each / 60**power for power, each in enumerate(parts, 1)), Decimal(0))
    return sign * int((size * 10**7).to_integral_value())
