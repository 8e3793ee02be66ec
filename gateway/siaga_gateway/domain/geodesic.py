"""Distances on the ellipsoid (WGS 84), near or far, across the antimeridian and beside the poles."""

from __future__ import annotations

import math
from typing import Final

Point = tuple[int, int]  # latitude, longitude; degrees x 10^7

RADIUS_M: Final = 6_378_137.0  # of the equator
FLATTENING: Final = 1 / 298.257223563
_E7: Final = 10**7
_SQUARED_ECCENTRICITY: Final = FLATTENING * (2 - FLATTENING)
_TURN_E7: Final = 360 * _E7


def geodesic_m(one: Point, other: Point) -> int:
    """Return metres between two places, right to some metres in a thousand kilometres; near the other side of the globe
    up to 0.6 % off (Lambert's correction of the great circle between reduced latitudes)."""
    if one == other:
        return 0
    phi, psi = (math.radians(place[0] / _E7) for place in (one, other))
    beta, gamma = (math.atan((1 - FLATTENING) * math.tan(each)) for each in (phi, psi))
    turn = math.radians(longitude_difference(one[1], other[1]) / _E7)
    half = math.sin((gamma - beta) / 2) ** 2 + math.cos(beta) * math.cos(gamma) * math.sin(turn / 2) ** 2
    angle = 2 * math.asin(math.sqrt(min(1.0, half)))
    return round(RADIUS_M * (angle - _correction(beta, gamma, angle)))


def _correction(beta: float, gamma: float, angle: float) -> float:
    if angle < 1e-9 or math.pi - angle < 0.01:
        return 0.0
    mean, slant = (beta + gamma) / 2, (gamma - beta) / 2
    x = (angle - math.sin(angle)) * (math.sin(mean) * math.cos(slant) / math.cos(angle / 2)) ** 2
    y = (angle + math.sin(angle)) * (math.cos(mean) * math.sin(slant) / math.sin(angle / 2)) ** 2
    return FLATTENING / 2 * (x + y)


def longitude_difference(one: int, other: int) -> int:
    """Return how far east `other` is of `one`, -180 to 180 degrees, x 10^7."""
    return (other - one + _TURN_E7 // 2) % _TURN_E7 - _TURN_E7 // 2


def metres_per_e7(latitude: int) -> tuple[float, float]:
    """Return the length of 10^-7 degrees of latitude and of longitude at a latitude."""
    phi = math.radians(latitude / _E7)
    waist = 1 - _SQUARED_ECCENTRICITY * math.sin(phi) ** 2
    north = RADIUS_M * (1 - _SQUARED_ECCENTRICITY) / waist**1.5
    east = RADIUS_M / math.sqrt(waist) * math.cos(phi)
    return math.radians(north) / _E7, math.radians(east) / _E7
