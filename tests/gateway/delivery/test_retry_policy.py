"""When a delivery is tried again, and how a receiver that is down is asked: by few, now and then, never forgotten."""

from __future__ import annotations

import pytest

from siaga_gateway.service.delivery.retry_policy import RetryPolicy, pause_s


@pytest.mark.parametrize(
    ("attempts", "middle"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (12, 60), (10**6, 60)]
)
def test_a_pause_doubles_from_a_second_to_a_minute_give_or_take_a_fifth(attempts: int, middle: float) -> None:
    for chance, share in ((0.0, 0.8), (0.5, 1.0), (1.0, 1.2)):
        assert pause_s(attempts, chance) == pytest.approx(middle * share)


def test_a_receiver_s_own_wish_makes_it_longer_up_to_five_minutes() -> None:
    assert pause_s(1, 0.5, 0.0) == 1.0
    assert pause_s(1, 0.5, 30.0) == 30.0
    assert pause_s(1, 0.5, 300.0) == 300.0
    assert pause_s(1, 0.5, 1e9) == 300.0


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_an_alert_is_tried_every_one_to_five_seconds_for_its_first_ten_minutes(chance: float) -> None:
    pauses, attempts = 0.0, 0
    while pauses < 600:
        attempts += 1
        pause = pause_s(attempts, chance, alert=True)
        assert 1 <= pause <= 5
        pauses += pause
    assert pause_s(attempts + 400, chance, alert=True) == pause_s(attempts + 400, chance)


def test_with_an_alert_a_receiver_may_ask_for_a_minute() -> None:
    assert pause_s(1, 0.5, 30.0, alert=True) == 30.0
    assert pause_s(1, 0.5, 300.0, alert=True) == 60.0
    assert pause_s(10**4, 0.5, 300.0, alert=True) == 300.0


def down(at_once: int = 8, now: float = 100.0) -> RetryPolicy:
    """After three failures in a row; the pause has just begun, with a second to go."""
    patience = RetryPolicy(at_once, lambda: 0.5)
    for _ in range(3):
        assert not patience.down
        patience.failed(now, now)
    assert patience.down
    return patience


def test_one_that_works_has_all_its_places() -> None:
    patience = RetryPolicy(3, lambda: 0.5)
    assert [patience.room(busy, 0.0) for busy in (0, 1, 3, 4)] == [3, 2, 0, 0]
    assert patience.again_at() == 0.0
    patience.failed(0.0, 0.0)
    patience.failed(0.0, 0.0)
    assert patience.room(0, 0.0) == 3, "two failures are the notices', perhaps"
    assert not patience.heard()
    patience.failed(0.0, 0.0)
    assert not patience.down, "not in a row"


def test_one_that_is_down_is_asked_by_one_at_a_time_after_a_pause_and_by_two_at_most() -> None:
    patience = down()
    assert patience.again_at() == 101.0
    assert patience.room(0, 100.9) == 0
    assert [patience.room(busy, 101.0) for busy in (0, 1, 2, 3)] == [1, 1, 0, 0]
    patience.probing(101.0)
    assert patience.room(1, 101.9) == 0
    assert patience.room(1, 102.0) == 1
    one = down(at_once=1)
    assert [one.room(busy, 101.0) for busy in (0, 1)] == [1, 0]


def test_its_pauses_grow_to_five_seconds_and_of_many_that_failed_together_one_counts() -> None:
    patience, now = down(), 100.0
    for expected in (2.0, 4.0, 5.0, 5.0):
        now = patience.again_at()
        before = patience.again_at()
        patience.failed(now - 50.0, now)  # it was under way since before
        assert patience.again_at() == before, "says nothing new"
        patience.failed(now, now)
        assert patience.again_at() == now + expected
        now = patience.again_at()


def test_a_failure_that_began_with_the_pause_is_a_new_one() -> None:
    patience = down(now=100.0)
    patience.failed(99.9, 100.5)
    assert patience.again_at() == 101.0
    patience.failed(100.0, 100.5)
    assert patience.again_at() == 102.5


def test_one_word_of_it_ends_all_and_is_told() -> None:
    patience = down()
    patience.failed(101.0, 101.0)
    assert patience.heard() is True
    assert not patience.down
    assert patience.again_at() == 0.0
    assert patience.room(0, 0.0) == 8
    assert patience.heard() is False
    for _ in range(3):
        patience.failed(200.0, 200.0)
    assert patience.again_at() == 201.0, "from the beginning"


def test_a_person_has_it_asked_at_once() -> None:
    patience = down()
    patience.forget()
    assert patience.down
    assert patience.room(0, 0.0) == 1
