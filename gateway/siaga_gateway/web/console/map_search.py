"""A place on the map by its name, its coordinates or its plus code."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import JSONResponse

from siaga_gateway.catalogue import text
from siaga_gateway.domain.installation_area import Place
from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.domain.plus_code import plus_code, plus_code_place
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.site import MapBounds
from siaga_gateway.domain.typed_coordinates import typed_coordinates
from siaga_gateway.domain.value import record
from siaga_gateway.web.console.base_map import cut_places
from siaga_gateway.web.console.incident_views import distance
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole

router = APIRouter()

TOWNS: Final = 6
STATIONS: Final = 4
_E7: Final = 10**7


@record
class Town:
    name: str
    folded: str
    rank: int  # 1 city, 2 town, 3 smaller
    place: Place


@router.post("/map/find")
def find(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    q: Annotated[str, Form(max_length=LONGEST_SEARCH)] = "",
    latitude: Annotated[float, Form(ge=-90, le=90, allow_inf_nan=False)] = 0,
    longitude: Annotated[float, Form(ge=-180, le=180, allow_inf_nan=False)] = 0,
) -> JSONResponse:
    """Return what a text may mean, the likeliest first. By POST: what a caller says is no part of an address.

    latitude, longitude: of the map's middle, for short codes and of towns with one name the nearest.
    """
    near = round(latitude * _E7), min(round(longitude * _E7), 180 * _E7 - 1)
    wanted = " ".join(q.split())
    return JSONResponse({"found": _found(context, wanted, near, language) if wanted else []})


def _found(context: ConsoleContext, wanted: str, near: Place, language: str) -> list[dict[str, Any]]:
    if (place := plus_code_place(wanted, near)) is not None:
        return [_result("plus_code", plus_code(*place), text("console.find.plus_code", language), place)]
    if (place := typed_coordinates(wanted)) is not None:
        return [_result("coordinates", _degrees(place), text("console.find.coordinates", language), place)]
    results: list[dict[str, Any]] = []
    if context.places is not None:
        for line in context.places.stations(wanted, 0, STATIONS)[0]:
            each = line.station
            kind = text(f"console.station_kind.{each.kind}", language)
            results.append(_result("station", each.name, kind, each.place))
            if line.has_area:
                words = text("console.find.area", language)
                results.append({**_result("area", each.name, words, each.place), "key": each.key})
    for town in towns_named(wanted, near, context.site.bounds):
        far = text("console.find.town", language, far=distance(distance_m(near, town.place), language))
        results.append(_result("town", town.name, far, town.place))
    return results


def towns_named(wanted: str, near: Place, bounds: MapBounds | None) -> list[Town]:
    """Return towns on the site's map with this in their name: the same first, then what begins so, then others; of
    those the larger, then the nearer."""
    folded = _folded(wanted)
    found = [each for each in _towns(bounds) if folded in each.folded]

    def order(each: Town) -> tuple[bool, bool, int, float]:
        far = math.dist(each.place, near)
        return each.folded != folded, not each.folded.startswith(folded), each.rank, far

    return sorted(found, key=order)[:TOWNS]


@lru_cache(maxsize=4)
def _towns(bounds: MapBounds | None) -> tuple[Town, ...]:
    file = resources.files("siaga_gateway.web") / "static" / "map" / "places.geojson"
    places = json.loads(file.read_text(encoding="utf-8"))
    return tuple(map(_town, (places if bounds is None else cut_places(places, bounds))["features"]))


def _town(feature: dict[str, Any]) -> Town:
    (longitude, latitude), told = feature["geometry"]["coordinates"], feature["properties"]
    return Town(told["name"], _folded(told["name"]), told["rank"], (round(latitude * _E7), round(longitude * _E7)))


def _folded(name: str) -> str:
    """Return a name as it is compared: `Kotaagung` is also written `Kota Agung`."""
    return "".join(name.casefold().split())


def _degrees(place: Place) -> str:
    return f"{place[0] / _E7:.5f}, {place[1] / _E7:.5f}"


def _result(what: str, name: str, detail: str, place: Place) -> dict[str, Any]:
    return {"what": what, "name": name, "detail": detail, "at": [place[1] / _E7, place[0] / _E7]}
