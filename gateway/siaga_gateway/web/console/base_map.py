"""The base map for a browser: of the whole country what the site's map can show, compressed once."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header
from fastapi.responses import Response

from siaga_gateway.catalogue import texts
from siaga_gateway.domain.site import MapBounds
from siaga_gateway.web.console.street_tiles import street_settings
from siaga_gateway.web.session.context import ConsoleContext, TheConsole

router = APIRouter()

MEDIA_TYPE: Final = "application/geo+json"
# What a map itself may have to say.
ON_EVERY_MAP: Final = frozenset({"map_lost", "no_streets", "no_map", "attribution", "home", "zoom_in", "zoom_out"})
_CORNERS: Final = 3  # that an island has at least
_LEAST: Final = 0.5  # degrees; map.js has the same rule for how far the map can be moved

Name = Literal["land", "towns", "villages"]
_FILES: Final = {"land": "land.geojson", "towns": "places.geojson", "villages": "places.geojson"}
_VILLAGE: Final = 3  # the rank of places that a map shows only from near, which a browser fetches then
# Parts of a degree to which corners are told: 11 m; and a hundred metres of a whole country, where a coast that is good
# to about a kilometre loses nothing by it.
_STEP: Final = 10_000
_COARSE_STEP: Final = 1_000


@router.get("/static/map/{name}.json")
def base_map(
    name: Name,
    context: TheConsole,
    accept_encoding: Annotated[str, Header()] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Answer anybody: it is public data, as all of /static. land: see steps_of; towns, villages: GeoJSON."""
    packed, tag = _prepared(name, context.site.bounds)
    headers = {"ETag": tag, "Vary": "Accept-Encoding"}
    if tag in if_none_match:
        return Response(status_code=304, headers=headers)
    if "gzip" in accept_encoding:
        return Response(packed, media_type=MEDIA_TYPE, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type=MEDIA_TYPE, headers=headers)


def map_settings(context: ConsoleContext, language: str, names: Collection[str] | None = None) -> dict[str, Any]:
    """Return what a page with a map writes into itself for settings.js. names: of its texts; None: all."""
    bounds = context.site.bounds
    streets, fault = street_settings(context, language)
    return {
        "streets": streets,
        "streets_fault": fault,
        "map": None
        if bounds is None
        else [float(side) for side in (bounds.west, bounds.south, bounds.east, bounds.north)],
        "texts": page_texts(context, language, names),
    }


def page_texts(context: ConsoleContext, language: str, names: Collection[str] | None = None) -> dict[str, str]:
    """Return the texts that a page's scripts show. names: None: all."""
    return {
        key.removeprefix("console.js."): value.replace("{emergency}", context.site.emergency_number)
        for key, value in texts("console", language).items()
        if key.startswith("console.js.") and (names is None or key.removeprefix("console.js.") in names)
    }


@lru_cache(maxsize=4)
def _prepared(name: Name, bounds: MapBounds | None) -> tuple[bytes, str]:
    """Return the file compressed, and its tag."""
    whole = json.loads((resources.files("siaga_gateway.web") / "static" / "map" / _FILES[name]).read_bytes())
    if bounds is not None:
        whole = (cut_land if name == "land" else cut_places)(whole, bounds)
    if name == "land":
        told = steps_of(whole, _COARSE_STEP if bounds is None else _STEP)
    else:
        shown = [town for town in whole["features"] if (town["properties"]["rank"] == _VILLAGE) is (name == "villages")]
        told = {**whole, "features": shown}
    raw = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    # Weak: with and without compression it is the same map.
    return gzip.compress(raw, mtime=0), f'W/"{hashlib.sha256(raw).hexdigest()[:32]}"'


def steps_of(land: dict[str, Any], step: int) -> dict[str, Any]:
    """Return the land as small as it goes: of each ring the steps from corner to corner, in parts of a degree."""
    polygons = []
    for polygon in land["geometry"]["coordinates"]:
        rings = [ring for ring in (_steps(corners, step) for corners in polygon) if len(ring) >= 2 * _CORNERS]
        if rings:
            polygons.append(rings)
    return {"source": land["properties"]["source"], "step": step, "polygons": polygons}


def _steps(corners: list[list[float]], step: int) -> list[int]:
    """Return by how much each corner is east and north of the one before; the first from 0, 0."""
    steps: list[int] = []
    before = (0, 0)
    for longitude, latitude in corners[:-1]:
        here = round(longitude * step), round(latitude * step)
        if not steps or here != before:
            steps += here[0] - before[0], here[1] - before[1]
            before = here
    return steps


def cut_land(land: dict[str, Any], bounds: MapBounds) -> dict[str, Any]:
    """Leave out the islands that lie outside; the others stay whole."""
    coordinates = [polygon for polygon in land["geometry"]["coordinates"] if _meets(polygon[0], bounds)]
    return {**land, "geometry": {**land["geometry"], "coordinates": coordinates}}


def cut_places(places: dict[str, Any], bounds: MapBounds) -> dict[str, Any]:
    """Leave out the towns that lie outside."""
    inside = [town for town in places["features"] if _meets([town["geometry"]["coordinates"]], bounds)]
    return {**places, "features": inside}


def _meets(points: Iterable[tuple[float, float]], bounds: MapBounds) -> bool:
    """Whether the points' rectangle meets what the map can be moved to: half as wide again on each side."""
    west, south, east, north = map(float, (bounds.west, bounds.south, bounds.east, bounds.north))
    wide, high = max((east - west) / 2, _LEAST), max((north - south) / 2, _LEAST)
    longitudes, latitudes = map(tuple[float, ...], zip(*points, strict=True))
    return (
        min(longitudes) <= east + wide
        and max(longitudes) >= west - wide
        and min(latitudes) <= north + high
        and max(latitudes) >= south - high
    )
