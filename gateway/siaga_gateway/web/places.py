"""The nearest town to a position, as one says it on the radio: `4 km barat laut Metro`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

EARTH_KM: Final = 6371.0088  # mean radius, IUGG
FARTHEST_KM: Final = 80.0  # beyond it a town says nothing
INSIDE_KM: Final = 1.5  # nearer than this one is in the town, for the radio
COMPASS: Final = ("n", "ne", "e", "se", "s", "sw", "w", "nw")


@dataclass(frozen=True, slots=True)
class Nearest:
    """A town and where the position lies from it; `direction` is None in the town itself."""

    name: str
    km: float
    direction: str | None  # one of COMPASS


@cache
def _towns() -> tuple[tuple[str, float, float], ...]:
    file = resources.files(__package__) / "static" / "map" / "places.geojson"
    towns = []
    for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        towns.append((feature["properties"]["name"], math.radians(latitude), math.radians(longitude)))
    return tuple(towns)


def nearest(latitude: int, longitude: int) -> Nearest | None:
    """The nearest town to a position in degrees x 10^7, or None where none is within 80 km."""
    here_lat, here_lon = math.radians(latitude / 1e7), math.radians(longitude / 1e7)

    def offset(town: tuple[str, float, float]) -> tuple[float, float]:
        # Equirectangular: within 80 km and 8 degrees of the equator it is off by less than 0.1 %.
        east = (here_lon - town[2]) * math.cos((here_lat + town[1]) / 2)
        return east * EARTH_KM, (here_lat - town[1]) * EARTH_KM

    town = min(_towns(), key=lambda town: math.hypot(*offset(town)))
    east, north = offset(town)
    km = math.hypot(east, north)
    if km > FARTHEST_KM:
        return None
    eighth = round(math.degrees(math.atan2(east, north)) / 45) % 8
    return Nearest(town[0], km, None if km < INSIDE_KM else COMPASS[eighth])
