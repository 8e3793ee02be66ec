"""The head of a PMTiles file: of a good one, and of everything that is none."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.adapters.files.street_file import StreetFile, StreetFileUnusable
from siaga_gateway.domain.street_map import MapSchema
from siaga_gateway.formats.pmtiles import HEAD_BYTES, TilesMalformed, head_of, metadata_of, schema_of
from siaga_tools.demo import invented_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invented_town.write(tmp_path_factory.mktemp("town") / "town.pmtiles")


@pytest.mark.parametrize("schema", [MapSchema.PROTOMAPS, MapSchema.OPENMAPTILES])
def test_a_good_file_says_what_is_in_it(tmp_path: Path, schema: MapSchema) -> None:
    found = StreetFile(invented_town.write(tmp_path / "town.pmtiles", schema)).read()
    assert (found.schema, found.tiles, found.least, found.deepest) == (schema, None, 8, 14)
    assert found.attribution == invented_town.ATTRIBUTION, "without the tags around it"
    assert found.bounds == pytest.approx((105.2396, -5.40354, 105.2796, -5.36354))
    own = StreetFile(tmp_path / "town.pmtiles", "© Polda Contoh").read()
    assert own.attribution == "© Polda Contoh"


@pytest.mark.parametrize(
    ("at", "value", "key"),
    [
        (0, b"PMTilez", "tiles.no_pmtiles"),
        (7, b"\x02", "tiles.version"),
        (97, b"\x03", "tiles.compression"),
        (98, b"\x04", "tiles.compression"),
        (99, b"\x07", "tiles.kind"),
        (100, b"\x10", "tiles.no_pmtiles"),
    ],
)
def test_what_no_browser_could_show_is_named(town: Path, at: int, value: bytes, key: str) -> None:
    raw = town.read_bytes()
    with pytest.raises(TilesMalformed) as refused:
        head_of(raw[:at] + value + raw[at + len(value) :])
    assert refused.value.key == key


def test_layers_of_neither_schema_are_named(town: Path) -> None:
    head = head_of(town.read_bytes())
    with pytest.raises(TilesMalformed) as refused:
        schema_of(head, {"vector_layers": [{"id": "buildings"}, "odd"]})
    assert "buildings" in str(refused.value)


@given(st.binary(max_size=200))
def test_whatever_the_metadata_is_it_is_read_or_refused(raw: bytes) -> None:
    body = b"PMTiles\x03" + bytes(89) + b"\x02\x02\x01\x00\x0e" + bytes(25)
    head = head_of(body[:HEAD_BYTES])
    with suppress(TilesMalformed):
        metadata_of(head, raw)


@given(st.binary(max_size=300))
def test_whatever_a_file_begins_with_it_is_read_or_refused(raw: bytes) -> None:
    for begin in (raw, b"PMTiles\x03" + raw):
        with suppress(TilesMalformed):
            head_of(begin)


def test_a_file_that_is_cut_gone_or_replaced_is_noticed(tmp_path: Path, town: Path) -> None:
    path, raw = tmp_path / "map.pmtiles", town.read_bytes()
    streets = StreetFile(path)
    with pytest.raises(StreetFileUnusable, match=r"map\.pmtiles"):
        streets.read()
    path.write_bytes(raw[:-1])
    with pytest.raises(StreetFileUnusable, match=str(len(raw))):
        streets.read()
    path.write_bytes(raw)
    assert streets.read().schema is MapSchema.PROTOMAPS
    assert streets.read() is streets.read(), "looked into once"
    invented_town.write(path, "openmaptiles")
    assert streets.read().schema is MapSchema.OPENMAPTILES
