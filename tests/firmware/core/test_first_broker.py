"""core/first_broker.py: back to the first broker, without going to and fro."""

from __future__ import annotations

import pytest

from siaga.core.first_broker import FIRST_MS, FirstBroker

MOST = 65_535  # of `chance`


def due_at(first: FirstBroker, from_ms: int) -> int:
    """When it is due, to the second."""
    at_ms = from_ms
    while not first.is_due(at_ms):
        at_ms += 1000
    return at_ms


@pytest.mark.parametrize("chance", [0, MOST])
def test_it_goes_back_after_a_while_and_not_everybody_at_once(chance: int):
    first = FirstBroker()
    first.at(0, 0, chance)
    assert not first.is_due(100 * FIRST_MS), "it is there"
    first.at(1, 5_000, chance)
    assert FIRST_MS <= due_at(first, 5_000) - 5_000 <= 2 * FIRST_MS + 1000


def test_each_attempt_that_does_not_last_makes_the_next_one_later_up_to_six_hours():
    first = FirstBroker()
    now_ms, waits = 0, []
    for _ in range(10):
        first.at(1, now_ms, 0)
        began_ms, now_ms = now_ms, due_at(first, now_ms)
        waits.append(now_ms - began_ms)
        first.tried(now_ms, 0)
        first.at(0, now_ms, 0)
        now_ms += 60_000  # it is left again
    assert waits == sorted(waits) and waits[0] < waits[1]
    assert 36 * FIRST_MS <= waits[-1] <= 36 * FIRST_MS + 1000


def test_a_first_broker_that_holds_is_well_again():
    first = FirstBroker()
    first.at(1, 0, 0)
    now_ms = due_at(first, 0)
    first.tried(now_ms, 0)
    for minute in range(90):
        first.at(0, now_ms + minute * 60_000, 0)
    now_ms += 100 * 60_000
    first.at(1, now_ms, 0)
    assert due_at(first, now_ms) - now_ms <= FIRST_MS + 1000


def test_an_attempt_that_reaches_nobody_is_repeated_later():
    first = FirstBroker()
    first.at(1, 0, 0)
    now_ms = due_at(first, 0)
    first.tried(now_ms, MOST)
    assert not first.is_due(now_ms)
    assert 2 * FIRST_MS <= due_at(first, now_ms) - now_ms <= 4 * FIRST_MS + 1000


@pytest.mark.parametrize(("chance", "apart_ms"), [(0, 0), (1, 10), (30_000, 300_000), (MOST, 55_350)])
def test_the_millisecond_it_is_due_and_how_far_apart_buttons_go(chance: int, apart_ms: int):
    first = FirstBroker()
    assert not first.is_due(0) and not first.is_due(1 << 60)
    first.at(2, 7_000, chance)
    due_ms = 7_000 + FIRST_MS + apart_ms
    assert not first.is_due(due_ms - 1) and first.is_due(due_ms) and first.is_due(due_ms + 1)
    first.at(1, 8_000, 0)
    assert not first.is_due(due_ms - 1) and first.is_due(due_ms), "from one other broker to the next: the wait goes on"
    first.at(0, 9_000, 0)
    assert not first.is_due(due_ms), "it is there"


def test_each_wait_is_twice_the_one_before_exactly_and_spread_over_as_long():
    first = FirstBroker(1_000)
    first.at(1, 0, 0)
    now_ms = 1_000
    for wait_ms in (2_000, 4_000, 8_000, 16_000, 32_000, 36_000, 36_000):
        assert first.is_due(now_ms)
        first.tried(now_ms, 40_001)
        now_ms += wait_ms + 40_001 % wait_ms
        assert not first.is_due(now_ms - 1)
    other = FirstBroker(70_000)  # two steps a chance
    other.at(1, 0, 20_000)
    assert not other.is_due(109_999) and other.is_due(110_000)


@pytest.mark.parametrize(("held_ms", "wait_ms"), [(5_999, 2_000), (6_000, 1_000), (6_001, 1_000)])
def test_the_first_broker_counts_as_well_after_six_waits_without_a_break(held_ms: int, wait_ms: int):
    first = FirstBroker(1_000)
    first.at(1, 0, 0)
    first.tried(1_000, 0)
    first.at(0, 3_000, 0)
    first.at(0, 3_000 + held_ms, 0)
    first.at(1, 20_000, 0)
    assert not first.is_due(20_000 + wait_ms - 1) and first.is_due(20_000 + wait_ms)


def test_a_break_begins_the_six_waits_anew():
    first = FirstBroker(1_000)
    first.at(1, 0, 0)
    first.tried(1_000, 0)
    first.at(0, 3_000, 0)
    first.at(1, 4_000, 0)
    first.at(0, 5_000, 0)
    first.at(0, 10_999, 0)  # six waits after 3,000, not after 5,000
    first.at(1, 11_000, 0)
    assert not first.is_due(12_999) and first.is_due(13_000)
