"""Stations and their areas for a browser's map, as GeoJSON."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from siaga_gateway.domain.jurisdiction import Point, Ring
from siaga_gateway.domain.places import Station
from siaga_gateway.web.console.base_map import MEDIA_TYPE
from siaga_gateway.web.console.places import TheDesk
from siaga_gateway.web.session.context import SignedIn

if TYPE_CHECKING:
    from siaga_gateway.service.dispatch.area_outlines import Outline

router = APIRouter()

_E7: Final = 10**7
_DIGITS: Final = 5  # about a metre


@router.get("/places/areas.geojson")
def areas(desk: TheDesk, session: SignedIn) -> Response:
    """Return who is signed in the areas, the largest first, and the stations. Each browser unpacks gzip."""
    return Response(desk.drawn(_packed), media_type=MEDIA_TYPE, headers={"Content-Encoding": "gzip"})


def _packed(stations: Mapping[str, Station], outlines: list[Outline]) -> bytes:
    features: list[dict[str, Any]] = []
    for each in outlines:
        station = stations.get(each.station_key)
        named = {"key": each.station_key, "name": each.station_key if station is None else station.name}
        rings = [[_closed(ring) for ring in polygon] for polygon in each.polygons]
        features.append(_feature("area", "MultiPolygon", rings, named))
        features.append(_feature("label", "Point", _longitude_first(each.label), named))
    for station in stations.values():
        named = {"key": station.key, "name": station.name, "kind": station.kind.value}
        features.append(_feature("station", "Point", _longitude_first(station.place), named))
    whole = {"type": "FeatureCollection", "features": features}
    return gzip.compress(json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)


def _feature(what: str, kind: str, coordinates: Any, named: Mapping[str, str]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": {"what": what, **named}}


def _closed(ring: Ring) -> list[list[float]]:
    return [_longitude_first(point) for point in (*ring, ring[0])]


def _longitude_first(point: Point) -> list[float]:
    return [round(point[1] / _E7, _DIGITS), round(point[0] / _E7, _DIGITS)]
