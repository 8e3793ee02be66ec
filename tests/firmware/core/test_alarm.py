"""The life of a press as a pure function, by example and against a model of what must always hold."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from alarm_life import NO_ACK_MS, Life
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from siaga.app.restore import restore
from siaga.core import alarm, frame
from siaga.core.alarm import (
    ACKED,
    BETTER_FIX,
    CANCELLED,
    NEW_FIX,
    NO_FIX,
    PRESSED,
    SAVE,
    SEND,
    STORED,
    TESTED,
    TICK,
    UNSTORED,
    State,
    next_state,
    signal,
    state_name,
)


def test_a_press_goes_through_every_stage():
    life = Life()
    assert life.name == life.signal == "armed"
    press = life.press()
    for stage, name in [(0, "sending"), (1, "received"), (2, "seen"), (3, "assigned"), (4, "on_scene"), (5, "closed")]:
        if stage:
            life.ack(press, stage)
        assert life.name == life.signal == name
    life.wait(11000)
    assert life.name == "armed"


@pytest.mark.parametrize("stage", [2, 3, 4, 5, 7])
def test_a_later_stage_may_come_first(stage):
    life = Life()
    life.ack(life.press(), stage)
    assert life.name == {2: "seen", 3: "assigned", 4: "on_scene", 5: "closed", 7: "refused"}[stage]


def test_without_an_acknowledgement_it_says_that_nothing_gets_through():
    life = Life()
    press = life.press()
    life.wait(NO_ACK_MS - 500)
    assert life.signal == "sending"
    life.wait(1000)
    assert (life.name, life.signal) == ("sending", "not_getting_through")
    life.ack(press, 1)
    assert life.signal == "received"


def test_a_further_press_belongs_to_the_incident_and_shows_that_it_is_being_sent():
    life = Life()
    first = life.press()
    life.ack(first, 3)
    second = life.press()
    assert life.sent[-1] == (frame.PRESS, second, 0, first)
    assert (life.name, life.signal) == ("assigned", "sending")
    life.ack(second, 1).ack(second, 3)
    assert (life.name, life.signal) == ("assigned", "assigned")


def test_an_acknowledged_further_press_means_that_the_incident_was_received():
    life = Life()
    life.press()
    life.ack(life.press(), 1)
    assert life.name == "received"


def test_a_real_press_taken_for_a_test_brings_nobody_and_says_so():
    life = Life()
    life.ack(life.press(), frame.STAGE_TEST)
    assert life.name == "refused"


def test_a_refused_press_may_still_bring_help():
    life = Life()
    press = life.press()
    life.ack(press, 1).ack(press, 7)
    assert life.signal == "refused"
    life.ack(press, 3, 5)
    assert life.name == "assigned" and life.state.eta == 5


def test_a_new_eta_is_taken_and_an_older_stage_is_not():
    life = Life()
    press = life.press()
    life.ack(press, 3, 12).ack(press, 3, 8).ack(press, 2, 99, told_s=0)
    assert (life.name, life.state.eta) == ("assigned", 8)


def test_a_test_is_no_incident_and_a_press_during_it_is_one():
    life = Life().step(TESTED)
    test = life.counter
    assert life.sent == [(frame.PRESS, test, frame.FLAG_TEST, 0)] and life.name == "test"
    press = life.press()
    assert life.sent[-1] == (frame.PRESS, press, 0, 0) and life.name == "sending"
    life.ack(test, 6)
    assert life.name == "sending"


def test_a_test_tells_how_it_ended():
    for stage, told in [(6, "test_received"), (1, "test_received"), (7, "refused")]:
        life = Life().step(TESTED)
        life.ack(life.counter, stage)
        assert (life.name, life.signal) == ("test", told)
        assert life.wait(11000).name == "armed"
    life = Life().step(TESTED).wait(NO_ACK_MS + 250)
    assert life.signal == "not_getting_through"
    life.wait(60000)
    assert life.name == "armed"
    life.ack(life.counter, 6)
    assert life.signal == "test_received", "late, but told"


def test_nothing_to_cancel_is_nothing():
    life = Life().step(CANCELLED, False)
    assert life.sent == []


def test_updates_follow_at_once_then_every_ten_seconds_then_every_minute():
    life = Life()
    life.press()
    times = []
    for _ in range(4 * 60 * 30):
        before = len(life.sent)
        life.wait(250, BETTER_FIX if life.now < 2000 else NEW_FIX)
        if len(life.sent) > before:
            times.append(life.now)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    often = [gap for gap, at in zip(gaps, times, strict=False) if at < 590_000]
    seldom = [gap for gap, at in zip(gaps, times, strict=False) if at > 620_000]
    assert set(often) == {10000} and set(seldom) == {60000}
    assert life.wait(60000, NO_FIX).sent[-1][1] == life.counter


def test_a_better_fix_does_not_wait_for_its_turn():
    life = Life()
    life.press()
    life.wait(2250, BETTER_FIX)
    assert life.sent[-1][0] == frame.UPDATE


def test_below_the_battery_s_floor_positions_cease_and_a_press_does_not():
    life = Life()
    life.press()
    life.wait(60_000, BETTER_FIX, floor=True)
    assert len(life.sent) == 1
    second = life.press()
    assert life.sent[-1][:2] == (frame.PRESS, second)
    life.wait(3000, BETTER_FIX)
    assert life.sent[-1][0] == frame.UPDATE, "the charger came"


def test_what_cannot_be_kept_is_shown_as_not_getting_through():
    life = Life()
    life.state, _ = next_state(life.state, (UNSTORED, frame.PRESS), life.now)
    assert (life.name, life.signal) == ("sending", "not_getting_through")
    life.wait(61000)
    assert life.name == "armed"


def test_an_incident_that_nobody_closes_ends_after_half_a_day():
    life = Life()
    first = life.press()
    life.ack(first, 1)
    life.now += alarm.INCIDENT_MS
    life.wait(250)
    assert life.name == "armed"
    life.press()
    assert life.sent[-1][3] == 0
    life.restart()
    assert life.state.opening == life.counter


def test_a_restart_between_outbox_and_state_finds_its_way():
    life = Life()
    before = life.saved
    press = life.press()
    life.saved = before  # the power went after the entry, before the state
    assert life.restart().name == "sending" and life.state.opening == press
    life.ack(press, 1)
    opened = life.saved
    life.step(CANCELLED, False)
    life.saved = opened
    assert life.restart().name == "armed" and life.state.opening == press
    life = Life()
    press = life.press()
    life.step(ACKED, frame.PRESS, press, 1, None, 1)  # saved, but the entry is still there
    assert life.restart().name == "received"


def test_a_press_that_is_nowhere_and_was_never_acknowledged_is_lost_and_nothing_else_is():
    life = Life()
    press = life.press()
    assert not alarm.is_lost(life.state)
    kept = life.outbox.pop(press)
    assert alarm.is_lost(life.restart().state) and life.name == "sending"
    life.outbox[press] = kept
    assert not alarm.is_lost(life.restart().state), "it waits"
    life.ack(press, 1)
    assert not alarm.is_lost(life.restart().state)
    for forced in (False, True):
        cancelled = Life()
        cancelled.outbox.pop(cancelled.press())
        cancelled.step(CANCELLED, forced)
        assert not alarm.is_lost(cancelled.restart().state), "nothing may be seen of it"
    assert not alarm.is_lost(Life().restart().state)


def test_a_saved_state_of_another_shape_is_none():
    assert restore(b"", [], 0).opening == 0 and restore(b"\xff" * 11, [], 0).opening == 0


KINDS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7])


EVENTS = st.one_of(
    st.tuples(st.just(PRESSED), st.sampled_from([0, 1 << 10])),
    st.just((TESTED,)),
    st.tuples(st.just(CANCELLED), st.booleans()),
    st.tuples(st.just(STORED), st.integers(1, 7), st.integers(1, 40), st.booleans()),
    st.tuples(st.just(UNSTORED), st.integers(1, 7)),
    st.tuples(
        st.just(ACKED),
        KINDS,
        st.integers(0, 50),
        st.integers(1, 7),
        st.none() | st.integers(0, 254),
        st.integers(0, 9),
    ),
    st.tuples(st.just(TICK), st.sampled_from([NO_FIX, NEW_FIX, BETTER_FIX]), st.booleans()),
)


NAMES = {
    "armed", "sending", "received", "seen", "assigned", "on_scene", "closed", "cancelled", "refused", "test",
}  # fmt: skip


@given(st.lists(st.tuples(EVENTS, st.integers(0, 100_000)), max_size=80))
def test_any_events_in_any_order_leave_a_state_that_can_be_shown_and_saved(events):
    from siaga.drivers.indicator import PATTERNS

    state, now = State(), 0
    for event, later in events:
        now += later
        state, actions = next_state(state, event, now)
        assert state_name(state) in NAMES and signal(state, now, NO_ACK_MS) in PATTERNS
        assert all(action[0] in (SEND, SAVE) for action in actions)
        again = restore(state.saved(), [], now)
        assert again.opening == state.opening
        assert (again.duress, again.cancelled) == (state.duress, state.cancelled)


class AnyLife(RuleBasedStateMachine):
    """Everything that may happen, restarts and lost messages included."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.furthest: dict[tuple[int, int, int, int], int] = {}

    @rule()
    def press(self) -> None:
        life = self.life
        open_before, duress = life.state.opening, life.state.duress
        counter = life.press()
        assert life.sent[-1] == (frame.PRESS, counter, frame.FLAG_DURESS if duress else 0, open_before)
        assert alarm.is_open(life.state) and life.signal in ("sending", "not_getting_through")

    @rule()
    def test(self) -> None:
        self.life.step(TESTED)

    @rule(forced=st.booleans())
    def cancel(self, forced: bool) -> None:
        was_open, opening = alarm.is_open(self.life.state), self.life.state.opening
        before = len(self.life.sent)
        self.life.step(CANCELLED, forced)
        assert (len(self.life.sent) > before) == was_open
        assert not alarm.is_open(self.life.state) and self.life.state.opening == opening

    @rule(pick=st.integers(0, 1000), stage=st.integers(1, 7), again=st.booleans(), late=st.booleans())
    def acknowledge(self, pick: int, stage: int, again: bool, late: bool) -> None:
        pool = [counter for _, counter, _, _ in self.life.sent] if again else list(self.life.outbox)
        if pool:
            self.life.ack(pool[pick % len(pool)], stage, told_s=0 if late else None)
            if not late and stage in (frame.STAGE_SEEN, frame.STAGE_ASSIGNED):
                self.furthest.clear()  # the gateway's newest word may take a stage back

    @rule(seconds=st.integers(1, 40), news=st.sampled_from([NO_FIX, NEW_FIX, BETTER_FIX]))
    def wait(self, seconds: int, news: int) -> None:
        self.life.wait(seconds * 1000, news)

    @precondition(lambda self: self.life.sent)
    @rule()
    def restart(self) -> None:
        life = self.life
        before = life.state
        life.restart()
        for field in ("opening", "duress", "cancelled"):
            assert getattr(life.state, field) == getattr(before, field), field
        assert life.state.stage >= before.stage or before.stage == frame.STAGE_REFUSED
        if life.state.waiting != before.waiting:
            self.furthest.clear()  # a press of which only a later frame's answer told waits again, for its own
        assert not alarm.is_lost(life.state)

    @invariant()
    def only_the_newest_word_takes_a_stage_back(self) -> None:
        state = self.life.state
        if state.opening:
            rank = alarm.STAGES.index(state.stage)
            # A closing that leaves a press open moves `past` on; of a newer press only its own answers tell.
            incident = state.opening, state.past, state.pressed, state.waiting
            assert rank >= self.furthest.get(incident, 0)
            self.furthest[incident] = rank

    @invariant()
    def what_is_saved_is_the_incident(self) -> None:
        if self.life.saved is not None:
            opening = struct.unpack(">I", self.life.saved[:4])[0]
            assert opening == self.life.state.opening

    @invariant()
    def what_is_cancelled_shows_nothing_but_goes_on(self) -> None:
        state = self.life.state
        if state.cancelled:
            assert state.opening and state.waiting == 0
            assert self.life.name in ("armed", "cancelled", "test")

    @invariant()
    def updates_and_cancels_name_an_incident(self) -> None:
        presses = {counter for kind, counter, flags, opening in self.life.sent if kind == frame.PRESS and not opening}
        for kind, counter, _flags, opening in self.life.sent:
            if kind in (frame.UPDATE, frame.CANCEL):
                assert opening in presses and counter > opening


TestAnyLife = AnyLife.TestCase
