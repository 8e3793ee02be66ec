"""Times as a site's people read them."""

from __future__ import annotations

import pickle
from datetime import date, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sample_site import BERLIN, WIB, WITA
from siaga_gateway.domain.local_time import IN_UTC, LocalTime, ZoneSpan

PRESSED_MS = 1_795_417_406_000  # 2026-11-23 07:03:26 UTC
NEW_YEAR_MS = 1_798_736_400_000  # 2027-01-01 00:00:00 WIB
YEAR_MS = 366 * 86_400_000
SUMMER_MS, WINTER_MS = 1_774_746_000_000, 1_792_890_000_000  # 2026-03-29 and 2026-10-25, 01:00 UTC


@pytest.mark.parametrize(
    ("zone", "label", "written"),
    [
        ("Asia/Jakarta", "WIB", "23-11-2026 14:03:26 WIB"),
        ("Asia/Pontianak", "WIB", "23-11-2026 14:03:26 WIB"),
        ("Asia/Makassar", "WITA", "23-11-2026 15:03:26 WITA"),
        ("Asia/Jayapura", "WIT", "23-11-2026 16:03:26 WIT"),
        ("Asia/Dili", "UTC+09:00", "23-11-2026 16:03:26 UTC+09:00"),
        ("Asia/Kathmandu", "UTC+05:45", "23-11-2026 12:48:26 UTC+05:45"),
        ("America/Sao_Paulo", "UTC-03:00", "23-11-2026 04:03:26 UTC-03:00"),
        ("Europe/Berlin", "CET", "23-11-2026 08:03:26 CET"),
        ("Etc/UTC", "UTC", "23-11-2026 07:03:26 UTC"),
    ],
)
def test_a_zone_is_named_as_its_people_name_it_or_by_its_offset(zone: str, label: str, written: str) -> None:
    local = LocalTime(ZoneInfo(zone))
    assert (local.label(PRESSED_MS), local.moment(PRESSED_MS)) == (label, written)


def test_a_time_of_another_day_shows_its_day() -> None:
    assert WIB.clock(NEW_YEAR_MS, NEW_YEAR_MS) == "00:00:00 WIB"
    assert WIB.clock(NEW_YEAR_MS - 1, NEW_YEAR_MS) == "31-12-2026 23:59:59 WIB"
    assert WIB.clock(NEW_YEAR_MS + 1, NEW_YEAR_MS - 1) == "01-01-2027 00:00:00 WIB", "a clock may be ahead"
    assert WITA.clock(NEW_YEAR_MS - 1, NEW_YEAR_MS) == "00:59:59 WITA", "there the day began an hour before"
    assert IN_UTC.clock(NEW_YEAR_MS - 1, NEW_YEAR_MS) == "16:59:59 UTC"


def test_other_ways_to_write_it() -> None:
    assert WITA.bare(PRESSED_MS) == "15:03:26"
    assert WITA.iso(PRESSED_MS + 999) == "2026-11-23T15:03:26+08:00"
    assert WITA.iso(PRESSED_MS + 250, "milliseconds") == "2026-11-23T15:03:26.250+08:00"
    assert WITA.file_part(PRESSED_MS) == "20261123-150326+0800"


@pytest.mark.parametrize("local", [WIB, WITA, BERLIN, IN_UTC])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31)])
def test_a_day_ends_where_the_next_begins(local: LocalTime, day: date) -> None:
    end_ms = local.end_of(day)
    assert local.at(end_ms - 1).date() == day
    assert (local.at(end_ms).date(), local.bare(end_ms)) == (day + timedelta(days=1), "00:00:00")


def test_a_zone_without_summer_time_is_one_span() -> None:
    assert WITA.spans(PRESSED_MS - YEAR_MS, PRESSED_MS + YEAR_MS) == [ZoneSpan(PRESSED_MS - YEAR_MS, 28_800, "WITA")]


def test_summer_time_begins_and_ends_to_the_millisecond() -> None:
    assert BERLIN.spans(SUMMER_MS - 1_000, WINTER_MS + YEAR_MS // 4) == [
        ZoneSpan(SUMMER_MS - 1_000, 3_600, "CET"),
        ZoneSpan(SUMMER_MS, 7_200, "CEST"),
        ZoneSpan(WINTER_MS, 3_600, "CET"),
    ]


@given(st.integers(0, 2 * YEAR_MS), st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Jayapura"]))
def test_the_spans_say_what_the_zone_says(after_ms: int, zone: str) -> None:
    local = LocalTime(ZoneInfo(zone))
    spans = local.spans(PRESSED_MS, PRESSED_MS + 2 * YEAR_MS)
    (found,) = [span for span in spans if span.from_ms <= PRESSED_MS + after_ms][-1:]
    there = local.at(PRESSED_MS + after_ms)
    assert found.offset_s == (there.utcoffset() or timedelta()).total_seconds()
    assert found.label == local.label(PRESSED_MS + after_ms)


def test_it_goes_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(WITA)) == WITA


def test_a_zone_with_a_name_of_its_own_only() -> None:
    assert LocalTime(timezone(timedelta(hours=-9, minutes=-30))).label(0) == "UTC-09:30"


def test_a_written_time_is_read_in_the_zone_and_one_that_no_clock_shows_is_none() -> None:
    summer, wita = LocalTime(ZoneInfo("Europe/Berlin")), LocalTime(ZoneInfo("Asia/Makassar"))
    read = wita.of_clock("2026-12-31T08:30")
    assert read is not None and wita.moment(read) == "31-12-2026 08:30:00 WITA"
    assert summer.of_clock("2026-03-29T02:30") is None, "clocks go from 2 to 3"
    twice = summer.of_clock("2026-10-25T02:30")
    assert twice is not None and summer.label(twice) == "CEST", "of two the first"
    for written in ("", "31-12-2026 08:30", "2026-02-30T08:30", "2026-12-31T08:30:00", "9999-12-31T23:59x"):
        assert wita.of_clock(written) is None
