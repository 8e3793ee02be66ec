"""Which position is shown, how old it is said to be, how far it moved, and what of that the outputs are told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.device_report import PositionSource, Report
from siaga_gateway.domain.frame import NO_POSITION
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.position import (
    CARRY_OVER_MS,
    away_m,
    best_known,
    better,
    distance_m,
    fix_ms,
    impossible,
    reported,
    same_fix,
    worth_telling,
)

NOW_MS = 1_790_000_000_000
HERE = (-54_292_000, 1_052_610_000)
EARTH_M = 6_371_008.8


def place(source: str = "gnss", accuracy_m: int | None = 10, age_s: int | None = 0, **other: int) -> Position:
    return replace(Position(*HERE, accuracy_m, age_s, source, NOW_MS), **other)


def haversine_m(one: tuple[int, int], other: tuple[int, int]) -> float:
    """The reference: great circle on a sphere of the mean radius (R. W. Sinnott, 1984)."""
    (a, b), (c, d) = ((math.radians(x / 1e7), math.radians(y / 1e7)) for x, y in (one, other))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(h))


# Distances


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (HERE, HERE, 0),
        ((0, 0), (10_000_000, 0), 111_195),  # a degree of latitude
        ((0, 0), (0, 10_000_000), 111_195),  # and of longitude at the equator
        ((600_000_000, 0), (600_000_000, 10_000), 56),  # half of that at 60 degrees
        ((-600_000_000, 0), (-600_000_000, 10_000), 56),
        ((0, 1_799_995_000), (0, -1_799_995_000), 111),  # across the date line
        ((0, -1_799_995_000), (0, 1_799_995_000), 111),
        ((-54_292_000, 1_052_610_000), (-53_975_000, 1_052_668_000), 3_583),  # Bandar Lampung, by the reference
    ],
)
def test_distances_that_are_known(one: tuple[int, int], other: tuple[int, int], metres: int) -> None:
    assert distance_m(one, other) == pytest.approx(metres, abs=1)


LATITUDES = st.integers(-600_000_000, 600_000_000)
PLACES = st.tuples(LATITUDES, st.integers(-1_800_000_000, 1_800_000_000))
STEPS = st.tuples(st.integers(-5_000_000, 5_000_000), st.integers(-5_000_000, 5_000_000))


def moved(one: tuple[int, int], step: tuple[int, int]) -> tuple[int, int]:
    """The longitude from -180 to 180 degrees."""
    return one[0] + step[0], (one[1] + step[1] + 1_800_000_000) % 3_600_000_000 - 1_800_000_000


@given(PLACES, STEPS)
def test_a_distance_is_that_of_the_reference_and_the_same_both_ways(
    one: tuple[int, int], step: tuple[int, int]
) -> None:
    other = moved(one, step)
    assert distance_m(one, other) == distance_m(other, one)
    assert distance_m(one, other) == pytest.approx(haversine_m(one, other), rel=2e-3, abs=1)


@given(PLACES, STEPS, STEPS)
def test_no_way_round_is_shorter(one: tuple[int, int], step: tuple[int, int], further: tuple[int, int]) -> None:
    by, end = moved(one, step), moved(moved(one, step), further)
    assert distance_m(one, end) <= (distance_m(one, by) + distance_m(by, end)) * 1.005 + 2


# What a report says


def report(**fields: object) -> Report:
    usual = {"time": 1, "latitude": HERE[0], "longitude": HERE[1], "accuracy": 7, "fix_age": 3, "battery": 255}
    return Report(**{**usual, "flags": 1 << 8, "opening": 0, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (PositionSource.NONE, "network"),
        (PositionSource.GNSS, "gnss"),
        (PositionSource.NETWORK, "network"),
        (PositionSource.INSTALLED, "installed"),
    ],
)
def test_a_reported_position_is_of_when_it_happened(source: PositionSource, name: str) -> None:
    found = reported(report(flags=source << 8), NOW_MS)
    assert found == Position(*HERE, 7, 3, name, NOW_MS)


ZERO = 10_000  # degrees x 10^7 about 0, 0: where receivers without a fix say they are


@pytest.mark.parametrize(
    ("latitude", "longitude", "why"),
    [
        (*HERE, None),
        (0, 0, "zero"),
        (ZERO - 1, 1 - ZERO, "zero"),
        (ZERO, 0, None),
        (0, ZERO, None),
        (-ZERO, 0, None),
        (HERE[0], 0, None),
        (0, HERE[1], None),  # on the equator
        (900_000_001, HERE[1], "off_globe"),
        (HERE[0], -1_800_000_001, "off_globe"),
        (NO_POSITION, HERE[1], "off_globe"),
        (HERE[0], NO_POSITION, "off_globe"),
        (NO_POSITION, NO_POSITION, None),  # none was sent
    ],
)
def test_a_place_that_cannot_be_is_no_position(latitude: int, longitude: int, why: str | None) -> None:
    sent = report(latitude=latitude, longitude=longitude)
    assert impossible(sent) == why
    is_there = why is None and latitude != NO_POSITION
    assert (reported(sent, NOW_MS) is not None) == is_there


@pytest.mark.parametrize(
    ("metres", "accuracy_m", "far"),
    [
        (999, 10, False),
        (1_000, 10, False),
        (1_001, 10, True),
        (1_500, 500, False),
        (1_501, 500, True),
        (1_499, 500, False),
        (1_001, None, True),
    ],
)
def test_how_far_a_fix_is_from_where_the_button_was_mounted(metres: int, accuracy_m: int | None, far: bool) -> None:
    fix = place(accuracy_m=accuracy_m, latitude=HERE[0] + round(metres * 89.932))
    assert distance_m((fix.latitude, fix.longitude), HERE) == metres
    assert away_m(fix, HERE) == (metres if far else None)


def test_only_a_satellite_fix_of_a_mounted_button_is_away() -> None:
    fix = place(latitude=0)
    assert away_m(fix, HERE) is not None
    assert away_m(replace(fix, source="network"), HERE) is None
    assert away_m(fix, None) is None
    assert away_m(None, HERE) is None


def test_the_age_of_a_fix() -> None:
    assert fix_ms(place(age_s=3)) == NOW_MS - 3_000
    assert fix_ms(place(age_s=0)) == NOW_MS
    assert fix_ms(place(age_s=None)) == NOW_MS - 600_000, "unknown counts as ten minutes"


# Which is better


def test_either_is_better_than_none() -> None:
    assert better(None, None) is None
    assert better(place(), None) == better(None, place()) == place()


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (place(accuracy_m=10), place(accuracy_m=11)),
        (place(age_s=1), place(age_s=2)),
        # A cell's 2 km against a satellite fix to 10 m, 5 m for each second of its age.
        (place(age_s=397), place("network", 2_000)),
        (place("network", 2_000), place(age_s=399)),
        # Unknown accuracies: satellites 100 m, installed 50 m, all else 5 km.
        (place(accuracy_m=None), place(accuracy_m=101)),
        (place(accuracy_m=99), place(accuracy_m=None)),
        (place("installed", None), place(accuracy_m=51)),
        (place(accuracy_m=49), place("installed", None)),
        (place("network", None), place("network", 5_001)),
        (place("network", 4_999), place("network", None)),
        (place("elsewhere", None), place("network", 5_001)),
        (place("network", 4_999), place("elsewhere", None)),
        # An unknown age is ten minutes.
        (place(age_s=None), place(age_s=601)),
        (place(age_s=599), place(age_s=None)),
        # Alike but for the moment: what was said last.
        (place(age_s=5, at_ms=NOW_MS + 5_000), place()),
    ],
)
def test_the_smaller_circle_wins_whichever_comes_first(good: Position, bad: Position) -> None:
    assert better(good, bad) == better(bad, good) == good


# What is known for an incident


def test_the_last_fix_is_restated_with_its_age_and_nothing_else_changed() -> None:
    last = place(age_s=10)
    later = NOW_MS + 595_900
    assert best_known(last, None, later) == replace(last, fix_age_s=10 + 595, at_ms=later)
    assert best_known(last, None, NOW_MS) is last
    assert best_known(last, None, NOW_MS - 60_000) is last, "a frame from before does not make it younger"
    assert best_known(place(age_s=None), None, later) == place(age_s=None), "an unknown age stays unknown"
    assert best_known(last, None, NOW_MS + 10**9) == replace(last, fix_age_s=65_534, at_ms=NOW_MS + 10**9)
    assert best_known(None, None, NOW_MS) is None


def test_where_it_is_mounted_stands_in_after_half_an_hour() -> None:
    mounted = (-53_975_000, 1_052_668_000)
    last = place(age_s=60)
    until = NOW_MS - 60_000 + CARRY_OVER_MS
    assert CARRY_OVER_MS == 30 * 60 * 1000
    assert best_known(last, mounted, until) == replace(last, fix_age_s=1800, at_ms=until)
    assert best_known(last, mounted, until + 1) == Position(*mounted, None, None, "installed", until + 1)
    assert best_known(None, mounted, NOW_MS) == Position(*mounted, None, None, "installed", NOW_MS)


# One fix, stated twice


def test_one_fix_stated_later_is_the_same_fix() -> None:
    fix = place(age_s=10)
    assert same_fix(fix, replace(fix, fix_age_s=70, at_ms=NOW_MS + 60_000))
    assert same_fix(fix, replace(fix, at_ms=NOW_MS + 999))
    assert not same_fix(fix, replace(fix, at_ms=NOW_MS + 1_000))
    assert not same_fix(fix, replace(fix, at_ms=NOW_MS - 1_000))
    for other in ({"latitude": 1}, {"longitude": 1}, {"accuracy_m": 11}, {"source": "network"}, {"fix_age_s": None}):
        assert not same_fix(fix, replace(fix, **other)), other
    assert same_fix(replace(fix, fix_age_s=None), replace(fix, fix_age_s=None, at_ms=NOW_MS + 10**9))
    assert not same_fix(replace(fix, fix_age_s=None), fix)
    assert not same_fix(replace(fix, fix_age_s=None), replace(fix, fix_age_s=600)), "ten minutes is a guess, no age"
    assert same_fix(None, None)
    assert not same_fix(None, fix)
    assert not same_fix(fix, None)


# What the outputs are told

TOLD = (*HERE, 100)
METRE = 90  # of latitude, degrees x 10^7


@pytest.mark.parametrize(
    ("told", "now", "worth"),
    [
        (None, place(), True),
        (TOLD, place(accuracy_m=100), False),  # the same again
        (TOLD, place(accuracy_m=100, latitude=HERE[0] + 20 * METRE), False),  # 20 m are noise
        (TOLD, place(accuracy_m=100, latitude=HERE[0] + 21 * METRE), True),
        (TOLD, place(accuracy_m=100, longitude=HERE[1] + 21 * METRE), True),
        (TOLD, place(accuracy_m=100, longitude=HERE[1] + 20 * METRE), False),
        (TOLD, place(accuracy_m=50), True),  # half as uncertain
        (TOLD, place(accuracy_m=51), False),
        (TOLD, place(accuracy_m=None), False),
        (TOLD, place(accuracy_m=None, latitude=HERE[0] + 3_000), True),
        ((*HERE, None), place(accuracy_m=5_000), True),  # any accuracy against none
        ((*HERE, None), place(accuracy_m=None), False),
    ],
)
def test_what_is_worth_telling(told: tuple[int, int, int | None] | None, now: Position, worth: bool) -> None:
    assert worth_telling(told, now) is worth


@given(st.integers(0, 10_000), st.integers(-900, 900))
def test_what_was_told_is_not_worth_telling_again(accuracy_m: int, away: int) -> None:
    now = place(accuracy_m=accuracy_m + 1, latitude=HERE[0] + away)
    assert not worth_telling((now.latitude, now.longitude, now.accuracy_m), now)
    assert worth_telling((now.latitude + 3_000, now.longitude, now.accuracy_m), now)
