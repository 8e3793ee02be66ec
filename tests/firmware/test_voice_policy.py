"""When the button calls, whom it answers, when it hangs up: by example, and whatever hand, gateway and network do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.app.left import restore
from siaga.core import alarm, frame
from siaga.core.voice import (
    _LONGEST_MS as LONGEST_MS,
)
from siaga.core.voice import (
    _PAUSE_MS as PAUSE_MS,
)
from siaga.core.voice import (
    _QUIET_MS as QUIET_MS,
)
from siaga.core.voice import (
    _RING_OUT_MS as RING_OUT_MS,
)
from siaga.core.voice import (
    _ROUND_MS as ROUND_MS,
)
from siaga.core.voice import (
    _TRIES as TRIES,
)
from siaga.core.voice import (
    _WHO_MS as WHO_MS,
)
from siaga.core.voice import (
    ANSWER,
    DIAL,
    HANG_UP,
    IDLE,
    NOTHING,
    RINGING,
    UP,
    WAIT_MS,
    Calls,
    is_same_number,
)

CENTRE, STRANGER = "+6281200000110", "+6281200000111"


class Holder:
    """The real life of a press, the policy beside it, and a clock; what it wants done is in `wanted`."""

    def __init__(self, calls: Calls, state: alarm.State | None = None) -> None:
        self.calls = calls
        self.now = 1000
        self.counter = 0 if state is None else state.opening
        self.state = state or alarm.State()
        self.wanted: list[int] = []
        self.wants(self.calls.alarm(self.state, self.now))

    def wants(self, action: int) -> int:
        if action:
            self.wanted.append(action)
        return action

    def rings(self) -> None:
        self.calls.rings(self.now)

    def caller(self, number: str) -> int:
        return self.wants(self.calls.caller(number, self.now))

    def began(self) -> int:
        return self.wants(self.calls.began(self.now))

    def failed(self) -> int:
        return self.wants(self.calls.failed(self.now))

    def over(self, lost: bool = False) -> None:
        self.calls.over(lost, self.now)

    def step(self, *event: Any) -> int:
        self.state, _ = alarm.next_state(self.state, event, self.now)
        return self.wants(self.calls.alarm(self.state, self.now))

    def press(self, test: bool = False) -> int:
        self.counter += 1
        return self.step(alarm.STORED, frame.PRESS, self.counter, test)

    def cancel(self, forced: bool = False) -> int:
        if not alarm.is_open(self.state):
            return NOTHING
        self.counter += 1
        return self.step(alarm.STORED, frame.CANCEL, self.counter, forced)

    def acknowledge(self, stage: int = frame.STAGE_RECEIVED) -> int:
        return self.step(alarm.ACKED, frame.PRESS, self.counter, stage, None)

    def wait(self, ms: int, ready: bool = True) -> int:
        """The first thing that is wanted within so long."""
        until = self.now + ms
        while self.now < until:
            self.now = min(self.now + 250, until)
            action = self.step(alarm.TICK, alarm.NO_FIX, False) or self.wants(self.calls.tick(ready, self.now))
            if action:
                return action
        return NOTHING


def holder(dials: bool = True, allowed: bool = True) -> Holder:
    return Holder(Calls(dials, [CENTRE], allowed))


def talking() -> Holder:
    it = holder()
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL
    it.began()
    assert it.calls.phase == UP
    return it


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
    it.step(alarm.ACKED, frame.PRESS, 1, frame.STAGE_CLOSED, None)
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


MOSTLY = st.sampled_from([True, True, True, False])
# What happens often stands here more than once.
EVENTS = st.one_of(
    st.sampled_from([("press",), ("acknowledge", 1), ("wait", 500), ("answers",)]),
    st.sampled_from([("press",), ("wait", 21_000), ("ends",), ("lost",), ("fails",), ("gives_up",), ("test",)]),
    st.sampled_from([("press",), ("acknowledge", 1), ("wait", 31_000), ("answers",)]),
    st.tuples(st.just("acknowledge"), st.integers(1, 7)),
    st.tuples(st.just("cancel"), st.booleans()),
    st.tuples(st.just("rings"), st.sampled_from([CENTRE, "081200000110", STRANGER, "110", "", None])),
    st.tuples(st.just("wait"), st.sampled_from([250, 4000, 31_000, 46_000, 610_000])),
)


class Line:
    """The telephone line as it really is: nothing, out, in, or ringing; it does what the policy wants."""

    def __init__(self, it: Holder) -> None:
        self.it = it
        self.call = ""
        self.caller: str | None = None
        self.dials_since_press = 0
        self.done = 0

    def obey(self) -> None:
        """Carry out the newest wish, as the driver does."""
        wanted, self.done = self.it.wanted[self.done :], len(self.it.wanted)
        for action in wanted[-1:]:
            if action == DIAL:
                assert self.call == "", f"a call while the line is {self.call}"
                assert alarm.is_open(self.it.state), "a call without an incident"
                state = self.it.state
                assert not state.waiting or self.it.now - state.waiting_ms >= WAIT_MS
                self.dials_since_press += 1
                assert self.dials_since_press <= TRIES
                self.call = "out"
            elif action == ANSWER:
                assert self.call == "ringing", f"an answer while the line is {self.call}"
                assert self.caller is not None and is_same_number(self.caller, CENTRE), "a stranger is answered"
                self.call = "in"
                self.it.began()
            else:
                self.call = ""
                self.it.over()
        assert self.call in ("", "ringing") or self.it.calls.busy

    def happen(self, what: str, *rest: Any) -> None:
        it = self.it
        if what == "press":
            self.dials_since_press = 0
            it.press()
        elif what == "test":
            it.press(test=True)
        elif what == "acknowledge":
            it.acknowledge(*rest)
        elif what == "cancel":
            it.cancel(*rest)
        elif what == "rings" and not self.call:
            self.call, self.caller = "ringing", rest[0]
            it.rings()
            self.obey()
            if rest[0] is not None and self.call:
                it.caller(rest[0])
        elif what == "gives_up" and self.call == "ringing":
            self.call = ""
            it.calls.gave_up()
        elif what == "answers" and self.call == "out":
            it.began()
        elif what == "ends" and self.call in ("out", "in"):
            self.call = ""
            it.over()
        elif what == "fails" and self.call == "out":
            it.failed()
        elif what == "lost":
            self.call = ""
            it.over(lost=True)
        elif what == "wait":
            until = it.now + rest[0]
            while it.now < until:
                it.wait(until - it.now)
                self.obey()
        self.obey()


@given(st.lists(EVENTS, min_size=8, max_size=40), MOSTLY, MOSTLY)
def test_whatever_happens(events: list[tuple], dials: bool, allowed: bool):
    line = Line(holder(dials, allowed))
    for event in events:
        line.happen(*event)
        if not allowed:
            assert DIAL not in line.it.wanted and ANSWER not in line.it.wanted
        if not dials:
            assert DIAL not in line.it.wanted
        if not alarm.is_open(line.it.state):
            assert line.call != "out", "a call goes on after its incident"
    if line.call == "ringing":
        line.happen("gives_up")
    # Nobody does anything any more: every call ends, and no new one is made for ever.
    line.happen("wait", ROUND_MS + LONGEST_MS + RING_OUT_MS)
    assert line.call == "" and line.it.calls.phase == IDLE and not line.it.calls.busy


@given(st.lists(st.sampled_from(["rings", "began", "over", "failed"]), max_size=30))
def test_any_words_of_a_modem_in_any_order_end_in_quiet_or_a_hang_up(words: list[str]):
    it = talking()
    for word in words:
        getattr(it, word)()
    it.cancel()
    assert it.calls.phase in (IDLE, RINGING) or it.wait(LONGEST_MS) == HANG_UP or it.wanted[-1] == HANG_UP
