"""A place in the ways in which people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.installation_area import in_degrees
from siaga_gateway.domain.typed_coordinates import typed_coordinates

PLACE = (-54_292_500, 1_052_610_000)


@pytest.mark.parametrize(
    "text",
    [
        "-5.42925, 105.261",
        "-5.42925,105.261",
        "-5,42925 105,261",
        "-5,42925, 105,261",
        "−5.42925 105.261",
        "geo:-5.42925,105.261",
        "105.261, -5.42925",
        "5.42925 S, 105.261 E",
        "S5.42925 E105.261",
        "5,42925 LS 105,261 BT",
        "BT 105.261 LS 5.42925",
        "5°25'45.3\" LS 105°15'39.6\" BT",
        "5°25’45,3” S; 105°15’39,6” T",
        "LS 5 25.755 BT 105 15.66",
        "5 25 45.3 lintang selatan, 105 15 39.6 bujur timur",
        "-5 25 45.3 105 15 39.6",
        "Lat: -5.42925 Long: 105.261",
    ],
)
def test_each_way_of_writing_is_the_same_place(text: str) -> None:
    assert typed_coordinates(text) == PLACE


def test_a_comma_between_whole_degrees_parts_them() -> None:
    assert typed_coordinates("-5,105") == (-50_000_000, 1_050_000_000)
    assert typed_coordinates("5 LU 105 BB") == (50_000_000, -1_050_000_000)


@pytest.mark.parametrize(
    "text",
    ["", "Metro", "5", "Jl. Contoh 5 no. 3", "-5.4 S 105.2 E", "5.4 S 105.2 S", "95.1, 95.2", "5 61 0 S 105 0 0 E",
     "5.5 30 S 105 E",
     "1 2 3", "S E", "5 S 105", "-5.4 105.2 7", "1e3, 5", "9" * 90 + ",1", "5.4 S E 105.2 3"],
)  # fmt: skip
def test_what_is_no_place_is_none(text: str) -> None:
    assert typed_coordinates(text) is None


@given(st.integers(-899_999_999, 899_999_999), st.integers(-1_799_999_999, 1_799_999_999))
def test_what_the_console_writes_is_read_back(latitude: int, longitude: int) -> None:
    assert typed_coordinates(in_degrees((latitude, longitude))) == (latitude, longitude)


@given(st.text(max_size=120))
def test_no_text_is_too_much(text: str) -> None:
    typed_coordinates(text)
