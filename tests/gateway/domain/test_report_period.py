"""Periods of reports: days, weeks, months, quarters and years of the site's zone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sample_site import BERLIN, WIB, WITA
from siaga_gateway.domain.report_period import (
    LONGEST_DAYS,
    Period,
    PeriodError,
    PeriodKind,
    day_of,
    free_period,
    parsed_day,
    period_of,
)

HOUR_MS = 3_600_000
days = st.dates(date(1971, 1, 1), date(2999, 1, 1))


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        (PeriodKind.DAY, date(2028, 2, 29), date(2028, 2, 29)),
        (PeriodKind.WEEK, date(2028, 2, 28), date(2028, 3, 5)),
        (PeriodKind.MONTH, date(2028, 2, 1), date(2028, 2, 29)),
        (PeriodKind.QUARTER, date(2028, 1, 1), date(2028, 3, 31)),
        (PeriodKind.YEAR, date(2028, 1, 1), date(2028, 12, 31)),
    ],
)
def test_the_period_of_a_leap_day(kind: PeriodKind, first: date, last: date) -> None:
    assert period_of(kind, date(2028, 2, 29)) == Period(first, last)


@given(st.sampled_from(list(PeriodKind)), days)
def test_periods_of_a_kind_hold_their_day_and_follow_each_other(kind: PeriodKind, day: date) -> None:
    found = period_of(kind, day)
    assert found.first <= day <= found.last
    assert period_of(kind, found.first) == period_of(kind, found.last) == found
    after = period_of(kind, day_of(found.last_day + 1))
    assert after.first_day == found.last_day + 1
    for local in (WIB, BERLIN):
        assert found.bounds(local)[1] == after.bounds(local)[0], "no call is between two reports, or in both"


def test_a_day_is_the_site_s() -> None:
    monday = Period(date(2026, 11, 30), date(2026, 11, 30))
    begin, end = monday.bounds(WIB)
    assert (begin, end - begin) == (monday.first_day * 24 * HOUR_MS - 7 * HOUR_MS, 24 * HOUR_MS)
    assert monday.bounds(WITA)[0] == begin - HOUR_MS
    summer = Period(date(2026, 3, 29), date(2026, 3, 29)).bounds(BERLIN)
    assert summer[1] - summer[0] == 23 * HOUR_MS


@pytest.mark.parametrize(
    ("first", "last", "key"),
    [
        (date(2026, 2, 1), date(2026, 1, 31), "period.backwards"),
        (date(1969, 1, 1), date(1969, 1, 2), "period.year"),
        (date(9999, 12, 1), date(9999, 12, 31), "period.year"),
        (date(2020, 1, 1), date(2026, 1, 1), "period.long"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(first: date, last: date, key: str) -> None:
    with pytest.raises(PeriodError) as refused:
        free_period(first, last)
    assert refused.value.key == key


def test_the_longest_period_is_taken() -> None:
    assert LONGEST_DAYS == 1_098, "three years, one of them a leap year"
    assert free_period(day_of(20_000), day_of(20_000 + LONGEST_DAYS - 1)).days == LONGEST_DAYS
    for only in (date(1971, 1, 1), date(9000, 12, 31)):
        assert free_period(only, only).days == 1


@pytest.mark.parametrize("text", ["", "30-11-2026", "2026-02-30", "besok", "2026-1-1"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(PeriodError) as refused:
        parsed_day(text)
    assert refused.value.key == "period.no_day"
    assert parsed_day(" 2026-11-30 ") == date(2026, 11, 30)


@pytest.mark.parametrize("text", ["9999-12-01", "0001-01-01", "1970-12-31"])
def test_a_day_of_a_year_that_no_period_can_have_is_refused(text: str) -> None:
    with pytest.raises(PeriodError) as refused:
        parsed_day(text)
    assert refused.value.key == "period.year"
    for kind in PeriodKind:
        assert period_of(kind, parsed_day("1971-01-01")).days and period_of(kind, parsed_day("9000-12-31")).days
