"""What one sender brings beyond any button: let go, told once it goes on, and nobody else's frame with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.service.ingest.flood_protection import (
    BACKLOG_S,
    BURST,
    CROWD,
    FLOOD,
    LASTING_S,
    PER_S,
    STRANGERS_BURST,
    STRANGERS_PER_S,
    WITHIN_S,
    FloodProtection,
)


class Told:
    def __init__(self) -> None:
        self.floods: list[tuple[object, int]] = []

    def __call__(self, sender: object, frames: int) -> None:
        self.floods.append((sender, frames))


def flood(floods: FloodProtection, sender: str, at: float, frames: int) -> int:
    """How many of so many frames are taken, in reads of 200."""
    taken = 0
    for _ in range(frames // 200):
        taken += floods.above([sender] * 200, at).get(sender, 200)
    return taken


def test_what_a_button_sends_is_never_above() -> None:
    """A full outbox at a stretch, and a repetition every second for an hour."""
    floods = FloodProtection()
    assert floods.above(["a"] * 40, 0.0) == {}
    assert all(floods.above(["a"], float(second)) == {} for second in range(3_600))
    assert floods.let_go == 0


def test_the_bounds_are_those_that_the_broker_and_the_lanes_are_set_up_for() -> None:
    assert (BURST, PER_S, FLOOD, WITHIN_S, BACKLOG_S) == (1_000, 50, 5_000, 10, 5)
    assert (STRANGERS_BURST, STRANGERS_PER_S, CROWD, LASTING_S) == (5_000, 1_000, 30_000, 10)


def test_a_burst_and_a_rate_are_taken_and_the_rest_let_go() -> None:
    floods = FloodProtection()
    assert flood(floods, "a", 0.0, 10_000) == BURST
    assert flood(floods, "a", 4.0, 10_000) == 4 * PER_S
    assert floods.let_go == 20_000 - BURST - 4 * PER_S


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 500)), max_size=40))
def test_another_s_flood_takes_nothing_from_a_button(reads: list[tuple[str, int]]) -> None:
    floods = FloodProtection()
    for number, (sender, count) in enumerate(reads):
        mine = floods.above([sender] * count + ["mine"], number * 1.0)
        assert "mine" not in mine
        assert all(0 <= taken < count for taken in mine.values())


def test_a_flood_is_told_while_it_goes_on_and_a_burst_is_not() -> None:
    told = Told()
    floods = FloodProtection(told)
    flood(floods, "burst", 0.0, FLOOD)
    assert told.floods == []
    flood(floods, "burst", WITHIN_S + 0.1, FLOOD)
    assert told.floods == [], "the first is over"
    flood(floods, "a", 0.0, FLOOD + BURST + 1_000)
    assert told.floods == [("a", FLOOD + 200)]
    flood(floods, "a", 1.9, 10_000)
    assert len(told.floods) == 1
    flood(floods, "a", 2.0, 10_000)
    assert [sender for sender, _ in told.floods] == ["a", "a"]


def test_a_flood_is_more_than_so_many_above_the_bound_within_so_long() -> None:
    told = Told()
    floods = FloodProtection(told)
    assert floods.above(["a"] * (BURST + FLOOD), 0.0) == {"a": BURST}
    assert (floods.let_go, told.floods) == (FLOOD, []), "as many are none"
    floods.above(["b"] * (BURST + 1), 0.0)
    floods.above(["a"] * (500 + 1), WITHIN_S)
    assert told.floods == [("a", FLOOD + 1)]
    floods.above(["b"] * (505 + FLOOD), WITHIN_S + 0.1)
    assert len(told.floods) == 1, "what was let go before is over"


def test_what_the_broker_kept_for_us_is_no_flood() -> None:
    told = Told()
    floods = FloodProtection(told)
    floods.connected(100.0)
    assert flood(floods, "a", 100.0, 3 * FLOOD) == BURST, "it is bounded all the same"
    assert told.floods == []
    flood(floods, "a", 100.0 + BACKLOG_S, 1_000)
    assert told.floods != [], "it goes on"


def test_all_names_that_no_button_has_share_a_bound_and_cost_a_button_nothing() -> None:
    """Through the door for new buttons each frame may come under another name."""
    told = Told()
    floods = FloodProtection(told, ours=lambda sender: sender == "mine")
    taken = 0
    for number in range(200):
        read = [f"{number} {one}" for one in range(199)]
        above = floods.above([*read, "mine"], number * 0.01)
        assert "mine" not in above
        taken += sum(above.get(name, 1) for name in read)
    assert STRANGERS_BURST <= taken <= STRANGERS_BURST + 2 * STRANGERS_PER_S
    assert told.floods, "they are told as a flood"
    assert floods.let_go == 199 * 200 - taken


def test_five_thousand_new_buttons_and_a_hundred_thousand_known_ones_are_no_flood() -> None:
    told, crowds = Told(), list[int]()
    floods = FloodProtection(told, crowds.append, lambda sender: not str(sender).startswith("new"))
    floods.connected(0.0)
    assert floods.above([f"new {number}" for number in range(5_000)], 0.0) == {}
    for number in range(100):
        assert floods.above([str(1_000 * number + one) for one in range(1_000)], 0.02 * number) == {}
    assert floods.let_go == 0 and told.floods == [] and crowds == []


def test_more_than_a_button_sends_for_long_is_a_crowd_though_it_is_no_flood() -> None:
    """Under a button's own name somebody has its presses let go, and stays below what is a flood."""
    told, crowds = Told(), list[int]()
    floods = FloodProtection(told, crowds.append)
    for tenth in range(400):
        floods.above(["mine"] * 40, tenth / 10)
    assert told.floods == [] and crowds, "ten times as fast as any button, for half a minute"
    crowds.clear()
    for minute in range(10):  # bursts, with long pauses
        floods.above(["other"] * (BURST + 500), 100.0 + 60 * minute)
    assert crowds == []


