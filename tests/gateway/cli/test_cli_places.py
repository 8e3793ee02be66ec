"""Stations, areas and what is wrong with them, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gateway.dispatch.test_area_lists import feature
from gateway.gateway_folder import WATI, Office
from siaga_gateway.domain.call_back import Heard
from siaga_gateway.domain.jurisdiction import Ring
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.code_words import heard
from waiting import RUNS_S

HEADER = "kunci;jenis;nama;induk;lintang;bujur;telepon;jam"
LINES = (
    "polda;polda;Polda Contoh;;-5,40;105,20;110;",
    "polres-a;polres;Polres Contoh;polda;-5,42;105,22;110;",
    "polsek-a;polsek;Polsek Barat;polres-a;-5,45;105,25;110;24 jam",
    "polsek-b;polsek;Polsek Timur;polres-a;-5,45;105,35;;24 jam",
)
BY = ("--by", "Dewi", "--language", "en")


def square(west: float, side: float = 0.1) -> Ring:
    corners = ((west, -5.5), (west + side, -5.5), (west + side, -5.4), (west, -5.4))
    return tuple((round(latitude * 10**7), round(longitude * 10**7)) for longitude, latitude in corners)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    return made


def stations(office: Office, *lines: str) -> str:
    file = office.folder / "stations.csv"
    file.write_bytes("\r\n".join((HEADER, *lines)).encode("cp1252"))
    return str(file)


def areas(office: Office, *features: dict[str, object]) -> str:
    file = office.folder / "areas.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return str(file)


def test_from_two_files_to_who_is_called(office: Office) -> None:
    file = stations(office, *LINES)
    assert office.does("stations", "import", file, "--dry-run", *BY) == (
        "stations: 4 would be added, 0 changed, 0 as before, 0 removed; nothing was changed (--dry-run)"
    )
    assert office.does("stations", "list", "--language", "en").startswith("no station is registered")
    assert office.does("stations", "import", file, *BY) == "stations: 4 added, 0 changed, 0 as before, 0 removed"
    assert office.does("stations", "import", file, *BY).startswith("stations: 0 added, 0 changed, 4 as before")
    drawn = areas(office, feature("polsek-a", square(105.2)), feature("polsek-b", square(105.3)))
    assert office.does("areas", "import", drawn, "--station-key", "KODE", *BY).startswith("areas: 2 added")
    listed = office.does("stations", "list").splitlines()
    assert listed[-1] == "polsek-b  polsek  Polsek Timur  -5.45,105.35  [area]"
    told = [json.loads(line) for line in office.does("stations", "list", "--json").splitlines()]
    assert [(one["key"], one["area"], one["contacts"]) for one in told[1:3]] == [
        ("polres-a", False, [["phone", "110"]]),
        ("polsek-a", True, [["phone", "110"]]),
    ]
    route = office.does("places", "route", "--language", "en", "--at=-5.45,105.24").splitlines()
    assert route[0] == "responsible: Polsek Barat > Polres Contoh > Polda Contoh (its area)"
    assert [line.split(",")[0] for line in route[1:4]] == [
        "near: Polsek Barat",
        "near: Polres Contoh",
        "near: Polda Contoh",
    ]
    assert route[4].startswith(
        "after 0 s, stations, desk and responders: Polsek Barat: telephone (a person has to call)"
    )
    assert route[5].startswith("  no program reaches anybody") and len(route) == 4 + 2 * 4
    at = ("places", "route", "--language", "en", "--at=-5.45,105.24", "--time")
    assert (
        office.does(*at, f"{date.today()} 02:00")
        and office.does(*at, "02:00")
        and "is no time" in office.refuses(*at, "soon")
    )
    journalled = [entry.kind for entry in office.store().journal_last(9)]
    assert journalled.count(journal.STATIONS_IMPORTED) == 1 and journalled.count(journal.AREAS_IMPORTED) == 1


def test_what_is_wrong_is_told_and_counts_where_somebody_may_not_be_called(office: Office) -> None:
    empty = office.run("places", "check", "--language", "en")
    assert empty.exit_code == 1 and "no station is registered" in empty.stdout
    office.does("stations", "import", stations(office, *LINES), *BY)
    found = office.run("places", "check", "--language", "en")
    assert found.exit_code == 1 and found.stdout.splitlines()[0].startswith("no way is set up ([[ways]])")
    assert found.stdout.splitlines()[1] == "polsek-b has no contact: nobody can call it"
    assert "polda: nobody is named who has verified it" in found.stdout
    told = [json.loads(line) for line in office.run("places", "check", "--json").stdout.splitlines()]
    assert told[1] == {"kind": "no_contact", "stations": ["polsek-b"], "number": 0, "place": None}
    verified = [f"{line};Dewi;2020-01-31;topic" for line in LINES]
    file = office.folder / "verified.csv"
    file.write_text("\n".join((f"{HEADER};verified_by;verified_on;ntfy", *verified)), encoding="utf-8")
    office.does("stations", "import", str(file), *BY)
    with (office.folder / "siaga.toml").open("a", encoding="utf-8") as config:
        config.write('\n[[ways]]\nname = "ntfy"\nkind = "ntfy"\nurl = "https://ntfy.example"\n')
    old = office.run("places", "check", "--language", "en")
    assert old.exit_code == 0 and "polda was last verified" in old.stdout, "for office hours"


def test_every_fault_is_told_with_its_line_in_both_languages(office: Office) -> None:
    file = stations(
        office, LINES[0], "Polsek C;polsek;C;polres-x;-5,4;105,2;110;", "d;kantor;D;polda;5,4;105,2;7,1E+9;"
    )
    for language, line, nothing in (("en", "line", "nothing was changed"), ("id", "baris", "tidak ada yang diubah")):
        told = office.refuses("stations", "import", file, "--by", "Dewi", "--language", language)
        assert told.count(f"siaga: {line} 3: ") == 1 and told.count(f"siaga: {line} 4: ") == 2
        assert "polsek-c" in told and nothing in told
    drawn = areas(office, feature("nobody", square(105.2)))
    assert "there is no station nobody" in office.refuses("areas", "import", drawn, "--station-key", "KODE", *BY)
    both = office.run("areas", "import", drawn, "--station-key", "KODE", "--station", "polda", *BY)
    assert both.exit_code == 2
    for language in ("en", "id"):
        of_one = office.run(
            "areas", "import", drawn, "--station", "polda", "--replace", "--by", "D", "--language", language
        )
        assert of_one.exit_code == 2 and "polda" in of_one.stderr, "it would remove everybody else's"


def test_code_words_are_asked_for_unseen_and_kept_as_hashes(office: Office) -> None:
    office.does("owner", "add", *WATI, "--by", "Dewi")
    typed = "\n".join(["Mangga Harum"] * 2 + ["Rambutan Tua"] * 2) + "\n"
    told = office.run("owner", "code-words", "1", *BY, typed=typed)
    assert told.exit_code == 0 and "Rambutan" not in told.output and "Mangga" not in told.output
    store = office.store()
    assert heard(store.code_words(1), "rambutan tua") is Heard.DURESS
    entry = store.journal_last(1)[0]
    assert (entry.kind, entry.facts) == (journal.CODE_WORDS_SET, {"owner_id": 1, "removed": False})
    alike = "\n".join(["mangga"] * 2 + ["mangga tua"] * 2) + "\n"
    assert "too alike" in office.run("owner", "code-words", "1", *BY, typed=alike).output
    assert "no owner 7" in office.refuses("owner", "code-words", "7", "--remove", *BY)
    for owner, why in (("7", "no owner 7"), ("1", "at least")):
        answer = office.run("owner", "code-words", owner, *BY, typed="ab\n" * 4)
        assert answer.exit_code == 1 and why in answer.output and "uress" not in answer.output, "asked for no more"
    office.does("owner", "code-words", "1", "--remove", *BY)
    assert store.code_words(1) is None
    store.close()


def test_an_owner_is_registered_in_an_area(office: Office) -> None:
    office.does("owner", "add", *WATI, "--by", "Dewi")
    office.does("stations", "import", stations(office, *LINES), *BY)
    assert office.does("owner", "area", "1", "--station-key", "polsek-a", *BY) == "owner 1: polsek-a"
    store = office.store()
    assert store.home_station(1) == "polsek-a"
    entry = store.journal_last(1)[0]
    assert (entry.kind, entry.facts, entry.actor) == (journal.HOME_AREA_CHANGED, {"owner_id": 1}, "Dewi")
    assert "there is no station polsek-z" in office.refuses("owner", "area", "1", "--station-key", "polsek-z", *BY)
    assert "there is no owner 7" in office.refuses("owner", "area", "7", "--station-key", "polsek-a", *BY)
    told = office.refuses("stations", "import", stations(office, *LINES[:2]), "--replace", *BY)
    assert "1 owners are registered in its area" in told
    office.does("owner", "area", "1", "--station-key", "", *BY)
    assert store.home_station(1) is None
    store.close()


def test_what_is_removed_is_named_before(office: Office) -> None:
    office.does("stations", "import", stations(office, *LINES), *BY)
    told = office.does("stations", "import", stations(office, *LINES[:3]), "--replace", "--dry-run", *BY)
    assert told.splitlines()[1:] == ["would be removed: polsek-b"]
    assert "1 removed" in office.does("stations", "import", stations(office, *LINES[:3]), "--replace", *BY)


def test_small_commands_do_not_load_the_geometry() -> None:
    code = (
        "import sys; import siaga_gateway.cli.registry, siaga_gateway.cli.places; "
        "sys.exit([name for name in ('shapely', 'numpy') if name in sys.modules] != [])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=RUNS_S).returncode == 0


def test_a_list_that_lost_all_its_signs_is_asked_about_or_said_to_be_compared_with_nothing(office: Office) -> None:
    north = stations(office, *(line.replace(";-5", ";5") for line in LINES))
    told = office.run("stations", "import", north, "--dry-run", *BY)
    assert told.exit_code == 0 and "minus signs" in told.stderr
    config = office.folder / "siaga.toml"
    shown = "\n[site.map]\nwest = 103.4\nsouth = -6.2\neast = 106.2\nnorth = -3.6\n"
    config.write_text(config.read_text() + shown)
    assert "Did you mean -5.4,105.2?" in office.refuses("stations", "import", north, *BY)
    office.does("stations", "import", stations(office, *LINES), *BY)
