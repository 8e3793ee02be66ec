"""The nearest town, the wording of lengths and numbers, and the base map that the page is built on."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.web.console.gazetteer import COMPASS, FARTHEST_KM, nearest
from siaga_gateway.web.console.incident_views import distance, duration, masked_nik, spoken_phone

MAP = resources.files("siaga_gateway.web") / "static" / "map"
METRO = (-51130600, 1053066700)


def test_in_a_town_and_beside_it() -> None:
    there = nearest(*METRO)
    assert there is not None and (there.name, there.direction) == ("Metro", None)
    beside = nearest(METRO[0] + 180_000, METRO[1] - 180_000)  # 2 km up and left
    assert beside is not None and (beside.name, beside.direction) == ("Metro", "nw")
    assert beside.km == pytest.approx(2.83, abs=0.02)


@pytest.mark.parametrize(
    ("north", "east", "direction"), [(1, 0, "n"), (0, 1, "e"), (-1, 0, "s"), (0, -1, "w"), (1, 1, "ne")]
)
def test_directions_are_from_the_town(north: int, east: int, direction: str) -> None:
    found = nearest(METRO[0] + north * 150_000, METRO[1] + east * 150_000)
    assert found is not None and (found.name, found.direction) == ("Metro", direction)


def test_far_out_no_town_is_named() -> None:
    assert nearest(0, 0) is None
    assert nearest(-900_000_000, 1_800_000_000) is None


@given(st.integers(-62_000_000, -36_000_000), st.integers(1_034_000_000, 1_064_000_000))
def test_it_is_the_nearest_by_the_great_circle_too(latitude: int, longitude: int) -> None:
    found = nearest(latitude, longitude)
    here = (math.radians(latitude / 1e7), math.radians(longitude / 1e7))
    way_km = min(great_circle(here, town) for town in towns())
    if found is None:
        assert way_km > FARTHEST_KM * 0.99
        return
    assert found.km == pytest.approx(way_km, rel=0.005, abs=0.01)
    assert found.direction is None or found.direction in COMPASS


@cache
def towns() -> list[tuple[float, float]]:
    """Longitude and latitude of each, degrees."""
    return [each["geometry"]["coordinates"] for each in json.loads((MAP / "places.geojson").read_text())["features"]]


def great_circle(here: tuple[float, float], town: tuple[float, float]) -> float:
    longitude, latitude = math.radians(town[0]), math.radians(town[1])
    half = (
        math.sin((here[0] - latitude) / 2) ** 2
        + math.cos(here[0]) * math.cos(latitude) * math.sin((here[1] - longitude) / 2) ** 2
    )
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def test_lengths_and_numbers_as_people_read_them() -> None:
    assert [duration(s, "id") for s in (0, 59, 60, 3599, 3600, 7980, 86400, 180_000)] == [
        "0 dtk",
        "59 dtk",
        "1 mnt",
        "59 mnt",
        "1 jam",
        "2 jam 13 mnt",
        "1 hari",
        "2 hari 2 jam",
    ]
    assert (distance(35, "id"), distance(1234, "id"), distance(65_534, "en")) == ("35 m", "1,2 km", "66 km")
    assert spoken_phone("+6281234567890") == "+62 812-3456-7890"
    assert spoken_phone("110") == "110"
    assert masked_nik("1871010101010001") == "••••••••••••0001" and masked_nik("") == ""


def test_the_base_map_holds_the_country_and_names_its_sources() -> None:
    land = json.loads((MAP / "land.geojson").read_text())
    assert "OpenStreetMap" in land["properties"]["source"] and "ODbL" in land["properties"]["source"]
    places = json.loads((MAP / "places.geojson").read_text())
    assert "GeoNames" in places["source"]
    cities = {
        town["properties"]["name"]: town["geometry"]["coordinates"]
        for town in places["features"]
        if town["properties"]["rank"] == 1
    }
    for name in ("Bandar Lampung", "Makassar", "Jayapura", "Banda Aceh"):
        assert inside(land["geometry"]["coordinates"], *cities[name]), name
    for sea in ((105.3, -6.3), (104.0, -6.0), (118.5, -4.5), (126.0, -5.0)):  # Sunda Strait, Indian Ocean, Java, Banda
        assert not inside(land["geometry"]["coordinates"], *sea)


def test_there_are_towns_wherever_in_the_country_somebody_presses() -> None:
    places = json.loads((MAP / "places.geojson").read_text())["features"]
    named = [place["geometry"]["coordinates"] for place in places if place["properties"]["rank"] < 3]
    for longitude, latitude in ((105.26, -5.43), (119.43, -5.15), (140.7, -2.53), (95.32, 5.55), (123.6, -10.17)):
        assert any(math.dist((longitude, latitude), town) < 0.25 for town in named)


def inside(polygons: list[list[list[list[float]]]], x: float, y: float) -> bool:
    """Even-odd rule over all rings; a town on the shore may lie within 2 km of the coarse coast."""
    near = any(math.hypot(x - cx, y - cy) < 0.02 for rings in polygons for ring in rings for cx, cy in ring)
    crossings = 0
    for rings in polygons:
        for ring in rings:
            for (ax, ay), (bx, by) in pairwise(ring):
                if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                    crossings += 1
    return crossings % 2 == 1 or near