def test_very_many_at_once_under_any_names_are_a_crowd() -> None:
    crowds: list[int] = []
    floods = FloodProtection(crowd=crowds.append)
    for number in range(40):
        floods.above([f"{number} {one}" for one in range(1_000)], 100 + number * 0.1)
    assert crowds and floods.let_go == 0
    floods = FloodProtection(crowd=crowds.append)
    crowds.clear()
    for number in range(400):
        floods.above([f"{number} {one}" for one in range(1_000)], 100.0 + number)
    assert crowds == [], "as many in as many seconds are none"


@pytest.mark.parametrize(("apart_s", "lasts"), [(0.5, True), (5.0, True), (5.1, False), (9.0, False)])
def test_above_the_bound_for_long_is_a_crowd_unless_it_pauses(apart_s: float, lasts: bool) -> None:
    crowds: list[int] = []
    floods, now = FloodProtection(crowd=crowds.append), 100.0
    floods.above(["mine"] * (BURST + 1), now)
    while now + apart_s < 100.0 + LASTING_S:
        now += apart_s
        floods.above(["mine"] * 500, now)
        assert crowds == [], "not yet"
    floods.above(["mine"] * 500, now + apart_s)
    assert bool(crowds) is lasts


def test_a_crowd_is_more_than_so_many_of_all_within_so_long() -> None:
    crowds: list[int] = []
    for begin in (0.0, 100.0):  # at the start, and after a time that was counted before
        floods = FloodProtection(crowd=crowds.append)
        if begin:
            floods.above(["first"], begin)
        floods.above([str(number) for number in range(CROWD)], begin)
        assert crowds == [], "as many are none"
        floods.above(["one more"], begin + WITHIN_S)
        assert crowds == [CROWD + 1]
        crowds.clear()
        floods.above([str(number) for number in range(100)], begin + WITHIN_S + 0.1)
        floods.above(["again"], begin + 2 * WITHIN_S)
        assert crowds == [], "those are over"


def test_a_crowd_is_told_again_while_it_goes_on_and_not_of_what_the_broker_kept() -> None:
    crowds: list[int] = []
    floods = FloodProtection(crowd=crowds.append)
    floods.connected(0.0)
    many = [str(number) for number in range(CROWD + 1)]
    floods.above(many, BACKLOG_S - 0.1)
    assert crowds == []
    told = []
    for moment in (BACKLOG_S, BACKLOG_S + 1.9, BACKLOG_S + 2.0, BACKLOG_S + 3.9):
        floods.above(["one"], moment)
        told.append(len(crowds))
    assert told == [1, 1, 2, 2]


def test_whoever_was_heard_of_lately_stays_bounded_however_many_names_come() -> None:
    floods = FloodProtection()
    floods.above(["a"] * BURST, 0.0)
    floods.above((str(number) for number in range(49_999)), 0.0)
    assert floods.above(["a"], 0.0) == {"a": 0}
    assert floods.above(["new"] * BURST, 0.0) == {}, "the first of the others is forgotten for it"
    assert floods.above(["a", "new"], 0.0) == {"a": 0, "new": 0}


def test_no_number_of_names_fills_the_memory() -> None:
    floods = FloodProtection()
    for number in range(60_000):
        floods.above([str(number)], 0.0)
    assert len(floods._senders) == 50_000
