"""Who is on duty when: local weekdays and times, also where the clock is changed, and what somebody said himself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siaga_gateway.domain.opening_hours import parsed_shifts
from siaga_gateway.domain.shifts import (
    LONGEST_WORD_MS,
    NOTHING,
    USUAL_WORD_MS,
    DutyState,
    SelfDeclared,
    Shift,
    Standing,
    declared,
    minute_of_day,
    next_time,
    standing,
)

WIB, BERLIN, LORD_HOWE = ZoneInfo("Asia/Jakarta"), ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
ON, AVAILABLE, OFF = DutyState
HOUR_MS = 3_600_000


def shift(hours: str, duty: DutyState = ON, first: date | None = None, last: date | None = None) -> Shift:
    days = (None if day is None else day.toordinal() for day in (first, last))
    return Shift("a", duty, parsed_shifts(hours), *days)


def at(zone: ZoneInfo, *parts: int, fold: int = 0) -> int:
    return round(datetime(*parts, tzinfo=zone, fold=fold).timestamp() * 1000)  # type: ignore[arg-type,misc]


def test_a_shift_from_midnight_begins_on_the_day_before_in_utc() -> None:
    rules = [shift("Sel 00:00-07:00")]  # 2026-12-01 is a Tuesday
    begin, end = at(WIB, 2026, 12, 1), at(WIB, 2026, 12, 1, 7)
    assert datetime.fromtimestamp(begin / 1000, UTC).strftime("%a %H:%M") == "Mon 17:00"
    assert standing(rules, None, begin - 1, WIB) == Standing(OFF, None, begin)
    assert standing(rules, None, begin, WIB) == Standing(ON, begin, end)
    assert standing(rules, None, end - 1, WIB) == Standing(ON, begin, end)
    assert standing(rules, None, end, WIB).duty is OFF


def test_a_night_shift_goes_on_after_the_last_day_on_which_it_begins() -> None:
    rules = [shift("22:00-06:00", first=date(2026, 12, 1), last=date(2026, 12, 2))]
    assert standing(rules, None, at(WIB, 2026, 12, 1, 5), WIB).duty is OFF
    assert standing(rules, None, at(WIB, 2026, 12, 3, 5, 59), WIB).duty is ON
    assert standing(rules, None, at(WIB, 2026, 12, 3, 22), WIB) == NOTHING


def test_on_duty_counts_before_available_and_shifts_that_touch_are_one() -> None:
    rules = [
        shift("00:00-24:00", AVAILABLE),
        shift("Sel 08:00-12:00"),
        shift("Sel 12:00-16:00"),
        shift("Rab 08:00-09:00"),
    ]
    begin, end = at(WIB, 2026, 12, 1, 8), at(WIB, 2026, 12, 1, 16)
    assert standing(rules, None, at(WIB, 2026, 12, 1, 12), WIB) == Standing(ON, begin, end)
    later = standing(rules, None, end, WIB)
    assert (later.duty, later.since_ms, later.until_ms) == (AVAILABLE, None, at(WIB, 2026, 12, 2, 8))


def test_who_is_always_on_has_no_shift_that_begins() -> None:
    now = at(WIB, 2026, 12, 1)
    assert standing([shift("24 jam")], None, now, WIB) == Standing(ON, None, None)
    ends = [shift("24 jam", first=date(2026, 12, 1), last=date(2026, 12, 1))]
    assert standing(ends, None, now - 1, WIB) == Standing(OFF, None, now)
    assert standing(ends, None, now, WIB) == Standing(ON, now, at(WIB, 2026, 12, 2))
    assert standing(ends, None, at(WIB, 2026, 12, 2), WIB).duty is OFF


def test_hours_that_touch_begin_anew_each_day() -> None:
    whole_days = [shift("Sen-Jum 00:00-24:00", first=date(2026, 12, 2), last=date(2026, 12, 3))]  # Wednesday, Thursday
    begin, end = at(WIB, 2026, 12, 2), at(WIB, 2026, 12, 4)
    assert standing(whole_days, None, begin - 1, WIB) == Standing(OFF, None, begin)
    assert standing(whole_days, None, begin, WIB) == Standing(ON, begin, end)
    assert standing(whole_days, None, end - 1, WIB) == Standing(ON, begin, end)
    assert standing(whole_days, None, end, WIB).duty is OFF
    over_sunday = [shift("Sab-Sen 08:00-08:00", first=date(2026, 12, 6), last=date(2026, 12, 6))]
    begin, end = at(WIB, 2026, 12, 6, 8), at(WIB, 2026, 12, 7, 8)
    assert standing(over_sunday, None, begin - 1, WIB) == Standing(OFF, None, begin)
    assert standing(over_sunday, None, begin, WIB) == Standing(ON, begin, end)


def test_hours_that_touch_begin_each_on_its_own_day_also_where_one_does_not_fill_its_day() -> None:
    hours = "Sen 16:00-24:00; Sel 00:00-24:00"
    begin, end = at(WIB, 2026, 12, 1), at(WIB, 2026, 12, 2)  # a Tuesday
    from_tuesday = [shift(hours, first=date(2026, 12, 1))]
    assert standing(from_tuesday, None, begin - 1, WIB) == Standing(OFF, None, begin)
    assert standing(from_tuesday, None, begin, WIB) == Standing(ON, begin, end)
    until_monday = [shift(hours, last=date(2026, 11, 30))]
    assert standing(until_monday, None, begin - 1, WIB) == Standing(ON, at(WIB, 2026, 11, 30, 16), begin)
    assert standing(until_monday, None, begin, WIB).duty is OFF


@pytest.mark.parametrize(
    ("zone", "month", "day"), [(BERLIN, 3, 29), (BERLIN, 10, 25), (LORD_HOWE, 4, 5), (LORD_HOWE, 10, 4)]
)
@pytest.mark.parametrize("hours", ["22:00-02:30; 02:30-10:00; 10:00-22:00", "22:00-02:15; 02:15-22:00"])
def test_no_minute_is_without_a_shift_where_the_clock_is_changed(
    zone: ZoneInfo, month: int, day: int, hours: str
) -> None:
    parts = [shift(part) for part in hours.split("; ")]
    midnight = at(zone, 2026, month, day)
    assert at(zone, 2026, month, day, 12) - midnight != 12 * HOUR_MS, "the clock is changed on this day"
    for now in range(midnight - 3 * HOUR_MS, midnight + 6 * HOUR_MS, 300_000):
        assert standing(parts, None, now, zone).duty is ON, datetime.fromtimestamp(now / 1000, zone)


def test_a_shift_ends_at_the_last_moment_that_reads_so() -> None:
    night = [shift("Sab 22:00-02:30")]  # 2026-10-25, a Sunday, has 02:00 to 03:00 twice
    last = at(BERLIN, 2026, 10, 25, 2, 30, fold=1)
    assert standing(night, None, last - 1, BERLIN) == Standing(ON, at(BERLIN, 2026, 10, 24, 22), last)
    assert standing(night, None, last, BERLIN).duty is OFF
    morning = [shift("Min 02:30-10:00")]
    assert standing(morning, None, at(BERLIN, 2026, 10, 25, 2, 30), BERLIN).duty is ON
    assert standing(morning, None, at(BERLIN, 2026, 10, 25, 2, 30) - 1, BERLIN).duty is OFF


def test_what_somebody_says_counts_instead_of_his_shift_until_it_ends() -> None:
    rules = [shift("Sel 08:00-16:00")]
    noon, end = at(WIB, 2026, 12, 1, 12), at(WIB, 2026, 12, 1, 16)
    said = SelfDeclared("a", OFF, noon, noon + HOUR_MS)
    assert standing(rules, said, noon - 1, WIB) == Standing(ON, noon - 4 * HOUR_MS, noon)
    assert standing(rules, said, noon, WIB) == Standing(OFF, noon, noon + HOUR_MS, declared=True)
    assert standing(rules, said, noon + HOUR_MS, WIB) == Standing(ON, noon - 4 * HOUR_MS, end)


def test_who_says_no_end_means_the_shift_s_or_half_a_day_and_never_for_ever() -> None:
    now = at(WIB, 2026, 12, 1, 12)
    assert declared("a", ON, now, None, NOTHING).until_ms == now + USUAL_WORD_MS
    assert declared("a", OFF, now, None, Standing(ON, now, now + HOUR_MS)).until_ms == now + HOUR_MS
    assert declared("a", ON, now, None, Standing(OFF, None, now + HOUR_MS)).until_ms == now + USUAL_WORD_MS
    assert declared("a", OFF, now, None, Standing(OFF, None, now + HOUR_MS)).until_ms == now + HOUR_MS, "the next shift"
    assert declared("a", OFF, now, None, NOTHING).until_ms == now + USUAL_WORD_MS
    assert declared("a", ON, now, now + 90 * HOUR_MS, NOTHING).until_ms == now + LONGEST_WORD_MS
    assert declared("a", ON, now, now, NOTHING) == SelfDeclared("a", ON, now, now + USUAL_WORD_MS)


def test_until_22_is_the_next_22() -> None:
    assert next_time(22 * 60, at(WIB, 2026, 12, 1, 21, 59), WIB) == at(WIB, 2026, 12, 1, 22)
    assert next_time(22 * 60, at(WIB, 2026, 12, 1, 22), WIB) == at(WIB, 2026, 12, 2, 22)
    assert next_time(1_440, at(WIB, 2026, 12, 1, 22), WIB) == at(WIB, 2026, 12, 2)
    first, second = (at(BERLIN, 2026, 10, 25, 2, 30, fold=fold) for fold in (0, 1))
    assert [next_time(150, now, BERLIN) for now in (first - 1, first)] == [first, second]


spans = st.lists(
    st.tuples(st.integers(0, 10_079), st.integers(1, 1_440) | st.integers(1, 10_079)).map(lambda span: (span,)),
    min_size=1,
    max_size=4,
)
rules = st.lists(
    st.tuples(spans, st.sampled_from([ON, AVAILABLE])).map(lambda pair: [Shift("a", pair[1], each) for each in pair[0]])
).map(lambda lists: [each for part in lists for each in part])


@given(rules, st.integers(0, 14 * 24 * 60), st.sampled_from([WIB, BERLIN, LORD_HOWE]))
@example([Shift("a", ON, ((0, 1),)), Shift("a", AVAILABLE, ((0, 8_641),))], 0, WIB)
def test_until_it_changes_a_standing_is_the_same(kept: list[Shift], minutes: int, zone: ZoneInfo) -> None:
    now = at(zone, 2026, 10, 18) + minutes * 60_000
    found = standing(kept, None, now, zone)
    if found.until_ms is not None:
        assert found.until_ms > now
        assert standing(kept, None, found.until_ms - 1, zone).duty is found.duty
        assert standing(kept, None, found.until_ms, zone).duty is not found.duty
    if found.since_ms is not None:
        assert found.since_ms <= now
        of_it = [each for each in kept if each.duty is found.duty]  # others may have counted before it then
        assert standing(of_it, None, found.since_ms, zone).duty is found.duty
        assert standing(of_it, None, found.since_ms - 1, zone).duty is OFF


@given(rules, st.integers(0, 14 * 24 * 60))
def test_without_a_change_of_clock_a_shift_is_what_the_clock_on_the_wall_reads(kept: list[Shift], minutes: int) -> None:
    now = at(WIB, 2026, 10, 18) + minutes * 60_000
    local = datetime.fromtimestamp(now / 1000, WIB)
    minute = local.weekday() * 1_440 + local.hour * 60 + local.minute
    on = {rule.duty for rule in kept if any((minute - begin) % 10_080 < length for begin, length in rule.hours)}
    wanted = next((duty for duty in (ON, AVAILABLE) if duty in on), OFF)
    assert standing(kept, None, now, WIB).duty is wanted


NOW_DAYS = st.dates(date(1950, 1, 1), date(2150, 1, 1))
FAR = [None, date.min, date.max]
DAYS = st.sampled_from(FAR) | st.dates() | st.dates(date(2026, 11, 20), date(2026, 12, 10))


@given(
    DAYS,
    DAYS,
    st.just(date(2026, 12, 1)) | NOW_DAYS,
    st.integers(0, 1_439),
    st.sampled_from(["24 jam", "Sen-Jum 00:00-24:00", "Sab, Min 00:00-24:00"]),
    st.sampled_from([WIB, LORD_HOWE, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago"), ZoneInfo("UTC")]),
)
@example(date.min, date.max, date(2026, 12, 1), 0, "24 jam", ZoneInfo("Pacific/Kiritimati"))
@example(date.min, date.max, date(2026, 12, 1), 0, "24 jam", ZoneInfo("Pacific/Pago_Pago"))
def test_however_far_its_first_and_last_day_a_shift_of_whole_days_is_on_between_them(
    first: date | None, last: date | None, today: date, minute: int, hours: str, zone: ZoneInfo
) -> None:
    now = at(zone, today.year, today.month, today.day, *divmod(minute, 60))
    here = datetime.fromtimestamp(now / 1000, zone).date()
    between = (first is None or first <= here) and (last is None or here <= last)
    kept = shift(hours)
    weekday = not kept.hours or any((here.weekday() * 1_440 - begin) % 10_080 < length for begin, length in kept.hours)
    found = standing([shift(hours, first=first, last=last)], None, now, zone)
    assert (found.duty is ON) == (between and weekday)


@pytest.mark.parametrize(
    "text, minute",
    [
        *(("22:00", 1_320), (" 7.05 ", 425), ("24:00", 1_440), ("00:00", 0)),
        *(("24:01", None), ("22:60", None), ("22", None), ("x", None), ("-1:00", None), ("22:000", None)),
    ],
)
def test_a_time_of_day_is_read_as_people_write_it(text: str, minute: int | None) -> None:
    assert minute_of_day(text) == minute
