"""Where the buttons of an installation can be, to the metre (domain/installation_area.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.installation_area import Area, Doubt, doubt, in_degrees, learnt, on_globe, typed_place
from siaga_gateway.domain.position import distance_m

DEGREE = 10_000_000
KM = 89_932  # of latitude, about
LAMPUNG = (-54_292_000, 1_052_610_000)


def north(km: float) -> tuple[int, int]:
    return LAMPUNG[0] + round(km * KM), LAMPUNG[1]


@pytest.mark.parametrize(
    ("place", "on"),
    [
        ((90 * DEGREE, 180 * DEGREE), True),
        ((-90 * DEGREE, -180 * DEGREE), True),
        ((90 * DEGREE + 1, 0), False),
        ((-90 * DEGREE - 1, 0), False),
        ((0, 180 * DEGREE + 1), False),
        ((0, -180 * DEGREE - 1), False),
    ],
)
def test_the_globe_has_its_ends(place: tuple[int, int], on: bool) -> None:
    assert on_globe(place) is on


@given(st.integers(-100, 100), st.integers(-100, 100))
def test_an_area_holds_what_is_as_far_as_its_edge(up: int, along: int) -> None:
    place = LAMPUNG[0] + up * KM, LAMPUNG[1] + along * KM
    far = distance_m(LAMPUNG, place)
    assert Area(LAMPUNG, far).distance_m(place) == far
    assert Area(LAMPUNG, far).holds(place) and not Area(LAMPUNG, far - 1).holds(place)


def test_of_few_buttons_little_is_learnt() -> None:
    assert learnt([]) is None
    radii = [learnt([LAMPUNG] * count) for count in (1, 2, 3, 4)]
    assert radii == [Area(LAMPUNG, radius) for radius in (300_000, 300_000, 100_000, 100_000)]


@pytest.mark.parametrize(
    ("kilometres", "middle", "half"),
    [([0, 60, 400], 60, 60), ([-120, -60, 0, 60, 120], 0, 60), ([0, 0, 0, 70, 9_000, 70, 70], 70, 70)],
)
def test_an_area_is_five_times_as_far_as_half_of_the_buttons_are(kilometres: list[int], middle: int, half: int) -> None:
    area = learnt([north(km) for km in kilometres])
    far = sorted(distance_m(north(middle), north(km)) for km in kilometres)
    assert area == Area(north(middle), 5 * far[len(far) // 2])
    assert area.radius_m == pytest.approx(5_000 * half, rel=0.01)


def test_how_far_off_a_place_is_in_kilometres() -> None:
    found = doubt(north(700), Area(LAMPUNG, 200_000))
    assert found is not None and (found.why, found.meant) == ("far", None)
    assert found.km == pytest.approx(700, abs=3)
    assert doubt((0, 0), None) == doubt((0, 0), Area(LAMPUNG, 200_000)) == Doubt("zero", 0, None)
    assert doubt(north(700), None) is doubt(north(190), Area(LAMPUNG, 200_000)) is None


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("sign", "other"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_a_lost_sign_and_the_wrong_order_are_seen_through(swapped: bool, sign: int, other: int) -> None:
    latitude, longitude = sign * LAMPUNG[0], other * LAMPUNG[1]
    found = doubt((longitude, latitude) if swapped else (latitude, longitude), Area(LAMPUNG, 200_000))
    meant = None if found is None else found.meant
    assert meant == (LAMPUNG if swapped or (sign, other) != (1, 1) else None)


def test_of_two_that_may_be_meant_the_nearer_one_is_named() -> None:
    """At the equator a lost sign of either may lie within."""
    area = Area((1 * DEGREE, 3 * DEGREE), 500_000)
    assert area.holds((3 * DEGREE, 3 * DEGREE)) and area.holds((-3 * DEGREE, 3 * DEGREE))
    for place in ((3 * DEGREE, -3 * DEGREE), (-3 * DEGREE, -3 * DEGREE)):
        found = doubt(place, area)
        assert found is not None and found.meant == (3 * DEGREE, 3 * DEGREE)


def test_it_is_written_as_a_registrar_types_it() -> None:
    assert [in_degrees(place) for place in (LAMPUNG, (0, -1), (10 * DEGREE, -100 * DEGREE))] == [
        "-5.4292,105.261",
        "0,-0.0000001",
        "10,-100",
    ]


def test_a_typed_place_is_read_to_the_last_digit_and_what_is_none_is_not() -> None:
    assert typed_place(" -5.4292, 105.2610001 ") == (-54_292_000, 1_052_610_001)
    for wrong in ("", "5", "nan,0", "0,1e999", "-5,4292,105,2610"):
        assert typed_place(wrong) is None
