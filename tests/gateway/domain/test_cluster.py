"""Which calls belong to one major incident: by example, and for any calls in any order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.cluster import REACH, ClusterLimits, OpenCall, grouped
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import copied

_E7, _M_PER_DEGREE = 10**7, 111_195
M = 90  # 1e-7 degrees in about a metre
LIMITS = ClusterLimits()
HERE = (-54_000_000, 1_052_600_000)


def call(number: int, metres: int = 0, minutes: float = 0, **fields: object) -> OpenCall:
    """A call so far north of the first."""
    made = OpenCall(number, (HERE[0] + metres * M, HERE[1]), int(minutes * 60_000))
    return copied(made, **fields)  # type: ignore[arg-type]


def test_three_calls_close_together_are_one_major_incident_named_after_the_first() -> None:
    calls = [call(9, 100, 1), call(4, 0, 0), call(7, 200, 2)]
    assert grouped(calls, {}, LIMITS) == {4: 4, 7: 4, 9: 4}


@pytest.mark.parametrize(
    "calls",
    [
        [call(1), call(2)],
        [call(1), call(2), call(3, 310)],
        [call(1), call(2), call(3, 0, 5.1)],
        [call(1), call(2), call(3, alone=True)],
        [],
    ],
)
def test_fewer_or_further_apart_are_none(calls: list[OpenCall]) -> None:
    assert grouped(calls, {}, LIMITS) == {}


def test_at_the_very_limits_they_are_one() -> None:
    assert grouped([call(1), call(2, 299), call(3, 0, 5)], {}, LIMITS) == {1: 1, 2: 1, 3: 1}


def test_without_a_count_there_is_none() -> None:
    assert grouped([call(number) for number in range(1, 9)], {}, copied(LIMITS, presses=0)) == {}


def test_a_later_call_near_a_member_joins_and_one_near_nobody_does_not() -> None:
    members = [call(1, 0, 0, cluster=1), call(2, 200, 0, cluster=1), call(3, 250, 3, cluster=1)]
    calls = [*members, call(4, 500, 7), call(5, 1_000, 3), call(6, 500, 8.1)]
    assert grouped(calls, {1: HERE}, LIMITS) == {4: 1, 6: 1}, "6 by 4, which has only just joined"


def test_a_chain_ends_where_one_person_could_not_lead_any_more() -> None:
    chain = [call(number, number * 150) for number in range(1, 40)]
    found = grouped(chain, {}, LIMITS)
    assert found.keys() == {each.incident_id for each in chain} and len(set(found.values())) > 3
    for number, group in found.items():
        assert distance_m(chain[number - 1].place, chain[group - 1].place) <= REACH * LIMITS.metres


def test_a_major_incident_reaches_five_times_the_distance_from_its_first_call_and_no_further() -> None:
    members = [call(1, cluster=1), call(2, 1_300, cluster=1)]
    assert grouped([*members, call(3, 1_495), call(4, 1_510)], {1: HERE}, LIMITS) == {3: 1}


def test_between_two_major_incidents_a_call_joins_the_older() -> None:
    members = [call(8, 0, cluster=8), call(5, 500, cluster=5)]
    assert grouped([*members, call(9, 250)], {8: HERE, 5: members[1].place}, LIMITS) == {9: 5}


@pytest.mark.parametrize("latitude", [0, -54_000_000, 600_000_000, -850_000_000])
def test_east_and_west_are_as_near_as_north_and_south_wherever_on_earth(latitude: int) -> None:
    across = int(M / math.cos(math.radians(latitude / 10**7)))
    row = [
        OpenCall(number, (latitude, 1_052_600_000 + metres * across), 0) for number, metres in enumerate((0, 290, 580))
    ]
    assert grouped(row, {}, LIMITS) == {0: 0, 1: 0, 2: 0}
    wide = [copied(each, place=(latitude, 1_052_600_000 + each.incident_id * 330 * across)) for each in row]
    assert grouped(wide, {}, LIMITS) == {}


def test_nothing_joins_where_nobody_knows_any_more_how_far_it_reaches() -> None:
    assert grouped([call(1, cluster=77), call(2, 10)], {}, LIMITS) == {}


@st.composite
def calls(draw: st.DrawFn, *, spread_m: int = 2_000, minutes: int = 15) -> list[OpenCall]:
    count = draw(st.integers(0, 12))
    numbers = draw(st.lists(st.integers(1, 99), min_size=count, max_size=count, unique=True))
    metres = st.integers(0, spread_m)
    return [
        OpenCall(
            number,
            (HERE[0] + draw(metres) * M, HERE[1] + draw(metres) * M),
            draw(st.integers(0, minutes * 60_000)),
            alone=draw(st.integers(0, 4)) == 0,
        )
        for number in numbers
    ]


@given(calls(), st.randoms(use_true_random=False))
def test_the_order_in_which_calls_are_looked_at_does_not_matter(given_calls: list[OpenCall], random: object) -> None:
    mixed = list(given_calls)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert grouped(mixed, {}, LIMITS) == grouped(given_calls, {}, LIMITS)


@given(calls(spread_m=200, minutes=5), st.randoms(use_true_random=False))
def test_within_one_window_the_same_calls_are_together_whoever_came_first(
    given_calls: list[OpenCall], random: object
) -> None:
    """Arriving one by one, with a look after each."""
    arriving = list(given_calls)
    random.shuffle(arriving)  # type: ignore[attr-defined]
    known, firsts = arrive(arriving)
    free = {each.incident_id for each in given_calls if not each.alone}
    together = {each.incident_id for each in known if each.cluster is not None}
    assert together == (free if len(free) >= LIMITS.presses else set())
    assert len(firsts) <= 1


@given(calls(), st.randoms(use_true_random=False))
def test_however_calls_arrive_nobody_moves_is_put_back_or_is_alone(given_calls: list[OpenCall], random: object) -> None:
    arriving = list(given_calls)
    random.shuffle(arriving)  # type: ignore[attr-defined]
    known, firsts = arrive(arriving)
    places = {each.incident_id: each.place for each in known}
    for group, first in firsts.items():
        members = [each for each in known if each.cluster == group]
        assert len(members) >= LIMITS.presses and first == places[group]
        assert all(distance_m(first, each.place) <= REACH * LIMITS.metres for each in members)
    assert all(each.cluster is None for each in known if each.alone)
    assert not grouped(known, firsts, LIMITS), "a second look finds nothing more"


def arrive(arriving: list[OpenCall]) -> tuple[list[OpenCall], dict[int, tuple[int, int]]]:
    """Return the calls, marked as the gateway would mark them, and the places of the first."""
    known: list[OpenCall] = []
    firsts: dict[int, tuple[int, int]] = {}
    for each in arriving:
        known.append(each)
        found = grouped(known, firsts, LIMITS)
        assert all(one.cluster is None and not one.alone for one in known if one.incident_id in found)
        known = [copied(one, cluster=found.get(one.incident_id, one.cluster)) for one in known]
        for one in known:
            if one.cluster == one.incident_id:
                firsts.setdefault(one.incident_id, one.place)
    return known, firsts


def test_who_is_near_in_the_far_north_is_so_beside_calls_at_the_equator() -> None:
    """A degree of longitude is a tenth there of what it is at the equator."""
    beside = 290 * _E7 / (_M_PER_DEGREE * math.cos(math.radians(85)))
    north = [OpenCall(number, (85 * _E7, round(number * beside)), 0) for number in (1, 2, 3)]
    assert grouped([*north, OpenCall(4, (0, 0), 0)], {}, LIMITS) == {1: 1, 2: 1, 3: 1}
