"""The hierarchy of stations, and what is wrong with a list of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.places import (
    KEY,
    SERIOUS,
    Contact,
    ContactWay,
    Finding,
    FindingKind,
    Listed,
    Station,
    StationKind,
    findings,
    in_order,
    ladder,
    level,
    loops,
    lowest_only,
    may_be_under,
    tops,
)

POLSEK, POLRES, POLDA = StationKind.POLSEK, StationKind.POLRES, StationKind.POLDA
TODAY = 739_950
PHONE = (Contact(ContactWay.PHONE, "+62721000001"),)


def station(key: str, kind: StationKind = POLSEK, parent: str | None = None, **more: object) -> Station:
    at = sum(key.encode())
    values: dict[str, object] = {"contacts": PHONE, "verified_by": "Dewi", "verified_day": TODAY - 1, **more}
    place = (-54_000_000 + at, 1_052_000_000 + at * 7)
    return Station(key, kind, key.title(), *place, parent, **values)  # type: ignore[arg-type]


def listed(*stations: Station, areas: tuple[str, ...] = (), owners: dict[str, int] | None = None) -> Listed:
    return Listed({each.key: each for each in stations}, areas, owners or {}, TODAY, 180)


def by_key(*stations: Station) -> dict[str, Station]:
    return {each.key: each for each in stations}


SOUND = (
    station("polda", POLDA),
    station("polres-a", POLRES, "polda"),
    station("polsek-a", POLSEK, "polres-a"),
    station("polsek-b", POLSEK, "polres-a"),
    station("rs", StationKind.AMBULANCE),
)


def test_a_sound_list_has_nothing_to_find() -> None:
    assert findings(listed(*SOUND, areas=("polsek-a", "polsek-b"), owners={"polsek-a": 2})) == []


def test_a_ladder_follows_the_parents_and_ends() -> None:
    stations = by_key(*SOUND, station("lost", POLSEK, "nobody"))
    assert ladder(stations, "polsek-b") == ("polsek-b", "polres-a", "polda")
    assert ladder(stations, "lost") == ("lost",)
    assert ladder(stations, "nobody") == ()
    ring = by_key(station("a", parent="b"), station("b", parent="c"), station("c", parent="b"))
    assert ladder(ring, "a") == ("a", "b", "c")


@pytest.mark.parametrize(
    ("stations", "above_all"),
    [
        (SOUND, ("polda",)),
        (SOUND[1:], ("polres-a",)),
        ((*SOUND[1:], station("polres-b", POLRES)), ("polres-a", "polres-b")),
        ((station("polsek-x"), SOUND[0]), ("polda",)),
        ((station("x", POLRES, "y"), station("y", POLRES, "x"), station("z", POLSEK, "x")), ("x", "y")),
        ((station("firm", StationKind.SECURITY), station("post", StationKind.SECURITY, "firm")), ("firm",)),
        ((station("p", StationKind.FIRE, "q"), station("q", StationKind.FIRE, "p")), ("p", "q")),
        ((), ()),
    ],
)
def test_somebody_is_above_all(stations: tuple[Station, ...], above_all: tuple[str, ...]) -> None:
    assert tops(by_key(*stations)) == above_all


KEYS = ("a", "b", "c", "d", "e")


@given(
    st.dictionaries(
        st.sampled_from(KEYS), st.tuples(st.sampled_from(list(StationKind)), st.sampled_from([None, *KEYS])), min_size=1
    )
)
def test_whatever_the_parents_are_somebody_is_above_all_and_every_ladder_ends(
    drawn: dict[str, tuple[StationKind, str | None]],
) -> None:
    stations = by_key(*(station(key, kind, parent) for key, (kind, parent) in drawn.items()))
    assert tops(stations)
    for key in stations:
        up = ladder(stations, key)
        assert up[0] == key and len(set(up)) == len(up)
    looped = {key for loop in loops(stations) for key in loop}
    assert looped == {key for key in stations if key in _above(stations, key)}
    assert lowest_only(stations, tuple(stations))
    findings(Listed(stations, ()))


def _above(stations: dict[str, Station], key: str) -> set[str]:
    above: set[str] = set()
    at = stations[key].parent
    while at in stations and at not in above:
        above.add(at)
        at = stations[at].parent
    return above


def test_only_the_lowest_of_a_ladder_are_left() -> None:
    stations = by_key(*SOUND)
    assert lowest_only(stations, ("polda", "polsek-a", "polres-a")) == ("polsek-a",)
    assert lowest_only(stations, ("polsek-b", "polsek-a")) == ("polsek-b", "polsek-a")
    assert lowest_only(stations, ("polres-a",)) == ("polres-a",)
    ring = by_key(station("a", parent="b"), station("b", parent="a"))
    assert lowest_only(ring, ("a", "b")) == ("a", "b")


def test_levels_of_the_police() -> None:
    assert [level(kind) for kind in (POLSEK, POLRES, POLDA, StationKind.FIRE)] == [0, 1, 2, None]
    assert may_be_under(POLSEK, POLRES) and may_be_under(POLSEK, POLDA) and may_be_under(POLRES, POLDA)
    assert not may_be_under(POLSEK, POLSEK) and not may_be_under(POLDA, POLRES)
    assert not may_be_under(POLSEK, StationKind.SECURITY)
    assert may_be_under(StationKind.SECURITY, StationKind.SECURITY) and may_be_under(StationKind.FIRE, POLSEK)


def finding(kind: str, *keys: str, number: int = 0) -> Finding:
    return Finding(FindingKind(kind), keys, number)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (station("polsek-c", POLSEK, "polres-z"), finding("unknown_parent", "polsek-c", "polres-z")),
        (station("polsek-c"), finding("ladder_ends", "polsek-c")),
        (station("polsek-c", POLSEK, "polsek-a"), finding("level", "polsek-c", "polsek-a")),
        (station("polsek-c", POLSEK, "polda", contacts=()), finding("no_contact", "polsek-c")),
        (station("polsek-c", POLSEK, "polda", verified_day=None), finding("unverified", "polsek-c")),
        (
            station("polsek-c", POLSEK, "polda", verified_day=TODAY - 181),
            finding("long_unverified", "polsek-c", number=181),
        ),
        (
            Station("rs-2", StationKind.AMBULANCE, "RS 2", *SOUND[4].place, None, PHONE, verified_day=TODAY),
            finding("same_place", "rs", "rs-2"),
        ),
    ],
)
def test_each_fault_is_found_alone(change: Station, found: Finding) -> None:
    assert findings(listed(*SOUND, change)) == [found]


def test_a_station_that_was_verified_180_days_ago_is_not_too_old() -> None:
    assert findings(listed(*SOUND, station("polsek-c", POLSEK, "polda", verified_day=TODAY - 180))) == []


def test_faults_of_the_whole() -> None:
    assert findings(listed()) == [finding("no_station")]
    ring = (station("x", POLRES, "y"), station("y", POLRES, "x"))
    assert findings(listed(*ring))[:2] == [finding("loop", "x", "y"), finding("no_top")]
    assert findings(listed(station("x", POLRES, "x")))[:2] == [finding("loop", "x"), finding("no_top")]
    assert findings(listed(*SOUND, areas=("polsek-a",))) == [finding("no_area", "polsek-b")]
    assert findings(listed(*SOUND, areas=("gone",))) == [finding("area_without_station", "gone")]
    assert findings(listed(*SOUND, owners={"gone": 3, "polsek-a": 1})) == [
        finding("owner_without_station", "gone", number=3)
    ]


def test_the_worst_comes_first_and_whoever_may_not_be_called_is_serious() -> None:
    ordered = in_order(
        [finding("unverified", "a"), finding("gap", number=3), finding("gap", number=7), finding("loop")]
    )
    assert [(each.kind, each.number) for each in ordered] == [("loop", 0), ("gap", 7), ("gap", 3), ("unverified", 0)]
    assert {"loop", "no_contact", "outside_own_area"} <= SERIOUS
    assert not {"unverified", "gap", "overlap", "no_area"} & SERIOUS


@pytest.mark.parametrize("key", ["polsek-tbu", "a", "1", "a" * 40])
def test_keys(key: str) -> None:
    assert KEY.fullmatch(key)


@pytest.mark.parametrize("key", ["", "-a", "a-", "Polsek", "a b", "a_b", "a" * 41, "é"])
def test_no_keys(key: str) -> None:
    assert not KEY.fullmatch(key)
