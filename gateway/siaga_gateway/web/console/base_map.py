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
_LEAST: Final = 0.5  # degrees; map.js has the same rule for how far the map can be moved

Name = Literal["land", "places"]


@router.get("/static/map/{name}.geojson")
def base_map(
    name: Name,
    context: TheConsole,
    accept_encoding: Annotated[str, Header()] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Answer anybody: it is public data, as all of /static."""
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
        "texts": {
            key.removeprefix("console.js."): value.replace("{emergency}", context.site.emergency_number)
            for key, value in texts("console", language).items()
            if key.startswith("console.js.") and (names is None or key.removeprefix("console.js.") in names)
        },
    }


@lru_cache(maxsize=4)
def _prepared(name: Name, bounds: MapBounds | None) -> tuple[bytes, str]:
    """Return the file compressed, and its tag."""
    raw = (resources.files("siaga_gateway.web") / "static" / "map" / f"{name}.geojson").read_bytes()
    if bounds is not None:
        cut = cut_land if name == "land" else cut_places
        raw = json.dumps(cut(json.loads(raw), bounds), ensure_ascii=False, separators=(",", ":")).encode()
    # Weak: with and without compression it is the same map.
    return gzip.compress(raw, mtime=0), f'W/"{hashlib.sha256(raw).hexdigest()[:32]}"'


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
