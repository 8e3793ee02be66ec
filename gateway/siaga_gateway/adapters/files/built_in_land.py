"""Where land is, by the coast of the built-in map: good to about a kilometre, without small islets."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from siaga_gateway.domain.installation_area import Place
from siaga_gateway.domain.jurisdiction import Polygon
from siaga_gateway.domain.polygon_set import PolygonSet

_NEAR_M: Final = 1_500  # the coast is no better known than that
_E7: Final = 10**7


class BuiltInLand:
    """Implements service.registry.place_plausibility.OnLand. It reads its file when it is first asked. Thread-safe."""

    def __init__(self, file: Path | None = None) -> None:
        """file: GeoJSON as `land.geojson`; None: that of the package."""
        self._file = file or resources.files("siaga_gateway") / "web" / "static" / "map" / "land.geojson"
        self._reading = threading.Lock()
        self._known: tuple[PolygonSet, Place, Place] | None = None

    def __call__(self, place: Place) -> bool:
        """Whether it is on land, near a coast, or beyond what the map covers."""
        with self._reading:
            if self._known is None:
                self._known = _read(json.loads(self._file.read_bytes()))
        land, least, most = self._known
        covered = least[0] < place[0] < most[0] and least[1] < place[1] < most[1]
        return not covered or land.within_m(place, _NEAR_M)


def _read(told: dict[str, Any]) -> tuple[PolygonSet, Place, Place]:
    polygons = [_polygon(each) for each in told["geometry"]["coordinates"]]
    outer = [point for polygon in polygons for point in polygon[0]]
    latitudes, longitudes = zip(*outer, strict=True)
    return PolygonSet(polygons), (min(latitudes), min(longitudes)), (max(latitudes), max(longitudes))


def _polygon(rings: Sequence[Sequence[Sequence[float]]]) -> Polygon:
    return tuple(tuple((round(y * _E7), round(x * _E7)) for x, y in ring[:-1]) for ring in rings)
