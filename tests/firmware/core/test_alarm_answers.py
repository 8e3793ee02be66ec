"""What the gateway says of a press, of an older one and of its closing: whose it is, and what is shown."""

from __future__ import annotations

import pytest
from alarm_life import Life

from siaga.core import alarm, frame
from siaga.core.alarm import (
    ACKED,
    BETTER_FIX,
    CANCELLED,
    NEW_FIX,
    TESTED,
)


def test_progress_may_be_told_by_any_frame_of_the_incident_and_of_no_other():
    for cancelled in (None, False, True):
        life = Life()
        press = life.press()
        life.wait(2250, BETTER_FIX)
        if cancelled is not None:
            life.step(CANCELLED, cancelled)
        last = life.counter
        life.ack(last, 1).ack(last, 7)
        assert (life.state.stage, life.state.opening) == (0, press), "the answer to this frame is none to the press"
        life.ack(last, 3, 6)
        assert (life.state.stage, life.state.eta, life.state.waiting) == (3, 6, 0)
    ended = Life()
    ended.press()
    ended.wait(2250, BETTER_FIX)
    update = ended.counter
    ended.now += alarm.INCIDENT_MS
    ended.wait(250)
    ended.press()
    ended.ack(update, 4)
    assert ended.name == "sending", "an update of the one that has ended says nothing of the new one"
    ended.keep(frame.CHECKIN, 0, 0)
    ended.ack(ended.counter, 4)
    assert ended.name == "sending", "a check-in belongs to no incident"


def test_what_is_closed_is_what_had_come_in():
    life = Life()
    first = life.press()
    life.ack(first, 1).ack(first, 4)
    second = life.press()
    life.ack(first, 5)
    assert (life.name, life.signal) == ("sending", "sending"), "nobody has seen the second press"
    assert life.restart().name == "sending" and life.state.waiting == second
    life.ack(second, 1)
    assert life.name == "received"
    life.ack(first, 3).ack(first, 5)
    assert life.name == "received", "of the first one that is late now"
    life.ack(second, 2)
    assert life.restart().name == "seen"
    life.ack(second, 5)
    assert life.name == "closed"


def test_a_closing_that_comes_after_the_answer_to_the_new_press_is_of_the_old_one():
    life = Life()
    first = life.press()
    life.ack(first, 1).ack(first, 4)
    second = life.press()
    life.ack(second, 1)
    assert life.name == "received", "nobody has said more of the second press"
    life.ack(first, 5)
    assert (life.name, life.state.waiting) == ("received", 0)
    third = life.press()
    life.ack(third, 1).ack(third, 3).ack(second, 5)
    assert life.name == "assigned", "the third press has a unit, whatever became of the second"


def test_an_update_that_overtook_its_press_closes_nothing_of_it():
    life = Life()
    press = life.press()
    life.wait(2250, BETTER_FIX)
    life.ack(life.counter, 5)
    assert (life.name, life.state.waiting) == ("sending", press)
    life.ack(press, 1).ack(press, 5)
    assert life.name == "closed"


def test_a_press_that_waits_is_not_answered_by_what_was_said_before_it():
    life = Life()
    first = life.press()
    life.ack(first, 1)
    second = life.press()
    life.ack(first, 3)
    assert (life.name, life.signal) == ("assigned", "sending")
    life.ack(second, 1)
    assert life.signal == "received"
    life.ack(second, 3)
    assert life.signal == "assigned"


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("answer", "shown"), [(1, "received"), (7, "refused"), (6, "refused")])
def test_a_new_press_shows_nothing_of_an_incident_whose_closing_was_never_heard(answer, shown, restarted):
    """The gateway says it once, in front of the answer to the press that opens another; a radio may lose it."""
    life = Life()
    first = life.press()
    life.ack(first, 1).ack(first, 3, 7)
    second = life.press()
    if restarted:
        life.restart()
    life.ack(second, answer)
    assert (life.name, life.signal, life.state.eta) == (shown, shown, None)
    assert life.restart().name == shown
    life.ack(first, 4)
    assert life.name == shown
    life.ack(second, 2).ack(second, answer)
    assert life.name == "seen", "an answer that is repeated takes nothing back"


