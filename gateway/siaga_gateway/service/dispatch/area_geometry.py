"""Areas as geometry: drawn borders made sound or refused, and measured.

Imports shapely; whoever may do without imports this module late. Coordinates are whole numbers (degrees x 10^7) in
doubles, longitude first, so that nothing is lost between here and the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy
import shapely  # type: ignore[import-untyped]

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.geodesic import FLATTENING
from siaga_gateway.domain.installation_area import in_degrees
from siaga_gateway.domain.jurisdiction import Point, Polygon, Ring
from siaga_gateway.domain.value import record

_RADIANS: Final = numpy.pi / 180 / 10**7
# Of the sphere that has the ellipsoid's surface, metres (WGS 84).
_AUTHALIC_M: Final = 6_371_007.181
# What a repair may change: this share of the area, or so many km2.
_SHARE: Final = 0.01
_KM2: Final = 0.01


class AreaError(Refused):
    """Borders that cannot be put right by a machine; the text says where."""


@record
class Sound:
    """Borders that cross nowhere."""

    geometry: Any
    repaired: Point | None = None  # where something had to be put right


def sound(polygons: Sequence[Polygon]) -> Sound:
    """Return polygons as one geometry; small self-intersections are repaired. Raises: AreaError."""
    parts = [_part(polygon) for polygon in polygons]
    repaired = next((part.repaired for part in parts if part.repaired is not None), None)
    return Sound(joined([part.geometry for part in parts]), repaired)


def _part(polygon: Polygon) -> Sound:
    drawn = shapely.Polygon(_longitude_first(polygon[0]), [_longitude_first(hole) for hole in polygon[1:]])
    if shapely.is_valid(drawn):
        return Sound(drawn)
    where = _where(drawn)
    mended = _areas_of(shapely.make_valid(drawn))
    intended = sum(sign * _ring_km2(ring) for sign, ring in zip((1, *[-1] * (len(polygon) - 1)), polygon, strict=True))
    if shapely.is_empty(mended) or abs(km2(mended) - intended) > max(_KM2, _SHARE * abs(intended)):
        raise AreaError("areas.crossing", place=in_degrees(where), why=_reason(drawn))
    return Sound(mended, where)


def joined(geometries: Iterable[Any]) -> Any:
    """Return the union, on whole numbers."""
    return _areas_of(shapely.union_all(list(geometries), grid_size=1.0))


def polygons_of_geometry(geometry: Any) -> tuple[Polygon, ...]:
    """Return a geometry's polygons: outer rings counter-clockwise, holes clockwise, in a fixed order."""
    polygons = []
    for part in shapely.get_parts(shapely.normalize(geometry)):
        turned = shapely.geometry.polygon.orient(part, 1.0)
        polygons.append(tuple(_ring(each) for each in (turned.exterior, *turned.interiors)))
    return tuple(sorted(polygons))


def km2(geometry: Any) -> float:
    """Return the surface on the Earth, km2."""
    return float(shapely.area(shapely.transform(geometry, _equal_area))) / 1e6


def width_m(geometry: Any) -> float:
    """Return about how wide it is, if it is long: a sliver between two borders is as wide as they are off."""
    flat = shapely.transform(geometry, _equal_area)
    length = float(shapely.length(flat))
    return 0.0 if length == 0 else 2 * float(shapely.area(flat)) / length


def point_in(geometry: Any) -> Point:
    """Return a place within."""
    inner = shapely.point_on_surface(geometry)
    return round(inner.y), round(inner.x)


def _equal_area(coordinates: Any) -> Any:
    """Project to metres by Lambert's cylindrical projection of the authalic sphere, which keeps surfaces."""
    e2 = FLATTENING * (2 - FLATTENING)
    sine = numpy.sin(coordinates[:, 1] * _RADIANS)
    e = numpy.sqrt(e2)

    def q(value: Any) -> Any:
        return (1 - e2) * (value / (1 - e2 * value**2) + numpy.arctanh(e * value) / e)

    authalic = q(sine) / q(1.0)
    return numpy.column_stack((coordinates[:, 0] * _RADIANS * _AUTHALIC_M, authalic * _AUTHALIC_M))


def _ring_km2(ring: Ring) -> float:
    return km2(shapely.Polygon(_longitude_first(ring))) if len(ring) > 2 else 0.0


def _areas_of(geometry: Any) -> Any:
    """Leave out lines and points that a repair left over."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")]
    whole = shapely.union_all(parts) if len(parts) != 1 else parts[0]
    return shapely.set_precision(whole, 1.0)


def _longitude_first(ring: Ring) -> list[Point]:
    return [(longitude, latitude) for latitude, longitude in ring]


def _ring(ring: Any) -> Ring:
    return tuple((round(latitude), round(longitude)) for longitude, latitude in shapely.get_coordinates(ring)[:-1])


def _where(drawn: Any) -> Point:
    """Return where GEOS found it to be wrong: `Self-intersection[1052610000 -54292000]`."""
    told = shapely.is_valid_reason(drawn).rpartition("[")[2].rstrip("]").split()
    try:
        longitude, latitude = (round(float(number)) for number in told)
    except ValueError:
        return point_in(drawn.envelope)
    return latitude, longitude


def _reason(drawn: Any) -> str:
    return str(shapely.is_valid_reason(drawn)).partition("[")[0].lower()
