"""A map as a drawing, for paper and for a browser without WebGL: coast, towns, marks and a scale. No other file, no
request."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Final

from siaga_gateway.domain.value import record

_Point = tuple[float, float]  # longitude, latitude in degrees; or x, y of the drawing
WIDTH: Final = 720
HEIGHT: Final = 420
_LEAST_DEGREES: Final = 0.02  # about 2 km: nearer than that a coast of 1 km tells nothing
_MARGIN: Final = 1.3
_TOWNS: Final = 14
_KM_DEGREE: Final = 111.195
_BAR_PX: Final = 160  # the scale's longest bar


@record
class MapMark:
    """Something to place on the map. kind: its CSS class."""

    kind: str
    latitude: int  # degrees x 10^7
    longitude: int
    text: str = ""
    radius_m: int | None = None  # how far it may be off


@record
class DrawnMark:
    kind: str
    x: float
    y: float
    text: str
    radius: float  # 0: none


@record
class SvgMap:
    """What the template draws."""

    land: str  # a path
    marks: tuple[DrawnMark, ...]
    towns: tuple[DrawnMark, ...]
    bar: float  # length of the scale
    bar_km: str
    width: int = WIDTH
    height: int = HEIGHT


def svg_map(marks: Sequence[MapMark]) -> SvgMap | None:
    """Draw a map that fits all marks; None: there are none."""
    if not marks:
        return None
    longitudes, latitudes = [mark.longitude / 1e7 for mark in marks], [mark.latitude / 1e7 for mark in marks]
    middle = ((min(longitudes) + max(longitudes)) / 2, (min(latitudes) + max(latitudes)) / 2)
    narrow = max(0.1, math.cos(math.radians(middle[1])))
    high = max((max(latitudes) - min(latitudes)), (max(longitudes) - min(longitudes)) * narrow * HEIGHT / WIDTH)
    scale = HEIGHT / (max(high, _LEAST_DEGREES) * _MARGIN)  # px in a degree of latitude

    def at(point: _Point) -> _Point:
        x = WIDTH / 2 + (point[0] - middle[0]) * narrow * scale
        return round(x, 1), round(HEIGHT / 2 - (point[1] - middle[1]) * scale, 1)

    half = (WIDTH / 2 / scale / narrow, HEIGHT / 2 / scale)
    box = (middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1])
    towns = [(name, point) for _, name, point in _towns() if _inside(point, box)][:_TOWNS]
    px_km = scale / _KM_DEGREE
    km = _round_km(_BAR_PX / px_km)
    return SvgMap(
        land="".join(_path([at(point) for point in ring]) for ring in _land_in(box)),
        marks=tuple(
            DrawnMark(
                mark.kind,
                *at((mark.longitude / 1e7, mark.latitude / 1e7)),
                mark.text,
                0 if mark.radius_m is None else round(mark.radius_m / 1000 * px_km, 1),
            )
            for mark in marks
        ),
        towns=tuple(DrawnMark("town", *at(point), name, 0) for name, point in towns),
        bar=round(km * px_km, 1),
        bar_km=f"{km:g} km",
    )


def _round_km(most: float) -> float:
    """Return the largest of 1, 2, 5, 10, ... that fits."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most)


def _inside(point: _Point, box: tuple[float, float, float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _path(points: Iterable[_Point]) -> str:
    """Return a closed path, without points that are less than a pixel from the one before."""
    kept: list[_Point] = []
    for point in points:
        if not kept or math.hypot(point[0] - kept[-1][0], point[1] - kept[-1][1]) >= 1:
            kept.append(point)
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in kept) + "Z" if len(kept) > 2 else ""


def _land_in(box: tuple[float, float, float, float]) -> Iterable[list[_Point]]:
    """Yield the outlines of the land within a box (west, south, east, north)."""
    for outline, (west, south, east, north) in _land():
        if west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1]:
            yield _clipped(outline, box)


def _clipped(points: Sequence[_Point], box: tuple[float, float, float, float]) -> list[_Point]:
    """Cut a polygon at each side of the box (Sutherland and Hodgman, 1974)."""
    found = list(points)
    for axis, bound, sign in ((0, box[0], 1), (0, box[2], -1), (1, box[1], 1), (1, box[3], -1)):
        before, found = found, []
        for one, other in zip(before, before[1:] + before[:1], strict=True):
            ins, outs = (one[axis] - bound) * sign >= 0, (other[axis] - bound) * sign >= 0
            if ins:
                found.append(one)
            if ins != outs:
                part = (bound - one[axis]) / (other[axis] - one[axis])
                found.append((one[0] + part * (other[0] - one[0]), one[1] + part * (other[1] - one[1])))
    return found


def _file(name: str) -> bytes:
    return (resources.files("siaga_gateway.web") / "static" / "map" / name).read_bytes()


@cache
def _land() -> list[tuple[list[_Point], tuple[float, float, float, float]]]:
    found = []
    for polygon in json.loads(_file("land.geojson"))["geometry"]["coordinates"]:
        outline = [(point[0], point[1]) for point in polygon[0]]
        xs, ys = [x for x, _ in outline], [y for _, y in outline]
        found.append((outline, (min(xs), min(ys), max(xs), max(ys))))
    return found


@cache
def _towns() -> list[tuple[int, str, _Point]]:
    """Return rank, name and place of the towns, the largest first."""
    told = json.loads(_file("places.geojson"))["features"]
    rows = [(each["properties"], each["geometry"]["coordinates"]) for each in told]
    return sorted((named["rank"], named["name"], (place[0], place[1])) for named, place in rows)
