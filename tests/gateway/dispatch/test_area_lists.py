"""A file of areas: all of it or nothing, again without harm, and every fault with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import DISTRICT, HOLE, at, square
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.installation_area import Area
from siaga_gateway.domain.jurisdiction import Ring, unpacked
from siaga_gateway.formats.geojson import features
from siaga_gateway.service.dispatch.area_lists import take_areas
from siaga_gateway.service.dispatch.place_lists import Taken
from siaga_gateway.service.journal import kinds as journal

AREA = Area(at(1, 1), 200_000)


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    with made.transaction() as transaction:
        transaction.put_stations(DISTRICT)
    yield made
    made.close()


def drawn(ring: Ring) -> list[list[float]]:
    return [[longitude / 10**7, latitude / 10**7] for latitude, longitude in (*ring, ring[0])]


def feature(station: str | None, *rings: Ring) -> dict[str, Any]:
    properties = {} if station is None else {"KODE": station}
    return {"type": "Feature", "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": [drawn(ring) for ring in rings]}}  # fmt: skip


def take(store: SqlStore, *members: dict[str, Any], **how: Any) -> Taken:
    listed = ",\n".join(map(json.dumps, members))
    text = f'{{"type": "FeatureCollection", "features": [\n{listed}\n]}}'
    how = {"named_by": "KODE", "area": AREA, **how}
    return take_areas(store, ManualClock(), features(text.encode()), actor="Dewi", **how)


def faults(taken: Taken) -> list[tuple[int | None, str]]:
    for fault in (*taken.faults, *taken.remarks):
        for language in ("id", "en"):
            assert "{" not in fault.why.say(language) and "places." not in fault.why.say(language)
    return [(fault.line, fault.why.key) for fault in taken.faults]


SW, SE = feature("polsek-sw", square(0, 0)[0], HOLE), feature("polsek-se", square(1, 0)[0])


def test_a_file_is_taken_once(lists: SqlStore) -> None:
    assert take(lists, SW, SE).added == ["polsek-se", "polsek-sw"]
    shapes = {area.station_key: unpacked(area.shape) for area in lists.areas()}
    assert [len(polygon) for polygon in shapes["polsek-sw"]] == [2]
    (entry,) = lists.journal_last(1)
    assert (entry.kind, entry.facts) == (journal.AREAS_IMPORTED, {"added": 2, "changed": 0, "removed": 0})
    version = lists.places_version()
    for same in ((SW, SE), (SE, SW)):
        assert not take(lists, *same).changes
    turned = feature("polsek-se", square(1, 0)[0][::-1])
    taken = take(lists, turned)
    assert not taken.changes and [remark.why.key for remark in taken.remarks] == ["places.turned"]
    assert lists.places_version() == version


def test_several_features_of_a_station_are_one_area(lists: SqlStore) -> None:
    taken = take(lists, feature("polsek-sw", square(0, 0)[0]), feature("polsek-sw", square(1, 0)[0]))
    assert taken.added == ["polsek-sw"]
    ((outer,),) = unpacked(lists.areas()[0].shape)
    assert {at(0, 0), at(2, 0), at(2, 1), at(0, 1)} <= set(outer)


def test_a_file_of_one_station_need_not_name_it(lists: SqlStore) -> None:
    assert take(lists, feature(None, square(0, 0)[0]), named_by=None, station="polres").added == ["polres"]


def test_nothing_is_removed_unless_told(lists: SqlStore) -> None:
    take(lists, SW, SE)
    assert take(lists, SW, dry_run=True, replace=True).removed == ["polsek-se"]
    assert take(lists, SW).removed == []
    assert len(lists.areas()) == 2
    assert take(lists, SW, replace=True).removed == ["polsek-se"]
    assert [area.station_key for area in lists.areas()] == ["polsek-sw"]


def test_a_small_knot_is_put_right_and_told(lists: SqlStore) -> None:
    knot = tuple(at(*point) for point in ((0, 0), (1, 0), (1, 1), (0.5, 1), (0.5001, 1.0001), (0.5001, 1), (0, 1)))
    taken = take(lists, feature("polsek-sw", knot))
    assert [(remark.line, remark.why.key) for remark in taken.remarks] == [(2, "places.repaired")]
    assert taken.added == ["polsek-sw"]


BOW = tuple(at(*point) for point in ((0, 0), (1, 1), (1, 0), (0, 1)))
LONG = (at(0, 0), at(12, 0), at(12, 1), at(0, 1))
FAR = tuple((-latitude, longitude) for latitude, longitude in square(0, 0)[0])


@pytest.mark.parametrize(
    ("member", "key"),
    [
        (feature("polsek-sx", square(0, 0)[0]), "places.no_station_like"),
        (feature("nobody", square(0, 0)[0]), "places.no_station"),
        (feature(None, square(0, 0)[0]), "places.no_property"),
        (feature("polsek-sw", BOW), "areas.crossing"),
        (feature("polsek-sw", LONG), "places.long_edge"),
        (feature("polsek-sw", FAR), "places.far"),
        (feature("polsek-sw", BOW[:2]), "geojson.short"),
        ({**SW, "geometry": {"type": "Point", "coordinates": [1, 2]}}, "geojson.no_area"),
    ],
)
def test_every_fault_is_told_with_its_line_and_nothing_is_changed(
    lists: SqlStore, member: dict[str, Any], key: str
) -> None:
    taken = take(lists, SE, member, member)
    assert faults(taken) == [(3, key), (4, key)]
    assert (list(lists.areas()), lists.places_version()) == ([], 0)


def test_what_is_far_or_long_may_be_meant(lists: SqlStore) -> None:
    taken = take(lists, feature("polsek-sw", LONG), feature("polsek-se", FAR), sure=True)
    assert taken.added == ["polsek-se", "polsek-sw"]


def test_a_file_without_features_removes_nothing(lists: SqlStore) -> None:
    take(lists, SW)
    assert faults(take(lists, replace=True)) == [(None, "places.no_areas")]
    assert len(lists.areas()) == 1
