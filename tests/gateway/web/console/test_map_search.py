"""The search on the map: by the application, and with the keyboard in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.dispatch.listed_places import AREAS, DISTRICT
from gateway.sample_site import SITE
from gateway.web.browser_fixtures import chromium, operator
from gateway.web.console.test_console_map import on_map, until
from gateway.web.console.test_places_page import Lists
from gateway.web.console_operator import Seat
from gateway.web.every_page import ServedApp
from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.web.console.map_search import TOWNS, towns_named

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = (-53_835_400, 1_052_596_000)
NEAR = {"latitude": "-5.38", "longitude": "105.26"}


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[Lists]:
    made = Lists(tmp_path)
    yield made
    made.district.close()


def found(lists: Lists, text: str, language: str = "en") -> list[dict[str, Any]]:
    answer = lists.browser(language).post("/map/find", data={"q": text, **NEAR})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["found"]
    return results


def test_a_town_of_the_site_is_found_by_its_name_with_how_far_it_is(lists: Lists) -> None:
    first, *others = found(lists, "metro")
    assert (first["what"], first["name"]) == ("town", "Metro") and first[
        "detail"
    ] == "town, 30 km from the map's middle"
    assert [round(each, 1) for each in first["at"]] == [105.3, -5.1]
    assert len(others) < TOWNS
    assert not [each for each in found(lists, "Makassar") if each["what"] == "town"], "beyond the site's map"


def test_what_is_called_so_stands_before_what_begins_so_and_what_has_it_in_it() -> None:
    names = [each.name.casefold() for each in towns_named("Kota Agung", KEDATON, SITE.bounds)]
    assert names[0] == "kota agung"
    begins = [
        each.startswith("kota") for each in (one.name.casefold() for one in towns_named("kota", KEDATON, SITE.bounds))
    ]
    assert begins == sorted(begins, reverse=True) and begins[0]


def test_coordinates_and_plus_codes_are_read(lists: Lists) -> None:
    for text in ("-5.38354, 105.2596", "5\u00b023'0.744\" LS 105\u00b015'34.56\" BT", "-5,38354 105,2596"):
        (one,) = found(lists, text, "id")
        assert (one["what"], one["at"]) == ("coordinates", [105.2596, -5.38354])
    whole, short = found(lists, "6P67J785+HR")[0], found(lists, "J785+HR")[0]
    assert whole == short and whole["what"] == "plus_code"
    assert abs(whole["at"][0] - 105.2596) < 0.0002


def test_a_station_is_found_and_its_area_beside_it(lists: Lists) -> None:
    name = next(each.name for each in DISTRICT if each.key == AREAS[0].station_key)
    kinds = {each["what"] for each in found(lists, name) if each["name"] == name}
    assert kinds == {"station", "area"}


def test_nothing_odd_is_an_error_and_nobody_else_searches(lists: Lists) -> None:
    assert found(lists, "  ") == [] and found(lists, "%_<b>") == []
    client = lists.browser()
    assert client.post("/map/find", data={"q": "x" * (LONGEST_SEARCH + 1)}).status_code == 422
    assert client.post("/map/find", data={"q": "Metro", "latitude": "nan"}).status_code == 422
    assert client.post("/map/find", data={"q": "Metro"}, headers={"Origin": "https://other.example"}).status_code == 403
    client.post("/sign-out")
    assert client.post("/map/find", data={"q": "Metro"}).status_code in (303, 401)


def test_with_the_keyboard_a_result_is_marked_and_left_again(lists: Lists, operator: Seat, tmp_path: Path) -> None:
    incident = lists.district.press(KEDATON)
    served = ServedApp(lists.app("id"))
    try:
        rina = operator(served, with_map=True)  # type: ignore[arg-type]
        rina.start_duty()
        rina.card(incident.id).click()
        until(rina, "map !== null && map.getZoom() > 9.5 && !map.isMoving()")
        before = on_map(rina, "map.getCenter().toArray()")
        rina.page.focus("#find")
        rina.page.keyboard.type("agung")
        rina.page.keyboard.press("Enter")
        rina.see("#find-results button", "Kota Agung")
        assert on_map(rina, "map.getCenter().toArray()") == before, "nobody has chosen yet"
        rina.page.locator("#find-results button", has_text="Kota Agung").first.focus()
        rina.page.keyboard.press("ArrowUp")
        rina.page.keyboard.press("ArrowDown")
        rina.page.screenshot(path=tmp_path / "results.png")
        rina.page.keyboard.press("Enter")
        until(rina, "map.getBounds().contains([104.62, -5.49]) && map.getZoom() >= 11")
        rina.see(".map-found", "Kota Agung")
        rina.page.screenshot(path=tmp_path / "found.png")
        rina.page.keyboard.press("Escape")
        until(rina, f"Math.abs(map.getCenter().lng - {before[0]}) < 0.001")
        assert rina.page.locator(".map-found").count() == 0

        rina.page.fill("#find", "J785+HR")
        rina.page.keyboard.press("Enter")
        rina.see(".map-found", "6P67J785+HR")
        rina.page.fill("#find", "0, 0")
        rina.page.keyboard.press("Enter")
        rina.see("#find-status", "di luar peta")
        rina.page.fill("#find", "tidak ada di mana pun")
        rina.page.keyboard.press("Enter")
        rina.see("#find-status", "Tidak ditemukan")
    finally:
        served.close()
