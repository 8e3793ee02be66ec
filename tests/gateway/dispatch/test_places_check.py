"""What is wrong with stations and areas, by geometry too."""

from __future__ import annotations

import pytest

from gateway.dispatch.listed_places import (
    AREAS,
    DISTRICT,
    NW,
    POLDA,
    POLRES,
    SW,
    ListedPlaces,
    area,
    at,
    square,
    station,
)  # fmt: skip
from siaga_gateway.domain.jurisdiction import Jurisdiction
from siaga_gateway.domain.places import Finding, FindingKind
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.places_check import check_places

TODAY = 739_960
WHOLE = (area("polsek-sw", square(0, 0)), *AREAS[1:])
KM2_OF_SQUARE = 122.2


def check(places: ListedPlaces, tolerance_m: int = 100) -> list[Finding]:
    return check_places(places, today=TODAY, verified_within_days=180, tolerance_m=tolerance_m)


def test_a_sound_district_has_nothing_to_find() -> None:
    assert check(ListedPlaces(DISTRICT, WHOLE)) == []
    assert check(ListedPlaces(DISTRICT)) == []


def test_a_hole_is_a_gap_within_the_area_above() -> None:
    (gap,) = check(ListedPlaces(DISTRICT, AREAS))
    assert (gap.kind, gap.keys) == (FindingKind.GAP, ("polres",))
    assert gap.number / 100 == pytest.approx(0.04 * KM2_OF_SQUARE, rel=0.01)
    assert gap.place is not None and at(0.4, 0.4)[0] < gap.place[0] < at(0.6, 0.6)[0]


def test_a_hole_in_nobodys_area_is_told_without_one_around_it() -> None:
    (gap,) = [each for each in check(ListedPlaces(DISTRICT, AREAS[:4])) if each.kind is FindingKind.GAP]
    assert gap.keys == ()


def test_a_gap_and_an_overlap_between_neighbours() -> None:
    shifted = (
        area("polsek-sw", square(0, 0, 0.9, 1)),
        WHOLE[1],
        WHOLE[2],
        area("polsek-ne", square(0.95, 1, 1.05, 1)),
        WHOLE[4],
    )
    overlap, gap = sorted(check(ListedPlaces(DISTRICT, shifted)), key=lambda each: each.kind.value, reverse=True)
    assert (overlap.kind, overlap.keys) == (FindingKind.OVERLAP, ("polsek-ne", "polsek-nw"))
    assert overlap.number / 100 == pytest.approx(0.05 * KM2_OF_SQUARE, rel=0.01)
    assert (gap.kind, gap.keys) == (FindingKind.GAP, ("polres",))
    assert gap.number / 100 == pytest.approx(0.1 * KM2_OF_SQUARE, rel=0.01)


@pytest.mark.parametrize(("off", "found"), [(0.008, []), (0.011, ["overlap"])])
def test_slivers_of_simplified_borders_are_not_told(off: float, found: list[str]) -> None:
    """0.008 of a square are 88 m, 0.011 are 121 m; the tolerance is 100 m."""
    areas = (WHOLE[0], WHOLE[1], WHOLE[2], area("polsek-ne", square(1 - off, 1, 1 + off, 1)), WHOLE[4])
    assert [each.kind.value for each in check(ListedPlaces(DISTRICT, areas))] == found


def test_a_station_outside_its_own_area_is_told_with_metres() -> None:
    outside = copied(NW, latitude=at(0.5, 2.1)[0])
    (found,) = check(ListedPlaces((*[each for each in DISTRICT if each is not NW], outside), WHOLE))
    assert (found.kind, found.keys) == (FindingKind.OUTSIDE_OWN_AREA, ("polsek-nw",))
    assert 1_100 < found.number < 1_112
    just = copied(NW, latitude=at(0.5, 2.0008)[0])
    assert check(ListedPlaces((*[each for each in DISTRICT if each is not NW], just), WHOLE)) == []


def test_areas_of_two_levels_and_of_other_kinds_do_not_overlap() -> None:
    from siaga_gateway.domain.places import StationKind

    firm = station("firm", at(0.3, 0.3), StationKind.SECURITY)
    assert check(ListedPlaces((*DISTRICT, firm), (*WHOLE, area("firm", square(0, 0))))) == []


def test_damaged_and_orphaned_areas_are_told_and_the_others_are_judged() -> None:
    areas = (Jurisdiction("polsek-sw", b"\0"), area("gone", square(0, 0)), *WHOLE[1:4])
    found = check(ListedPlaces(DISTRICT, areas))
    assert [(each.kind.value, each.keys) for each in found] == [
        ("area_without_station", ("gone",)),
        ("area_damaged", ("polsek-sw",)),
    ]


def test_all_kinds_come_together_the_worst_first() -> None:
    stations = (POLDA, copied(POLRES, parent="nobody"), copied(SW, contacts=()), copied(NW, verified_day=None))
    found = check(ListedPlaces(stations, WHOLE[:1]))
    assert [each.kind.value for each in found] == ["unknown_parent", "no_contact", "no_area", "unverified"]
