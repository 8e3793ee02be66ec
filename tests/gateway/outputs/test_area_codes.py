"""Codes of the area that a place is in, from a file of invented areas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.fake_ports import ManualClock
from gateway.outputs.cap_reading import all_of, infos, tree
from gateway.outputs.sample_incidents import POSITION, SENT_MS, opened
from siaga_gateway.adapters.outputs.area_codes import AreaCodes
from siaga_gateway.bootstrap.outputs import make_output
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.value import copied

OTHERWISE = (("Kemendagri", "18"),)


def square(west: float, south: float, code: Any, side: float = 0.5) -> dict[str, Any]:
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
    return {"type": "Feature", "properties": {"kode": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def written(tmp_path: Path, *features: dict[str, Any]) -> Path:
    file = tmp_path / "areas.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return file


def test_the_code_of_where_it_is(tmp_path: Path) -> None:
    file = written(tmp_path, square(105, -5.5, "18.71"), square(105.5, -5.5, "18.72"))
    codes = AreaCodes(file, "kode", "Kemendagri", OTHERWISE)
    assert codes.of(POSITION) == [("Kemendagri", "18.71")]
    border = copied(POSITION, longitude=1_055_000_000)
    assert codes.of(border) == [("Kemendagri", "18.71"), ("Kemendagri", "18.72")]
    assert codes.of(copied(POSITION, longitude=1_070_000_000)) == OTHERWISE
    assert codes.of(None) == OTHERWISE


def test_an_output_has_it(tmp_path: Path) -> None:
    written(tmp_path, square(105, -5.5, "18.71"))
    (tmp_path / "cap").mkdir()
    config = tmp_path / "siaga.toml"
    config.write_text(
        'name = "siaga.test"\ndata_dir = "data"\n[[outputs]]\nname = "share"\nkind = "cap_folder"\nfolder = "cap"\n'
        'areas = "areas.geojson"\ngeocodes = ["18"]\nexpires_minutes = 60\nevent_codes = ["OET:v1.2=OET-000"]\n'
        'web = "https://console.example/#{id}"\ncontact = "110"\nshape = "both"\n',
        encoding="utf-8",
    )
    settings = load(config, {})
    output = make_output(settings.outputs[0], settings, ManualClock(SENT_MS))
    for number, (position, code) in enumerate(((POSITION, "18.71"), (None, "18"))):
        output.deliver(opened(position=position), f"k{number}")
        for info in infos(tree((tmp_path / "cap" / f"k{number}.cap.xml").read_bytes())).values():
            assert all_of(info, "area/geocode/value") == [code]
            assert all_of(info, "contact") == ["110"] and all_of(info, "web") == ["https://console.example/#17"]
            assert len(all_of(info, "expires")) == 1 and len(all_of(info, "area/polygon")) == (position is not None)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('geocodes = ["1871"]', "output 'share': geocode '1871' is no code of the Ministry of Home Affairs"),
        ('event_codes = ["OET"]', "event_codes: 'OET' must be name=value"),
        ('web = "console"', "web 'console' must be an address"),
        ('areas = "none.geojson"', "none.geojson cannot be used"),
        ("expires_minutes = 1", "expires_minutes = 1"),
        ('shape = "square"', "shape = 'square'"),
    ],
)
def test_a_wrong_one_is_refused_by_name(line: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "cap").mkdir()
    config = tmp_path / "siaga.toml"
    config.write_text(
        'name = "siaga.test"\ndata_dir = "data"\n[[outputs]]\nname = "share"\nkind = "cap_folder"\nfolder = "cap"\n'
        f"{line}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as refused:
        settings = load(config, {})
        make_output(settings.outputs[0], settings, ManualClock(SENT_MS))
    assert says in str(refused.value)


def test_a_file_that_holds_no_codes_is_refused_with_the_line(tmp_path: Path) -> None:
    for feature, says in (
        (square(105, -5.5, 18.7), "the feature has no text 'kode'"),
        (square(105, -5.5, None), "the feature has no text 'kode'"),
        (square(105, -5.5, "1871"), "no code of the Ministry"),
        ({**square(105, -5.5, "18"), "geometry": {"type": "Point", "coordinates": [105, -5]}}, "line 1"),
    ):
        with pytest.raises(SettingError) as refused:
            AreaCodes(written(tmp_path, feature), "kode", "Kemendagri", OTHERWISE)
        assert says in str(refused.value) and "areas.geojson, line 1" in str(refused.value)
    (tmp_path / "areas.geojson").write_text("{")
    with pytest.raises(SettingError, match="cannot be used"):
        AreaCodes(tmp_path / "areas.geojson", "kode", "Kemendagri", OTHERWISE)
