"""What goes when on a way with a budget: never more than the service takes, first notices before repeats."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.service.dispatch.pacing import Pacing
from siaga_gateway.service.dispatch.ways import Budget

NTFY = Budget(interval_ms=5_000, burst=60)
ONE_EACH_6_S = Budget(interval_ms=20, burst=50, person_ms=6_000)

budgets = st.builds(
    Budget, interval_ms=st.integers(0, 5_000), burst=st.integers(1, 60), person_ms=st.sampled_from([0, 0, 1_000, 6_000])
)
people = st.sampled_from("abcd")
offers = st.lists(st.tuples(st.integers(0, 20_000), people, st.booleans()), max_size=80)


@dataclass(frozen=True)
class Message:
    person: str
    first: bool
    since_ms: int = 0


def sent(pacing: Pacing, offered: list[tuple[int, str, bool]]) -> list[tuple[int, str, bool]]:
    """Send each at its time, if it may go then; return what went."""
    now_ms, went = 1_000_000, []
    for gap_ms, person, first in offered:
        now_ms += gap_ms
        if pacing.wait_ms(person, now_ms, first=first) == 0:
            pacing.begun(person, now_ms)
            went.append((now_ms, person, first))
    return went


@given(budgets, offers)
def test_no_stretch_of_time_exceeds_the_budget(budget: Budget, offered: list[tuple[int, str, bool]]) -> None:
    went = sent(Pacing(budget), offered)
    for first in range(len(went)):
        for last in range(first, len(went)):
            span_ms = went[last][0] - went[first][0]
            if budget.interval_ms:
                assert last - first + 1 <= budget.burst + span_ms // budget.interval_ms
            if last > first and went[last][1] == went[first][1]:
                assert span_ms >= budget.person_ms


@given(budgets, offers, people, st.booleans())
def test_a_wait_is_as_long_as_it_says_and_no_longer(
    budget: Budget, offered: list[tuple[int, str, bool]], person: str, first: bool
) -> None:
    pacing = Pacing(budget)
    now_ms = max((at for at, *_ in sent(pacing, offered)), default=1_000_000)
    wait_ms = pacing.wait_ms(person, now_ms, first=first)
    assert pacing.wait_ms(person, now_ms + wait_ms, first=first) == 0
    if wait_ms:
        assert pacing.wait_ms(person, now_ms + wait_ms - 1, first=first) == 1
    assert wait_ms <= max(budget.burst * budget.interval_ms, budget.person_ms)


@given(budgets, st.lists(st.tuples(st.integers(0, 20_000), people), max_size=80))
def test_repeats_leave_half_a_burst_for_first_notices(budget: Budget, offered: list[tuple[int, str]]) -> None:
    pacing = Pacing(budget)
    sent(pacing, [(gap_ms, person, False) for gap_ms, person in offered])
    now_ms = 1_000_000 + sum(gap_ms for gap_ms, _ in offered)
    for number in range(budget.burst // 2):
        assert pacing.wait_ms(f"new {number}", now_ms, first=True) == 0
        pacing.begun(f"new {number}", now_ms)


@given(st.lists(st.builds(Message, people, st.booleans(), st.integers(0, 9)), max_size=9), offers, budgets)
def test_the_choice_is_a_first_notice_then_the_longest_waiting(
    waiting: list[Message], offered: list[tuple[int, str, bool]], budget: Budget
) -> None:
    pacing = Pacing(budget)
    now_ms = max((at for at, *_ in sent(pacing, offered)), default=1_000_000)
    waits = {each: pacing.wait_ms(each.person, now_ms, first=each.first) for each in waiting}
    may_go = [each for each, wait_ms in waits.items() if wait_ms == 0]
    match pacing.choose(waiting, now_ms):
        case None:
            assert not waiting
        case int(wait_ms):
            assert waiting and not may_go and wait_ms == min(waits.values())
        case chosen:
            assert chosen in may_go
            assert chosen.first or not any(each.first for each in may_go)
            assert chosen.since_ms == min(each.since_ms for each in may_go if each.first == chosen.first)


def test_the_61st_message_waits_for_ntfy() -> None:
    pacing = Pacing(NTFY)
    assert len(sent(pacing, [(0, str(number), True) for number in range(100)])) == 60
    assert pacing.wait_ms("another", 1_000_000, first=True) == 5_000


def test_one_person_waits_where_another_need_not() -> None:
    pacing = Pacing(ONE_EACH_6_S)
    pacing.begun("a", 1_000_000)
    assert pacing.wait_ms("a", 1_001_000, first=True) == 5_000
    assert pacing.wait_ms("b", 1_001_000, first=True) == 0


def test_a_wait_that_is_asked_for_holds_one_person_until_a_second_one_meets_it() -> None:
    pacing = Pacing(NTFY)
    pacing.hold("a", 1_000_000, 30_000)
    assert pacing.wait_ms("a", 1_000_000, first=True) == 30_000
    assert pacing.wait_ms("b", 1_000_000, first=True) == 0
    pacing.hold("b", 1_001_000, 9_000)
    assert pacing.wait_ms("c", 1_001_000, first=True) == 9_000
    # It has had enough for now: one at a time.
    pacing.begun("c", 1_010_000)
    assert pacing.wait_ms("d", 1_010_000, first=True) == 5_000


def test_two_waits_one_after_the_other_hold_nobody_else() -> None:
    pacing = Pacing(NTFY)
    pacing.hold("a", 1_000_000, 5_000)
    pacing.hold("b", 1_005_000, 5_000)
    assert pacing.wait_ms("c", 1_005_000, first=True) == 0
    pacing.begun("c", 1_005_000)
    assert pacing.wait_ms("d", 1_005_000, first=True) == 0


def test_nothing_waits_at_the_beginning_of_time() -> None:
    pacing = Pacing(Budget(interval_ms=5, burst=1, person_ms=5))
    pacing.hold("a", 0, 0)
    assert pacing.wait_ms("a", 0, first=True) == 0


def test_of_two_alike_the_one_that_was_named_first_goes() -> None:
    waiting = [Message("a", first=True), Message("b", first=True)]
    assert Pacing(NTFY).choose(waiting, 1_000_000) is waiting[0]


def test_people_are_forgotten_once_their_time_is_over() -> None:
    pacing = Pacing(Budget(person_ms=1_000))
    for number in range(5_000):
        pacing.begun(str(number), 1_000_000 + number)
    assert len(pacing._people) <= 1_001
    assert pacing.wait_ms("4999", 1_005_000, first=True) == 999
