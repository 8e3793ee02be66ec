"""The town nearest to a position, as said on the radio: `4 km barat laut Metro`."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

EARTH_KM: Final = 6371.0088  # mean radius, IUGG
FARTHEST_KM: Final = 80.0  # a town farther away says nothing
INSIDE_KM: Final = 1.5  # nearer than this counts as in the town, on the radio
COMPASS: Final = ("n", "ne", "e", "se", "s", "sw", "w", "nw")


@dataclass(frozen=True, slots=True)
class Nearest:
    """A town, and the direction from it to the position; None in the town itself."""

    name: str
    km: float
    direction: str | None  # one of COMPASS


_Town = tuple[str, float, float]  # its name, latitude and longitude in radians


@cache
def _towns() -> dict[tuple[int, int], list[_Town]]:
    """Return the towns by their degree of latitude and longitude: a country has too many to look at each."""
    file = resources.files("siaga_gateway.web") / "static" / "map" / "places.geojson"
    towns: dict[tuple[int, int], list[_Town]] = defaultdict(list)
    for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        town = (feature["properties"]["name"], math.radians(latitude), math.radians(longitude))
        towns[math.floor(latitude), math.floor(longitude)].append(town)
    return dict(towns)


def _around(latitude: int, longitude: int) -> list[_Town]:
    """Return the towns of the degree and of those beside it: none farther can be within 80 km."""
    row, column = latitude // 10**7, longitude // 10**7
    places = ((row + north, column + east) for north in (-1, 0, 1) for east in (-1, 0, 1))
    return [town for place in places for town in _towns().get(place, ())]


def nearest(latitude: int, longitude: int) -> Nearest | None:
    """Return the town nearest to a position in degrees x 10^7, or None if there is none within 80 km."""
    here_lat, here_lon = math.radians(latitude / 1e7), math.radians(longitude / 1e7)

    def offset(town: _Town) -> tuple[float, float]:
        # Equirectangular: within 80 km and 12 degrees of the equator the error is below 0.2 %.
        east = (here_lon - town[2]) * math.cos((here_lat + town[1]) / 2)
        return east * EARTH_KM, (here_lat - town[1]) * EARTH_KM

    near = _around(latitude, longitude)
    if not near:
        return None
    town = min(near, key=lambda town: math.hypot(*offset(town)))
    east, north = offset(town)
    km = math.hypot(east, north)
    if km > FARTHEST_KM:
        return None
    eighth = round(math.degrees(math.atan2(east, north)) / 45) % 8
    return Nearest(town[0], km, None if km < INSIDE_KM else COMPASS[eighth])
