"""How many answers one receiver is sent for money (sms_budget.py), and that nobody is locked out by it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.service.downlink.sms_budget import ReplyBudget

MINUTE, HOUR = 60_000, 3_600_000
NOW = 1_790_000_000_000


def test_so_many_in_a_minute_and_more_in_the_next() -> None:
    budget = ReplyBudget(2, 100)
    assert [budget.take(("a",), NOW + ms) for ms in (0, 1, 2)] == [True, True, False]
    assert [budget.take(("a",), NOW + MINUTE + ms) for ms in (-1, 0, 0, 1)] == [False, True, False, True]


def test_so_many_in_an_hour() -> None:
    budget = ReplyBudget(2, 3)
    assert [budget.take(("a",), NOW + minute * MINUTE) for minute in (0, 5, 10, 15, 59)] == [True] * 3 + [False] * 2
    assert not budget.take(("a",), NOW + HOUR - 1)
    assert budget.take(("a",), NOW + HOUR)
    assert not budget.take(("a",), NOW + HOUR + 1)


def test_each_receiver_has_its_own_and_what_is_refused_counts_for_none() -> None:
    budget = ReplyBudget(1, 10)
    assert budget.take(("number", "button"), NOW)
    assert not budget.take(("number", "other"), NOW)
    assert not budget.take(("third", "button"), NOW)
    assert budget.take(("other",), NOW) and budget.take(("third",), NOW)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    budget = ReplyBudget(1, 1)
    assert budget.take(("a",), NOW)
    assert budget.take(("a",), NOW - 1)
    many = ReplyBudget(1, 10)
    assert many.take(("a",), NOW) and many.take(("a",), NOW - HOUR)
    assert not many.take(("a",), NOW - HOUR)


def test_the_receivers_that_are_longest_without_an_answer_are_forgotten_first() -> None:
    budget = ReplyBudget(2, 10, remembered=2)
    for receiver in "abac":  # a again before c comes: b is forgotten
        assert budget.take((receiver,), NOW)
    assert not budget.take(("a",), NOW), "still known"
    assert budget.take(("c",), NOW) and not budget.take(("c",), NOW)
    usual = ReplyBudget(1, 10)
    for number in range(20_000):
        usual.take((number,), NOW)
    assert not usual.take((0,), NOW), "as many as an installation has"
    usual.take((20_000,), NOW)
    assert usual.take((0,), NOW)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40_000)), max_size=40))
def test_no_minute_and_no_hour_has_more_than_it_may(asked: list[tuple[str, int]]) -> None:
    budget, now, sent = ReplyBudget(3, 5), NOW, []
    for receiver, later in asked:
        now += later
        if budget.take((receiver,), now):
            sent.append((receiver, now))
        for name in "ab":
            mine = [at for one, at in sent if one == name]
            assert sum(now - at < MINUTE for at in mine) <= 3 and sum(now - at < HOUR for at in mine) <= 5
