"""Areas as GeoJSON (RFC 7946): bytes into polygons of integers, with what is wrong by name and by line.

RFC 7946 is strict about rings and says that readers should be lenient about winding: rings the other way round are
turned. Coordinates are WGS 84; an older file that names another reference system is refused.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.jurisdiction import Point, Polygon, Ring
from siaga_gateway.domain.value import record

_E7: Final = 10**7
_HALF: Final = 180 * _E7
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
# What says WGS 84, longitude first; as QGIS and ogr2ogr write it.
_WGS_84: Final = re.compile(
    r"(?:urn:ogc:def:crs:)?(?:OGC:(?:1\.3)?:?CRS84|EPSG:[0-9.]*:?4326)|https?://\S*/(?:CRS84|4326)", re.IGNORECASE
)
_LONGEST_NAME: Final = 80
_MOST_DIGITS: Final = 1_000  # before or behind the decimal point


class GeojsonError(Malformed):
    """The file, or one feature of it, holds no area; the text says why and what to do."""


@record
class Feature:
    """One feature, usable or not."""

    number: int  # from 1
    line: int
    properties: Mapping[str, Any]
    polygons: tuple[Polygon, ...] = ()  # outer rings counter-clockwise, holes clockwise
    turned: int = 0  # rings that were the other way round
    problem: GeojsonError | None = None


def features(raw: bytes) -> list[Feature]:
    """Read a FeatureCollection, a Feature, or a bare Polygon or MultiPolygon. Raises: GeojsonError for a whole file."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GeojsonError("geojson.no_utf8", at=error.start) from None
    try:
        top, found = _read(text)
    except json.JSONDecodeError as error:
        raise GeojsonError("geojson.no_json", line=error.lineno, column=error.colno) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets without end
        raise GeojsonError("geojson.no_json", line=1, column=1) from None
    _check_system(top)
    kind = top.get("type")
    if kind == "FeatureCollection" and found is not None:
        return [_feature(value, number, line) for number, (value, line) in enumerate(found, 1)]
    if kind == "Feature":
        return [_feature(top, 1, 1)]
    if kind in ("Polygon", "MultiPolygon"):
        return [_feature({"type": "Feature", "properties": {}, "geometry": top}, 1, 1)]
    if kind == "Topology":
        raise GeojsonError("geojson.topology")
    if "geometryType" in top or "rings" in top:
        raise GeojsonError("geojson.esri")
    raise GeojsonError("geojson.no_collection", kind=_shown(kind))


def _read(text: str) -> tuple[dict[str, Any], list[tuple[Any, int]] | None]:
    """Return the outermost object without its features, and the features with the lines in which they begin."""
    decoder = json.JSONDecoder(parse_float=_number, parse_constant=_no_constant)
    at = _past(text, 0, "{")
    top: dict[str, Any] = {}
    found: list[tuple[Any, int]] | None = None
    if text[at : at + 1] == "}":
        at += 1
    else:
        while True:
            key, at = decoder.raw_decode(text, at)
            if not isinstance(key, str):
                raise json.JSONDecodeError("no name", text, at)
            at = _past(text, at, ":")
            if key == "features" and text[at : at + 1] == "[":
                found, at = _elements(decoder, text, at)
            else:
                top[key], at = decoder.raw_decode(text, at)
            at = _blanks(text, at)
            if text[at : at + 1] == "}":
                at += 1
                break
            at = _past(text, at, ",")
    if _blanks(text, at) != len(text):
        raise json.JSONDecodeError("more", text, at)
    return top, found


