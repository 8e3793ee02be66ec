"""The base map as a browser gets it: compressed, and of the country what the site's map can show."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from importlib import resources
from itertools import accumulate, chain
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


def drawn(told: dict[str, Any]) -> list[list[list[list[float]]]]:
    """The land as base-map.js makes it of what it gets."""
    polygons = []
    for rings in told["polygons"]:
        polygons.append([])
        for steps in rings:
            xs, ys = accumulate(steps[::2]), accumulate(steps[1::2])
            ring = [[x / told["step"], y / told["step"]] for x, y in zip(xs, ys, strict=True)]
            polygons[-1].append([*ring, ring[0]])
    return polygons


def test_only_what_the_sites_map_can_show_goes_out_and_names_its_source(console: Console) -> None:
    browser = console.make(site=copied(SITE, bounds=SULAWESI))
    land, towns, villages = (browser.get(f"/static/map/{name}.json").json() for name in ("land", "towns", "villages"))
    islands = whole("land")["geometry"]["coordinates"]
    assert drawn(land) == [island for island in islands if meets(rectangle(island[0]))], "corner by corner"
    assert 0 < len(land["polygons"]) < len(islands) / 2
    assert "ODbL" in land["source"] and "GeoNames" in towns["source"] and "GeoNames" in villages["source"]
    named = {town["properties"]["name"] for town in towns["features"]}
    assert "Makassar" in named and "Jayapura" not in named
    ours = [town for town in whole("places")["features"] if meets(rectangle([town["geometry"]["coordinates"]]))]
    assert towns["features"] == [town for town in ours if town["properties"]["rank"] < 3]
    assert villages["features"] == [town for town in ours if town["properties"]["rank"] == 3]


def test_without_bounds_it_is_the_whole_country_and_its_coast_is_no_finer_than_it_is_known(console: Console) -> None:
    browser = console.make(site=copied(SITE, bounds=None))
    land = drawn(browser.get("/static/map/land.json").json())
    islands = whole("land")["geometry"]["coordinates"]
    assert len(land) > 0.99 * len(islands)
    java = max(islands, key=lambda island: len(island[0]))
    coarse = max(land, key=lambda island: len(island[0]))
    for one, other in zip(rectangle(coarse[0]), rectangle(java[0]), strict=True):
        assert abs(one - other) <= 0.0006
    both = [browser.get(f"/static/map/{name}.json").json()["features"] for name in ("towns", "villages")]
    assert sorted(map(str, chain(*both))) == sorted(map(str, whole("places")["features"]))


@pytest.mark.parametrize(("name", "most"), [("land", 160_000), ("towns", 20_000), ("villages", 130_000)])
def test_it_is_compressed_and_asked_for_once(console: Console, name: str, most: int) -> None:
    browser = console.make(site=copied(SITE, bounds=None))
    url = f"/static/map/{name}.json"
    with browser.stream("GET", url) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["cache-control"] == "no-cache"
    plain = browser.get(url, headers={"accept-encoding": "identity"})
    assert len(sent) < most and json.loads(gzip.decompress(sent)) == plain.json()
    assert "content-encoding" not in plain.headers
    again = browser.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = console.make(site=copied(SITE, bounds=SULAWESI)).get(url)
    assert other.headers["etag"] != answer.headers["etag"]


def test_no_other_file_is_read(console: Console) -> None:
    for name in ("nothing.json", "land.geojson.json", "places.json"):
        assert console.browser.get(f"/static/map/{name}").status_code in (404, 422)
