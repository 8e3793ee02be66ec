"""Digests of acknowledged messages: which are held, and which outlive a restart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga.app.acked_digests import Acked
from siaga.core import frame

BODY = bytes(21)


def acked(*messages: tuple[int, int], since: int = 0) -> Acked:
    made = Acked()
    made.since = since
    for kind, counter in messages:
        made.note(kind, counter, BODY)
    return made


def counters(made: Acked) -> list[int]:
    return [counter for _, counter, _ in made.items]


def restarted(made: Acked) -> list[int]:
    again = Acked()
    again.load(made.saved())
    assert all(again.find(counter) == made.find(counter) for counter in counters(again))
    return counters(again)


def test_a_digest_is_that_of_the_message_a_test_press_among_them():
    made = acked((frame.PRESS, 5), (0, 6))
    assert made.find(5)[2] == frame.event_digest(frame.PRESS, 5, BODY)
    assert made.find(6) == (0, 6, frame.event_digest(frame.PRESS, 6, BODY))
    assert made.find(7) is None


def test_what_is_noted_twice_is_held_once():
    assert counters(acked((frame.PRESS, 5), (frame.PRESS, 5))) == [5]


def test_however_many_positions_follow_the_presses_stay():
    made = acked((frame.PRESS, 5), (frame.PRESS, 6), *((frame.UPDATE, counter) for counter in range(7, 90)), since=4)
    assert len(made.items) == 12 and {5, 6, 89} <= set(counters(made))


def test_of_many_presses_the_first_and_the_newest_stay():
    made = acked(*((frame.PRESS, counter) for counter in range(5, 60)), since=4)
    assert counters(made)[0] == 5 and counters(made)[-1] == 59
    assert restarted(made) == [5, 57, 58, 59]


def test_a_restart_keeps_the_presses_of_the_open_incident_only():
    made = acked((frame.PRESS, 5), (frame.CHECKIN, 6), (0, 7), (frame.PRESS, 9), (frame.UPDATE, 10), since=8)
    assert restarted(made) == [9]
    made.since = 0xFFFFFFFF  # no incident
    assert restarted(made) == []


def test_where_no_press_was_acknowledged_the_latest_other_call_is_kept():
    made = acked(
        (frame.UPDATE, 3), (frame.UPDATE, 6), (frame.CHECKIN, 7), (frame.CANCEL, 8), (frame.TAMPER, 9), since=4
    )
    assert restarted(made) == [8]


def test_half_a_record_is_as_much_as_it_holds():
    saved = acked((frame.PRESS, 5), (frame.PRESS, 6)).saved()
    again = Acked()
    again.load(saved[:-1])
    assert counters(again) == [5]


@given(st.lists(st.tuples(st.sampled_from([0, *range(1, 8)]), st.integers(1, 60)), max_size=60), st.integers(0, 60))
def test_it_stays_small_and_the_newest_is_always_held(messages: list[tuple[int, int]], since: int):
    made = Acked()
    made.since = since
    for kind, counter in messages:
        made.note(kind, counter, BODY)
        assert made.find(counter) is not None
        assert len(made.items) <= 12 and len(made.saved()) <= 4 * 37
