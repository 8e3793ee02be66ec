"""Borders that cross: repaired where it is plain what was meant, else refused with the place; and surfaces in km2."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dispatch.listed_places import AREAS, HOLE, at, square
from siaga_gateway.domain.jurisdiction import Polygon, Ring, packed, unpacked
from siaga_gateway.service.dispatch.area_geometry import (
    AreaError,
    joined,
    km2,
    point_in,
    polygons_of_geometry,
    sound,
    width_m,
)


def ring(*points: tuple[float, float]) -> Ring:
    return tuple(at(*point) for point in points)


def test_a_sound_area_stays_as_it_is() -> None:
    polygon: Polygon = (square(0, 0)[0], HOLE)
    made = sound([polygon])
    assert made.repaired is None
    assert km2(made.geometry) == pytest.approx(0.96 * km2(sound([square(0, 0)]).geometry), rel=1e-4)
    (kept,) = polygons_of_geometry(made.geometry)
    assert [set(each) for each in kept] == [set(each) for each in polygon]
    assert unpacked(packed([kept])) == (kept,)


def test_a_small_knot_is_untied() -> None:
    knot = (ring((0, 0), (1, 0), (1, 1), (0.5, 1), (0.5001, 1.0001), (0.5001, 1), (0, 1)),)
    made = sound([knot])
    assert made.repaired is not None
    assert abs(made.repaired[0] - at(0.5, 1)[0]) < 200
    assert km2(made.geometry) == pytest.approx(km2(sound([square(0, 0)]).geometry), rel=1e-3)
    spike = (ring((0, 0), (1, 0), (1, 1), (3, 1), (1, 1), (0, 1)),)
    assert km2(sound([spike]).geometry) == pytest.approx(km2(sound([square(0, 0)]).geometry), rel=1e-6)


@pytest.mark.parametrize(
    "polygon",
    [
        (ring((0, 0), (1, 1), (1, 0), (0, 1)),),  # a bow tie
        (square(0, 0)[0], square(2, 2)[0]),  # a hole outside
        (square(0, 0)[0], ring((0.5, 0.5), (0.5, 1.5), (1.5, 1.5), (1.5, 0.5))),  # a hole over the border
    ],
)
def test_what_might_mean_two_things_is_refused_with_its_place(polygon: Polygon) -> None:
    with pytest.raises(AreaError) as raised:
        sound([polygon])
    assert raised.value.key == "areas.crossing"
    latitude, longitude = (float(part) * 10**7 for part in raised.value.values["place"].split(","))
    assert at(-0.1, -0.1)[0] < latitude < at(3, 3)[0] and at(-0.1, 0)[1] < longitude < at(3, 3)[1]


def test_several_features_become_one_area_without_inner_borders() -> None:
    made = joined([sound([square(east, north)]).geometry for east in (0, 1) for north in (0, 1)])
    (polygon,) = polygons_of_geometry(made)
    assert len(polygon) == 1 and km2(made) == pytest.approx(4 * km2(sound([square(0.5, 0.5)]).geometry), rel=1e-3)
    apart = joined([sound([square(0, 0)]).geometry, sound([square(5, 5)]).geometry])
    assert len(polygons_of_geometry(apart)) == 2
    assert polygons_of_geometry(apart) == polygons_of_geometry(
        joined(reversed([sound([square(0, 0)]).geometry, sound([square(5, 5)]).geometry]))
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(-80, 79), st.integers(-179, 178), st.integers(1, 10))
def test_surfaces_are_those_of_the_ellipsoid(south: int, west: int, degrees: int) -> None:
    """Against the integral of the radii over the latitudes, by Simpson's rule."""
    a, e2, e7 = 6_378_137.0, 0.00669437999014, 10**7

    def strip(latitude: float) -> float:
        phi = math.radians(latitude)
        w = 1 - e2 * math.sin(phi) ** 2
        return a * (1 - e2) / w**1.5 * a * math.cos(phi) / math.sqrt(w)

    steps = 20
    size = degrees / 10 / steps
    heights = [strip(south + size * number) for number in range(steps + 1)]
    simpson = size / 3 * (heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2]))
    expected = simpson * math.radians(1) * math.radians(degrees / 10) / 1e6
    corners = (
        (south, west),
        (south, west + degrees / 10),
        (south + degrees / 10, west + degrees / 10),
        (south + degrees / 10, west),
    )
    rectangle = tuple((round(latitude * e7), round(longitude * e7)) for latitude, longitude in corners)
    assert km2(sound([(rectangle,)]).geometry) == pytest.approx(expected, rel=1e-6)


def test_a_sliver_is_as_wide_as_it_is() -> None:
    sliver = sound([square(0, 0, 1, 0.001)]).geometry
    assert width_m(sliver) == pytest.approx(11.06, rel=0.02)
    latitude, longitude = point_in(sliver)
    assert at(0, 0)[0] <= latitude <= at(0, 0.001)[0] and at(0, 0)[1] < longitude < at(1, 0)[1]


def test_the_district_of_the_tests_is_sound() -> None:
    for area in AREAS:
        assert sound(unpacked(area.shape)).repaired is None
