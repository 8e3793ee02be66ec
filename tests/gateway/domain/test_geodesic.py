"""Distances against Vincenty's inverse formula, which shares nothing with Lambert's but the ellipsoid."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siaga_gateway.domain.geodesic import geodesic_m, longitude_difference, metres_per_e7
from siaga_gateway.domain.position import distance_m

E7 = 10**7
BANDAR_LAMPUNG, MAKASSAR, JAYAPURA = (
    (-54_292_000, 1_052_610_000),
    (-51_477_000, 1_194_327_000),
    (-25_916_000, 1_406_690_000),
)
PLACES = st.tuples(st.integers(-90 * E7, 90 * E7), st.integers(-180 * E7, 180 * E7))


def vincenty(one: tuple[int, int], other: tuple[int, int]) -> float | None:
    """T. Vincenty, Survey Review XXIII, 176 (1975); None where it does not converge, near the antipode."""
    a, f = 6_378_137.0, 1 / 298.257223563
    b = (1 - f) * a
    (phi1, lon1), (phi2, lon2) = ((math.radians(lat / E7), math.radians(lon / E7)) for lat, lon in (one, other))
    u1, u2 = math.atan((1 - f) * math.tan(phi1)), math.atan((1 - f) * math.tan(phi2))
    length = math.remainder(lon2 - lon1, 2 * math.pi)
    lam = length
    for _ in range(200):
        s = math.hypot(
            math.cos(u2) * math.sin(lam),
            math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lam),
        )
        if s == 0:
            return 0.0
        c = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lam)
        sigma = math.atan2(s, c)
        sin_alpha = math.cos(u1) * math.cos(u2) * math.sin(lam) / s
        cos2 = 1 - sin_alpha**2
        mid = c - 2 * math.sin(u1) * math.sin(u2) / cos2 if cos2 > 1e-15 else 0.0
        k = f / 16 * cos2 * (4 + f * (4 - 3 * cos2))
        before = lam
        lam = length + (1 - k) * f * sin_alpha * (sigma + k * s * (mid + k * c * (-1 + 2 * mid**2)))
        if abs(lam - before) < 1e-12:
            break
    else:
        return None
    uu = cos2 * (a**2 - b**2) / b**2
    aa = 1 + uu / 16384 * (4096 + uu * (-768 + uu * (320 - 175 * uu)))
    bb = uu / 1024 * (256 + uu * (-128 + uu * (74 - 47 * uu)))
    turn = mid + bb / 4 * (c * (-1 + 2 * mid**2) - bb / 6 * mid * (-3 + 4 * s**2) * (-3 + 4 * mid**2))
    return b * aa * (sigma - bb * s * turn)


@given(PLACES, PLACES)
def test_any_two_places_are_as_far_apart_as_vincenty_says(one: tuple[int, int], other: tuple[int, int]) -> None:
    exact = vincenty(one, other)
    assume(exact is not None and exact < 15_000_000)
    assert exact is not None
    assert geodesic_m(one, other) == geodesic_m(other, one)
    assert abs(geodesic_m(one, other) - exact) <= 1 + exact * 2e-5


@given(
    st.integers(-89 * E7, 89 * E7), st.integers(-180 * E7, 180 * E7), *[st.integers(-3 * E7 // 10, 3 * E7 // 10)] * 2
)
def test_near_places_too(latitude: int, longitude: int, north: int, east: int) -> None:
    one, other = (latitude, longitude), (latitude + north, (longitude + east + 180 * E7) % (360 * E7) - 180 * E7)
    exact = vincenty(one, other)
    assert exact is not None
    assert abs(geodesic_m(one, other) - exact) <= 1 + exact * 1e-5


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (BANDAR_LAMPUNG, BANDAR_LAMPUNG, 0),
        ((0, 1_800_000_000), (0, -1_800_000_000), 0),
        ((0, 1_799_999_000), (0, -1_799_999_000), 22),
        ((900_000_000, 0), (900_000_000, 1_000_000_000), 0),
        ((0, 0), (0, 10_000_000), 111_319),
        ((0, 0), (10_000_000, 0), 110_574),
        (BANDAR_LAMPUNG, MAKASSAR, 1_570_161),
        (BANDAR_LAMPUNG, JAYAPURA, 3_939_000),
    ],
)
def test_known_distances(one: tuple[int, int], other: tuple[int, int], metres: int) -> None:
    exact = vincenty(one, other)
    assert exact is not None and abs(geodesic_m(one, other) - exact) < 20
    assert abs(geodesic_m(one, other) - metres) <= max(2, metres // 500)


def test_it_agrees_with_what_the_gateway_uses_for_near_places() -> None:
    near = BANDAR_LAMPUNG[0] + 90_000, BANDAR_LAMPUNG[1] + 120_000
    assert abs(geodesic_m(BANDAR_LAMPUNG, near) - distance_m(BANDAR_LAMPUNG, near)) < 10


def test_the_way_east_is_the_short_one() -> None:
    assert longitude_difference(1_799_000_000, -1_799_000_000) == 2_000_000
    assert longitude_difference(-1_799_000_000, 1_799_000_000) == -2_000_000
    assert longitude_difference(5, 5) == 0


@given(st.integers(-89 * E7, 89 * E7))
def test_a_degree_is_as_long_as_its_ends_are_apart(latitude: int) -> None:
    north, east = metres_per_e7(latitude)
    assert abs(geodesic_m((latitude - 50_000, 0), (latitude + 50_000, 0)) - north * 100_000) < 1
    assert abs(geodesic_m((latitude, 0), (latitude, 100_000)) - east * 100_000) < 1
