"""A list of stations: all of it or nothing, again without harm, and every fault with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import AREAS, DISTRICT, NW, SW, area, square
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.installation_area import Area
from siaga_gateway.domain.places import Station
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.spreadsheet_csv import sheet
from siaga_gateway.formats.station_csv import StationRow, station_rows
from siaga_gateway.service.dispatch.place_lists import PlaceListError, Taken, take_stations
from siaga_gateway.service.journal import kinds as journal

HEADER = "key;kind;name;parent;latitude;longitude;phone"
POLDA = "polda;polda;Polda;;-5,40;105,20;110"
POLRES = "polres-a;polres;Polres A;polda;-5,41;105,21;110"
POLSEK = "polsek-a;polsek;Polsek A;polres-a;-5,42;105,22;110"
AREA = Area((-54_000_000, 1_052_000_000), 200_000)


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    yield made
    made.close()


def rows(*lines: str) -> list[StationRow]:
    return station_rows(sheet("\n".join((HEADER, *lines)).encode()), 739_950)


def take(store: SqlStore, *lines: str, **how: Any) -> Taken:
    return take_stations(store, ManualClock(), rows(*lines), actor="Dewi", **{"area": AREA, **how})


def faults(taken: Taken) -> list[tuple[int | None, str]]:
    for fault in taken.faults:
        for language in ("id", "en"):
            assert "{" not in fault.why.say(language) and "places." not in fault.why.say(language)
    return [(fault.line, fault.why.key) for fault in taken.faults]


def test_a_list_is_taken_once(lists: SqlStore) -> None:
    taken = take(lists, POLSEK, POLDA, POLRES)
    assert (taken.added, taken.faults) == (["polsek-a", "polda", "polres-a"], [])
    assert [station.key for station in lists.stations()] == ["polda", "polres-a", "polsek-a"]
    (entry,) = lists.journal_last(1)
    assert (entry.kind, entry.actor) == (journal.STATIONS_IMPORTED, "Dewi")
    assert entry.facts == {"added": 3, "changed": 0, "removed": 0}
    version, last = lists.places_version(), lists.last_journal_id()
    again = take(lists, POLSEK, POLDA, POLRES)
    assert (again.changes, again.unchanged) == (False, ["polsek-a", "polda", "polres-a"])
    assert (lists.places_version(), lists.last_journal_id()) == (version, last)


def test_what_is_changed_is_changed_and_nothing_else_is_removed(lists: SqlStore) -> None:
    take(lists, POLDA, POLRES, POLSEK)
    taken = take(lists, POLSEK.replace("Polsek A", "Polsek B"))
    assert (taken.added, taken.changed, taken.removed) == ([], ["polsek-a"], [])
    assert [station.name for station in lists.stations()] == ["Polda", "Polres A", "Polsek B"]


def test_a_dry_run_says_the_same_and_changes_nothing(lists: SqlStore) -> None:
    take(lists, POLDA, POLRES)
    version = lists.places_version()
    taken = take(lists, POLDA, POLSEK.replace("polres-a", "polda"), dry_run=True, replace=True)
    assert (taken.added, taken.unchanged, taken.removed) == (["polsek-a"], ["polda"], ["polres-a"])
    assert lists.places_version() == version and len(lists.stations()) == 2


def test_told_to_replace_it_removes_what_the_list_does_not_have(lists: SqlStore) -> None:
    take(lists, POLDA, POLRES, POLSEK)
    assert take(lists, POLDA, POLRES, replace=True).removed == ["polsek-a"]
    assert [station.key for station in lists.stations()] == ["polda", "polres-a"]
    assert faults(take(lists, POLRES, replace=True)) == [(2, "places.unknown_parent")]
    assert len(lists.stations()) == 2


def test_who_has_an_area_or_owners_is_not_removed(lists: SqlStore) -> None:
    sample_store.with_device(lists)
    take(lists, POLDA, POLRES, POLSEK)
    with lists.transaction() as transaction:
        transaction.put_areas([area("polsek-a", square(0, 0))])
        transaction.set_home_station(1, "polres-a")
    taken = take(lists, POLDA, replace=True)
    assert faults(taken) == [(None, "places.removed_home"), (None, "places.removed_area")]
    assert len(lists.stations()) == 3


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((POLDA, POLSEK), [(3, "places.unknown_parent_like")]),
        ((POLDA, POLSEK.replace("polres-a", "nobody")), [(3, "places.unknown_parent")]),
        ((POLDA, POLDA), [(3, "places.twice")]),
        ((POLDA, POLRES.replace(";polda;", ";polsek-a;"), POLSEK.replace("polres-a", "polda")), [(3, "places.level")]),
        ((POLDA, "a;fire;A;b;-5,4;105,2;", "b;fire;B;a;-5,4;105,2;"), [(3, "places.loop")]),
        ((POLDA, POLRES.replace("-5,41", "0").replace("105,21", "0")), [(3, "places.zero")]),
        ((POLDA, POLRES.replace("-5,41", "5,41")), [(3, "places.meant")]),
        ((POLDA, POLRES.replace("-5,41", "-54,1")), [(3, "places.meant")]),
        ((POLDA, POLRES.replace("-5,41;105,21", "-7,8;110,3")), [(3, "places.far")]),
        ((POLDA, "Polsek X;x;;;y;z;1"), [(3, key) for key in ("cell.key_like", "cell.kind",
          "cell.empty", "sheet.no_degrees", "sheet.no_degrees", "cell.number")]),
        ((POLDA, "x;polsek;X;polda;-5,4;105,2;1", POLRES, "y;polsek;Y;x;-5,4;105,2;"),
         [(3, "cell.number")]),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_line_and_nothing_is_changed(
    lists: SqlStore, lines: tuple[str, ...], found: list[tuple[int, str]]
) -> None:
    assert faults(take(lists, *lines)) == found
    assert (list(lists.stations()), lists.places_version()) == ([], 0)


def test_what_was_meant_is_named(lists: SqlStore) -> None:
    lost_sign, lost_comma = take(
        lists, POLRES.replace("-5,41", "5,41").replace(";polda;", ";;"), POLDA.replace("-5,40", "-54,0")
    ).faults
    assert lost_sign.why.values["meant"] == "-5.41,105.21"
    assert lost_comma.why.values["meant"] == "-5.4,105.2"


def test_a_distant_place_may_be_meant(lists: SqlStore) -> None:
    assert take(lists, POLRES.replace("-5,41", "5,41").replace(";polda;", ";;"), sure=True).added == ["polres-a"]


def test_without_a_setting_the_site_is_learnt_from_what_is_there_and_from_the_list(lists: SqlStore) -> None:
    far = [f"s{number};polsek;S{number};polda;-5,4{number};105,2;110" for number in range(5)]
    taken = take(lists, POLDA, *far, "s9;polsek;S9;polda;5,4;105,2;110", area=None)
    assert faults(taken) == [(8, "places.meant")]


def test_another_import_at_the_same_time_is_noticed(lists: SqlStore) -> None:
    class Racing:
        """Somebody changes the lists between the reading and the writing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(lists, name)

        def installed_places(self) -> list[tuple[int, int]]:
            with lists.transaction() as transaction:
                transaction.change_places()
                transaction.put_stations([NW])
            return []

    with pytest.raises(PlaceListError) as raised:
        take_stations(Racing(), ManualClock(), rows(POLDA), actor="Dewi", area=AREA)  # type: ignore[arg-type]
    assert raised.value.key == "places.changed_meanwhile"
    assert [station.key for station in lists.stations()] == [NW.key]


def test_a_row_of_what_the_store_has_changes_nothing(lists: SqlStore) -> None:
    with lists.transaction() as transaction:
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)

    class Row:
        def __init__(self, station: Station) -> None:
            self.line, self.key, self.problems = 1, station.key, ()
            self._station = station

        def station(self, before: Station | None) -> Station:
            assert before is not None
            return self._station

    taken = take_stations(lists, ManualClock(), [Row(SW), Row(copied(NW, name="N"))], actor="D", sure=True)  # type: ignore[list-item]
    assert (taken.unchanged, taken.changed) == (["polsek-sw"], ["polsek-nw"])


@pytest.mark.parametrize("replace", [False, True])
def test_a_list_without_stations_is_no_list(lists: SqlStore, replace: bool) -> None:
    take(lists, POLDA, POLRES)
    assert faults(take(lists, replace=replace)) == [(None, "places.no_stations")]
    assert len(lists.stations()) == 2
