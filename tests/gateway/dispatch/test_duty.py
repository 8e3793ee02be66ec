"""Who is called: on duty or available near a place, of a station, everyone; and what a change of the list does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.listed_places import DISTRICT, NE, SW, ListedPlaces
from gateway.dispatch.listed_responders import ListedResponders, chat
from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.responders import FROM_HOME_S, Responder, ResponderKind, ResponderPosition
from siaga_gateway.domain.shifts import DutyState, SelfDeclared, Shift
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.reachable import Basis, Reachable
from siaga_gateway.service.store import StoreFailing

WIB = ZoneInfo("Asia/Jakarta")
NOW = 1_796_059_200_000  # 2026-12-01, a Tuesday, 00:20 WIB
MINUTE = 60_000
PLACE = NE.place
ON, AVAILABLE, OFF = DutyState


class Kept(ListedResponders):
    """With the stations of the district."""

    def __init__(self, responders: Sequence[Responder], shifts: Sequence[Shift]) -> None:
        super().__init__(responders, shifts)
        self._places = ListedPlaces(DISTRICT)

    def places_version(self) -> int:
        return self._places.places_version()

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(self.__dict__["_places"], name)


def person(key: str, number: int = 1, **more: object) -> Responder:
    whole = {"station": "polsek-ne", "ways": (ProvenWay(chat(number), NOW),), **more}
    return Responder(key, ResponderKind.OFFICER, f"Contoh {key}", **whole)  # type: ignore[arg-type]


def shift(key: str, hours: str = "24h", duty: DutyState = ON) -> Shift:
    return Shift(key, duty, parsed(hours))


def position(key: str, place: Point, age_ms: int = MINUTE) -> ResponderPosition:
    return ResponderPosition(key, *place, 10, NOW - age_ms, True, NOW, *place, NOW - age_ms)


def beside(place: Point, north_m: int) -> Point:
    return place[0] + north_m * 90, place[1]


def put(kept: Kept, *positions: ResponderPosition) -> None:
    for each in positions:
        kept.put_position(each)


def keys(found: Sequence[Reachable]) -> list[str]:
    return [each.key for each in found]


def test_the_soonest_of_those_on_duty_or_available_come_first() -> None:
    kept = Kept(
        [person("at-station"), person("near"), person("off"), person("home", home=beside(PLACE, 2_000)), person("far")],
        [shift("at-station"), shift("near"), shift("home", duty=AVAILABLE), shift("far"), shift("off", "12:00-13:00")],
    )
    put(kept, position("near", beside(PLACE, 900)), position("far", beside(PLACE, 30_000)))
    put(kept, position("off", PLACE))
    found = Duty(kept, WIB).near(PLACE, NOW, 5_000)
    assert keys(found) == ["at-station", "near", "home"]
    assert [each.basis for each in found] == [Basis.STATION, Basis.POSITION, Basis.HOME]
    assert [each.age_s for each in found] == [None, 60, None]
    assert [each.on_duty for each in found] == [True, True, False]
    near, home = found[1], found[2]
    assert near.metres == distance_m(beside(PLACE, 900), PLACE)
    assert home.estimate_s == (home.metres or 0) * 140 * 36 // 30_000 + FROM_HOME_S
    assert keys(Duty(kept, WIB).near(PLACE, NOW, 5_000, limit=1)) == ["at-station"]


def test_who_is_somewhere_else_is_not_sought_at_his_station() -> None:
    kept = Kept([person("a")], [shift("a")])
    put(kept, position("a", beside(PLACE, 30_000)))
    duty = Duty(kept, WIB, fresh_s=1_800)
    assert keys(duty.near(PLACE, NOW, 5_000)) == []
    assert keys(duty.near(beside(PLACE, 30_000), NOW, 5_000)) == ["a"]
    (later,) = duty.near(PLACE, NOW + 30 * MINUTE, 5_000)
    assert (later.basis, later.age_s, later.metres) == (Basis.STATION, None, 0)


def test_an_old_position_serves_where_nothing_else_is_known() -> None:
    kept = Kept([person("patrol", station=None)], [shift("patrol")])
    put(kept, position("patrol", beside(PLACE, 1_000), 3_600_000))
    (found,) = Duty(kept, WIB).near(PLACE, NOW, 5_000)
    assert (found.basis, found.age_s) == (Basis.OLD_POSITION, 3_600)
    assert keys(Duty(kept, WIB).near(PLACE, NOW + 24 * 3_600_000, 5_000)) == []
    assert keys(Duty(kept, WIB).near(None, NOW + 24 * 3_600_000, 5_000)) == ["patrol"]


def test_without_a_place_everybody_who_is_on_or_available_is_found_and_nobody_is_near() -> None:
    kept = Kept([person("a"), person("b"), person("c")], [shift("a"), shift("b", duty=AVAILABLE)])
    found = Duty(kept, WIB).near(None, NOW, 1)
    assert keys(found) == ["a", "b"] and {(each.metres, each.estimate_s) for each in found} == {(None, None)}


def test_only_proven_ways_count_and_who_has_none_is_not_called() -> None:
    ways = (ProvenWay(chat(1)), ProvenWay(chat(2), NOW), ProvenWay(chat(3), NOW))
    kept = Kept([person("a", ways=ways), person("b", ways=ways[:1]), person("c", ways=())], [])
    (found,) = Duty(kept, WIB).everyone(NOW)
    assert (found.key, found.ways) == ("a", (chat(2), chat(3)))


def test_everyone_is_everyone_on_duty_first() -> None:
    kept = Kept(
        [person("a"), person("b", station="polsek-sw"), person("c"), person("d", home=PLACE)],
        [shift("b"), shift("c", duty=AVAILABLE), shift("d", duty=AVAILABLE)],
    )
    duty = Duty(kept, WIB)
    assert keys(duty.everyone(NOW)) == ["b", "c", "d", "a"]
    assert keys(duty.everyone(NOW, SW.place)) == ["b", "c", "d", "a"]
    assert keys(duty.of_station(["polsek-sw", "nowhere"], NOW)) == ["b"]
    assert keys(duty.of_station({"polsek-ne"}, NOW, PLACE)) == ["c", "d"]


def test_quiet_hours_are_told_and_not_for_who_offered_himself() -> None:
    quiet = parsed("22:00-05:00")
    kept = Kept([person("a", quiet=quiet), person("b", quiet=quiet)], [shift("a", duty=AVAILABLE), shift("b")])
    assert {each.key: each.quiet for each in Duty(kept, WIB).near(None, NOW, 1)} == {"a": True, "b": False}
    kept.declare(SelfDeclared("a", AVAILABLE, NOW, NOW + MINUTE))
    assert [each.quiet for each in Duty(kept, WIB).near(None, NOW, 1)] == [False, False]


def test_a_word_a_shift_and_a_removal_count_from_the_next_call() -> None:
    kept = Kept([person("a"), person("b", 2)], [shift("a")])
    duty = Duty(kept, WIB)
    assert keys(duty.near(PLACE, NOW, 1_000)) == ["a"]
    kept.declare(SelfDeclared("a", OFF, NOW, NOW + MINUTE))
    kept.declare(SelfDeclared("b", ON, NOW, NOW + MINUTE))
    assert keys(duty.near(PLACE, NOW, 1_000)) == ["b"]
    assert keys(duty.near(PLACE, NOW + MINUTE, 1_000)) == ["a"]
    kept.undeclare("a")
    kept.change_responders()
    kept.set_shifts("a", [])
    assert keys(duty.near(PLACE, NOW + MINUTE, 1_000)) == []
    kept.change_responders()
    kept.remove_responders(["b"])
    assert keys(duty.near(PLACE, NOW, 1_000)) == [] and duty.standing("b", NOW) is None
    assert keys(duty.everyone(NOW)) == ["a"]


def test_a_shift_begins_and_ends_without_any_change_of_the_list() -> None:
    kept = Kept([person("a")], [shift("a", "Sel 00:30-01:00")])
    duty = Duty(kept, WIB)
    begin = NOW + 10 * MINUTE
    seen = [
        bool(duty.near(PLACE, at, 1_000)) for at in (begin - 1, begin, begin + 30 * MINUTE - 1, begin + 30 * MINUTE)
    ]
    assert seen == [False, True, True, False]
    assert not duty.near(PLACE, begin - 1, 1_000), "the clock was set back"


def test_a_word_holds_where_the_clock_was_set_back() -> None:
    kept = Kept([person("a")], [])
    kept.declare(SelfDeclared("a", ON, NOW, NOW + 60 * MINUTE))
    duty = Duty(kept, WIB)
    assert keys(duty.near(PLACE, NOW - 30 * MINUTE, 1_000)) == ["a"]
    assert keys(duty.near(PLACE, NOW - 300 * 24 * 60 * MINUTE, 1_000)) == [], "a year ago it means nothing"


def test_a_position_may_be_kept_only_from_and_in_a_time_of_duty() -> None:
    kept = Kept([person("a")], [shift("a", "Sel 00:00-08:00")])
    duty = Duty(kept, WIB)
    midnight = NOW - 20 * MINUTE
    assert duty.takes_position("a", midnight, NOW)
    assert not duty.takes_position("a", midnight - 1, NOW), "from before the shift"
    assert not duty.takes_position("a", NOW, midnight + 8 * 60 * MINUTE)
    assert not duty.takes_position("b", NOW, NOW)
    kept.declare(SelfDeclared("a", OFF, NOW, NOW + MINUTE))
    assert not duty.takes_position("a", NOW, NOW) and not duty.takes_position("a", midnight, NOW)


def test_what_was_read_serves_while_the_store_fails() -> None:
    kept = Kept([person("a")], [shift("a")])
    duty = Duty(kept, WIB)
    kept.failing = StoreFailing("passed_on", why="disk")
    with pytest.raises(StoreFailing):
        duty.near(PLACE, NOW, 1_000)
    kept.failing = None
    duty.warm()
    kept.failing = StoreFailing("passed_on", why="disk")
    assert keys(duty.near(PLACE, NOW, 1_000)) == ["a"]


@given(
    st.lists(st.tuples(st.integers(-20_000, 20_000), st.integers(-20_000, 20_000)), max_size=12),
    st.integers(1, 15_000),
    st.sampled_from([0, 600_000_000, -890_000_000]),
)
def test_near_is_whoever_is_within_the_radius(places: list[tuple[int, int]], radius_m: int, latitude: int) -> None:
    middle = (latitude, 1_050_000_000)
    people = [person(f"p{number}", station=None, home=None) for number in range(len(places))]
    kept = Kept(people, [shift(each.key) for each in people])
    at = {
        each.key: (latitude + north * 90, 1_050_000_000 + east * 90)
        for each, (north, east) in zip(people, places, strict=True)
    }
    put(kept, *(position(key, place) for key, place in at.items()))
    found = Duty(kept, WIB).near(middle, NOW, radius_m)
    assert set(keys(found)) == {key for key, place in at.items() if distance_m(place, middle) <= radius_m}
    assert [each.metres for each in found] == sorted(each.metres or 0 for each in found)


def test_of_those_as_soon_the_nearest_comes_first() -> None:
    kept = Kept([person("a", station=None), person("b", station=None)], [shift("a"), shift("b")])
    put(kept, position("a", beside(PLACE, 139)), position("b", beside(PLACE, 138)))
    found = Duty(kept, WIB).near(PLACE, NOW, 1_000)
    assert [each.estimate_s for each in found] == [23, 23] and keys(found) == ["b", "a"]


def test_reachable_is_what_the_waves_ask_for() -> None:
    kept = Kept([person("a", language="en", skills=("boat",))], [shift("a")])
    (found,) = Duty(kept, WIB).near(PLACE, NOW, 1_000)
    assert found == Reachable(
        "a", "Contoh a", "en", (chat(1),), 0, 0, True, False, ON, Basis.STATION, None, "polsek-ne", ("boat",), PLACE
    )
    assert copied(found, metres=1) != found


def test_who_could_not_be_read_for_want_of_a_key_is_called_once_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept([person("a"), person("b", 2)], [shift("a"), shift("b")])
    duty = Duty(kept, WIB)
    whole = kept.responders
    monkeypatch.setattr(kept, "responders", lambda: [each for each in whole() if each.key == "a"])
    assert [each.key for each in duty.near(PLACE, NOW, 50_000)] == ["a"]
    monkeypatch.setattr(kept, "responders", whole)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 5)
    assert [each.key for each in duty.near(PLACE, NOW, 50_000)] == ["a"], "it is not tried at each call"
    monkeypatch.setattr(time, "monotonic", lambda: began + 60)
    assert [each.key for each in duty.near(PLACE, NOW, 50_000)] == ["a", "b"]
