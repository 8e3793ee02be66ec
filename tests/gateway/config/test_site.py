"""The section [site]: what is refused, by name and with the mend, and what a gateway without it does."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from siaga_gateway.bootstrap.preflight import question_site
from siaga_gateway.catalogue.language import choose
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.site import MapBounds

HEAD = 'name = "siaga"\ndata_dir = "x"\n'
MAKASSAR = """
[site]
name = "Polda Sulawesi Selatan"
time_zone = "Asia/Makassar"
languages = ["en", "id"]
emergency_number = "112"

[site.map]
west = 118.7
south = -7.8
east = 122.2
north = -1.8
"""
NOON_MS = 1_795_417_406_000


def settings(folder: Path, text: str = "", head: str = HEAD) -> Settings:
    file = folder / "siaga.toml"
    file.write_text(head + text, encoding="utf-8")
    return load(file, {})


def test_a_site_is_what_its_section_says(tmp_path: Path) -> None:
    read = settings(tmp_path, MAKASSAR)
    site = read.whole_site()
    assert (site.name, site.emergency_number, site.languages) == ("Polda Sulawesi Selatan", "112", ("en", "id"))
    assert read.language == "en", "the first language is that of whatever has one only"
    assert site.local.moment(NOON_MS).endswith("15:03:26 WITA")
    assert site.bounds is not None and [float(side) for side in vars_of(site.bounds)] == [118.7, -7.8, 122.2, -1.8]


def vars_of(bounds: MapBounds) -> list[object]:
    return [bounds.west, bounds.south, bounds.east, bounds.north]


def test_a_language_that_is_set_counts_before_the_site_s(tmp_path: Path) -> None:
    read = settings(tmp_path, MAKASSAR, HEAD + 'language = "id"\n')
    assert (read.language, read.whole_site().languages) == ("id", ("en", "id"))


def test_languages_left_out_follow(tmp_path: Path) -> None:
    assert settings(tmp_path, '[site]\nlanguages = ["en"]\n').whole_site().languages == ("en", "id")
    assert settings(tmp_path, "", HEAD + 'language = "en"\n').whole_site().languages == ("id", "en")


def test_the_command_line_speaks_the_site_s_first_language(tmp_path: Path) -> None:
    settings(tmp_path, MAKASSAR)
    assert choose(["devices", "--config", str(tmp_path / "siaga.toml")], {"LANG": "id_ID.UTF-8"}) == "en"


def test_a_gateway_without_the_section_starts_as_before_and_says_what_to_set(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read = settings(tmp_path)
    site = read.whole_site()
    assert (site.name, site.bounds, site.languages) == ("siaga", None, ("id", "en"))
    assert (site.emergency_number, site.local.label(NOON_MS)) == ("110", "WIB")
    with caplog.at_level(logging.WARNING):
        question_site(read)
    (line,) = caplog.records
    for told in ("site.name, site.time_zone, site.map", "WIB (Asia/Jakarta)", "[site]"):
        assert told in line.getMessage()


def test_a_whole_section_is_not_questioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    question_site(settings(tmp_path, MAKASSAR))
    assert caplog.records == []


@pytest.mark.parametrize(
    ("former", "now"),
    [("Asia/Ujung_Pandang", "Asia/Makassar"), ("Asia/Saigon", "Asia/Ho_Chi_Minh"), ("Asia/Calcutta", "Asia/Kolkata")],
)
def test_a_former_name_of_a_zone_is_taken_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, former: str, now: str
) -> None:
    question_site(settings(tmp_path, MAKASSAR.replace("Asia/Makassar", former)))
    (line,) = caplog.records
    assert f"{former!r} is a former name: write {now!r}" in line.getMessage()


@pytest.mark.parametrize("name", ["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Bangkok", "UTC", "Etc/UTC"])
def test_a_present_name_is_no_former_one(tmp_path: Path, name: str) -> None:
    assert settings(tmp_path, f'[site]\ntime_zone = "{name}"\n').site.zone_today() is None


def test_the_map_is_the_area_s_where_it_is_not_set(tmp_path: Path) -> None:
    bounds = settings(tmp_path, "[area]\nlatitude = -4.9\nlongitude = 105.0\nradius_km = 200\n").whole_site().bounds
    assert bounds is not None
    assert [round(float(side), 1) for side in vars_of(bounds)] == [103.2, -6.7, 106.8, -3.1]  # type: ignore[arg-type]


WRONG = [
    ('time_zone = "WITA"', "site.time_zone", "'Asia/Makassar'", "'Asia/Makassar'"),
    ('time_zone = "Asia/Makasar"', "site.time_zone", "such as 'Asia/Makassar'", "misalnya 'Asia/Makassar'"),
    ('time_zone = "Indonesia"', "site.time_zone", "no time zone of the IANA", "bukan zona waktu"),
    ('time_zone = ""', "site.time_zone", "no time zone of the IANA", "bukan zona waktu"),
    ('time_zone = "../Asia/Makassar"', "site.time_zone", "no time zone of the IANA", "bukan zona waktu"),
    ("time_zone = 8", "site.time_zone", "text in quotes", "tanda kutip"),
    ('languages = ["fr"]', "site.languages.0", "'id', 'en'", "'id', 'en'"),
    ('languages = ["id", "id"]', "site.languages", "stands twice", "ada dua kali"),
    ("emergency_number = 112", "site.emergency_number", "text in quotes", "tanda kutip"),
    ('emergency_number = "satu"', "site.emergency_number", "not written as it must be", "tidak ditulis"),
    ('name = ""', "site.name", "at least 1", "1"),
    ("zone = 7", "site.zone", "no such setting", "tidak ada"),
    ("[site.map]\nwest = 122.2\nsouth = -7\neast = 118.7\nnorth = -1", "site.map", "exchange them", "tukar"),
    (
        "[site.map]\nwest = 118\nsouth = -1\neast = 122\nnorth = -7",
        "site.map",
        "south -1 lies beyond north -7",
        "tukar",
    ),
    ("[site.map]\nwest = 118\nsouth = -7\neast = 118\nnorth = -1", "site.map", "are both 118", "sama-sama 118"),
    ("[site.map]\nwest = 118\nsouth = -7", "site.map", "east, north is not set", "east, north belum"),
    ("[site.map]\nwest = 218\nsouth = -7\neast = 219\nnorth = -1", "site.map.west", "less than or equal", "180"),
]


@pytest.mark.parametrize(("written", "named", "english", "indonesian"), WRONG)
def test_what_is_wrong_is_named_with_the_mend_in_both_languages(
    tmp_path: Path, written: str, named: str, english: str, indonesian: str
) -> None:
    text = written if written.startswith("[") else f"[site]\n{written}\n"
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, text)
    for language, told in (("en", english), ("id", indonesian)):
        said = refused.value.say(language)
        assert named in said and told in said, said
        assert len(said.splitlines()) == 1 + ("west = 218" in written)
