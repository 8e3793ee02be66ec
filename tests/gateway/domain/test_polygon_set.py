"""Whether a place lies within polygons, and how far from them (domain/polygon_set.py); shapely is the judge."""

from __future__ import annotations

import pytest
import shapely  # type: ignore[import-untyped]
from hypothesis import assume, given
from hypothesis import strategies as st

from siaga_gateway.domain.polygon_set import PolygonSet
from siaga_gateway.domain.position import distance_m

SOUTH, WEST, SIDE = -60_000_000, 1_050_000_000, 1_000_000  # a tenth of a degree: about 11 km


def square(south: int, west: int, side: int) -> tuple[tuple[int, int], ...]:
    return ((south, west), (south, west + side), (south + side, west + side), (south + side, west))


ISLAND = (square(SOUTH, WEST, SIDE), square(SOUTH + SIDE // 4, WEST + SIDE // 4, SIDE // 2))  # with a lake
OTHER = (square(SOUTH, WEST + 3 * SIDE, SIDE),)
BOTH = PolygonSet([ISLAND, OTHER])


@pytest.mark.parametrize(
    ("place", "held"),
    [
        ((SOUTH + 1000, WEST + 1000), True),
        ((SOUTH + SIDE // 2, WEST + SIDE // 2), False),  # in the lake
        ((SOUTH + SIDE // 2, WEST + 3 * SIDE + 5), True),
        ((SOUTH + SIDE // 2, WEST + 2 * SIDE), False),  # between the two
        ((SOUTH - 1, WEST + 1000), False),
    ],
)
def test_it_holds_what_is_inside_and_in_no_hole(place: tuple[int, int], held: bool) -> None:
    assert BOTH.holds(place) is held


def test_what_is_near_a_border_counts_within_so_many_metres_and_no_farther() -> None:
    off = SOUTH - 10_000, WEST + SIDE // 2  # 111 m to the south
    assert BOTH.within_m(off, 120) and not BOTH.within_m(off, 100)
    assert BOTH.border_m(off) == pytest.approx(111, abs=1)
    middle = SOUTH + SIDE // 2, WEST + SIDE // 2
    assert not BOTH.within_m(middle, 2_700) and BOTH.within_m(middle, 2_800), "the lake's shore"
    far = SOUTH, WEST - SIDE
    assert BOTH.border_m(far) == pytest.approx(distance_m(far, (SOUTH, WEST)), rel=0.001)


def test_without_polygons_nothing_is_near() -> None:
    nothing = PolygonSet([])
    assert not nothing and not nothing.within_m((0, 0), 10**9) and nothing.border_m((0, 0)) is None


@given(
    corners=st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=3, max_size=9, unique=True),
    place=st.tuples(st.integers(-600, 600), st.integers(-600, 600)),
)
def test_it_agrees_with_a_geometry_library(corners: list[tuple[int, int]], place: tuple[int, int]) -> None:
    judge = shapely.Polygon([(x, y) for y, x in corners])
    assume(judge.is_valid)
    point = shapely.Point(place[1], place[0])
    assume(not judge.boundary.intersects(point))
    assert PolygonSet([(tuple(corners),)]).holds(place) is bool(judge.contains(point))
