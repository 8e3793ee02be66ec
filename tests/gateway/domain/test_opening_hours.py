"""Hours as people write them, on local weekdays and over midnight."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.opening_hours import (
    DAY,
    WEEK,
    HoursError,
    Spans,
    is_open,
    local_minute,
    parsed,
    parsed_shifts,
    written,
)

WIB, WITA, WIT = (timezone(timedelta(hours=hours)) for hours in (7, 8, 9))


def minute(day: int, hour: int, of_hour: int = 0) -> int:
    return day * DAY + hour * 60 + of_hour


@pytest.mark.parametrize(
    "text", ["", " ", "24 jam", "24/7", "24", "24h", "always", "Selalu", "00:00-24:00", "08:00-08:00"]
)
def test_what_is_always_open(text: str) -> None:
    assert parsed(text) == ()
    assert all(is_open((), at) for at in (0, WEEK - 1))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Sen 08:00-16:00", ((minute(0, 8), 480),)),
        ("Senin 08.00 s/d 16.00", ((minute(0, 8), 480),)),
        ("mon-tue 8:00–16:00", ((minute(0, 8), 480), (minute(1, 8), 480))),
        ("Jum'at 22:00-06:00", ((minute(4, 22), 480),)),
        ("Sab, Min 10:00-12:00, 13:00-15:00", tuple((minute(day, hour), 120) for day in (5, 6) for hour in (10, 13))),
        ("sat-mon 10:00-11:00", tuple((minute(day, 10), 60) for day in (0, 5, 6))),
        ("Min 22:00-06:00; Sen 05:00-07:00", ((minute(6, 22), 9 * 60),)),
        ("mon 08:00-12:00; mon 12:00-16:00", ((minute(0, 8), 480),)),
        ("sun 00:00-24:00", ((minute(6, 0), DAY),)),
    ],
)
def test_days_and_times_in_both_languages(text: str, spans: Spans) -> None:
    assert parsed(text) == spans


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("kapan saja", "hours.part"),
        ("Sen 8-16", "hours.part"),
        ("Sen 08:00", "hours.part"),
        ("Sen 08:00-16:00-18:00", "hours.part"),
        ("Hari kerja 08:00-16:00", "hours.day"),
        ("Sen-kamisan 08:00-16:00", "hours.day"),
        ("Sen 08:00-24:01", "hours.time"),
        ("Sen 08:60-09:00", "hours.time"),
        ("Sen 24:00-09:00", "hours.time"),
    ],
)
def test_what_no_hours_are_is_said_by_its_part(text: str, key: str) -> None:
    with pytest.raises(HoursError) as raised:
        parsed(f"Min 10:00-11:00; {text}")
    assert raised.value.key == key
    assert raised.value.values["part"] == text.lower().replace("‒", "-")


def test_over_midnight_belongs_to_the_evening_before_it() -> None:
    friday = parsed("Jum 22:00-06:00")
    assert [is_open(friday, minute(*at)) for at in ((4, 21), (4, 22), (5, 5), (5, 6), (4, 5))] == [
        False, True, True, False, False,
    ]  # fmt: skip
    sunday = parsed("Min 22:00-06:00")
    assert is_open(sunday, minute(0, 5, 59)) and not is_open(sunday, minute(0, 6))


def test_weekdays_are_those_of_the_place() -> None:
    """Midnight on Monday in Lampung is Sunday in UTC."""
    monday = parsed("Sen 00:00-07:00")
    at = int(datetime(2026, 11, 30, 0, 0, tzinfo=WIB).timestamp() * 1000)
    assert local_minute(at, WIB) == 0 and is_open(monday, local_minute(at, WIB))
    assert local_minute(at - 1, WIB) == WEEK - 1
    assert [local_minute(at, zone) for zone in (WITA, WIT, ZoneInfo("Asia/Makassar"))] == [60, 120, 60]


@given(st.lists(st.tuples(st.integers(0, WEEK - 1), st.integers(1, DAY)), max_size=8))
def test_what_is_written_is_read_as_it_was(spans: list[tuple[int, int]]) -> None:
    text = "; ".join(
        f"{('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')[begin // DAY]} "
        f"{begin % DAY // 60:02d}:{begin % 60:02d}-{(begin + length) % DAY // 60:02d}:{(begin + length) % 60:02d}"
        for begin, length in spans
    )
    read = parsed(text)
    assert parsed(written(read)) == read
    for at in {each for begin, length in spans for each in (begin - 1, begin, begin + length - 1, begin + length)}:
        wanted = not spans or any((at - begin) % WEEK < length for begin, length in spans)
        assert is_open(read, at % WEEK) == wanted


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Sen 16:00-24:00; Sel 00:00-24:00", ((960, 480), (1_440, 1_440))),
        ("Sen 08:00-16:00; Sen 12:00-20:00", ((480, 720),)),
        ("Min 22:00-06:00; Sen 06:00-08:00", ((360, 120), (9_960, 480))),
        ("Min 22:00-06:00; Sen 05:00-08:00", ((9_960, 600),)),
        ("24/7", ()),
    ],
)
def test_shifts_that_only_touch_stay_apart(text: str, spans: Spans) -> None:
    assert parsed_shifts(text) == spans
    assert parsed_shifts(written(spans)) == spans
