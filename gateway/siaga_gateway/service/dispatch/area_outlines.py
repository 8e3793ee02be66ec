"""The borders of areas as they are drawn on a map: with no more corners than a screen shows.

Imports shapely; whoever may do without imports this module late.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

import shapely  # type: ignore[import-untyped]

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.jurisdiction import Jurisdiction, Point, Polygon, Ring, ShapeError
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.place_index import geometry_of

log = logging.getLogger(__name__)

_FINEST: Final = 3_000  # degrees x 10^7, some 33 m: as wide as the pixels of the map at its closest
_MOST: Final = 200_000  # corners of all: a browser draws so many at once
_COARSER: Final = 4


@record
class Outline:
    """An area for drawing. Its neighbours may overlap or leave a gap by the width of a line."""

    station_key: str
    polygons: tuple[Polygon, ...]
    label: Point  # a place inside


def outlines(areas: Iterable[Jurisdiction]) -> list[Outline]:
    """Return the areas, the larger ones first; what is damaged is left out."""
    found = []
    for area in areas:
        try:
            found.append((area.station_key, geometry_of(area.shape)))
        except ShapeError as error:
            log.error(Localized("log.places.damaged", station=area.station_key, why=error))
    tolerance = _FINEST
    drawn = [(key, shapely.simplify(geometry, tolerance)) for key, geometry in found]
    while sum(int(shapely.get_num_coordinates(each)) for _, each in drawn) > _MOST and tolerance < 10**7:
        tolerance *= _COARSER
        drawn = [(key, shapely.simplify(geometry, tolerance)) for key, geometry in drawn]
    drawn.sort(key=lambda each: -shapely.area(each[1]))
    return [_outline(key, geometry) for key, geometry in drawn]


def _outline(key: str, geometry: shapely.Geometry) -> Outline:
    inside = shapely.point_on_surface(geometry)
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and not part.is_empty]
    polygons = tuple((_ring(part.exterior), *map(_ring, part.interiors)) for part in parts)
    return Outline(key, polygons, (round(inside.y), round(inside.x)))


def _ring(ring: shapely.LinearRing) -> Ring:
    return tuple((round(latitude), round(longitude)) for longitude, latitude in ring.coords[:-1])
