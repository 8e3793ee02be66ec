"""Plus codes, by examples of the specification's own test data and by what holds for each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.plus_code import plus_code

DIGITS = "23456789CFGHJMPQRVWX"


@pytest.mark.parametrize(
    "latitude, longitude, code",
    [
        (203700625, 27821875, "7FG49QCJ+2V"),
        (470000625, 80000625, "8FVC2222+22"),
        (-412730625, 1747859375, "4VCPPQGP+Q9"),
        (900000000, 10000000, "CFX3X2X2+X2"),
        (10000000, 1800000000, "62H22222+22"),
        (10000000, -1800000000, "62H22222+22"),
        (473655900, 85249970, "8FVC9G8F+6X"),
    ],
)
def test_examples(latitude: int, longitude: int, code: str) -> None:
    assert plus_code(latitude, longitude) == code


@given(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))
def test_the_place_is_in_the_field_that_its_code_names(latitude: int, longitude: int) -> None:
    digits = plus_code(latitude, longitude).replace("+", "")
    assert len(digits) == 10
    south = sum(DIGITS.index(digit) * 20 ** (4 - at) for at, digit in enumerate(digits[::2])) * 1_250 - 900_000_000
    west = sum(DIGITS.index(digit) * 20 ** (4 - at) for at, digit in enumerate(digits[1::2])) * 1_250 - 1_800_000_000
    assert south <= min(latitude, 900_000_000 - 1_250) < south + 1_250
    assert west <= (longitude if longitude < 1_800_000_000 else -1_800_000_000) < west + 1_250
