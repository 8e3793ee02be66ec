"""What a NIK says of itself; all numbers are invented."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.nik import PROVINCES, born, doubts, masked

TODAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("nik", "found"),
    [
        ("1871014107900001", ()),  # a woman, born on 1 July 1990
        ("1871010107900001", ()),
        ("9900000000000001", ()),  # an invented person's
        ("1001010107900001", ("province",)),
        ("1800010107900001", ("place",)),
        ("1871003002900001", ("place", "birth")),
        ("1871013002900001", ("birth",)),  # 30 February
        ("1871017202900001", ("birth",)),  # day 32 of a woman
        ("1871010107900000", ("number",)),
        ("123", ()),
    ],
)
def test_what_cannot_be_right_is_named(nik: str, found: tuple[str, ...]) -> None:
    assert doubts(nik, TODAY) == found


def test_a_day_that_has_not_come_is_of_the_century_before() -> None:
    assert born("1871010112260001", TODAY) == date(2026, 12, 1)
    assert born("1871010212260001", TODAY) == date(1926, 12, 2)
    assert born("1871012902000001", TODAY) == date(2000, 2, 29)
    assert born("1871012902010001", TODAY) is None


@given(
    st.sampled_from(sorted(PROVINCES)),
    st.integers(1, 99),
    st.integers(1, 99),
    st.dates(TODAY - timedelta(days=36_000), TODAY),
    st.booleans(),
    st.integers(1, 9999),
)
def test_every_regular_one_is_without_doubt_and_tells_its_day(
    province: int, regency: int, district: int, day: date, woman: bool, number: int
) -> None:
    birth = f"{day.day + 40 * woman:02d}{day.month:02d}{day.year % 100:02d}"
    nik = f"{province:02d}{regency:02d}{district:02d}{birth}{number:04d}"
    assert doubts(nik, TODAY) == ()
    assert born(nik, TODAY) == day


def test_only_the_last_digits_are_shown() -> None:
    assert masked("1871014107900001") == "•" * 12 + "0001"
