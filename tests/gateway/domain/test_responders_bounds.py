"""The figures of positions, estimates and codes, and what holds exactly at them."""

from __future__ import annotations

import pytest

from gateway.domain.test_responders import BUDI, MINUTE, NOW, at, kept
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.responders import (
    COARSE_M,
    OLDEST_MS,
    STILL_M,
    Responder,
    ResponderKind,
    ResponderPosition,
    Transport,
    estimate_s,
    is_possible,
    moved_on,
    rung_for,
)
from siaga_gateway.domain.way_proof import CODE_DIGITS, DAY_MS, MONTH_MS, MOST_WRONG, ProvenWay, is_due

HERE = -54_000_000
CHAT = Contact(ContactWay.TELEGRAM, "100000001")


def north(metres: int) -> int:
    """The first latitude that is so far from HERE."""
    latitude = HERE + metres * 89
    while distance_m((HERE, 1_050_000_000), (latitude, 1_050_000_000)) < metres:
        latitude += 1
    return latitude


def test_the_figures_are_these() -> None:
    assert (STILL_M, COARSE_M, OLDEST_MS) == (60, 10_000, 86_400_000)
    assert (CODE_DIGITS, MOST_WRONG, DAY_MS, MONTH_MS) == (6, 5, 86_400_000, 30 * 86_400_000)
    minutes = {transport: estimate_s(6_000, transport, 100) // 60 for transport in Transport}
    assert minutes == {
        Transport.FOOT: 72, Transport.BICYCLE: 30, Transport.MOTORCYCLE: 12, Transport.CAR: 12, Transport.BOAT: 18,
    }  # fmt: skip
    assert estimate_s(12_000, Transport.MOTORCYCLE, 100) == estimate_s(12_000, Transport.CAR, 100) == 1_440
    assert (estimate_s(12_000, Transport.BICYCLE, 100), estimate_s(12_000, Transport.BOAT, 100)) == (3_600, 2_160)
    assert Responder("a", ResponderKind.OFFICER, "A").added_ms == 0 and BUDI.added_ms == 0
    assert rung_for(0, 5, quiet=True) == 1


def test_a_new_position_has_been_nowhere_yet() -> None:
    bare = ResponderPosition("budi", 1, 2, None, NOW, True, NOW)
    assert (bare.still_latitude, bare.still_longitude, bare.still_ms) == (0, 0, 0)
    assert kept(at(HERE, NOW)).still_s() == 0 == kept(at(HERE, NOW)).age_s(NOW)


def test_the_same_place_with_a_newer_fix_is_newer_and_another_place_without_one_is_too() -> None:
    before = kept(at(HERE, NOW))
    assert kept(before, at(HERE, NOW + MINUTE)).fix_ms == NOW + MINUTE
    unknown = at(HERE + 9_000_000, NOW + MINUTE, fix_known=False)
    assert kept(before, unknown).latitude == HERE + 9_000_000
    ping = at(HERE, NOW - MINUTE, fix_known=False, heard_ms=before.heard_ms)
    assert moved_on(before, ping) is None, "nothing was heard since"


@pytest.mark.parametrize(
    ("before", "after", "metres"), [(10, 10, 60), (200, 10, 200), (10, 200, 200), (None, None, 60), (None, 300, 300)]
)
def test_within_its_circle_nobody_has_moved(before: int | None, after: int | None, metres: int) -> None:
    first = kept(at(HERE, NOW, accuracy_m=before))
    for latitude, still in ((north(metres + 1) - 1, True), (north(metres + 1), False)):
        found = kept(first, at(latitude, NOW + MINUTE, accuracy_m=after))
        assert (found.still_ms == NOW) is still, distance_m(first.place, found.place)


@pytest.mark.parametrize("known", [(None, None), (500, None), (None, 700), (500, 700)])
def test_what_is_possible_is_so_to_the_metre(known: tuple[int | None, int | None]) -> None:
    before, after = known
    first = at(HERE, NOW, accuracy_m=before)
    room = (before or 0) + (after or 0)
    for metres, seconds in ((3_000, 1), (7_000, 100)):  # noise; 70 m/s
        for latitude, possible in ((north(metres + room + 1) - 1, True), (north(metres + room + 1), False)):
            found = at(latitude, NOW + seconds * 1_000, accuracy_m=after)
            assert is_possible(first, found) is possible, distance_m(first.place, found.place)
    far = at(north(9_000), NOW, accuracy_m=after)
    assert is_possible(first, far), "of the same moment: that is not this rule's to judge"


def test_a_shift_asks_whoever_answered_before_it_and_from_its_first_moment() -> None:
    way = ProvenWay(CHAT, NOW, NOW - 2 * DAY_MS)
    assert not is_due(way, NOW, None), "he has answered just now"
    assert not is_due(way, NOW + 5, NOW), "at its first moment"
    assert is_due(way, NOW + 5, NOW + 5)
