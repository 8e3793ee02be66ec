"""The map in a real browser: what it shows, how near it goes, and what becomes of it without its drawing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Operator, Seat
from gateway.web.fake_people import PEOPLE
from siaga_tools.demo import invented_town

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}
METRO = {"latitude": -51100000, "longitude": 1053000000}
Start = Callable[..., ServedConsole]

LOSE = """
document.querySelector("#map canvas").getContext("webgl2").getExtension("WEBGL_lose_context").loseContext()
"""


def on_map(operator: Operator, expression: str) -> Any:
    """Return what an expression says of `map`, which is null while none is shown."""
    script = f"import('/static/js/base-map.js').then(({{shownMap}}) => ((map) => {expression})(shownMap()))"
    return operator.page.evaluate(script)


def drawn(layer: str) -> str:
    return f"map.queryRenderedFeatures({{layers: ['{layer}']}}).length"


def until(operator: Operator, expression: str) -> None:
    operator.until(f"import('/static/js/base-map.js').then(({{shownMap}}) => ((map) => {expression})(shownMap()))")


def test_it_goes_as_near_as_the_fix_is_good_groups_many_and_comes_back_whole(
    served: Start, operator: Seat, tmp_path: Path
) -> None:
    console = served()
    rina = operator(console, with_map=True)
    rina.start_duty()
    console.append(
        {"do": "press", "incident": 1, "accuracy_m": 12, "fix_age_s": 4, **KEDATON},
        {"do": "press", "incident": 2, "accuracy_m": 9000, "fix_age_s": 4, **METRO},
    )
    rina.card(2).wait_for()
    rina.card(1).click()
    until(rina, f"map !== null && map.getZoom() > 10.4 && {drawn('chosen')} === 1")
    assert on_map(rina, "map.getBounds().contains([105.2596, -5.38354])")
    assert on_map(rina, drawn("chosen-least-accuracy")) == 1, "12 m are less than its dot, and have a ring"
    rina.card(2).click()
    until(rina, f"map.getZoom() < 10 && {drawn('accuracy')} > 0")
    edge = "[[0, 0.08], [0.08, 0]].every(([x, y]) => map.getBounds().contains([105.3 + x, -5.11 + y]))"
    assert on_map(rina, edge), "all of the circle is shown"

    rina.page.evaluate(LOSE)
    rina.see("#map-note:visible", "WebGL")
    console.append({"do": "press", "incident": 3, "latitude": -51200000, "longitude": 1053000000})
    rina.card(3).wait_for()
    until(rina, f"map !== null && {drawn('incident')} === 1 && {drawn('chosen')} === 1")
    assert rina.page.is_hidden("#map-note")
    assert rina.page.locator("#map .pulse").count() == 3
    assert rina.page.locator("#map canvas").count() == 1

    console.append(
        *(
            {
                "do": "press",
                "incident": number,
                "latitude": -53800000 + number % 10 * 1000,
                "longitude": 1052000000 + number // 10 * 100000,
            }
            for number in range(4, 124)
        )
    )
    rina.card(123).wait_for()
    rina.page.click(".map-home")
    until(rina, f"{drawn('cluster')} > 0 && {drawn('chosen')} === 1")
    in_groups = "map.querySourceFeatures('incidents').every(({properties: p}) => !p.point_count || p.worst === 0)"
    assert on_map(rina, in_groups), "a group is as grave as its gravest"
    rina.page.screenshot(path=tmp_path / "many.png")


@pytest.mark.parametrize("schema", ["protomaps", "openmaptiles"])
def test_streets_come_from_the_sites_own_file_and_their_loss_is_said(
    served: Start, operator: Seat, tmp_path: Path, schema: str
) -> None:
    file = invented_town.write(tmp_path / "town.pmtiles", schema)
    console = served(streets=str(file))
    console.append({"do": "press", "incident": 1, "accuracy_m": 12, "fix_age_s": 4, **KEDATON})
    rina = operator(console, with_map=True)
    rina.start_duty()
    rina.card(1).click()
    until(rina, f"map !== null && map.getZoom() > 15 && {drawn('street-main')} > 0 && {drawn('street-name')} > 0")
    names = "map.queryRenderedFeatures({layers: ['street-name']}).map(({properties: p}) => p.name)"
    assert invented_town.MAIN_STREET in on_map(rina, names)
    assert on_map(rina, drawn("accuracy")) > 0
    rina.see(".maplibregl-ctrl-attrib", invented_town.ATTRIBUTION)
    assert rina.page.is_hidden("#map-note")

    file.rename(tmp_path / "gone")
    rina.page.reload()
    rina.see("#map-note:visible", str(file))
    until(rina, f"map !== null && {drawn('chosen')} === 1")
    (tmp_path / "gone").rename(file)
    rina.page.reload()
    until(rina, f"map !== null && {drawn('street-main')} > 0")
    assert rina.page.is_hidden("#map-note")


def test_without_a_map_the_place_is_written_where_it_would_be(served: Start, operator: Seat) -> None:
    console = served()
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON}, {"do": "press", "incident": 2})
    rina = operator(console)
    rina.start_duty()
    rina.card(1).click()
    rina.see("#map-note:visible", "WebGL")
    rina.see("#map .place-card", PEOPLE[0][0])
    rina.see("#map .place-card", "-5.38354, 105.25960")
    rina.see("#map .place-card", "6P67J785+")
    rina.see("#map .place-card", "Kedaton")
    rina.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    rina.page.locator("#map .place-card button").last.click()
    rina.see("#map .place-card", "Tersalin")
    assert rina.page.evaluate("navigator.clipboard.readText()") == "geo:-5.38354,105.25960"
    rina.card(2).click()
    rina.page.wait_for_selector("#map .place-card", state="detached")
