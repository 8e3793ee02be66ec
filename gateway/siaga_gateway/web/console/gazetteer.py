"""The town nearest to a position, as said on the radio: `4 km barat laut Metro`."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

EARTH_KM: Final = 6371.0088  # mean radius, IUGG
FARTHEST_KM: Final = 80.0  # a town farther away says nothing
INSIDE_KM: Final = 1.5  # nearer than this counts as in the town, on the radio
_CELLS: Final = 10  # in a degree
_NARROWEST: Final = 0.1  # of a cell beside its height: nobody is called nearer to a pole
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
    """Return the towns by cell: a country has too many to look at each for every card."""
    file = resources.files("siaga_gateway.web") / "static" / "map" / "places.geojson"
    towns: dict[tuple[int, int], list[_Town]] = defaultdict(list)
    for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        town = (feature["properties"]["name"], math.radians(latitude), math.radians(longitude))
        towns[math.floor(latitude * _CELLS), math.floor(longitude * _CELLS)].append(town)
    return dict(towns)


def _ring(row: int, column: int, distance: int) -> Iterator[_Town]:
    """Yield the towns in the cells that are so many cells away."""
    for north in range(-distance, distance + 1):
        step = 1 if abs(north) == distance else 2 * distance
        for east in range(-distance, distance + 1, step):
            yield from _towns().get((row + north, column + east), ())


def nearest(latitude: int, longitude: int) -> Nearest | None:
    """Return the town nearest to a position in degrees x 10^7, or None if there is none within 80 km."""
    here_lat, here_lon = math.radians(latitude / 1e7), math.radians(longitude / 1e7)
    row, column = latitude * _CELLS // 10**7, longitude * _CELLS // 10**7
    cell_km = math.radians(1 / _CELLS) * EARTH_KM * max(_NARROWEST, math.cos(abs(here_lat) + math.radians(1)))
    best: tuple[float, float, float, str] | None = None  # km, to the east, to the north
    for distance in range(math.ceil(FARTHEST_KM / cell_km) + 1):
        for name, town_lat, town_lon in _ring(row, column, distance):
            # Equirectangular: within 80 km and 12 degrees of the equator the error is below 0.2 %.
            east = (here_lon - town_lon) * math.cos((here_lat + town_lat) / 2) * EARTH_KM
            north = (here_lat - town_lat) * EARTH_KM
            km = math.hypot(east, north)
            if best is None or km < best[0]:
                best = km, east, north, name
        if best is not None and best[0] <= distance * cell_km:  # whatever is in the next ring is farther
            break
    if best is None or best[0] > FARTHEST_KM:
        return None
    km, east, north, name = best
    eighth = round(math.degrees(math.atan2(east, north)) / 45) % 8
    return Nearest(name, km, None if km < INSIDE_KM else COMPASS[eighth])
