"""How much waits at most, of whom, and what is remembered of senders: each bound at its border."""

from __future__ import annotations

import pytest
from test_lanes import door, kinds, raw

from siaga_gateway.domain.frame import Kind
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest import lanes
from siaga_gateway.service.ingest.lanes import DOUBTFUL, NOISE, URGENT


@pytest.mark.parametrize(("room", "quarter"), [(400, 100), (403, 100), (4, 1), (3, 1), (1, 1)])
def test_doubtful_frames_and_noise_have_a_quarter_of_the_room_each(room: int, quarter: int) -> None:
    here = door(room)
    for number in range(quarter + 50):
        here.put(raw(Kind.PRESS, number), posed=True, sender=f"sender {number}")
        here.put(b"noise")
    assert (here.lanes.depths()[DOUBTFUL], here.lanes.depths()[NOISE]) == (quarter, quarter)
    assert (here.lanes.shed[DOUBTFUL], here.lanes.shed[NOISE]) == (50, 50)


@pytest.mark.parametrize(("room", "alone"), [(400, 50), (80, 16), (128, 16), (40, 10)])
def test_one_sender_leaves_room_for_one_more_and_has_at_least_sixteen(room: int, alone: int) -> None:
    here = door(room)
    for counter in range(90):
        here.put(raw(Kind.PRESS, 1, counter), posed=True, sender="flood")
    assert here.lanes.depths()[DOUBTFUL] == alone


def test_what_is_let_go_takes_only_itself() -> None:
    here = door(room=6)  # three of these
    here.put(raw(Kind.CHECKIN, 1))
    here.put(raw(Kind.CHECKIN, 3, 1))
    here.put(raw(Kind.CHECKIN, 3, 2))
    here.put(raw(Kind.UPDATE, 7))
    assert here.acknowledged == [raw(Kind.CHECKIN, 3, 2)]
    assert sorted((frame[9], frame[13]) for frame in here.take_all()) == [(1, 1), (3, 1), (7, 1)]


def test_a_sender_of_whom_nothing_is_left_has_no_turn_and_gets_one_anew() -> None:
    here = door(room=6)
    for device in (1, 2, 3):
        here.put(raw(Kind.CHECKIN, device))
    here.put(raw(Kind.UPDATE, 7))
    assert sorted(frame[9] for frame in here.take_all()) == [1, 2, 7]
    for device in (3, 1, 3):
        here.put(raw(Kind.CHECKIN, device))
        assert [frame[9] for frame in here.take_all()] == [device]


def test_closed_it_takes_nothing_though_there_is_room() -> None:
    here = door()
    here.lanes.close()
    assert not here.put(raw(Kind.CHECKIN, 1))
    assert not here.put(raw(Kind.PRESS, 1))


@pytest.mark.parametrize("timeout_s", [0.5, 1.0])
def test_a_press_waits_for_room_for_as_long_as_its_bearer_says(
    timeout_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = door(room=1)
    here.put(raw(Kind.PRESS, 1))
    waited: list[float] = []

    def until_there_is_room(holds, timeout: float) -> bool:  # type: ignore[no-untyped-def]
        waited.append(timeout)
        here.lanes._urgent.take(1, [])
        return bool(holds())

    monkeypatch.setattr(here.lanes._made_room, "wait_for", until_there_is_room)
    assert here.lanes.put(InboundFrame(raw(Kind.PRESS, 2), 0, "mqtt", lambda: None), timeout_s)
    assert waited == [timeout_s]


@pytest.mark.parametrize("timeout_s", [0.5, 1.0])
def test_the_worker_waits_for_frames_for_as_long_as_it_says(timeout_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at all, it would look all the time."""
    here = door()
    waited: list[float] = []
    monkeypatch.setattr(here.lanes._arrived, "wait_for", lambda holds, timeout: waited.append(timeout))
    assert here.lanes.take(500, 128, timeout_s) is None
    assert waited == [timeout_s]


def test_whoever_keeps_trying_has_five_a_second_all_the_same() -> None:
    here = door()
    for counter in range(100):
        here.put(raw(Kind.PRESS, 1, counter))
    assert here.lanes.depths()[URGENT] == 100
    for counter in range(100, 110):
        here.seconds[0] += 0.125
        here.put(raw(Kind.PRESS, 1, counter))
    assert here.lanes.depths()[URGENT] == 106, "one and a quarter seconds, a try each eighth of one"
    assert here.lanes.behind["budget"] == 4


def test_new_senders_come_back_at_their_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_NEW_BURST", 4)
    here = door()
    for device in range(6):
        here.put(raw(Kind.PRESS, device))
    assert here.lanes.behind["crowd"] == 2
    here.seconds[0] += 1 / 1024
    for device in range(10, 16):
        here.put(raw(Kind.PRESS, device))
    assert here.lanes.behind["crowd"] == 2 + 5, "2,000 a second are one in a thousandth, and a little more"
    assert lanes._NEW_PER_S == 2_000.0 and lanes._SENDERS == 50_000


def test_those_longest_unheard_of_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_SENDERS", 3)
    here = door()
    for device in (1, 2, 3, 1):
        here.put(raw(Kind.PRESS, device), sender=str(device))
    forged = InboundFrame(raw(Kind.PRESS, 1), 0, "mqtt", lambda: None, sender="1")
    here.lanes.doubt(forged, "forged")
    here.put(raw(Kind.PRESS, 4), sender="4")  # 2 goes
    assert list(here.lanes._senders) == ["3", "1", "4"]
    here.put(raw(Kind.PRESS, 1), sender="1")
    assert here.lanes.depths()[DOUBTFUL] == 1, "the forger is remembered"


def test_who_does_not_say_who_he_is_is_taken_for_the_device_that_he_names() -> None:
    here = door()
    low = raw(Kind.PRESS, 1)
    high = low[:2] + b"\xff" + low[3:]  # differs in the first byte of its name only
    other = raw(Kind.PRESS, 2)  # and this in the last
    for frame in (low, high, other):
        here.put(frame)
    assert len(here.lanes._senders) == 3
    here.put(raw(Kind.PRESS, 1, counter=1 << 24))
    assert len(here.lanes._senders) == 3, "its counter names nobody"
    assert kinds(here.take()) == ["PRESS"] * 4
