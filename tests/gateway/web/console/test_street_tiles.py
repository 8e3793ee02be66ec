"""The site's tiles: who gets which part of the file, and which other server a page may ask."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.web.conftest import Console
from siaga_gateway.config.site import SiteMapSettings
from siaga_gateway.domain.street_map import MapSchema
from siaga_tools.demo import invented_town

SERVER = "https://tiles.example:8443/kota/{z}/{x}/{y}"


def test_only_who_is_signed_in_gets_a_part_of_the_file(console: Console, tmp_path: Path) -> None:
    file = invented_town.write(tmp_path / "town.pmtiles")
    browser = console.make(street_file=file)
    part = {"Range": "bytes=0-126"}
    assert browser.get("/map/streets.pmtiles", headers=part).status_code == 401
    assert browser.post("/sign-in", data={"name": "Rina"}).status_code == 303
    answer = browser.get("/map/streets.pmtiles", headers=part)
    assert answer.status_code == 206 and answer.content == file.read_bytes()[:127]
    assert answer.headers["content-range"] == f"bytes 0-126/{file.stat().st_size}"
    assert browser.get("/map/streets.pmtiles", headers={"Range": "bytes=99999999-"}).status_code == 416
    file.unlink()
    assert browser.get("/map/streets.pmtiles", headers=part).status_code == 404


def test_a_page_may_ask_the_named_tile_server_and_no_other(console: Console) -> None:
    plain = console.browser.get("/sign-in").headers["content-security-policy"]
    server = SiteMapSettings(tiles=SERVER, tiles_schema="openmaptiles", attribution="© Contoh")
    policy = console.make(tile_origin=server.tile_origin()).get("/sign-in").headers["content-security-policy"]
    assert policy == plain.replace("connect-src 'self'", "connect-src 'self' https://tiles.example:8443")
    assert plain.count("http") == 0


def test_what_the_server_has_is_said_or_told_by_its_address() -> None:
    server = SiteMapSettings(tiles=f"{SERVER}.PNG", attribution="© Contoh", tiles_deepest=17).tile_server()
    assert server is not None and (server.schema, server.deepest, server.tiles) == (
        MapSchema.RASTER,
        17,
        f"{SERVER}.PNG",
    )
    assert SiteMapSettings(west=Decimal(1), east=Decimal(2), south=Decimal(1), north=Decimal(2)).tile_server() is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"tiles": SERVER, "attribution": "x"}, "tiles_schema"),
        ({"tiles": f"{SERVER}.png"}, "attribution"),
        ({"tiles": f"{SERVER}.png", "attribution": "x", "streets": "a.pmtiles"}, "streets"),
        ({"tiles": "https://tiles.example/{z}/{x}.png", "attribution": "x"}, "{y}"),
        ({"tiles": "https://a.example; script-src *//{z}/{x}/{y}.png", "attribution": "x"}, "https://tiles.example"),
        ({"tiles": "https://*/{z}/{x}/{y}.png", "attribution": "x"}, "https://tiles.example"),
        ({"tiles": "https://u:p@a.example/{z}/{x}/{y}.png", "attribution": "x"}, "https://tiles.example"),
        ({"tiles": "ftp://a.example/{z}/{x}/{y}.png", "attribution": "x"}, "https://tiles.example"),
    ],
)
def test_a_wrong_tile_server_is_refused_with_the_remedy(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SiteMapSettings.model_validate(wrong)
    assert says in str(refused.value)
