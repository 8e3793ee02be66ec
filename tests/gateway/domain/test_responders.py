"""Officers and patrols: quiet hours, what a new position says, and how soon somebody can be there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import (
    AHEAD_MS,
    UNKNOWN_AGE_MS,
    Responder,
    ResponderKind,
    ResponderPosition,
    Transport,
    estimate_s,
    fix_time,
    is_possible,
    is_quiet,
    moved_on,
    rung_for,
)
from siaga_gateway.domain.shifts import DutyState, Standing
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay

NOW = 1_800_000_000_000
MINUTE = 60_000
NIGHT = 23 * 60  # Monday, 23:00
BUDI = Responder("budi", ResponderKind.OFFICER, "Contoh Budi", quiet=parsed("22:00-05:00"))
AT_HOME = Standing(DutyState.AVAILABLE, None, None)


def test_only_the_ways_that_are_proven_count_in_their_order() -> None:
    ways = [Contact(ContactWay.TELEGRAM, str(number)) for number in range(3)]
    budi = copied(BUDI, ways=(ProvenWay(ways[2], NOW), ProvenWay(ways[0]), ProvenWay(ways[1], NOW)))
    assert budi.contacts == (ways[2], ways[1])


def test_quiet_hours_are_for_who_is_at_home_and_did_not_offer_himself() -> None:
    assert is_quiet(BUDI, AT_HOME, NIGHT)
    assert is_quiet(BUDI, Standing(DutyState.OFF, None, None), NIGHT)
    assert is_quiet(BUDI, copied(AT_HOME, duty=DutyState.OFF, declared=True), NIGHT)
    assert not is_quiet(BUDI, AT_HOME, 12 * 60)
    assert not is_quiet(BUDI, copied(AT_HOME, duty=DutyState.ON_DUTY), NIGHT)
    assert not is_quiet(BUDI, copied(AT_HOME, declared=True), NIGHT)
    assert not is_quiet(copied(BUDI, quiet=()), AT_HOME, NIGHT), "none is never"


@given(st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_quiet_hours_delay_and_never_past_the_last_rung(rung: int, more: int, quiet: bool) -> None:
    last = rung + more
    found = rung_for(rung, last, quiet)
    assert rung <= found <= last and (found > rung) == (quiet and rung < last)


def at(latitude: int, fix_ms: int, **more: object) -> ResponderPosition:
    whole = {"accuracy_m": 10, "fix_known": True, "heard_ms": fix_ms, **more}
    return ResponderPosition("budi", latitude, 1_050_000_000, fix_ms=fix_ms, **whole)  # type: ignore[arg-type]


def kept(*positions: ResponderPosition) -> ResponderPosition:
    before: ResponderPosition | None = None
    for each in positions:
        before = moved_on(before, each) or before
    assert before is not None
    return before


FIRST = at(-54_000_000, NOW)


def test_the_newest_fix_counts_in_whatever_order_they_come() -> None:
    newer = at(-54_100_000, NOW + MINUTE)
    assert kept(FIRST, newer).place == kept(newer, FIRST).place == newer.place
    assert moved_on(kept(newer), newer) is None, "the same fix once more"


def test_since_when_somebody_stands_still_is_known() -> None:
    near = at(-54_001_800, NOW + MINUTE)  # some 20 m
    assert kept(FIRST, near, at(-54_000_100, NOW + 2 * MINUTE)).still_s() == 120
    assert kept(FIRST, at(-54_010_000, NOW + MINUTE)).still_s() == 0
    steps = [at(-54_000_000 - 3_000 * step, NOW + step * MINUTE) for step in range(9)]  # 33 m a minute: on foot
    assert kept(*steps).still_s() < 180


def test_a_ping_says_that_the_phone_lives_and_nothing_of_the_fix() -> None:
    told = NOW + 30 * MINUTE
    fix_ms, known = fix_time(told, told, told + 1, is_ping=True)
    assert (fix_ms, known) == (told - UNKNOWN_AGE_MS, False)
    ping = at(FIRST.latitude, fix_ms, fix_known=known, heard_ms=told)
    after = kept(FIRST, ping)
    assert (after.fix_ms, after.heard_ms, after.age_s(told)) == (NOW, told, 1_800)
    assert moved_on(after, copied(ping, heard_ms=told - 1)) is None


@pytest.mark.parametrize(
    ("told", "made", "wanted"),
    [
        (NOW - MINUTE, None, (NOW - MINUTE, True)),
        (NOW - 5 * 3_600_000, NOW, (NOW - 5 * 3_600_000, True)),
        (NOW + AHEAD_MS, None, (NOW, True)),
        (NOW + AHEAD_MS + 1, None, (NOW - UNKNOWN_AGE_MS, False)),
        (NOW + 3_600_000, NOW + 3_600_000 + 4_000, (NOW - 4_000, False)),
        (NOW + 3_600_000, NOW, (NOW, False)),
    ],
)
def test_a_fix_is_never_from_the_future(told: int, made: int | None, wanted: tuple[int, bool]) -> None:
    assert fix_time(told, made, NOW) == wanted


def test_a_phone_whose_clock_is_ahead_hides_no_later_position() -> None:
    day = 86_400_000
    ahead = at(-54_100_000, *fix_time(NOW + day, NOW + day, NOW)[:1], fix_known=False)
    assert kept(ahead, at(-54_200_000, NOW + MINUTE)).latitude == -54_200_000


def test_nobody_is_faster_than_a_car() -> None:
    far = -54_000_000 + 1_000_000  # 11 km
    assert not is_possible(FIRST, at(far, NOW + MINUTE))
    assert is_possible(FIRST, at(far, NOW + 10 * MINUTE))
    assert is_possible(FIRST, at(far, NOW + MINUTE, accuracy_m=9_000))
    assert is_possible(FIRST, at(far, NOW + MINUTE, fix_known=False))
    assert is_possible(None, at(far, NOW)) and is_possible(FIRST, at(far, NOW - MINUTE))
    assert is_possible(FIRST, at(-54_000_000 + 200_000, NOW + 1)), "2 km: noise of a network's position"


def test_a_position_has_an_age_and_never_a_negative_one() -> None:
    assert (FIRST.age_s(NOW + 90_000), FIRST.age_s(NOW - 90_000)) == (90, 0)


def test_an_estimate_is_the_straight_line_the_detour_and_the_speed() -> None:
    assert estimate_s(5_000, Transport.CAR, 140) == 840
    assert estimate_s(1_000, Transport.FOOT, 100) == 720
    assert estimate_s(0, Transport.CAR, 140, from_home=True) == 180
