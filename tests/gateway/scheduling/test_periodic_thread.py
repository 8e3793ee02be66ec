"""A thread that does one thing again and again: told to end it ends, and no fault ends it before."""

from __future__ import annotations

import threading

import pytest

from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from waiting import ENDS_S


def test_it_goes_on_until_it_is_told_to_end() -> None:
    turns = 0
    third = threading.Event()

    def turn() -> float:
        nonlocal turns
        turns += 1
        if turns == 3:
            third.set()
        return 0.0 if turns < 3 else 3600.0

    recurring = PeriodicThread("looks", turn, end_s=ENDS_S)
    assert not recurring.started
    recurring.start()
    assert third.wait(ENDS_S)
    assert recurring.alive
    recurring.stop()
    assert not recurring.alive, "the pause of an hour was cut short"
    assert (turns, recurring.started, recurring.stopping) == (3, True, True)


def test_an_unexpected_fault_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    faults = iter([True])
    went_on = threading.Event()

    def turn() -> float:
        if next(faults, False):
            raise ZeroDivisionError
        went_on.set()
        return 3600.0

    recurring = PeriodicThread("looks", turn, end_s=ENDS_S)
    recurring.start()
    assert went_on.wait(ENDS_S)
    recurring.stop()
    assert "looks: an unexpected fault; trying again" in caplog.text


def test_the_turn_under_way_is_finished() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[bool] = []

    def turn() -> float:
        begun.set()
        done.append(go_on.wait(ENDS_S))
        return 0.0

    recurring = PeriodicThread("looks", turn, end_s=ENDS_S)
    recurring.start()
    assert begun.wait(ENDS_S)
    ending = threading.Thread(target=recurring.stop)
    ending.start()
    go_on.set()
    ending.join(ENDS_S)
    assert not recurring.alive
    assert done and all(done)


def test_one_that_was_never_started_can_be_stopped() -> None:
    recurring = PeriodicThread("looks", lambda: 0.0, end_s=ENDS_S)
    recurring.stop()
    assert not recurring.started
