"""Whether a place lies within polygons, and how far it is from them. Pure, without a geometry library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from siaga_gateway.domain.jurisdiction import Point, Polygon, Ring
from siaga_gateway.domain.value import record

_M_PER_E7: Final = 6_371_008.8 * math.pi / 180 / 10**7
_NARROWEST: Final = 0.01  # of a degree of longitude beside one of latitude: nobody asks nearer to a pole


@record
class _Part:
    rings: Polygon
    south: int
    west: int
    north: int
    east: int


class PolygonSet:
    """Polygons with holes; none crosses the antimeridian. Thread-safe."""

    def __init__(self, polygons: Iterable[Polygon]) -> None:
        self._parts = tuple(_part(polygon) for polygon in polygons)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def holds(self, place: Point) -> bool:
        """Whether a place lies in one of them and in none of its holes; the border is nobody's promise."""
        return any(_within(part.rings, place) for part in self._near(place, 0, 0))

    def within_m(self, place: Point, metres: int) -> bool:
        """Whether a place lies in one of them, or so near to a border."""
        if self.holds(place):
            return True
        narrow = max(_NARROWEST, math.cos(math.radians(place[0] / 10**7)))
        high = math.ceil(metres / _M_PER_E7)
        near = self._near(place, high, math.ceil(high / narrow))
        return any(_border_m(ring, place, narrow) <= metres for part in near for ring in part.rings)

    def border_m(self, place: Point) -> int | None:
        """Return how far the nearest border is, metres; None: there are no polygons. Looks at every corner."""
        narrow = max(_NARROWEST, math.cos(math.radians(place[0] / 10**7)))
        far = [_border_m(ring, place, narrow) for part in self._parts for ring in part.rings]
        return round(min(far)) if far else None

    def _near(self, place: Point, high: int, wide: int) -> Iterator[_Part]:
        latitude, longitude = place
        for part in self._parts:
            if part.south - high <= latitude <= part.north + high and part.west - wide <= longitude <= part.east + wide:
                yield part


def _part(rings: Polygon) -> _Part:
    latitudes, longitudes = zip(*rings[0], strict=True)
    return _Part(rings, min(latitudes), min(longitudes), max(latitudes), max(longitudes))


def _within(rings: Polygon, place: Point) -> bool:
    return _inside(rings[0], place) and not any(_inside(hole, place) for hole in rings[1:])


def _inside(ring: Ring, place: Point) -> bool:
    """Whether a line to the east crosses the ring an odd number of times."""
    latitude, longitude = place
    odd = False
    before = ring[-1]
    for point in ring:
        if (point[0] > latitude) != (before[0] > latitude):
            # In whole numbers: longitude < point + (before - point) * part, without a division.
            turn = (before[1] - point[1]) * (latitude - point[0]) - (longitude - point[1]) * (before[0] - point[0])
            odd ^= turn > 0 if before[0] > point[0] else turn < 0
        before = point
    return odd


def _border_m(ring: Ring, place: Point, narrow: float) -> float:
    """Return the distance to the nearest side on a plane about the place (0.1 % off at 100 km)."""
    latitude, longitude = place
    best = math.inf
    x_0, y_0 = (ring[-1][1] - longitude) * narrow, ring[-1][0] - latitude
    for point in ring:
        x_1, y_1 = (point[1] - longitude) * narrow, point[0] - latitude
        dx, dy = x_1 - x_0, y_1 - y_0
        length = dx * dx + dy * dy
        part = 0.0 if length == 0 else min(1.0, max(0.0, -(x_0 * dx + y_0 * dy) / length))
        x, y = x_0 + part * dx, y_0 + part * dy
        best = min(best, x * x + y * y)
        x_0, y_0 = x_1, y_1
    return math.sqrt(best) * _M_PER_E7
