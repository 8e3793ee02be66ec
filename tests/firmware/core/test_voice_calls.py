"""When the button calls, whom it answers, when it hangs up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.voice_holder import CENTRE, STRANGER, Holder, holder, talking
from siaga.app.restore import restore
from siaga.core import alarm, frame
from siaga.core.voice_calls import _LONGEST_MS as LONGEST_MS
from siaga.core.voice_calls import _PAUSE_MS as PAUSE_MS
from siaga.core.voice_calls import _QUIET_MS as QUIET_MS
from siaga.core.voice_calls import _RING_OUT_MS as RING_OUT_MS
from siaga.core.voice_calls import _ROUND_MS as ROUND_MS
from siaga.core.voice_calls import _WHO_MS as WHO_MS
from siaga.core.voice_calls import ANSWER, DIAL, HANG_UP, IDLE, NOTHING, UP, WAIT_MS, Calls, is_same_number


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ("+6281200000110", True),
        ("081200000110", True),
        ("6281200000110", True),
        ("006281200000110", True),
        ("+6281200000111", False),
        ("81200000110", False),
        ("0200000110", False),
        ("+081200000110", False),
        ("110", False),
        ("0", False),
        ("", False),
        ("anonymous", False),
        ("+62812 00000110", False),
    ],
)
def test_the_centre_s_number_in_every_form_that_a_network_tells(told: str, same: bool):
    assert is_same_number(told, CENTRE) is same


@given(st.text(alphabet="+0123456789", max_size=18))
def test_no_number_that_is_not_the_centre_s_is_taken_for_it(told: str):
    if is_same_number(told, CENTRE):
        assert told.lstrip("+0").endswith("81200000110") and len(told) <= len("0062") + len("81200000110")


def test_the_call_goes_once_the_press_is_acknowledged():
    it = holder()
    it.press()
    assert it.calls.busy and it.wait(WAIT_MS - 1000) == NOTHING
    it.acknowledge()
    assert it.wait(500) == DIAL


def test_or_after_thirty_seconds_without_that():
    it = holder()
    it.press()
    assert it.wait(WAIT_MS - 1) == NOTHING
    assert it.wait(500) == DIAL
    it = holder()
    it.press()
    it.acknowledge(frame.STAGE_REFUSED)  # whoever gets no help by data needs a voice all the more
    assert it.wait(500) == DIAL


def test_a_second_press_has_the_modem_to_itself_too_but_cannot_put_the_call_off_for_ever():
    it = holder()
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL
    it.over()
    it.press()
    assert it.wait(WAIT_MS - 1) == NOTHING
    assert it.wait(1000) == DIAL
    it = holder()
    for _ in range(3):
        it.press()
        assert it.wait(10000 - 1) == NOTHING
    assert it.wait(1000) == DIAL


def test_three_tries_with_pauses_and_three_more_for_a_further_press():
    it = holder()
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL
    assert it.wait(RING_OUT_MS + 500) == HANG_UP
    it.over()
    assert it.wait(PAUSE_MS - 500) == NOTHING and it.calls.busy
    assert it.wait(1000) == DIAL
    it.failed()
    it.over()
    assert it.wait(PAUSE_MS + 500) == DIAL
    it.over()  # busy
    assert not it.calls.busy and it.wait(ROUND_MS) == NOTHING
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL


def test_a_call_that_was_talked_on_is_not_made_again():
    it = talking()
    it.wait(30000)
    it.over()
    assert not it.calls.busy and it.wait(ROUND_MS) == NOTHING
    it = talking()
    it.over()  # within the second
    assert it.calls.busy and it.wait(PAUSE_MS + 500) == DIAL
    it = talking()
    it.wait(30000)
    it.over(lost=True)  # the modem started anew
    assert it.wait(PAUSE_MS + 500) == DIAL


@pytest.mark.parametrize("forced", [False, True])
def test_a_cancel_ends_it_and_both_kinds_sound_alike(forced: bool):
    it = talking()
    assert it.cancel(forced) == HANG_UP
    it.over()
    assert not it.calls.busy
    it.rings()
    assert it.caller(CENTRE) == HANG_UP
    it.over()
    assert it.wait(QUIET_MS - 1000) == NOTHING


@pytest.mark.parametrize("forced", [False, True])
def test_a_restart_after_a_cancel_answers_nobody_either(forced: bool):
    it = holder()
    it.press()
    it.cancel(forced)
    record = it.state.saved()
    it = Holder(Calls(True, [CENTRE], True), restore(record, [], 0))
    it.rings()
    assert it.caller(CENTRE) == HANG_UP
    it.over()
    it.counter = it.state.pressed + 1
    it.press()
    it.rings()
    assert it.caller(CENTRE) == (HANG_UP if forced else ANSWER)


def test_a_further_press_the_longest_time_and_closing_end_it_and_the_centre_is_answered_again():
    it = talking()
    it.press()
    it.acknowledge()  # a further press while they talk begins nothing
    it.wait(20000)
    it.over()
    assert not it.calls.busy
    it = talking()
    assert it.wait(LONGEST_MS + 500) == HANG_UP
    it.over()
    assert not it.calls.busy
    it = talking()
    assert it.acknowledge(frame.STAGE_CLOSED) == HANG_UP
    it.over()
    it.rings()
    assert it.caller(CENTRE) == ANSWER


def test_after_a_forced_cancel_a_press_is_forced_too_and_makes_no_sound():
    it = holder()
    it.press()
    it.cancel(True)
    it.press()
    it.acknowledge()
    assert alarm.is_open(it.state)
    assert it.wait(ROUND_MS) == NOTHING and not it.calls.busy
    assert it.caller(CENTRE) == HANG_UP
    it = holder()
    it.press()
    it.cancel()
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL


def test_a_test_press_and_an_incident_of_an_earlier_run_call_nobody():
    it = holder()
    it.press(test=True)
    it.acknowledge(frame.STAGE_TEST)
    assert it.wait(ROUND_MS) == NOTHING
    left = alarm.State().changed(opening=7, waiting=7)
    it = Holder(Calls(True, [CENTRE], True), left)
    assert it.wait(ROUND_MS) == NOTHING
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL


def test_who_rings_is_answered_only_once_it_is_known_to_be_the_centre():
    it = holder(dials=False)
    it.rings()
    assert it.calls.busy and it.wait(WHO_MS - 500) == NOTHING
    assert it.wait(1000) == HANG_UP  # did not say
    it.over()
    it.rings()
    assert it.caller(STRANGER) == HANG_UP
    it.over()
    it.rings()
    it.calls.gave_up()
    assert it.calls.phase == IDLE
    it.rings()
    assert it.caller("081200000110") == ANSWER
    it.began()
    assert it.caller(CENTRE) == NOTHING, "one call at a time"
    it.calls.gave_up()
    assert it.calls.phase == UP
    assert it.wait(LONGEST_MS + 500) == HANG_UP


def test_a_silent_button_neither_calls_nor_answers():
    it = holder(allowed=False)
    it.press()
    it.acknowledge()
    assert not it.calls.busy and it.wait(ROUND_MS) == NOTHING
    it.rings()
    assert it.caller(CENTRE) == HANG_UP


def test_the_centre_s_own_call_takes_the_place_of_the_one_to_be_made():
    it = holder()
    it.press()
    it.acknowledge()
    it.rings()
    assert it.wait(1000) == NOTHING
    assert it.caller(CENTRE) == ANSWER
    it.began()
    it.wait(20000)
    it.over()
    assert not it.calls.busy


def test_what_ends_with_the_incident_while_it_only_rings_and_what_begins_anew():
    it = holder()
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL
    assert it.cancel() == HANG_UP
    it.over()
    it.press()
    it.rings()
    assert it.caller(CENTRE) == ANSWER  # the press ends the quiet after the cancel
    it = holder()
    it.press()
    it.cancel(forced=True)
    it.step(alarm.ACKED, frame.PRESS, 1, frame.STAGE_CLOSED, None, it.now // 1000)
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL  # the forced one is closed
    it.began()
    assert it.failed() == NOTHING and it.calls.phase == UP


def test_a_call_that_nobody_here_asked_for_is_ended():
    it = holder()
    assert it.began() == HANG_UP
    it = talking()
    it.over()
    assert it.began() == NOTHING and it.calls.phase == UP  # after an early NO CARRIER
    it = talking()
    it.wait(30000)
    it.over()
    it.wait(RING_OUT_MS)
    assert it.began() == HANG_UP


def test_without_a_network_the_round_ends_too():
    it = holder()
    it.press()
    assert it.wait(ROUND_MS - 1000, ready=False) == NOTHING and it.calls.busy
    assert it.wait(2000, ready=False) == NOTHING and not it.calls.busy
