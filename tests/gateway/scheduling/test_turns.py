"""One at a time, few wait, and nobody beyond: service/scheduling/turns.py."""

from __future__ import annotations

import threading

from siaga_gateway.service.scheduling.turns import Turns
from waiting import ENDS_S, eventually


def test_few_wait_and_whoever_comes_beyond_them_is_refused_at_once() -> None:
    turns, had = Turns(waiting=2), list[bool]()

    def wait() -> None:
        had.append(turns.take(20))
        turns.give_back()

    assert turns.take(0)
    threads = [threading.Thread(target=wait) for _ in range(2)]
    for each in threads:
        each.start()
    eventually(lambda: turns._places._value == 0)
    assert not turns.take(3600), "refused, and not after an hour"
    turns.give_back()
    for each in threads:
        each.join(ENDS_S)
    assert had == [True, True] and turns.take(0), "all places are free again"


def test_whoever_waited_in_vain_leaves_his_place() -> None:
    turns = Turns(waiting=1)
    assert turns.take(0)
    assert [turns.take(0.001) for _ in range(3)] == [False] * 3
    turns.give_back()
    assert turns.take(0)
