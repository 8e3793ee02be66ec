"""When a watcher calls, when it calls again, and when it says that it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.outage import (
    NO_GATEWAY,
    OWN_LINE,
    SOUND,
    UNREACHABLE,
    Call,
    Look,
    Outage,
    Over,
    step,
)

EVERY_S, AFTER_MS = 5, 60_000
Said = tuple[int, Call | Over]  # second of it


def looks(*spans: tuple[int, Iterable[str]]) -> list[Look]:
    """Return one look every five seconds: for so many seconds these faults."""
    return [Look(dict.fromkeys(faults, "")) for seconds, faults in spans for _ in range(seconds // EVERY_S)]


def watched(seen: Sequence[Look], outage: Outage = SOUND, begin_s: int = 0) -> list[Said]:
    said = []
    for number, look in enumerate(seen):
        at_s = begin_s + number * EVERY_S
        outage, told = step(outage, look, at_s * 1_000, AFTER_MS)
        if told is not None:
            said.append((at_s, told))
    return said


def test_a_minute_of_it_is_told_and_its_end_half_a_minute_later() -> None:
    said = watched(looks((60, ()), (90, ["broker"]), (60, ())))
    (called_s, call), (over_s, over) = said
    assert isinstance(call, Call) and (called_s, call.number, call.urgent) == (120, 1, True)
    assert call.faults["broker"].since_ms == 60_000
    assert isinstance(over, Over) and over_s == 175
    assert (over.began_ms, over.ended_ms, over.faults) == (60_000, 145_000, ("broker",))


def test_less_than_a_minute_calls_nobody() -> None:
    assert not watched(looks((20, ()), (55, [UNREACHABLE]), (100, ()), (55, ["store"]), (100, ())))


def test_it_calls_again_and_again_with_pauses_that_grow_to_an_hour() -> None:
    at = [seconds for seconds, _ in watched(looks((4 * 3_600, [UNREACHABLE])))]
    pauses = [(later - earlier) * 1_000 for earlier, later in pairwise(at)]
    assert [pause // 60_000 for pause in pauses] == [2, 4, 8, 16, 32, 60, 60]


def test_what_comes_and_goes_rings_once_and_is_not_called_over_between() -> None:
    said = watched(looks(*[(20, [UNREACHABLE]), (20, ())] * 4, (60, ())))
    assert [type(told) for _, told in said] == [Call, Over]


def test_a_second_fault_is_told_at_once_and_the_end_when_both_are_gone() -> None:
    said = watched(looks((90, ["outputs"]), (90, ["outputs", "broker"]), (90, ["outputs"]), (60, ())))
    (_, first), (second_s, second), *again, (_, over) = said
    assert isinstance(first, Call) and isinstance(second, Call) and second_s == 150
    assert second.faults.keys() == {"outputs", "broker"} and second.number == 1
    assert all(isinstance(told, Call) and told.faults.keys() == {"outputs"} for _, told in again)
    assert isinstance(over, Over) and set(over.faults) == {"outputs", "broker"}
    assert (over.began_ms, over.ended_ms) == (0, 265_000), "from the first of them to the last"


def test_the_message_and_the_end_count_from_the_first_of_several() -> None:
    said = watched(looks((5, ["store"]), (85, ["store", "broker"]), (10, ["store"]), (60, ())))
    (_, first), (_, second), (_, over) = said
    assert isinstance(first, Call) and isinstance(second, Call) and isinstance(over, Over)
    assert (first.faults.keys(), second.faults.keys()) == ({"store"}, {"store", "broker"})
    assert (over.began_ms, over.ended_ms, over.faults) == (0, 95_000, ("store", "broker"))


def test_two_that_are_told_together_count_from_the_earlier() -> None:
    outage, said = SOUND, None
    for at_s, faults in ((0, ["store"]), (1, ["broker", "store"]), (2, ["broker", "store"]), (70, ["broker", "store"])):
        outage, said = step(outage, Look(dict.fromkeys(faults, "")), at_s * 1_000, AFTER_MS)
    assert isinstance(said, Call) and outage.began_ms == 0
    assert {name: each.since_ms for name, each in said.faults.items()} == {"store": 0, "broker": 1_000}


def test_three_looks_within_the_minute_are_enough() -> None:
    outage, said = SOUND, None
    for at_s in (0, 30, 60):
        assert said is None
        outage, said = step(outage, Look({"store": ""}), at_s * 1_000, AFTER_MS)
    assert isinstance(said, Call) and said.number == 1


def test_an_outage_moves_to_another_clock_as_a_whole() -> None:
    outage = SOUND
    for number, look in enumerate(looks((90, ["broker"]))):
        outage, _ = step(outage, look, number * 5_000, AFTER_MS)
    moved = outage.moved(1_000_000)
    (fault,) = moved.faults.values()
    assert (fault.since_ms, fault.seen_ms) == (1_000_000, 1_085_000)
    assert (moved.began_ms, moved.next_ms, moved.calls) == (1_000_000, 1_180_000, 1)
    assert moved.moved(-1_000_000) == outage and SOUND.moved(5) == SOUND and SOUND.calls == 0


def test_a_gateway_that_falls_silent_has_not_mended_its_broker() -> None:
    said = watched(looks((90, ["broker"]), (50, [UNREACHABLE]), (20, ["broker"]), (60, ())))
    assert [type(told) for _, told in said] == [Call, Over]


def test_nobody_is_called_about_the_gateway_while_the_own_line_is_down() -> None:
    said = watched(looks((50, [UNREACHABLE]), (300, [OWN_LINE]), (50, [UNREACHABLE]), (60, ())))
    assert all(not told.urgent for _, told in said) and len(said) == 3, "two notes about the own line, and its end"
    over = said[-1][1]
    assert isinstance(over, Over) and over.faults == (OWN_LINE,)


def test_an_outage_goes_on_where_the_own_line_hid_it() -> None:
    said = watched(looks((90, ["broker"]), (300, [OWN_LINE]), (300, ["broker"]), (60, ())))
    urgent = [told for _, told in said if isinstance(told, Call) and told.urgent]
    assert len(urgent) >= 2 and all(each.faults["broker"].since_ms == 0 for each in urgent)
    assert sum(isinstance(told, Over) for _, told in said) == 1


def test_two_looks_with_a_long_gap_prove_nothing_about_the_gap() -> None:
    outage, _ = step(SOUND, Look({"store": ""}), 0, AFTER_MS)
    _, said = step(outage, Look({"store": ""}), 600_000, AFTER_MS)
    assert said is None


def test_a_restart_neither_calls_anew_nor_forgets_the_end() -> None:
    outage = SOUND
    for number, look in enumerate(looks((90, ["broker"]))):
        outage, _ = step(outage, look, number * 5_000, AFTER_MS)
    moved = outage.moved(1_000_000)
    said = watched(looks((60, ["broker"]), (60, ())), moved, begin_s=1_090)
    ((_, over),) = said
    assert isinstance(over, Over) and over.began_ms == 1_000_000


_NAMES = st.sets(st.sampled_from(["broker", "store", UNREACHABLE, NO_GATEWAY, OWN_LINE]), max_size=2)


@given(st.lists(st.tuples(st.integers(1, 60), _NAMES), max_size=12))
def test_every_call_names_what_lasts_and_every_outage_ends_once(spans: list[tuple[int, set[str]]]) -> None:
    seen = looks(*[(count * EVERY_S, names) for count, names in spans], (200, ()))
    told = watched(seen)
    open_outage = False
    for at_s, said in told:
        if isinstance(said, Over):
            assert open_outage, "nothing is over that nobody was told of"
            open_outage = False
            continue
        open_outage = True
        now = seen[at_s // EVERY_S].faults
        assert said.faults.keys() <= now.keys() and said.faults
        assert all(at_s * 1_000 - each.since_ms >= AFTER_MS for each in said.faults.values())
        assert OWN_LINE not in now or not said.urgent or said.faults.keys() != {OWN_LINE}
    assert not open_outage, "whoever was called hears of the end"
