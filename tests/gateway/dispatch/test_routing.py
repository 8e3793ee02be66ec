"""Who is called for a place: near borders, in holes, on common edges, with nothing known; never nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dispatch.listed_places import (
    AREAS,
    DISTRICT,
    NE,
    NW,
    POLDA,
    SE,
    SW,
    ListedPlaces,
    area,
    at,
    district,
    square,
    station,
)
from siaga_gateway.domain.geodesic import geodesic_m
from siaga_gateway.domain.jurisdiction import Jurisdiction, Point
from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import StationKind
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.routing import Basis, Claim, PressOrigin, Route, Router
from siaga_gateway.service.store import StoreFailing

WIB = timezone(timedelta(hours=7), "WIB")
MONDAY_NOON = int(datetime(2026, 11, 30, 12, 0, tzinfo=WIB).timestamp() * 1000)
METRE = 1 / 11_060  # in squares, northward


def route(places: ListedPlaces, place: Point | None, tolerance_m: int = 0, **known: object) -> Route:
    return Router(places, WIB, tolerance_m).route(PressOrigin(place, **known), MONDAY_NOON)  # type: ignore[arg-type]


def claims(found: Route) -> list[tuple[str, str]]:
    return [(each.station.key, each.claim.value) for each in found.responsible]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (at(0.2, 0.2), ["polsek-sw"]),
        (at(1.5, 0.5), ["polsek-se"]),
        (at(0.5, 0.5), ["polres"]),  # in the hole: only the Polres's area is there
        (at(0.4, 0.5), ["polsek-sw"]),  # on the hole's edge
        (at(1, 0.5), ["polsek-se", "polsek-sw"]),  # on a common edge: both
        (at(1, 1), ["polsek-ne", "polsek-nw", "polsek-se", "polsek-sw"]),  # on a common corner
        (at(0, 0), ["polsek-sw"]),  # on the outermost corner
        (at(2, 2), ["polsek-ne"]),
    ],
)
def test_whose_area_it_is(place: Point, found: list[str]) -> None:
    assert claims(route(district(), place)) == [(key, "area") for key in found]


def test_a_ladder_goes_up_to_the_polda_and_an_area_above_is_not_told_twice() -> None:
    (responsible,) = route(district(), at(1.5, 0.5)).responsible
    assert [each.key for each in responsible.ladder] == ["polsek-se", "polres", "polda"]


@pytest.mark.parametrize("off", [1, -1])
def test_a_tenth_of_a_unit_beside_a_common_edge_is_one_side(off: int) -> None:
    """Coordinates are whole numbers: what is not on the edge is 1 cm beside it."""
    latitude, longitude = at(1, 0.5)
    expected = "polsek-se" if off > 0 else "polsek-sw"
    assert claims(route(district(), (latitude, longitude + off))) == [(expected, "area")]


def test_just_outside_is_told_with_its_distance_as_borders_are_simplified() -> None:
    places = ListedPlaces((POLDA, NW, SE), (area("polsek-nw", square(0, 1)), area("polsek-se", square(1, 0))))
    below = at(0.5, 1 - 80 * METRE)
    (found,) = route(places, below, 100).responsible
    assert (found.station.key, found.claim) == ("polsek-nw", Claim.BORDER) and 79 <= found.metres <= 81
    assert claims(route(places, below, 79)) == [("polsek-nw", "nearest")]
    corner = at(1 - 30 * METRE, 1 - 40 * METRE)  # 40 m below the one, 30 m beside the other
    found_two = route(places, corner, 60).responsible
    assert [(each.station.key, each.claim, each.metres) for each in found_two] == [
        ("polsek-se", Claim.BORDER, 30),
        ("polsek-nw", Claim.BORDER, 40),
    ]


def test_beside_a_border_the_neighbour_is_told_too_after_whose_area_it_is() -> None:
    found = route(district(), at(1 - 50 * METRE, 0.3), 100)
    assert claims(found) == [("polsek-sw", "area"), ("polsek-se", "border")]
    assert claims(route(district(), at(0.6 - 50 * METRE, 0.5), 100)) == [("polres", "area"), ("polsek-sw", "border")]


def test_where_no_area_is_the_nearest_is_responsible() -> None:
    found = route(district(), at(3, 1.4), 100)
    (responsible,) = found.responsible
    assert (responsible.station.key, responsible.claim) == ("polsek-ne", Claim.NEAREST)
    assert responsible.metres == geodesic_m(at(3, 1.4), NE.place)
    without_areas = route(ListedPlaces(DISTRICT), at(0.5, 0.5))
    assert claims(without_areas) == [("polsek-sw", "nearest")]


def test_three_nearest_of_the_police() -> None:
    ambulance = station("rs", at(0.2, 0.2), StationKind.AMBULANCE)
    found = route(ListedPlaces((*DISTRICT, ambulance), AREAS), at(0.2, 0.2))
    assert (found.nearest[0].station.key, found.nearest[0].is_open) == ("polsek-sw", True)
    assert len(found.nearest) == 3 and "rs" not in {near.station.key for near in found.nearest}
    assert [near.metres for near in found.nearest] == sorted(near.metres for near in found.nearest)
    router = Router(ListedPlaces((*DISTRICT, ambulance)), WIB, 0)
    only = router.route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON, {StationKind.AMBULANCE})
    assert [near.station.key for near in only.nearest] == ["rs"]
    assert claims(only)[0][0] == "rs" and only.responsible


def test_who_is_closed_or_cannot_be_told_comes_after_all_that_can() -> None:
    closed = copied(SW, hours=parsed("Sen 13:00-17:00"))
    mute = copied(SE, contacts=())
    places = ListedPlaces((POLDA, closed, mute, NW), AREAS)
    found = route(places, at(0.2, 0.2))
    assert [(near.station.key, near.is_open) for near in found.nearest] == [
        ("polsek-nw", True),
        ("polda", True),
        ("polsek-sw", False),
    ]
    assert claims(found) == [("polsek-sw", "area")], "whose area it is, is told also where closed: its ladder follows"
    hour_later = Router(places, WIB, 0).route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON + 3_600_000)
    assert hour_later.nearest[0].station.key == "polsek-sw"
    utc = Router(places, UTC, 0).route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON + 3_600_000)
    assert utc.nearest[0].station.key == "polsek-nw", "hours are those of the site's zone"


def test_without_a_position_the_best_that_is_known() -> None:
    places = district()
    mounted = route(places, None, mounted=at(1.5, 1.5), registered="polsek-sw")
    assert (mounted.basis, claims(mounted)) == (Basis.MOUNTING_PLACE, [("polsek-ne", "area")])
    assert route(places, at(0.2, 0.2), mounted=at(1.5, 1.5)).basis is Basis.POSITION
    home = route(places, None, registered="polsek-sw")
    assert (home.basis, home.place, claims(home)) == (Basis.REGISTERED_AREA, None, [("polsek-sw", "registered")])
    assert [each.key for each in home.responsible[0].ladder] == ["polsek-sw", "polres", "polda"]
    assert home.nearest[0].station.key == "polsek-sw" and len(home.nearest) == 3
    for registered in (None, "gone"):
        nothing = route(places, None, registered=registered)
        assert (nothing.basis, claims(nothing), nothing.nearest) == (Basis.TOP_LEVEL, [("polda", "top")], ())


def test_without_any_station_it_says_so_and_does_not_fail() -> None:
    found = route(ListedPlaces(), at(0, 0), mounted=at(0, 0), registered="polda")
    assert (found.basis, found.responsible, found.nearest) == (Basis.TOP_LEVEL, (), ())
    assert found.place == at(0, 0), "responders close by are called all the same"


def test_an_area_of_a_station_that_is_gone_hides_nobody() -> None:
    places = ListedPlaces(DISTRICT, (*AREAS[1:], area("gone", square(0, 0))))
    assert claims(route(places, at(0.2, 0.2))) == [("polres", "area")]
    assert claims(route(ListedPlaces((NW,), (area("gone", square(0, 0)),)), at(0.2, 0.2))) == [("polsek-nw", "nearest")]


def test_a_damaged_area_is_left_out_and_the_others_serve() -> None:
    places = ListedPlaces(DISTRICT, (Jurisdiction("polsek-sw", b"\0\0\0\1"), *AREAS[1:]))
    assert claims(route(places, at(1.5, 0.5))) == [("polsek-se", "area")]
    assert claims(route(places, at(0.2, 0.2))) == [("polres", "area")]


def test_over_the_antimeridian_and_at_the_pole() -> None:
    def place(latitude: float, longitude: float) -> Point:
        return round(latitude * 10**7), round(longitude * 10**7)

    east = station("east", place(0.5, 179.9))
    west = station("west", place(0.5, -179.2))
    ring = (place(0, 179), place(0, 180), place(1, 180), place(1, 179))
    cut = (place(0, -180), place(0, -179), place(1, -179), place(1, -180))
    places = ListedPlaces((east, west), (area("west", (ring,), (cut,)),))
    for longitude in (179.5, 180, -180, -179.5):
        assert claims(route(places, place(0.5, longitude))) == [("west", "area")]
    assert [near.station.key for near in route(places, place(0.5, -179.99)).nearest] == ["east", "west"]
    only_east = ListedPlaces((east, west), (area("west", (ring,)),))
    beside = route(only_east, place(0.5, -179.9996), 100).responsible[0]
    assert (beside.claim, beside.metres) == (Claim.BORDER, 45)
    assert route(places, (900_000_000, 0), 5_000).nearest[0].metres > 9_000_000


def test_a_changed_list_serves_at_once_and_is_read_once() -> None:
    places = district()
    router = Router(places, WIB, 0)
    for _ in range(3):
        assert claims(router.route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON)) == [("polsek-sw", "area")]
    assert places.reads == 1
    with places.transaction() as transaction:
        transaction.change_places()
        transaction.put_areas([area("polsek-ne", square(0, 0)), area("polsek-sw", square(1, 1))])
    assert claims(router.route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON)) == [("polsek-ne", "area")]
    assert places.reads == 2


def test_a_store_that_fails_leaves_what_was_read() -> None:
    places = district()
    router = Router(places, WIB, 0)
    router.warm()
    places.failing = StoreFailing("store.closed")
    assert claims(router.route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON)) == [("polsek-sw", "area")]
    with pytest.raises(StoreFailing):
        Router(places, WIB, 0).route(PressOrigin(at(0.2, 0.2)), MONDAY_NOON)


# Against plain arithmetic

NEARBY = st.tuples(st.integers(-20, 240), st.integers(-20, 240)).map(lambda each: at(each[0] / 100, each[1] / 100))


@settings(max_examples=200)
@given(NEARBY)
def test_any_point_of_the_district_belongs_to_those_whose_square_holds_it(place: Point) -> None:
    def holds(key: str) -> bool:
        east, north = {"sw": (0, 0), "se": (1, 0), "nw": (0, 1), "ne": (1, 1)}[key]
        (south, west), (top, right) = at(east, north), at(east + 1, north + 1)
        return south <= place[0] <= top and west <= place[1] <= right

    def in_hole() -> bool:
        (south, west), (top, right) = at(0.4, 0.4), at(0.6, 0.6)
        return south < place[0] < top and west < place[1] < right

    expected = {f"polsek-{key}" for key in ("sw", "se", "nw", "ne") if holds(key)}
    if in_hole():
        expected = {"polres"}
    found = PLACES_ROUTER.route(PressOrigin(place), MONDAY_NOON)
    if expected:
        assert {each.station.key for each in found.responsible} == expected
    else:
        assert [each.claim for each in found.responsible] == [Claim.NEAREST]


PLACES_ROUTER = Router(district(), WIB, 0)

ANYWHERE = st.tuples(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANYWHERE, st.booleans()), min_size=1, max_size=90), ANYWHERE)
def test_nobody_is_nearer_than_the_nearest(drawn: list[tuple[Point, bool]], place: Point) -> None:
    stations = [
        station(f"s{number:03}", where, hours=() if open_ else parsed("Min 01:00-02:00"))
        for number, (where, open_) in enumerate(drawn)
    ]
    found = route(ListedPlaces(stations), place)
    ordered = sorted(stations, key=lambda each: (bool(each.hours), geodesic_m(place, each.place), each.key))
    assert [near.station.key for near in found.nearest] == [each.key for each in ordered[:3]]
    assert [near.metres for near in found.nearest] == [geodesic_m(place, each.place) for each in ordered[:3]]
    assert found.responsible


@settings(max_examples=100, deadline=None)
@given(st.tuples(st.integers(-300, 300), st.integers(-300, 300)), st.integers(0, 3_000))
def test_the_distance_to_a_border_is_that_to_its_nearest_point(off: tuple[int, int], tolerance_m: int) -> None:
    """Of a square: to a side or to a corner."""
    places = ListedPlaces((NW,), (area("polsek-nw", square(0, 0)),))
    place = at(off[0] / 100, off[1] / 100)
    (south, west), (north, east) = at(0, 0), at(1, 1)
    nearest = (min(max(place[0], south), north), min(max(place[1], west), east))
    metres = geodesic_m(place, nearest)
    (found,) = route(places, place, tolerance_m).responsible
    if metres == 0:
        assert found.claim is Claim.AREA
    elif metres < tolerance_m * 0.99 - 1:
        assert found.claim is Claim.BORDER and abs(found.metres - metres) <= 1 + metres // 500
    elif metres > tolerance_m * 1.01 + 1:
        assert found.claim is Claim.NEAREST


def test_where_only_an_ambulances_area_is_the_ladder_of_the_police_is_climbed_too() -> None:
    ambulance = station("rs", at(3.5, 0.5), StationKind.AMBULANCE)
    places = ListedPlaces((*DISTRICT, ambulance), (*AREAS, area("rs", square(3, 0))))
    found = route(places, at(3.2, 0.5))
    assert claims(found) == [("rs", "area"), ("polsek-se", "nearest")]
    assert [each.key for each in found.responsible[1].ladder] == ["polsek-se", "polres", "polda"]
    firm = copied(ambulance, parent="polsek-se")
    under = route(ListedPlaces((*DISTRICT, firm), (area("rs", square(3, 0)),)), at(3.2, 0.5))
    assert claims(under) == [("rs", "area")], "its ladder goes on to the police"
    alone = route(ListedPlaces((ambulance,), (area("rs", square(3, 0)),)), at(3.2, 0.5))
    assert claims(alone) == [("rs", "area")]


def test_an_area_that_encloses_nothing_any_more_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    places = ListedPlaces(DISTRICT, (*AREAS[:-1], area("polres", (square(0, 0)[0][:2],)), area("polda", ())))
    assert claims(route(places, at(0.2, 0.2))) == [("polsek-sw", "area")]
    assert "polres" in caplog.text and "polda" in caplog.text
