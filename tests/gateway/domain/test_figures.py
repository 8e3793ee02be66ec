"""Figures of calls: percentiles, shares, ends and the calendar, by example and as properties."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reports.counted_calls import NOW_MS, call
from siaga_gateway.domain.call_record import CallFacts, CallRecord, Milestone, begun, counts, reached, renewed
from siaga_gateway.domain.figures import (
    BARS_S,
    DAY_MS,
    FEW,
    HOUR_MS,
    MINUTE_MS,
    UNANSWERED_MS,
    CallCalendar,
    CallCount,
    CallFigures,
    Spread,
    Step,
    nearest_rank,
    spread,
    weekday,
)
from siaga_gateway.domain.incident import Disposition, Mode

OPENED = NOW_MS - HOUR_MS
durations = st.lists(st.integers(0, 10 * HOUR_MS), min_size=1, max_size=60)
after_opening = st.none() | st.integers(-MINUTE_MS, HOUR_MS)


@st.composite
def calls(draw: st.DrawFn) -> CallRecord:
    opened_ms = NOW_MS - draw(st.integers(0, DAY_MS))
    times = [None if at is None else opened_ms + at for at in draw(st.tuples(*[after_opening] * 4))]
    closed = times[3] is not None
    return call(
        opened_ms,
        pressed_at_ms=None if (early := draw(st.none() | st.integers(-99, MINUTE_MS))) is None else opened_ms - early,
        acknowledged_ms=times[0],
        assigned_ms=times[1],
        on_scene_ms=times[2],
        closed_at_ms=times[3],
        disposition=draw(st.sampled_from(list(Disposition))).value if closed else None,
        presses=draw(st.integers(1, 9)),
        held=draw(st.integers(0, 1)),
        mode=draw(st.sampled_from([Mode.ACTUAL.value, Mode.EXERCISE.value])),
    )


def counted(*some: CallRecord, now_ms: int = NOW_MS) -> CallFigures:
    count = CallCount()
    for each in some:
        count.add(each, now_ms)
    return count.figures()


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([15, 20, 35, 40, 50], 30, 20),
        ([15, 20, 35, 40, 50], 40, 20),
        ([15, 20, 35, 40, 50], 50, 35),
        ([15, 20, 35, 40, 50], 100, 50),
        ([7], 1, 7),
        ([1, 2], 50, 1),
        (list(range(1, 101)), 90, 90),
        (list(range(1, 12)), 90, 10),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[int], percent: int, expected: int) -> None:
    assert nearest_rank(values, percent) == expected


@given(durations, st.integers(1, 100))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(values: list[int], percent: int) -> None:
    found, n = nearest_rank(sorted(values), percent), len(values)
    assert found in values
    assert 100 * sum(each <= found for each in values) >= percent * n
    assert 100 * sum(each < found for each in values) < percent * n


@given(durations)
def test_a_spread_holds_together(values: list[int]) -> None:
    found = spread(values, len(values) + 3)
    assert found.median_ms is not None and found.p90_ms is not None
    assert found.p95_ms is not None and found.most_ms is not None and found.mean_ms is not None
    assert min(values) <= found.median_ms <= found.p90_ms <= found.p95_ms <= found.most_ms == max(values)
    assert min(values) <= found.mean_ms <= found.most_ms
    assert found.within == tuple(sum(each <= minutes * MINUTE_MS for each in values) for minutes in (1, 5, 10))
    assert (found.count, found.among) == (len(values), len(values) + 3)


def test_of_nothing_there_is_no_percentile() -> None:
    assert spread([], 4) == Spread(0, 4)
    assert counted().acknowledged == Spread()


@given(st.lists(calls(), max_size=12), st.integers(0, 12))
def test_counting_in_two_parts_and_merging_is_counting_all(some: list[CallRecord], cut: int) -> None:
    parts = [CallCount(), CallCount()]
    for number, each in enumerate(some):
        parts[number >= cut].add(each, NOW_MS)
    parts[0].merge(parts[1])
    assert parts[0].figures() == counted(*some)


@given(st.lists(calls(), max_size=12))
def test_no_call_is_lost_and_no_share_is_above_one(some: list[CallRecord]) -> None:
    found = counted(*some)
    assert found.calls + found.left_out == len(some)
    assert found.ended + found.open == found.calls
    assert sum(found.dispositions.values()) == found.ended
    assert found.unanswered <= found.calls and found.nobody_came <= found.real
    for each in (found.transmission, found.acknowledged, found.assigned, found.on_scene):
        assert 0 <= each.count <= each.among <= found.calls
        assert each.within[0] <= each.within[1] <= each.within[2] <= each.count
        assert each.median_ms is None or each.median_ms >= 0
    assert sum(found.bars) == found.acknowledged.count


def test_of_a_call_that_has_just_begun_nothing_has_happened() -> None:
    facts = CallFacts(7, OPENED, "actual", OPENED - 5, 2, None, None)
    assert begun(facts) == CallRecord(7, OPENED, "actual", None, OPENED - 5, None, None, None, None, None, 2, 0)
    later = facts._replace(mode="exercise", pressed_at_ms=None, presses=3, closed_at_ms=OPENED + 9, disposition="abuse")
    known = begun(facts)._replace(station="polsek-a", acknowledged_ms=1, assigned_ms=2, on_scene_ms=3, held=1)
    assert renewed(known, later) == CallRecord(
        7, OPENED, "exercise", "polsek-a", None, 1, 2, 3, OPENED + 9, "abuse", 3, 1
    )


# What each figure means: the table of gateway/FIGURES.md, line by line.


def test_a_gateway_for_exercises_counts_these() -> None:
    count = CallCount()
    assert count.add(call(OPENED, mode="exercise"), NOW_MS, Mode.EXERCISE)
    assert not count.add(call(OPENED), NOW_MS, Mode.EXERCISE)
    assert not count.add(call(OPENED, mode="exercise", disposition="test"), NOW_MS, Mode.EXERCISE)


def ended(disposition: Disposition, **times: int | None) -> CallRecord:
    return call(OPENED, closed_at_ms=OPENED + 1, disposition=disposition.value, **times)


@pytest.mark.parametrize(
    ("which", "counted_in"),
    [
        (call(OPENED, mode="exercise"), False),
        (ended(Disposition.EXERCISE), False),
        (ended(Disposition.TEST), False),
        (ended(Disposition.ABUSE), True),
        (call(OPENED, held=1), True),
        (call(OPENED, disposition="of-a-later-version"), True),
    ],
)
def test_tests_and_exercises_are_left_out(which: CallRecord, counted_in: bool) -> None:
    assert counts(which) is counted_in
    assert counted(which).calls == int(counted_in) and counted(which).left_out == int(not counted_in)


@pytest.mark.parametrize(
    ("disposition", "false", "nobody_came"),
    [
        (Disposition.VERIFIED, 0, 1),
        (Disposition.UNFOUNDED, 0, 1),
        (Disposition.NOT_NEEDED, 0, 0),
        (Disposition.ACCIDENTAL, 1, 0),
        (Disposition.TECHNICAL, 1, 0),
        (Disposition.ABUSE, 1, 0),
    ],
)
def test_only_what_nobody_needed_is_false(disposition: Disposition, false: int, nobody_came: int) -> None:
    found = counted(ended(disposition))
    assert (found.false, found.real, found.nobody_came) == (false, 1 - false, nobody_came)


def test_every_end_is_one_of_the_three_kinds() -> None:
    for each in Disposition:
        found = counted(ended(each))
        assert found.left_out + found.false + found.real == 1, each


def test_the_press_is_timed_by_the_button_only_where_its_clock_is_proven() -> None:
    exact = call(OPENED, pressed_at_ms=OPENED - 2_000, acknowledged_ms=OPENED + 5_000)
    unset = call(OPENED, acknowledged_ms=OPENED + 5_000)
    ahead = call(OPENED, pressed_at_ms=OPENED + 1, acknowledged_ms=OPENED + 5_000)
    assert counted(exact).acknowledged.median_ms == 7_000
    assert counted(unset).acknowledged.median_ms == counted(ahead).acknowledged.median_ms == 5_000
    found = counted(exact, unset, ahead)
    assert (found.by_button, found.transmission.count, found.transmission.among) == (1, 1, 3)
    assert found.transmission.most_ms == 2_000


@pytest.mark.parametrize(
    ("which", "unanswered", "among"),
    [
        (call(NOW_MS - UNANSWERED_MS + 1), 0, 0),  # it may still be answered in time
        (call(NOW_MS - UNANSWERED_MS), 1, 1),
        (call(NOW_MS + 1), 1, 1),  # the clock was set back: on the safe side
        (call(OPENED, acknowledged_ms=OPENED + UNANSWERED_MS), 0, 1),
        (call(OPENED, acknowledged_ms=OPENED + UNANSWERED_MS + 1), 1, 1),
        (call(OPENED, acknowledged_ms=OPENED - 1), 0, 1),  # the clock was set back in between: no duration
    ],
)
def test_a_call_is_unanswered_if_no_desk_had_it_within_ten_minutes(
    which: CallRecord, unanswered: int, among: int
) -> None:
    found = counted(which)
    assert (found.unanswered, found.acknowledged.among) == (unanswered, among)


def test_nobody_has_to_come_to_a_false_call_but_whoever_came_is_counted() -> None:
    found = counted(
        ended(Disposition.VERIFIED, on_scene_ms=OPENED + 4 * MINUTE_MS, assigned_ms=OPENED + MINUTE_MS),
        ended(Disposition.VERIFIED),
        ended(Disposition.ACCIDENTAL),
        ended(Disposition.ACCIDENTAL, on_scene_ms=OPENED + 6 * MINUTE_MS, assigned_ms=OPENED),
    )
    assert (found.on_scene.count, found.on_scene.among, found.nobody_came) == (2, 3, 1)
    assert found.on_scene.within == (0, 1, 2)
    assert found.assigned.within == (2, 2, 2)


def test_the_bars_have_the_minutes_as_their_edges() -> None:
    assert {60, 300, 600} <= set(BARS_S)
    found = counted(*(call(OPENED, acknowledged_ms=OPENED + ms) for ms in (0, 10_000, 10_001, 60_000, 9 * HOUR_MS)))
    assert found.bars == (2, 1, 0, 1, 0, 0, 0, 0, 0, 1)


@given(st.permutations([Milestone.ASSIGNED, Milestone.ON_SCENE, Milestone.ASSIGNED, Milestone.ACKNOWLEDGED]))
def test_milestones_told_in_any_order_keep_their_first_times(order: list[Milestone]) -> None:
    record = call(OPENED)
    for number, each in enumerate(order):
        record = reached(record, each, OPENED + 10 - number)
    last = {each: OPENED + 10 - number for number, each in enumerate(order)}
    assert record.acknowledged_ms == last[Milestone.ACKNOWLEDGED]
    assert record.on_scene_ms == last[Milestone.ON_SCENE]
    assert record.assigned_ms == min(last[Milestone.ASSIGNED], last[Milestone.ON_SCENE])


# Calendar


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_MS


@given(st.dates(date(1971, 1, 1), date(2999, 1, 1)))
def test_weekdays_are_those_of_the_calendar(day: date) -> None:
    assert weekday((day - date(1970, 1, 1)).days) == day.weekday()


def test_a_call_is_in_the_local_hour_and_day() -> None:
    sunday = date(2026, 11, 29)
    first = (sunday - date(1970, 1, 1)).days
    calendar = CallCalendar(first, first + 1)
    calendar.add(call(_midnight(sunday) + 18 * HOUR_MS), 7 * HOUR_MS)  # 01:00 on Monday, WIB
    calendar.add(call(_midnight(sunday) + 16 * HOUR_MS, disposition="abuse"), 7 * HOUR_MS)  # 23:00 on Sunday
    assert [number for number, count in enumerate(calendar.hours()) if count] == [1, 6 * 24 + 23]
    assert [(each.day, each.calls, each.false) for each in calendar.steps()] == [(first, 1, 1), (first + 1, 1, 0)]
    assert not calendar.by_week


@given(st.integers(3_000, 30_000), st.integers(0, 400))
def test_a_trend_has_a_step_for_each_day_or_week_without_a_gap(first: int, days: int) -> None:
    calendar = CallCalendar(first, first + days)
    steps = [each.day for each in calendar.steps()]
    width = 7 if calendar.by_week else 1
    assert steps == list(range(steps[0], steps[-1] + 1, width))
    assert steps[0] <= first < steps[0] + width and steps[-1] <= first + days < steps[-1] + width
    assert len(steps) <= 60


def test_a_step_has_the_median_from_the_press_of_those_that_were_acknowledged() -> None:
    first = OPENED // DAY_MS

    def median(*some: CallRecord) -> int | None:
        calendar = CallCalendar(first, first)
        for each in some:
            calendar.add(each, 0)
        (step,) = calendar.steps()
        assert step.calls == len(some) and len(calendar.hours()) == 168 and sum(calendar.hours()) == len(some)
        return step.median_ms

    def seen(at_ms: int, pressed_at_ms: int | None = None) -> CallRecord:
        return call(OPENED, acknowledged_ms=OPENED + at_ms, pressed_at_ms=pressed_at_ms)

    assert median(call(OPENED)) is median(seen(-1)) is None
    assert median(seen(0)) == 0
    assert median(seen(7, OPENED - 3)) == 10
    assert median(seen(7, OPENED + 3)) == 7, "a clock that is ahead"
    assert median(seen(1), seen(3)) == 1 and median(seen(1), seen(2), seen(3)) == 2


@pytest.mark.parametrize(("days", "by_week"), [(44, False), (45, True)])
def test_a_long_trend_goes_by_weeks(days: int, by_week: bool) -> None:
    assert CallCalendar(20_000, 20_000 + days).by_week is by_week


def test_an_empty_step_is_empty() -> None:
    assert CallCalendar(20_000, 20_000).steps() == (Step(20_000, 0, 0, None),)


def test_the_percentiles_of_a_spread_are_those_of_its_names() -> None:
    found = spread(range(1, 201), 200)
    assert (found.median_ms, found.p90_ms, found.p95_ms, found.mean_ms, found.most_ms) == (100, 180, 190, 100, 200)
    assert spread([60_000, 60_001, 60_002], 3).within == (1, 3, 3), "at most"


def test_sums_and_what_counts() -> None:
    count = CallCount()
    assert count.add(call(OPENED, presses=2, held=1), NOW_MS) is True
    assert count.add(call(OPENED, presses=3, held=1), NOW_MS) is True
    assert count.add(call(OPENED, presses=5, mode="exercise"), NOW_MS) is False
    found = count.figures()
    assert (found.calls, found.presses, found.held, found.open, found.left_out) == (2, 5, 2, 2, 1)
    at_once = counted(call(OPENED, pressed_at_ms=OPENED, on_scene_ms=OPENED, assigned_ms=OPENED))
    assert (at_once.by_button, at_once.transmission.most_ms, at_once.on_scene.most_ms) == (1, 0, 0)
    assert counted(call(NOW_MS)).unanswered == 0, "it has just begun"


def test_bounds_that_a_document_names() -> None:
    assert FEW == 5
    assert BARS_S == (10, 20, 40, 60, 120, 300, 600, 1_800, 3_600)
