"""What a batch of others is made of: how much of each lane, never more than its bound, and whom a put wakes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_lanes import Door, door, kinds, raw

from siaga_gateway.domain.frame import Kind
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.lanes import CHECKIN, DOUBTFUL, NOISE, UPDATE, URGENT, TakenBatch
from waiting import HOURS_S, ends


def fill(here: Door, updates: int = 0, check_ins: int = 0, doubtful: int = 0, noise: int = 0) -> None:
    for number in range(updates):
        assert here.put(raw(Kind.UPDATE, 1_000 + number))
    for number in range(check_ins):
        assert here.put(raw(Kind.CHECKIN, 2_000 + number))
    for number in range(doubtful):
        assert here.put(raw(Kind.PRESS, 3_000 + number), posed=True)
    for number in range(noise):
        assert here.put(bytes([number]))


def by_kind(frames: list[bytes]) -> dict[str, int]:
    return dict(Counter(kinds([frame for frame in frames if len(frame) > 20])))


def test_a_backlog_of_check_ins_leaves_updates_the_most_of_a_batch() -> None:
    here = door()
    fill(here, updates=60, check_ins=200, doubtful=60)
    for _ in range(3):
        assert by_kind(here.take(others=16)) == {"UPDATE": 12, "CHECKIN": 2, "PRESS": 2}


def test_each_lane_that_waits_has_an_eighth_and_the_rest_is_the_updates() -> None:
    here = door()
    fill(here, updates=100, check_ins=1)
    assert by_kind(here.take(others=16)) == {"UPDATE": 15, "CHECKIN": 1}
    assert by_kind(here.take(others=16)) == {"UPDATE": 16}
    here = door()
    fill(here, check_ins=40, doubtful=40)
    assert by_kind(here.take(others=16)) == {"CHECKIN": 14, "PRESS": 2}
    here = door()
    fill(here, doubtful=40)
    assert by_kind(here.take(others=16)) == {"PRESS": 16}


def test_a_batch_so_small_that_an_eighth_is_nothing_takes_one_of_each() -> None:
    here = door()
    fill(here, updates=9, check_ins=9, doubtful=9)
    assert by_kind(here.take(others=4)) == {"UPDATE": 2, "CHECKIN": 1, "PRESS": 1}


@given(st.integers(1, 20), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_a_mixed_batch_never_passes_its_bound_and_is_never_smaller_than_it_could_be(
    others: int, updates: int, check_ins: int, doubtful: int, noise: int
) -> None:
    here = door()
    fill(here, updates, check_ins, doubtful, noise)
    waiting = updates + check_ins + doubtful
    while waiting or noise:
        batch = here.take(others=others)
        frames = sum(by_kind(batch).values())
        assert frames == min(others, waiting), "a signature each: a press may have to wait for all of them"
        assert len(batch) - frames == min(others, noise), "noise costs none, and has as much again"
        waiting, noise = waiting - frames, noise - (len(batch) - frames)
    assert here.take(others=others) == []


def test_a_new_button_waits_among_the_check_ins_and_not_among_noise() -> None:
    here = door()
    assert here.put(raw(Kind.ENROL, 1))
    assert here.put(b"noise")
    assert here.lanes.depths() == {URGENT: 0, UPDATE: 0, CHECKIN: 1, DOUBTFUL: 0, NOISE: 1}


def test_a_batch_says_whether_it_is_urgent() -> None:
    here = door()
    fill(here, check_ins=1)
    here.put(raw(Kind.PRESS, 1))
    batches = [here.lanes.take(500, 128, 0) for _ in range(3)]
    assert [None if one is None else (one.urgent, len(one.frames)) for one in batches] == [(True, 1), (False, 1), None]


# Wake-ups: with hours to wait, only they can bring anything


@pytest.mark.parametrize("frame", [raw(Kind.PRESS, 1), raw(Kind.CHECKIN, 1), b"noise"])
def test_whatever_comes_wakes_the_worker(frame: bytes) -> None:
    here = door()
    taken = ends(lambda: here.lanes.take(500, 128, HOURS_S), lambda: here.put(frame))
    assert isinstance(taken, TakenBatch) and [one.raw for one in taken.frames] == [frame]


def test_the_end_wakes_the_worker() -> None:
    here = door()
    assert ends(lambda: here.lanes.take(500, 128, HOURS_S), here.lanes.close) is None


def waiting_press(here: Door) -> bool:
    return here.lanes.put(InboundFrame(raw(Kind.PRESS, 99), 0, "mqtt", lambda: None), HOURS_S)


def test_a_batch_that_is_taken_wakes_the_bearer_that_was_held_back() -> None:
    here = door(room=1)
    here.put(raw(Kind.PRESS, 1))
    assert ends(lambda: waiting_press(here), here.take) is True
    assert here.lanes.depths()[URGENT] == 1


def test_the_end_wakes_the_bearer_that_was_held_back() -> None:
    here = door(room=1)
    here.put(raw(Kind.PRESS, 1))
    assert ends(lambda: waiting_press(here), here.lanes.close) is False


def test_a_check_in_held_back_while_the_store_failed_goes_on_when_there_is_room() -> None:
    here = door(room=2)
    here.lanes.hold(True)
    here.put(raw(Kind.CHECKIN, 1))
    frame = InboundFrame(raw(Kind.CHECKIN, 2), 0, "mqtt", lambda: None)
    assert ends(lambda: here.lanes.put(frame, HOURS_S), here.take) is True
