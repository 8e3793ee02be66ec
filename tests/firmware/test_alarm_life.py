"""The life of a press as a pure function, by example and against a model of what must always hold."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from siaga.app.left import restore
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

NO_ACK_MS = 20000


class Life:
    """Does what device.py does with the actions, with a flash that is a dictionary."""

    def __init__(self) -> None:
        self.state = State()
        self.now = 1000
        self.counter = 1
        self.sent: list[tuple[int, int, int, int]] = []  # kind, counter, flags, opening counter
        self.outbox: dict[int, tuple[int, bytes]] = {}
        self.saved: bytes | None = None

    def step(self, *event: object) -> Life:
        self.state, actions = next_state(self.state, event, self.now)
        for action in actions:
            if action[0] == SAVE:
                self.saved = self.state.saved()
            else:
                assert action[0] == SEND
                self.keep(*action[1:])
        return self

    def keep(self, kind: int, flags: int, opening: int) -> None:
        self.counter += 1
        body = bytes(17) + struct.pack(">HH", flags, self.counter - opening if opening else 0)
        self.outbox[self.counter] = kind, body
        self.sent.append((kind, self.counter, flags, opening))
        marked = bool(flags & (frame.FLAG_TEST if kind == frame.PRESS else frame.FLAG_DURESS))
        self.step(STORED, kind, self.counter, marked)

    def press(self) -> int:
        self.step(PRESSED, frame.TRIGGER_HOLD)
        return self.counter

    def ack(self, counter: int, stage: int, eta: int | None = None) -> Life:
        """The gateway's word about something that was sent, whether it still waits or not."""
        ((kind, flags),) = [(kind, flags) for kind, sent, flags, _ in self.sent if sent == counter]
        is_test = kind == frame.PRESS and flags & frame.FLAG_TEST
        self.step(ACKED, 0 if is_test else kind, counter, stage, eta)
        self.outbox.pop(counter, None)
        return self

    def wait(self, ms: int, news: int = NO_FIX, floor: bool = False) -> Life:
        for _ in range(0, ms, 250):
            self.now += 250
            self.step(TICK, news, floor)
        return self

    def restart(self) -> Life:
        entries = [(kind, counter, body) for counter, (kind, body) in self.outbox.items()]
        self.state = restore(self.saved, entries, self.now)
        return self

    @property
    def name(self) -> str:
        return state_name(self.state)

    @property
    def signal(self) -> str:
        return signal(self.state, self.now, NO_ACK_MS)


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
    life.ack(press, 3, 12).ack(press, 3, 8).ack(press, 2, 99)
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


def cancelled_lives() -> list[Life]:
    """One that is cancelled freely, one by force; the press is seen, the cancel acknowledged."""
    lives = [Life(), Life()]
    for forced, life in enumerate(lives):
        press = life.press()
        life.ack(press, 1).ack(press, 2)
        life.step(CANCELLED, bool(forced))
        life.ack(life.counter, 1)
    return lives


@pytest.mark.parametrize("restarted", [False, True])
def test_a_cancel_looks_the_same_forced_or_free_and_the_incident_goes_on(restarted):
    """A hold in panic is a cancel too: who goes on to the holder needs to know where that is."""
    looks, kinds = [], []
    for life in cancelled_lives():
        press = life.state.opening
        shown = []
        if restarted:
            life.restart()
        for _ in range(20):
            life.wait(1000, NEW_FIX)
            shown.append((life.name, life.signal))
        for stage in (3, 4, 7, 5):
            life.ack(press, stage)
            shown.append((life.name, life.signal))
        looks.append(shown)
        sent = len(life.sent)
        life.wait(60_000, BETTER_FIX)
        assert len(life.sent) == sent, "it is closed"
        kinds.append([(kind, counter, opening) for kind, counter, _, opening in life.sent])
        updates = [flags for kind, _, flags, _ in life.sent if kind == frame.UPDATE]
        assert updates and set(updates) == {frame.FLAG_DURESS if len(kinds) == 2 else 0}
    assert looks[0] == looks[1] and kinds[0] == kinds[1]
    assert looks[0][-1] == ("armed", "armed")


def test_an_older_press_that_waits_after_a_restart_hides_nothing_of_the_newest():
    life = Life()
    first = life.press()
    life.ack(first, 1)
    second, third = life.press(), life.press()
    life.ack(third, 1).ack(third, 3)
    assert second in life.outbox and (life.name, life.signal) == ("assigned", "assigned")
    assert (life.restart().name, life.signal) == ("assigned", "assigned")
    life.ack(second, 1).ack(third, 5)
    assert life.name == "closed"


def test_a_cancelled_incident_that_nobody_closes_ends_after_half_a_day():
    for life in cancelled_lives():
        life.now += alarm.INCIDENT_MS
        life.wait(250)
        assert life.state.opening == 0 and life.name == "armed"
        life.press()
        assert life.sent[-1][3] == 0