def _elements(decoder: json.JSONDecoder, text: str, at: int) -> tuple[list[tuple[Any, int]], int]:
    at = _past(text, at, "[")
    found: list[tuple[Any, int]] = []
    if text[at : at + 1] == "]":
        return found, at + 1
    line, counted = 1, 0
    while True:
        line, counted = line + text.count("\n", counted, at), at
        value, at = decoder.raw_decode(text, at)
        found.append((value, line))
        at = _blanks(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        at = _past(text, at, ",")


def _past(text: str, at: int, mark: str) -> int:
    """Return where the text goes on after a mark and blanks. Raises: JSONDecodeError."""
    at = _blanks(text, at)
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(mark, text, at)
    return _blanks(text, at + 1)


def _blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None
    return match.end()


def _number(text: str) -> Decimal:
    """Raises: ValueError for one that Decimal cannot calculate with."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(text)
    return number


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_system(carrier: Mapping[str, Any]) -> None:
    """Raises: GeojsonError for a reference system other than WGS 84."""
    system = carrier.get("crs")
    if system is None:
        return
    properties = system.get("properties") if isinstance(system, dict) else None
    name = properties.get("name", properties.get("href")) if isinstance(properties, dict) else None
    if not isinstance(name, str) or not _WGS_84.fullmatch(name.strip()):
        raise GeojsonError("geojson.system", system=_shown(name if name is not None else system))


def _feature(value: Any, number: int, line: int) -> Feature:
    properties = value.get("properties") if isinstance(value, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    try:
        if not isinstance(value, dict) or value.get("type") != "Feature":
            raise GeojsonError("geojson.no_feature")
        _check_system(value)
        polygons, turned = _polygons(value.get("geometry"))
    except GeojsonError as error:
        return Feature(number, line, properties, problem=error)
    return Feature(number, line, properties, polygons, turned)


def _polygons(geometry: Any) -> tuple[tuple[Polygon, ...], int]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if geometry is None:
        raise GeojsonError("geojson.no_geometry")
    if kind not in ("Polygon", "MultiPolygon"):
        raise GeojsonError("geojson.no_area", kind=_shown(kind))
    _check_system(geometry)
    coordinates = geometry.get("coordinates")
    parts = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(parts, list) or not parts:
        raise GeojsonError("geojson.empty")
    polygons, turned = [], 0
    for part in parts:
        if not isinstance(part, list) or not part:
            raise GeojsonError("geojson.empty")
        rings = []
        for place, written in enumerate(part):
            ring, other_way = _wound(_ring(written), outer=place == 0)
            rings.append(ring)
            turned += other_way
        polygons.append(tuple(rings))
    return tuple(polygons), turned


def _ring(written: Any) -> Ring:
    if not isinstance(written, list):
        raise GeojsonError("geojson.no_ring")
    points = [_point(each) for each in written]
    if len(points) < 4:
        raise GeojsonError("geojson.short", count=len(points))
    if points[0] != points[-1]:
        raise GeojsonError("geojson.unclosed", first=_degrees(points[0]), last=_degrees(points[-1]))
    for one, other in itertools.pairwise(points):
        if abs(one[1] - other[1]) > _HALF:
            raise GeojsonError("geojson.antimeridian", one=_degrees(one), other=_degrees(other))
    ring = tuple(point for point, before in zip(points[1:], points, strict=False) if point != before)
    if len(set(ring)) < 3:
        raise GeojsonError("geojson.flat", at=_degrees(points[0]))
    return ring


def _point(written: Any) -> Point:
    if not isinstance(written, list) or len(written) < 2 or not all(map(_is_number, written[:2])):
        raise GeojsonError("geojson.no_position", written=_shown(written))
    longitude, latitude = written[:2]
    if abs(latitude) > 90 or abs(longitude) > 180:
        if abs(latitude) <= 180 and abs(longitude) <= 90:
            raise GeojsonError("geojson.swapped", written=_shown(written))
        metres = abs(latitude) > 360 or abs(longitude) > 360
        raise GeojsonError("geojson.metres" if metres else "geojson.off_globe", written=_shown(written))
    return _e7(latitude), _e7(longitude)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _e7(degrees: int | Decimal) -> int:
    return int((Decimal(degrees) * _E7).to_integral_value())


def _wound(ring: Ring, *, outer: bool) -> tuple[Ring, bool]:
    """Return the ring as RFC 7946 winds it, and whether it was the other way round."""
    doubled = sum(one[1] * other[0] - other[1] * one[0] for one, other in _edges(ring))
    if (doubled > 0) == outer or doubled == 0:
        return ring, False
    return ring[::-1], True


def _edges(ring: Ring) -> Iterator[tuple[Point, Point]]:
    return zip(ring, (*ring[1:], ring[0]), strict=True)


def _degrees(point: Point) -> str:
    return f"[{point[1] / _E7:.7g}, {point[0] / _E7:.7g}]"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value[:4]))}]"[:_LONGEST_NAME]
    return str(value)[:_LONGEST_NAME]
