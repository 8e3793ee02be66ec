"""Every order in which what can happen to a call may happen, breadth first: does somebody always answer, or is called?

The worlds and what may happen in them: `escalation_worlds.py`. What has to hold: `escalation_promises.py`.
"""

from __future__ import annotations

import random

import pytest

from gateway.domain.escalation_promises import promises_kept
from gateway.domain.escalation_worlds import LADDER, NOW_MS, TICK_MS, Passage, Trip, explore
from siaga_gateway.domain.escalation import is_due, opened, step
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import ContactKind, Escalation, Fact, FactKind, Phase
from siaga_gateway.domain.value import copied

K = FactKind
_OF_TWO = (K.TICK, K.ACKNOWLEDGED, K.ACCEPTED, K.WITHDREW, K.ASSIGNED, K.ARRIVED, K.BACKUP, K.CLOSED)
_OF_ONE = (*_OF_TWO, K.DECLINED, K.FINISHED, K.RUNG_LEFT, K.RELEASED)
TRIPS = {
    "one responder, everything, a worker dead for half a minute": Trip("A", dead_ticks=1),
    "one responder, the clock jumps": Trip("A", _OF_ONE, jumps=True),
    "two responders": Trip("AB", _OF_TWO),
}


def _check(passage: Passage) -> None:
    if passage.told is not None and passage.did is not None:
        try:
            promises_kept(passage.before, passage.told, passage.did, NOW_MS, LADDER)
        except AssertionError as error:
            error.add_note(f"{passage.told}\n{passage.before}\n{passage.did}")
            raise


def _first(held: bool) -> Escalation:
    return opened(1, NOW_MS, LADDER, held=held).state


@pytest.fixture(scope="module")
def worlds() -> set[Escalation]:
    """All of one responder, from a held call on."""
    return explore(_first(held=True), Trip("A"), lambda passage: None)


@pytest.mark.parametrize("name", TRIPS)
def test_every_promise_is_kept_in_every_order(name: str) -> None:
    seen = explore(_first(held=len(TRIPS[name].people) == 1), TRIPS[name], _check)
    assert {each.phase for each in seen} >= {Phase.CALLING, Phase.ACKNOWLEDGED, Phase.CLOSED}
    assert len(seen) > 1_000


def test_whoever_only_waits_is_called_on_every_rung_and_again(worlds: set[Escalation]) -> None:
    """From every world in which nobody has acknowledged: the whole ladder, and the last rung twice, within its time."""
    for world in worlds:
        if world.phase is not Phase.CALLING:
            continue
        state, now_ms, called = world, NOW_MS, []
        # Two rungs, the pause, two repetitions.
        for _ in range(2 + 2 + 2 * 2):
            did = step(state, Fact(K.TICK), now_ms, LADDER)
            state, now_ms = did.state, now_ms + TICK_MS
            called += [each.rung for each in did.contacts if each.kind is ContactKind.CALL]
        assert called.count("everyone") >= 2, world


def test_no_open_call_is_ever_left_alone(worlds: set[Escalation]) -> None:
    """From every open world somebody is contacted within the longest of its times, if nothing else happens."""
    for world in worlds:
        state, now_ms, contacts = world, NOW_MS, 0
        for _ in range(4):
            if is_due(state, now_ms):
                did = step(state, Fact(K.TICK), now_ms, LADDER)
                state, contacts = did.state, contacts + len(did.contacts)
            now_ms += TICK_MS
        assert contacts or state.phase is Phase.CLOSED, world


def test_two_acceptances_at_once_are_two_responders(worlds: set[Escalation]) -> None:
    """Both workers read the row, step and write; one finds it changed, reads it again and steps again."""
    for world in worlds:
        if world.phase is Phase.CLOSED or world.assignments:
            continue
        ends = []
        for first, second in (("A", "B"), ("B", "A")):
            one, other = (step(world, Fact(K.ACCEPTED, who), NOW_MS, LADDER) for who in (first, second))
            assert one.state.next_at_ms == other.state.next_at_ms
            again = step(one.state, Fact(K.ACCEPTED, second), NOW_MS, LADDER)
            assert {each.who for each in again.state.assignments} == {"A", "B"}
            assert not any(each.kind is ContactKind.CALL for each in again.contacts)
            ends.append(
                copied(again.state, assignments=tuple(sorted(again.state.assignments, key=lambda one: one.who)))
            )
        assert ends[0] == ends[1], "the order makes no difference"


@pytest.mark.parametrize("seed", range(20))
def test_an_hour_by_chance_on_the_usual_ladder_keeps_every_promise(seed: int) -> None:
    """Milliseconds, not ticks; jumps of every size, forth and back, and workers that are late."""
    chance, ladder, now_ms = random.Random(seed), Ladder("Contoh"), NOW_MS
    state = opened(1, now_ms, ladder, held=chance.random() < 0.2).state
    kinds = [each for each in K if each is not K.CLOSED]
    for _ in range(300):
        happened = chance.random()
        if happened < 0.5 and state.next_at_ms is not None:
            now_ms = max(now_ms, state.next_at_ms)
        elif happened < 0.9:
            now_ms += chance.choice((1, 400, 7_000, 59_999, 400_000))
        else:
            now_ms += chance.choice((-1, 1)) * chance.choice((3, 9_000, 86_400_000))
        kind = K.TICK if chance.random() < 0.5 else chance.choice(kinds)
        who, minutes = chance.choice("ABC"), chance.choice((None, 0, 5))
        fact = Fact(kind, who, minutes, call=chance.choice((state.top_call, 1)))
        did = step(state, fact, now_ms, ladder)
        assert step(state, fact, now_ms, ladder) == did, "who repeats a step after a crash makes the same contacts"
        promises_kept(state, fact, did, now_ms, ladder)
        state = did.state
    assert step(step(state, Fact(K.CLOSED), now_ms, ladder).state, Fact(K.BACKUP, "A"), now_ms, ladder).contacts == ()
