"""Stations and areas, laid out so that who is responsible for a place is found at once: an STR-tree and plain arrays.

Imports numpy and shapely; whoever may do without imports this module late. Coordinates are whole numbers (degrees x
10^7) in doubles, so that what lies on a border is decided exactly. A point on a common border belongs to both areas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy
import shapely  # type: ignore[import-untyped]

from siaga_gateway.domain.geodesic import geodesic_m, metres_per_e7
from siaga_gateway.domain.jurisdiction import Jurisdiction, Point, ring_sizes
from siaga_gateway.domain.places import Station

_TURN_E7: Final = 3_600_000_000
# At first so many of the nearest are looked at; then eight times as many.
_LOOKED_AT: Final = 32
# Sphere and ellipsoid differ by less; what is further by this much on the one is further on the other.
_DOUBT: Final = 1.012
_SMALL: Final = 1e-7  # of the Earth's radius: how far a chord may be wrong
_RADIANS: Final = numpy.pi / 180 / 10**7


class PlaceIndex:
    """Immutable; thread-safe."""

    def __init__(self, stations: Mapping[str, Station], areas: Sequence[Jurisdiction]) -> None:
        """Raises: ShapeError for an area that is damaged."""
        self.stations = stations
        self._listed = list(stations.values())
        self._vectors = _unit_vectors([station.place for station in self._listed])
        self._keys: list[str] = []
        parts: list[Any] = []
        for area in areas:
            for polygon in polygons_of(area.shape):
                self._keys.append(area.station_key)
                parts.append(polygon)
        self._parts = numpy.array(parts, dtype=object)
        shapely.prepare(self._parts)
        self._tree = shapely.STRtree(self._parts)
        self._edges = [_Edges(part) for part in parts]

    def holding(self, place: Point, tolerance_m: int) -> dict[str, int]:
        """Return the keys of the areas that hold a place, or whose border is within the tolerance, each with its
        distance: 0 for those that hold it."""
        found: dict[str, int] = {}
        north, east = metres_per_e7(place[0])
        margin = tolerance_m / north, min(tolerance_m / max(east, 1e-9), _TURN_E7)
        for latitude, longitude in _twins(place, margin[1]):
            point = shapely.Point(longitude, latitude)
            box = shapely.box(longitude - margin[1], latitude - margin[0], longitude + margin[1], latitude + margin[0])
            for at in self._tree.query(box):
                key = self._keys[at]
                if found.get(key) == 0:
                    continue
                if shapely.intersects(self._parts[at], point):
                    found[key] = 0
                    continue
                away = self._edges[at].distance_m((longitude, latitude), margin[::-1], (east, north))
                if away is not None and away <= tolerance_m:
                    found[key] = min(round(away) or 1, found.get(key, tolerance_m))
        return dict(sorted(found.items(), key=lambda each: (each[1], each[0])))

    def nearest(self, place: Point, wanted: Callable[[Station], bool], count: int) -> list[tuple[Station, int]]:
        """Return the nearest stations that are wanted, with metres, nearest first; at one distance by their keys."""
        if not self._listed or count < 1:
            return []
        chords = numpy.sqrt(numpy.maximum(2 - 2 * (self._vectors @ _unit_vectors([place])[0]), 0))
        for measured in _growing(len(self._listed)):
            found: list[tuple[int, str, Station]] = []
            enough = False
            furthest = 0.0
            for at in _least(chords, measured):
                # In the order of the chords; the ellipsoid's own differs but little.
                if enough := len(found) >= count and chords[at] > furthest * _DOUBT + _SMALL:
                    break
                station = self._listed[at]
                if wanted(station):
                    if len(found) < count:
                        furthest = float(chords[at])
                    found.append((geodesic_m(place, station.place), station.key, station))
            if enough or measured >= len(self._listed):
                return [(station, metres) for metres, _, station in sorted(found, key=lambda each: each[:2])[:count]]
        raise AssertionError("the last turn measures all")


def polygons_of(shape: bytes) -> Iterator[Any]:
    """Yield the polygons of a packed shape as shapely's, in degrees x 10^7, longitude first. Raises: ShapeError."""
    counts, begin = ring_sizes(shape)
    numbers = numpy.frombuffer(shape, dtype=">i4", offset=begin).astype(float).reshape(-1, 2)[:, ::-1]
    at = 0
    for sizes in counts:
        rings = []
        for size in sizes:
            rings.append(shapely.linearrings(numbers[at : at + size]))
            at += size
        yield shapely.polygons(rings[0], holes=rings[1:] or None)


def geometry_of(shape: bytes) -> Any:
    """Return a packed shape as one geometry. Raises: ShapeError."""
    return shapely.multipolygons(list(polygons_of(shape)))


def _unit_vectors(places: Sequence[Point]) -> Any:
    if not places:
        return numpy.empty((0, 3))
    latitudes, longitudes = numpy.array(places, dtype=float).T * _RADIANS
    level = numpy.cos(latitudes)
    return numpy.column_stack((level * numpy.cos(longitudes), level * numpy.sin(longitudes), numpy.sin(latitudes)))


def _growing(total: int) -> Iterator[int]:
    measured = _LOOKED_AT
    while measured < total:
        yield measured
        measured *= 8
    yield total


def _least(numbers: Any, count: int) -> Any:
    """Return where the least are, the least first."""
    if count >= len(numbers):
        return numpy.argsort(numbers)
    some = numpy.argpartition(numbers, count)[:count]
    return some[numpy.argsort(numbers[some])]


def _twins(place: Point, margin: float) -> Iterator[Point]:
    """Yield the place, and beside the antimeridian the same on its other side."""
    yield place
    latitude, longitude = place
    if abs(longitude) + margin >= _TURN_E7 / 2:
        yield latitude, longitude - _TURN_E7 if longitude > 0 else longitude + _TURN_E7


class _Edges:
    """The edges of a polygon. Places and lengths are longitude first."""

    def __init__(self, polygon: Any) -> None:
        rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
        self._begins = numpy.concatenate([ring[:-1] for ring in rings])
        self._ends = numpy.concatenate([ring[1:] for ring in rings])
        self._lows = numpy.minimum(self._begins, self._ends)
        self._highs = numpy.maximum(self._begins, self._ends)

    def distance_m(self, place: Point, margin: tuple[float, float], scale: tuple[float, float]) -> float | None:
        """Return metres from a place to the nearest edge, of those whose box comes within the margin; None: there is
        none. margin: in degrees x 10^7. scale: metres of such a unit; the Earth is flat that near."""
        near = ((self._lows <= numpy.add(place, margin)) & (self._highs >= numpy.subtract(place, margin))).all(axis=1)
        if not near.any():
            return None
        begins = (self._begins[near] - place) * scale
        along = (self._ends[near] - place) * scale - begins
        squared = (along**2).sum(axis=1)
        # Where on each edge its nearest point is, from 0 to 1.
        part = numpy.clip(-(begins * along).sum(axis=1) / numpy.where(squared == 0, 1, squared), 0, 1)
        return float(numpy.sqrt(((begins + along * part[:, None]) ** 2).sum(axis=1).min()))