def test_what_is_told_of_a_new_press_before_its_answer_stands():
    life = Life()
    first = life.press()
    life.ack(first, 1).ack(first, 3, 7)
    second = life.press()
    life.step(ACKED, frame.PRESS, second, 3, 5, 9)
    life.ack(second, 1)
    assert (life.name, life.state.eta) == ("assigned", 5)


def test_a_test_press_of_an_open_incident_answered_twice_refuses_nothing():
    life = Life()
    life.ack(life.press(), 1)
    life.step(TESTED)
    life.ack(life.counter, 6).ack(life.counter, 6)
    assert life.name == "received"


def test_a_unit_that_comes_no_more_is_shown_no_more_and_an_older_word_brings_it_back_no_more():
    life = Life()
    press = life.press()
    life.ack(press, 1, told_s=100).ack(press, 3, 7, told_s=110)
    life.ack(press, 2, told_s=105)
    assert life.name == "assigned", "that was said before"
    life.ack(press, 2, told_s=150)
    assert (life.name, life.signal, life.state.eta) == ("seen", "seen", None)
    life.ack(press, 3, 7, told_s=140)
    assert life.name == "seen", "a copy that was long under way"
    life.ack(press, 1, told_s=160)
    assert life.name == "seen", "the answer to the press itself says nothing of who comes"
    assert life.restart().name == "seen"
    life.ack(press, 3, 12, told_s=170)
    assert (life.name, life.state.eta) == ("assigned", 12)
    life.ack(press, 4, told_s=180).ack(press, 3, 5, told_s=190)
    assert (life.name, life.state.eta) == ("assigned", 5), "whoever was there has left, and another comes"


def test_what_was_told_later_is_not_undone_by_what_waited_in_a_radio():
    life = Life()
    press = life.press()
    life.ack(press, 1, told_s=100).ack(press, 3, 7, told_s=110)
    life.ack(press, 3, 7, told_s=400).ack(press, 2, told_s=300)
    assert life.name == "assigned"


def test_another_estimate_for_the_same_unit_is_news_and_the_same_again_is_none():
    life = Life()
    press = life.press()
    life.ack(press, 1, told_s=100).ack(press, 3, 7, told_s=110).ack(press, 3, 7, told_s=120)
    assert life.state.news == 0
    life.ack(press, 3, None, told_s=500)
    assert (life.name, life.state.eta, life.state.news) == ("assigned", None, 1), "nobody knows when"
    life.ack(press, 3, 7, told_s=130)
    assert (life.state.eta, life.state.news) == (None, 1), "the promise that has passed"
    life.ack(press, 3, 4, told_s=800)
    assert (life.state.eta, life.state.news) == (4, 2)
    assert life.restart().state.eta == 4


def test_after_a_stage_was_taken_back_a_newer_frame_is_believed_whatever_the_gateways_clock_says():
    """With a clock that was an hour ahead, nobody who came was shown until it had caught up."""
    life = Life()
    press = life.press()
    life.ack(press, 1, told_s=100).ack(press, 3, 5, told_s=3_705).ack(press, 2, told_s=3_760)
    life.ack(press, 3, 4, told_s=220)
    assert life.name == "seen", "it may be a copy from before"
    life.wait(10_000, NEW_FIX).ack(life.counter, 3, 4, told_s=230)
    assert (life.name, life.state.eta) == ("assigned", 4)
    life.ack(press, 4, told_s=240)
    assert life.name == "assigned", "under the older frame it may be a copy again"
    life.wait(10_000, NEW_FIX).ack(life.counter, 4, told_s=700)
    assert life.name == "on_scene"


def test_a_new_press_believes_a_gateway_whose_clock_was_set_back():
    life = Life()
    first = life.press()
    life.ack(first, 1, told_s=9_000).ack(first, 3, told_s=9_000).ack(first, 2, told_s=9_001)
    second = life.press()
    life.ack(second, 1, told_s=100).ack(second, 3, told_s=100)
    assert life.name == "assigned"
    life.ack(second, 2, told_s=130)
    assert life.name == "seen"
