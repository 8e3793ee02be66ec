"""The map on a site's own tile server, a real one: what it shows, and what becomes of it while that is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console.test_console_map import KEDATON, drawn, on_map, until
from gateway.web.console.tile_server import TileServer
from gateway.web.console_operator import Seat
from siaga_tools.demo import invented_town

__all__ = ["chromium", "operator"]  # fixtures

# A place on the map as it is drawn, away from the incident: red, green, blue.
PIXEL = """(() => {
  map.redraw();
  const canvas = map.getCanvas();
  const gl = canvas.getContext('webgl2');
  const pixel = new Uint8Array(4);
  gl.readPixels(canvas.width * 3 / 4, canvas.height / 4, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  return Array.from(pixel);
})()"""


@pytest.fixture
def server() -> Iterator[Callable[[str], TileServer]]:
    started: list[TileServer] = []

    def start(schema: str) -> TileServer:
        started.append(TileServer(schema))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.mark.parametrize("schema", ["protomaps", "raster"])
def test_its_tiles_are_shown_missed_and_asked_for_again_until_the_map_is_whole(
    served: Callable[..., ServedConsole], operator: Seat, server: Callable[[str], TileServer], schema: str
) -> None:
    tiles = server(schema)
    console = served(tiles={"tiles": tiles.tiles, "tiles_schema": schema})
    console.append({"do": "press", "incident": 1, "accuracy_m": 12, "fix_age_s": 4, **KEDATON})
    rina = operator(console, with_map=True)
    rina.allow(f"asks elsewhere: {tiles.tiles[:20]}", "Failed to load resource: net::ERR_")
    rina.start_duty()
    rina.card(1).click()
    whole = f"map.getZoom() > 15 && {drawn('street-main')} > 0" if schema == "protomaps" else f"{PIXEL}[0] > 100"
    until(rina, f"map !== null && {drawn('chosen')} === 1 && map.areTilesLoaded() && {whole}")
    assert rina.page.is_hidden("#map-note")
    rina.see(".maplibregl-ctrl-attrib", "Contoh")

    tiles.stop()
    rina.page.reload()
    rina.see("#map-note:visible", "Jalan tidak dapat dimuat")
    rina.card(1).click()
    until(rina, f"map !== null && {drawn('chosen')} === 1")
    if schema == "protomaps":
        assert on_map(rina, drawn("street-main")) == 0
        assert on_map(rina, "map.getLayer('town-3').maxzoom") == 24, "coast and towns, however near one looks"
    asked = tiles.asked

    tiles.start()
    until(rina, f"map.areTilesLoaded() && {whole}")  # nobody touched anything
    until(rina, "document.getElementById('map-note').hidden")
    assert tiles.asked > asked and on_map(rina, drawn("chosen")) == 1
    if schema == "protomaps":
        names = "map.queryRenderedFeatures({layers: ['street-name']}).map(({properties: p}) => p.name)"
        until(rina, f"{names}.includes('{invented_town.MAIN_STREET}')")
        assert on_map(rina, "map.getLayer('town-3').maxzoom") < 24


def test_what_is_drawn_stays_while_only_what_is_missing_is_asked_for(
    served: Callable[..., ServedConsole], operator: Seat, server: Callable[[str], TileServer]
) -> None:
    tiles = server("protomaps")
    console = served(tiles={"tiles": tiles.tiles, "tiles_schema": "protomaps"})
    console.append({"do": "press", "incident": 1, "accuracy_m": 12, "fix_age_s": 4, **KEDATON})
    rina = operator(console, with_map=True)
    rina.allow(f"asks elsewhere: {tiles.tiles[:20]}", "Failed to load resource: net::ERR_")
    rina.start_duty()
    rina.card(1).click()
    until(rina, f"map !== null && map.getZoom() > 15 && map.areTilesLoaded() && {drawn('street-main')} > 0")
    tiles.stop()
    on_map(rina, "void map.jumpTo({center: [105.2596 + 0.03, -5.38354], zoom: 15.5})")
    rina.see("#map-note:visible", "Jalan tidak dapat dimuat")
    on_map(rina, "void map.jumpTo({center: [105.2596 + 0.012, -5.38354], zoom: 15.5})")
    until(rina, f"map.areTilesLoaded() && {drawn('street-main')} > 0")
    tiles.start()
    until(rina, "document.getElementById('map-note').hidden")