@pytest.mark.parametrize("restarted", [False, True])
def test_a_press_after_a_cancel_is_of_the_same_incident_and_shows_its_stages_anew(restarted):
    for life in cancelled_lives():
        first, forced = life.state.opening, life.state.duress
        life.ack(first, 4)
        life.now += 3 * 3600 * 1000
        if restarted:
            life.restart()
        press = life.press()
        assert life.sent[-1] == (frame.PRESS, press, frame.FLAG_DURESS if forced else 0, first)
        assert (life.name, life.signal) == ("sending", "sending"), "as a fresh alarm"
        life.wait(NO_ACK_MS)
        assert life.signal == "not_getting_through"
        for stage, name in [(1, "received"), (2, "seen"), (3, "assigned")]:
            life.ack(press, stage)
            assert (life.name, life.signal) == (name, name)
            assert life.restart().name == name
        life.wait(10_250, NEW_FIX)
        assert [sent[0] for sent in life.sent[-1:]] == [frame.UPDATE], "as often as for a fresh alarm"
        assert life.sent[-1][2:] == (frame.FLAG_DURESS if forced else 0, first)
        life.ack(press, 5)
        assert life.name == "closed"


@pytest.mark.parametrize("order", [(False, True), (True, False), (False, False), (True, True)])
def test_cancelled_pressed_and_cancelled_again(order):
    """Whoever was forced once is taken to be so until the incident ends, also after a restart."""
    life = Life()
    first = life.press()
    forced = False
    for one in order:
        life.step(CANCELLED, one)
        forced = forced or one
        flags = frame.FLAG_DURESS if forced else 0
        assert life.sent[-1][0] == frame.CANCEL and life.sent[-1][2:] == (flags, first)
        before = len(life.sent)
        life.step(CANCELLED, not one)
        assert len(life.sent) == before, "nothing is shown that could be cancelled"
        assert (life.restart().state.duress, life.name) == (forced, "armed")
        life.press()
        assert life.sent[-1][2:] == (flags, first) and life.name == "sending"


def test_a_press_after_a_cancel_that_cannot_be_kept_is_shown():
    for life in cancelled_lives():
        life.wait(11_000)
        life.step(UNSTORED, frame.PRESS)
        assert life.signal == "not_getting_through"


def test_a_cancel_that_is_closed_at_once_ends_it_without_a_sign():
    """Of an incident that the gateway knows by its CANCEL alone, the closing names that."""
    for forced in (False, True):
        for named in ("press", "cancel"):
            life = Life()
            press = life.press()
            life.step(CANCELLED, forced)
            life.ack(press if named == "press" else life.counter, 5)
            assert life.state.opening == 0 and life.name == "cancelled"
            assert life.restart().state.opening == 0 and life.name == "armed"


def test_a_power_cut_between_a_cancel_a_press_and_their_record_loses_neither():
    for forced in (False, True):
        life = Life()
        first = life.press()
        life.ack(first, 1)
        second = life.press()
        opened = life.saved
        life.step(CANCELLED, forced)
        cancelled, life.saved = life.saved, opened
        life.restart()
        assert (life.name, life.state.opening, life.state.duress) == ("armed", first, forced)
        life.saved = cancelled
        life.ack(life.counter, 1)
        assert second in life.outbox and life.restart().name == "armed", "pressed before the cancel"
        third = life.press()
        life.saved = cancelled
        life.restart()
        assert (life.name, life.signal, life.state.waiting) == ("sending", "sending", third)
        life.saved = life.state.saved()
        life.step(CANCELLED, forced)
        cancel = life.counter
        fourth = life.press()
        life.ack(fourth, 1)
        assert cancel in life.outbox and life.restart().name == "received", "the press took that cancel back"


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
    life.step(ACKED, frame.PRESS, press, 1, None)  # saved, but the entry is still there
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


def test_the_press_of_a_cancelled_incident_does_not_open_it_again():
    life = Life()
    press = life.press()
    life.step(CANCELLED, False)
    life.ack(life.counter, 1)
    assert press in life.outbox
    assert life.restart().name == "armed"


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
    life.step(ACKED, frame.PRESS, second, 3, 5)
    life.ack(second, 1)
    assert (life.name, life.state.eta) == ("assigned", 5)


def test_a_test_press_of_an_open_incident_answered_twice_refuses_nothing():
    life = Life()
    life.ack(life.press(), 1)
    life.step(TESTED)
    life.ack(life.counter, 6).ack(life.counter, 6)
    assert life.name == "received"


def test_a_saved_state_of_another_shape_is_none():
    assert restore(b"", [], 0).opening == 0 and restore(b"\xff" * 11, [], 0).opening == 0


KINDS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7])
EVENTS = st.one_of(
    st.tuples(st.just(PRESSED), st.sampled_from([0, 1 << 10])),
    st.just((TESTED,)),
    st.tuples(st.just(CANCELLED), st.booleans()),
    st.tuples(st.just(STORED), st.integers(1, 7), st.integers(1, 40), st.booleans()),
    st.tuples(st.just(UNSTORED), st.integers(1, 7)),
    st.tuples(st.just(ACKED), KINDS, st.integers(0, 50), st.integers(1, 7), st.none() | st.integers(0, 254)),
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

    @rule(pick=st.integers(0, 1000), stage=st.integers(1, 7), again=st.booleans())
    def acknowledge(self, pick: int, stage: int, again: bool) -> None:
        pool = [counter for _, counter, _, _ in self.life.sent] if again else list(self.life.outbox)
        if pool:
            self.life.ack(pool[pick % len(pool)], stage)

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
    def stages_move_forward(self) -> None:
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
