"""Places that somebody is asked about: in the water, in nobody's area, far from the owner's station."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.dispatch.called_district import IN_SW
from gateway.dispatch.listed_places import AREAS, SW, ListedPlaces, at
from siaga_gateway.adapters.files.built_in_land import BuiltInLand
from siaga_gateway.domain.installation_area import Area, Place
from siaga_gateway.domain.jurisdiction import Jurisdiction
from siaga_gateway.service.registry.place_plausibility import OnLand, PlaceRules, anywhere

KEDATON = (-53_835_400, 1_052_596_000)
BAY = (-56_000_000, 1_053_000_000)  # of Lampung, ten kilometres from its shore
PORT = (-54_600_000, 1_053_160_000)  # on its shore, at Panjang


def asked(rules: PlaceRules, place: Place, home: str | None = None) -> str | None:
    found = rules.doubt(place, home)
    return None if found is None else found[0].removeprefix("registration.place_")


def dry(place: Place) -> bool:
    """A fake of OnLand: the district is land, with the sea to its east."""
    return place[1] < at(3, 0)[1]


@pytest.mark.parametrize("on_land", [BuiltInLand(), lambda place: place != BAY], ids=["built in", "fake"])
def test_water_is_asked_about_and_a_shore_is_not(on_land: OnLand) -> None:
    rules = PlaceRules(ListedPlaces(), None, on_land)
    assert asked(rules, BAY) == "water"
    for place in (KEDATON, PORT, (515_000_000, 1_000_000)):  # the last one lies beyond the map
        assert asked(rules, place) is None
    assert asked(PlaceRules(ListedPlaces(), None, anywhere), BAY) is None


def test_a_map_of_its_own_is_read_when_somebody_asks(tmp_path: Path) -> None:
    file = tmp_path / "land.geojson"
    land = BuiltInLand(file)
    rings = "[[[105,-6],[106,-6],[106,-5],[105,-5],[105,-6]],[[105.4,-5.6],[105.6,-5.6],[105.6,-5.4],[105.4,-5.6]]]"
    file.write_text(f'{{"geometry": {{"coordinates": [{rings}]}}}}')
    assert land((-55_500_000, 1_051_000_000)) and not land((-55_300_000, 1_055_500_000)), "in its lake"


def test_what_is_in_no_area_is_asked_about_once_there_are_areas() -> None:
    outside = at(0.5, 5)
    assert asked(PlaceRules(ListedPlaces([SW]), None), outside) is None, "no areas are listed yet"
    rules = PlaceRules(ListedPlaces([SW], AREAS), None)
    assert asked(rules, outside) == "outside" and asked(rules, IN_SW) is None
    damaged = ListedPlaces([SW], [Jurisdiction("polsek-sw", b"\0")])
    assert asked(PlaceRules(damaged, None), outside) is None, "a damaged area keeps nobody from registering"


def test_what_is_far_from_the_owners_station_is_asked_about() -> None:
    only = [each for each in AREAS if each.station_key == "polsek-sw"]
    assert asked(PlaceRules(ListedPlaces([SW], AREAS), None), at(1.9, 1.9), "polsek-sw") == "station"
    found = PlaceRules(ListedPlaces([SW], AREAS), None).doubt(at(1.9, 1.9), "polsek-sw")
    assert found is not None and found[1]["station"] == SW.name and 10 < found[1]["km"] < 16
    assert asked(PlaceRules(ListedPlaces([SW], only), None), IN_SW, "polsek-sw") is None
    without_area = PlaceRules(ListedPlaces([SW]), None)
    assert asked(without_area, IN_SW, "polsek-sw") is None and asked(without_area, at(5, 5), "polsek-sw") == "station"
    assert asked(without_area, at(5, 5), "gone") is None, "a station that is no longer listed"


def test_of_several_reasons_the_one_that_explains_most_is_told() -> None:
    rules = PlaceRules(ListedPlaces([SW], AREAS), Area(IN_SW, 100_000), dry)
    assert asked(rules, (0, 0)) == "zero"
    assert asked(rules, (-IN_SW[0], IN_SW[1])) == "meant", "a lost sign"
    assert asked(rules, at(40, 0.5)) == "far"
    assert asked(rules, at(4, 0.5)) == "water"
    assert asked(rules, at(2.9, 0.5)) == "outside"
