"""Where bars, points and squares stand, and numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.figures import BARS_S, Step
from siaga_gateway.domain.places import Station, StationKind
from siaga_gateway.web.reports import plots
from siaga_gateway.web.reports.views import choices, number, share, took

counts = st.lists(st.integers(0, 10**6), min_size=len(BARS_S) + 1, max_size=len(BARS_S) + 1)
steps = st.lists(
    st.builds(
        lambda day, calls, false, median_ms: Step(day, calls, min(false, calls), median_ms),
        st.integers(0, 10**5),
        st.integers(0, 999),
        st.integers(0, 999),
        st.none() | st.integers(0, 10**8),
    ),
    max_size=60,
)


@pytest.mark.parametrize(("most", "end"), [(0, 5), (4, 5), (5, 5), (6, 10), (11, 20), (21, 50), (99, 100), (101, 200)])
def test_an_axis_ends_at_a_round_number(most: int, end: int) -> None:
    assert plots.ceiling(most) == end


@given(st.integers(0, 10**9))
def test_an_axis_is_long_enough_and_not_much_longer(most: int) -> None:
    end = plots.ceiling(most)
    assert max(most, 4) <= end < max(5 * most // 2, 0) + 6
    assert str(end).rstrip("0") in ("1", "2", "5")


def inside(*rects: plots.Rect) -> bool:
    return all(
        each.x >= 0 and each.y >= 0 and each.x + each.width <= plots.WIDTH and each.y + each.height <= plots.HEIGHT
        for each in rects
    )


@given(counts)
def test_bars_stand_on_the_floor_inside_the_drawing_with_the_bounds_between_them(bars: list[int]) -> None:
    found = plots.histogram(bars, [str(each) for each in BARS_S], [str(each) for each in bars])
    assert inside(*found.bars) and len(found.bars) == len(bars)
    assert all(abs(each.y + each.height - found.floor) < 0.2 for each in found.bars)
    order = sorted(range(len(bars)), key=lambda number: bars[number])
    heights = [found.bars[number].height for number in order]
    assert heights == sorted(heights)
    one_minute = BARS_S.index(60)
    assert found.bars[one_minute].x + found.bars[one_minute].width < found.across[0].at < found.bars[one_minute + 1].x
    assert [each.shown for each in found.below] == [str(each) for each in BARS_S]


@given(steps)
def test_a_trend_has_a_bar_for_each_step_and_a_course_a_point_where_something_is_known(some: list[Step]) -> None:
    shown = [str(each.day) for each in some]
    bars, course = plots.trend(some, shown), plots.course(some, shown, "{n} min")
    assert inside(*bars.bars, *bars.parts) and len(bars.bars) == len(bars.parts) == len(some)
    assert len(bars.below) <= 12
    assert len(course.points) == sum(each.median_ms is not None for each in some)
    assert all(0 <= each <= plots.HEIGHT for each in course.heights)
    drawn = [point for line in course.lines for point in line.split()]
    assert len(drawn) <= len(course.points) and all(len(line.split()) > 1 for line in course.lines)


measures = st.none() | st.floats(0, 10**6)


@given(st.lists(st.tuples(st.text(max_size=80), measures, measures), max_size=40))
def test_each_name_has_its_bars_inside_the_drawing_and_none_is_longer_than_its_measure(
    given_lines: list[tuple[str, float | None, float | None]],
) -> None:
    lines = [plots.Line(name, one, "1", two, "2") for name, one, two in given_lines]
    found, shown = plots.by_name(lines), lines[: plots.MOST_ROWS]
    assert len(found.names) == len(shown) and all(len(mark.shown) <= 32 for mark in found.names)
    assert len(found.bars) == sum(each.first is not None for each in shown)
    assert len(found.parts) == sum(each.second is not None for each in shown)
    for rect in (*found.bars, *found.parts):
        assert found.left <= rect.x and rect.x + rect.width <= found.width and rect.y + rect.height <= found.height
    longest = sorted(
        (each.first, rect.width)
        for each, rect in zip([each for each in shown if each.first is not None], found.bars, strict=True)
    )  # type: ignore[type-var]
    assert [width for _, width in longest] == sorted(width for _, width in longest)


@given(st.lists(st.integers(0, 10**5), min_size=168, max_size=168))
def test_the_fullest_hour_is_the_strongest(hours: list[int]) -> None:
    found = plots.heat(hours, list("abcdefg"), [str(each) for each in hours])
    assert inside(*found.squares) and len(found.squares) == 168
    assert [bool(each.shown) for each in found.squares] == [bool(count) for count in hours]
    if any(hours):
        assert found.squares[hours.index(max(hours))].percent == 100


@pytest.mark.parametrize(
    ("duration_ms", "indonesian", "english"),
    [
        (None, "–", "–"),
        (0, "0,0 dtk", "0.0 s"),
        (949, "0,9 dtk", "0.9 s"),
        (9_999, "9,9 dtk", "9.9 s"),
        (10_000, "10 dtk", "10 s"),
        (59_999, "59 dtk", "59 s"),
        (60_000, "1 mnt", "1 min"),
        (61_000, "1 mnt 1 dtk", "1 min 1 s"),
        (3_600_000, "1 jam", "1 h"),
        (90_000_000, "1 hari 1 jam", "1 d 1 h"),
    ],
)
def test_a_duration_is_as_exact_as_it_helps(duration_ms: int | None, indonesian: str, english: str) -> None:
    assert (took(duration_ms, "id"), took(duration_ms, "en")) == (indonesian, english)


def test_numbers_and_shares() -> None:
    assert (number(1_234_567, "id"), number(1_234_567, "en")) == ("1.234.567", "1,234,567")
    assert [share(*each) for each in ((0, 0), (0, 3), (1, 3), (2, 3), (1, 200), (3, 3))] == [
        "–",
        "0 %",
        "33 %",
        "67 %",
        "1 %",
        "100 %",
    ]


def made(key: str, parent: str | None, kind: StationKind = StationKind.POLSEK) -> Station:
    return Station(key, kind, key.upper(), 0, 0, parent)


def test_stations_to_choose_stand_under_those_above_them() -> None:
    polda = made("z-polda", None, StationKind.POLDA)
    polres = made("m-polres", "z-polda", StationKind.POLRES)
    few = [made("b", "m-polres"), made("a", "m-polres"), polres, polda, made("alone", "gone")]
    assert [(key, depth) for key, _, depth in choices(few, None)] == [
        ("alone", 0),
        ("z-polda", 0),
        ("m-polres", 1),
        ("a", 2),
        ("b", 2),
    ]
    many = [polda, polres, *(made(f"p{number}", "m-polres") for number in range(600))]
    assert [key for key, _, _ in choices(many, "p7")] == ["z-polda", "m-polres", "p7"]
