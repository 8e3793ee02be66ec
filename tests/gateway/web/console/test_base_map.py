"""The base map as a browser gets it: compressed, and of the country what the site's map can show."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from gateway.sample_site import SITE
from gateway.web.conftest import Console
from siaga_gateway.domain.site import MapBounds
from siaga_gateway.domain.value import copied

MAP = resources.files("siaga_gateway.web") / "static" / "map"
SULAWESI = MapBounds(*map(Decimal, ("118.7", "-7.8", "122.2", "-1.8")))
SHOWN = (116.95, -10.8, 123.95, 1.2)  # half as wide again on each side


def whole(name: str) -> Any:
    return json.loads((MAP / f"{name}.geojson").read_bytes())


def rectangle(ring: list[list[float]]) -> tuple[float, float, float, float]:
    longitudes, latitudes = zip(*ring, strict=True)
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def meets(one: tuple[float, float, float, float]) -> bool:
    return one[0] <= SHOWN[2] and one[2] >= SHOWN[0] and one[1] <= SHOWN[3] and one[3] >= SHOWN[1]


def test_only_what_the_sites_map_can_show_goes_out_and_names_its_source(console: Console) -> None:
    browser = console.make(site=copied(SITE, bounds=SULAWESI))
    land, places = (browser.get(f"/static/map/{name}.geojson").json() for name in ("land", "places"))
    islands = whole("land")["geometry"]["coordinates"]
    assert land["geometry"]["coordinates"] == [island for island in islands if meets(rectangle(island[0]))]
    assert 0 < len(land["geometry"]["coordinates"]) < len(islands) / 2
    assert "ODbL" in land["properties"]["source"] and "GeoNames" in places["source"]
    named = {town["properties"]["name"] for town in places["features"]}
    assert "Makassar" in named and "Jayapura" not in named
    towns = whole("places")["features"]
    assert places["features"] == [town for town in towns if meets(rectangle([town["geometry"]["coordinates"]]))]


@pytest.mark.parametrize("name", ["land", "places"])
def test_without_bounds_it_is_the_whole_country(console: Console, name: str) -> None:
    browser = console.make(site=copied(SITE, bounds=None))
    assert browser.get(f"/static/map/{name}.geojson").json() == whole(name)


@pytest.mark.parametrize("name", ["land", "places"])
def test_it_is_compressed_and_asked_for_once(console: Console, name: str) -> None:
    browser = console.make(site=copied(SITE, bounds=None))
    url = f"/static/map/{name}.geojson"
    with browser.stream("GET", url) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["cache-control"] == "no-cache"
    assert len(sent) < 450_000 and json.loads(gzip.decompress(sent)) == whole(name)
    plain = browser.get(url, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == whole(name)
    again = browser.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = console.make(site=copied(SITE, bounds=SULAWESI)).get(url)
    assert other.headers["etag"] != answer.headers["etag"]


def test_no_other_file_is_read(console: Console) -> None:
    for name in ("nothing", "land.geojson"):
        assert console.browser.get(f"/static/map/{name}.geojson").status_code in (404, 422)
