"""The button under the hand: example by example, and whatever Hypothesis thinks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.core.button_gestures import CANCEL, CLOSED, DURESS, PRESS, STAYS, STUCK, TAPS, TEST, TOUCH, Button, Contact

STEP = 15


class Hand:
    """Moves the contact as time goes by; `heard` is what the button understood, with the time."""

    def __init__(self, button: Button, step: int = STEP) -> None:
        self.button = button
        self.step = step
        self.now = 0
        self.open = False
        self.heard: list[tuple[str, int]] = []

    def keep(self, pressed: bool, ms: int) -> Hand:
        end = self.now + ms
        while self.now < end:
            word = self.button.sample(pressed, self.now, self.open)
            if word:
                self.heard.append((word, self.now))
            self.now += self.step
        return self

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.heard]


def hand(**settings) -> Hand:
    return Hand(Button(**settings)).keep(False, 300)


def test_a_hold_of_two_seconds_is_a_press_while_the_button_is_still_down():
    held = hand().keep(True, 1950)
    assert held.words == []
    held.keep(True, 100)
    assert held.words == [PRESS]
    held.keep(True, 20000).keep(False, 500)
    assert held.words == [PRESS], "once a hold, however long"


def test_a_touch_is_nothing():
    assert hand().keep(True, 1900).keep(False, 500).keep(True, 1900).keep(False, 500).words == []


@pytest.mark.parametrize(
    ("held_ms", "word"), [(1000, None), (3000, PRESS), (4900, PRESS), (5300, CANCEL), (7800, CANCEL), (8300, DURESS)]
)
def test_in_an_open_incident_the_length_of_the_hold_decides(held_ms, word):
    held = hand()
    held.open = True
    held.keep(True, held_ms).keep(False, 200)
    assert held.words == ([word] if word else [])


def test_the_two_cancels_may_stand_in_either_order():
    held = hand(cancel_hold_ms=8000, duress_hold_ms=5000)
    held.open = True
    held.keep(True, 6000).keep(False, 200).keep(True, 8300)
    assert held.words == [DURESS, CANCEL]


def test_without_a_duress_hold_the_cancel_counts_at_once():
    held = hand(duress_hold_ms=0)
    held.open = True
    held.keep(True, 5100)
    assert held.words == [CANCEL]


def test_the_hold_that_opened_the_incident_never_cancels_it():
    held = hand().keep(True, 2100)
    assert held.words == [PRESS]
    held.open = True
    held.keep(True, 30000).keep(False, 500)
    assert held.words == [PRESS]


def test_three_taps_are_a_press_where_the_setting_allows_them():
    for allowed in (True, False):
        held = hand(triple_tap=allowed)
        for _ in range(3):
            held.keep(True, 150).keep(False, 250)
        assert held.words == ([TAPS] if allowed else [])
        held.keep(True, 150).keep(False, 250)
        assert held.words == ([TAPS] if allowed else []), "a fourth tap is the first of the next three"


def test_taps_count_in_an_open_incident_too():
    held = hand(triple_tap=True)
    held.open = True
    for _ in range(3):
        held.keep(True, 150).keep(False, 250)
    assert held.words == [TAPS]


def test_slow_taps_are_no_press():
    held = hand(triple_tap=True)
    for _ in range(6):
        held.keep(True, 150).keep(False, 900)
    assert held.words == []


def test_held_at_power_up_let_go_and_touched_again_it_is_a_test():
    held = Hand(Button(power_up=True)).keep(True, 600)
    assert not held.button.asks(held.now)
    held.keep(False, 700)
    assert held.button.asks(held.now), "the light asks for it now"
    assert held.keep(True, 300).keep(False, 300).words == [TEST]
    assert not held.button.asks(held.now)
    assert held.keep(True, 300).keep(False, 300).words == [TEST], "once"


@pytest.mark.parametrize("power_up", [True, False])
def test_a_hold_that_goes_on_is_a_press_also_where_the_power_came_on_under_it(power_up: bool):
    """This port tells a brown-out as power-on: the finger may have been there before."""
    held = Hand(Button(power_up=power_up)).keep(True, 2100)
    assert held.words == [PRESS]
    assert held.keep(False, 300).keep(True, 300).keep(False, 300).words == [PRESS], "and no test after it"


def test_a_hold_after_a_touch_at_power_up_is_a_press():
    held = Hand(Button(power_up=True)).keep(True, 500).keep(False, 500).keep(True, 2100).keep(False, 300)
    assert held.words == [PRESS]


def test_nothing_asks_for_a_test_but_power_a_touch_and_another_in_time():
    assert Hand(Button()).keep(True, 500).keep(False, 500).keep(True, 300).keep(False, 300).words == []
    late = Hand(Button(power_up=True)).keep(False, 15).keep(True, 500).keep(False, 500).keep(True, 300).keep(False, 300)
    assert late.words == [], "it was up when the power came on"
    slow = Hand(Button(power_up=True)).keep(True, 500).keep(False, 10_500)
    assert not slow.button.asks(slow.now)
    assert slow.keep(True, 300).keep(False, 300).words == []


def test_with_an_open_incident_nothing_is_a_test():
    held = Hand(Button(power_up=True))
    held.open = True
    assert held.keep(True, 3000).keep(False, 300).words == [PRESS]
    held = Hand(Button(power_up=True)).keep(True, 500).keep(False, 500)
    held.open = True
    assert held.keep(True, 300).keep(False, 300).words == []
    held.open = False
    assert held.keep(True, 300).keep(False, 300).words == []


@pytest.mark.parametrize("first_look", [100, 600, 1900, 2000, 2500, 3500])
@pytest.mark.parametrize("lifted", [50, 300, 1500, 1950, 2050, 3000, 4000, 9000])
def test_the_hold_that_woke_it_counts_from_the_wake_whenever_it_is_looked_at(first_look: int, lifted: int):
    button = Button(woken=True)
    words = [button.sample(True, 0, False)]
    for now in range(first_look, 12_000, STEP):
        words.append(button.sample(now < lifted, now, False))
    heard = [word for word in words if word]
    seen = lifted > first_look
    assert heard == [PRESS if seen and lifted >= 2000 else TOUCH], "seen to be held, or no alarm but a sign"


def test_a_worn_contact_that_is_open_at_the_first_look_is_a_hold_all_the_same():
    button = Button(woken=True)
    words = [button.sample(True, 0, False), button.sample(False, 700, False), button.sample(False, 740, False)]
    words += [button.sample(True, now, False) for now in range(760, 2300, STEP)]
    assert [word for word in words if word] == [PRESS]


def test_a_tap_that_woke_the_button_is_the_first_of_three():
    held = Hand(Button(woken=True, triple_tap=True))
    held.button.sample(True, 0, False)
    held.now = 300
    held.keep(False, 200).keep(True, 150).keep(False, 250).keep(True, 150).keep(False, 250)
    assert held.words == [TOUCH, TAPS]


def test_taps_count_although_a_test_was_asked_for():
    held = Hand(Button(power_up=True, triple_tap=True))
    held.keep(True, 150).keep(False, 250).keep(True, 150).keep(False, 250).keep(True, 150).keep(False, 250)
    assert held.words == [TEST, TAPS]


def test_a_touch_that_woke_the_button_is_told_and_no_other():
    assert Hand(Button(woken=True)).keep(True, 1500).keep(False, 300).words == [TOUCH]
    assert Hand(Button(woken=True)).keep(True, 2100).keep(False, 300).words == [PRESS]
    assert Hand(Button(woken=True)).keep(True, 500).keep(False, 300).keep(True, 500).keep(False, 300).words == [TOUCH]
    assert Hand(Button()).keep(True, 1500).keep(False, 300).words == []


def test_a_button_that_is_down_for_a_minute_is_told_once():
    assert hand().keep(True, 200000).words == [PRESS, STUCK]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=60))
def test_bounce_shorter_than_the_debounce_is_never_anything(bounces):
    held = Hand(Button(hold_ms=100, triple_tap=True), step=1).keep(False, 100)
    for pressed, ms in bounces:
        if pressed:
            held.keep(True, min(ms, 20)).keep(False, 30)
    assert held.words == []


@given(st.integers(0, 40), st.integers(5, 24), st.integers(2100, 4900))
def test_a_bouncing_hold_is_one_press(bounces, width, held_ms):
    held = Hand(Button(), step=5).keep(False, 100)
    for _ in range(bounces % 5):
        held.keep(True, width).keep(False, 5)
    held.keep(True, held_ms)
    for _ in range(bounces % 5):
        held.keep(False, 5).keep(True, width)
    held.keep(False, 200)
    assert held.words == [PRESS]


@given(
    quiet=st.integers(0, 1000),
    gaps=st.lists(st.integers(10, 999), min_size=1, max_size=200),
    held_ms=st.integers(2060, 4000),
    start=st.integers(0, 2000),
)
def test_a_press_is_heard_through_blind_seconds(quiet, gaps, held_ms, start):
    """Whatever keeps the processor busy for up to half of the hold, a true hold is a press."""
    button = Button(hold_ms=2000)
    now, heard, turn = quiet, [], 0
    while now < start + held_ms + 3000:
        word = button.sample(start <= now < start + held_ms and now > quiet, now, False)
        if word:
            heard.append(word)
        now += gaps[turn % len(gaps)]
        turn += 1
    if start > quiet:
        assert heard == [PRESS]


def test_a_blind_moment_turns_no_forced_cancel_into_a_free_one():
    held = hand()
    held.open = True
    held.keep(True, 2000)
    held.now += 1500
    held.keep(True, 5000).keep(False, 200)
    assert held.words == [DURESS]


@given(st.lists(st.lists(st.integers(30, 3000), min_size=2, max_size=30), min_size=1, max_size=8))
def test_no_free_cancel_unless_the_button_was_seen_down_for_as_long(holds):
    """Each hold is the list of gaps between its samples; what lies before a blind gap does not count."""
    button, now = Button(hold_ms=500, cancel_hold_ms=3000, duress_hold_ms=6000), 0
    for gaps in holds:
        for _ in range(4):
            button.sample(False, now, True)
            now += 30
        seen, words = 0, []
        words.append(button.sample(True, now, True))
        for gap in gaps:
            now += gap
            seen = seen + gap if gap <= 500 else 0
            words.append(button.sample(True, now, True))
        for _ in range(4):
            now += 30
            words.append(button.sample(False, now, True))
        assert CANCEL not in words or seen >= 3000


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 70000)), max_size=200))
def test_any_samples_at_all_give_a_word_or_nothing(samples):
    button, now = Button(triple_tap=True, power_up=True), 0
    tests = 0
    for pressed, is_open, wait in samples:
        word = button.sample(pressed, now, is_open)
        assert word in (None, PRESS, TAPS, CANCEL, DURESS, TEST, STUCK)
        tests += word == TEST
        now += wait
    assert tests <= 1


class Switch:
    """The contact of another alarm device, as time goes by."""

    def __init__(self) -> None:
        self.contact = Contact()
        self.now = 0
        self.heard: list[tuple[str, int]] = []

    def keep(self, closed: bool, ms: int, step: int = STEP) -> Switch:
        end = self.now + ms
        while self.now < end:
            word = self.contact.sample(closed, self.now)
            if word:
                self.heard.append((word, self.now))
            self.now += step
        return self

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.heard]


def test_a_contact_that_closes_is_an_alarm_once_and_armed_again_by_opening():
    switch = Switch().keep(False, 500).keep(True, 400)
    assert switch.words == [CLOSED], "EN 50131-1: 400 ms are processed"
    switch.keep(True, 20_000).keep(False, 150).keep(True, 500)
    assert switch.words == [CLOSED], "it bounced"
    switch.keep(False, 300).keep(True, 300)
    assert switch.words == [CLOSED, CLOSED]


def test_interference_on_a_long_cable_is_nothing():
    switch = Switch().keep(False, 500)
    for _ in range(50):
        switch.keep(True, 150).keep(False, 50)
    assert switch.words == []


def test_a_contact_that_stays_closed_is_told_once_a_closing():
    switch = Switch().keep(False, 500).keep(True, 200_000)
    assert switch.words == [CLOSED, STAYS]
    assert 59_000 < switch.heard[1][1] - switch.heard[0][1] < 61_000
    switch.keep(False, 500).keep(True, 70_000)
    assert switch.words == [CLOSED, STAYS] * 2


def test_a_contact_that_was_closed_at_the_start_is_told_and_no_alarm_until_it_opened():
    switch = Switch().keep(True, 70_000)
    assert switch.words == [STAYS]
    assert switch.keep(False, 300).keep(True, 300).words == [STAYS, CLOSED]


def test_a_contact_that_is_open_at_the_start_is_armed_from_there():
    assert Switch().keep(False, 15).keep(True, 300).words == [CLOSED]


def test_a_contact_that_closed_while_the_button_slept_is_an_alarm():
    switch = Switch()
    switch.contact = Contact(armed=True)
    assert switch.keep(True, 300).words == [CLOSED]


def test_a_contact_that_closed_while_the_processor_was_blind_counts():
    switch = Switch().keep(False, 500).keep(True, 30)
    switch.now += 4000
    assert switch.keep(True, 30).words == [CLOSED]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 90_000)), max_size=30), st.sampled_from([10, 15, 40]))
def test_every_long_closing_after_a_long_opening_is_an_alarm_and_nothing_else_is(levels, step):
    switch = Switch()
    expected, armed, before = 0, False, None
    steady: list[tuple[bool, int]] = []
    for closed, ms in levels:  # what follows at the same level is one
        if steady and steady[-1][0] == closed:
            steady[-1] = closed, steady[-1][1] + max(ms, step)
        else:
            steady.append((closed, max(ms, step)))
    for closed, ms in steady:
        ms = 0 if ms <= 300 else ms  # too short to be sure of
        if not ms:
            continue
        switch.keep(closed, ms, step)
        if not closed:
            armed = True
        elif armed and before is not True:
            expected += 1
            armed = False
        before = closed
    assert switch.words.count(CLOSED) == expected
