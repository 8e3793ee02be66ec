"""Plus codes, by examples of the specification's own test data and by what holds for each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.plus_code import plus_code, plus_code_place

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


@pytest.mark.parametrize(
    "code, latitude, longitude",
    [
        ("7FG49QCJ+2V", 203700625, 27821875),
        ("7fg49qcj+2v", 203700625, 27821875),
        ("7FG49QCJ+2VX", 203701125, 27822344),
        ("7FG49QCJ+2VXGJ", 203701136, 27822354),
        ("7FG49Q00+", 203750000, 27750000),
        ("7FG40000+", 205000000, 25000000),
    ],
)
def test_a_code_is_the_middle_of_its_field(code: str, latitude: int, longitude: int) -> None:
    found = plus_code_place(code)
    assert found is not None and max(abs(found[0] - latitude), abs(found[1] - longitude)) <= 1


@given(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_799_999_999))
def test_what_is_encoded_is_read_back_to_seven_metres(latitude: int, longitude: int) -> None:
    found = plus_code_place(plus_code(latitude, longitude))
    assert found is not None
    assert abs(found[0] - min(latitude, 900_000_000 - 1_250)) <= 625 and abs(found[1] - longitude) <= 625
    assert plus_code(*found) == plus_code(latitude, longitude)


@given(
    st.integers(-800_000_000, 800_000_000),
    st.integers(-1_800_000_000, 1_799_999_999),
    st.integers(-4_900_000, 4_900_000),
    st.integers(-4_900_000, 4_900_000),
)
def test_a_short_code_is_the_nearest_of_its_kind(latitude: int, longitude: int, north: int, east: int) -> None:
    near = latitude + north, (longitude + east + 1_800_000_000) % 3_600_000_000 - 1_800_000_000
    code = plus_code(latitude, longitude)
    assert plus_code_place(code[4:], near) == plus_code_place(code)
    assert plus_code_place(code[2:], near) == plus_code_place(code)


def test_a_short_code_alone_is_nowhere() -> None:
    assert plus_code_place("HQ2C+9R") is None


@pytest.mark.parametrize(
    "text",
    ["", "+", "Metro", "7FG49QCJ2V", "7FG49QCJ+2", "7FG49Q0J+", "7FG49Q00+2V", "7AG49QCJ+2V", "9QCJ+2V+", "X2222222+22",
     "2X222222+22", "7FG49QC+2V", "00000000+", "7FG49QCJ+2VXGJ222"],
)  # fmt: skip
def test_what_is_no_code_is_none(text: str) -> None:
    assert plus_code_place(text, (0, 0)) is None


@given(st.text("23456789CFGHJMPQRVWX0+", max_size=18))
def test_whatever_is_read_is_on_the_globe(text: str) -> None:
    found = plus_code_place(text, (-53_835_400, 1_052_596_000))
    assert found is None or (abs(found[0]) <= 900_000_000 and -1_800_000_000 <= found[1] < 1_800_000_000)
