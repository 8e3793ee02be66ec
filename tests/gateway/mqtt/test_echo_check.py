"""When a link asks for an echo, what silence means, and what is done about it: by example, and whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.adapters.mqtt.echo_check import ANSWER_S, CUT_S, CUTS, LATER_S, QUIET_S, RETRY_S, EchoCheck, Step


def proven(now: float = 0.0) -> EchoCheck:
    """Connected at that moment, and an echo heard."""
    one = EchoCheck()
    one.subscribed(now)
    one.tried(now, True)
    assert one.look(now) is Step.ASK
    assert not one.heard(now, echo=True)
    return one


def steps(one: EchoCheck, begin: float, end: float) -> list[tuple[float, Step]]:
    """What it wants, look by look of a second."""
    found = [(begin + second, one.look(begin + second)) for second in range(int(end - begin) + 1)]
    return [(at, step) for at, step in found if step is not Step.NONE]


def anew(one: EchoCheck, now: float) -> None:
    """As the link does after a RECONNECT or a DISCARD."""
    one.ended(now)
    one.subscribed(now)


def test_nothing_is_asked_before_there_is_a_connection() -> None:
    one = EchoCheck()
    assert steps(one, 0, 100) == []
    one.subscribed(100)
    assert one.look(100) is Step.TRY


def test_who_hears_frames_asks_nothing() -> None:
    one = proven()
    for second in range(1, 200):
        assert one.look(float(second)) is Step.NONE
        one.heard(float(second), echo=False)


def test_after_a_quiet_while_it_asks_and_an_echo_is_enough() -> None:
    one = proven()
    assert one.look(QUIET_S - 0.1) is Step.NONE
    assert one.look(QUIET_S) is Step.ASK
    assert one.look(QUIET_S + ANSWER_S - 0.1) is Step.NONE
    assert not one.heard(QUIET_S + ANSWER_S - 0.1, echo=True)
    assert one.look(QUIET_S + ANSWER_S) is Step.NONE
    assert one.look(2 * QUIET_S + ANSWER_S) is Step.ASK, "and again after the next quiet while"


def test_silent_once_is_asked_again_and_twice_is_deaf() -> None:
    one = proven()
    assert steps(one, 1, QUIET_S + 2 * ANSWER_S) == [
        (QUIET_S, Step.ASK),
        (QUIET_S + ANSWER_S, Step.ASK),
        (QUIET_S + 2 * ANSWER_S, Step.RECONNECT),
    ]
    assert one.deaf
    assert steps(one, 31, 60) == [], "until there is another connection"


def test_one_echo_that_is_lost_is_nothing() -> None:
    one = proven()
    steps(one, 1, QUIET_S + ANSWER_S)
    assert not one.heard(QUIET_S + ANSWER_S + 0.1, echo=True)
    assert steps(one, QUIET_S + ANSWER_S + 1, QUIET_S + ANSWER_S + 15) == []
    assert not one.deaf


def test_the_second_mend_discards_the_session_and_later_ones_take_their_time() -> None:
    one = proven()
    steps(one, 1, 30)
    anew(one, 31)
    assert steps(one, 31, 41) == [(31, Step.ASK), (36, Step.ASK), (41, Step.DISCARD)]
    anew(one, 42)
    found = steps(one, 42, 300)
    mends = [(at, step) for at, step in found if step is not Step.ASK]
    assert mends[0][1] is Step.RECONNECT and 41 + LATER_S <= mends[0][0] <= 41 + LATER_S + QUIET_S + 2 * ANSWER_S
    assert [(at - mends[0][0], step) for at, step in mends[1:]] == [
        (LATER_S, Step.RECONNECT),
        (2 * LATER_S, Step.RECONNECT),
        (3 * LATER_S, Step.RECONNECT),
    ][: len(mends) - 1], "and again, now and then, where that has not come about"
    assert len(mends) > 1
    assert one.deaf


def test_a_session_is_discarded_seldom() -> None:
    one = proven()
    mends: list[Step] = []
    now = 1.0
    while len(mends) < 22:
        step = one.look(now)
        if step in (Step.RECONNECT, Step.DISCARD):
            mends.append(step)
            anew(one, now)
        now += 1
    assert [number for number, step in enumerate(mends, 1) if step is Step.DISCARD] == [2, 12, 22]


@pytest.mark.parametrize("echo", [True, False])
def test_whatever_is_heard_ends_the_deafness_once_and_the_next_one_begins_anew(echo: bool) -> None:
    one = proven()
    steps(one, 1, 30)
    anew(one, 31)
    assert one.heard(31, echo) and not one.deaf
    assert not one.heard(31, echo=True), "told once"
    assert [step for _, step in steps(one, 32, 80)] == [Step.ASK, Step.ASK, Step.RECONNECT]


def test_silence_where_no_echo_was_ever_heard_is_told_once_and_tried_again_apart() -> None:
    one = EchoCheck()
    one.subscribed(0)
    assert one.look(0) is Step.TRY
    one.tried(10, False)
    assert one.look(10) is Step.TELL
    asked = steps(one, 11, 10 + 2 * RETRY_S)
    assert {step for _, step in asked} == {Step.TRY} and asked[0][0] == 10 + RETRY_S
    one.tried(10 + 2 * RETRY_S, False)
    assert one.look(11 + 2 * RETRY_S) is Step.NONE, "told already"
    one.tried(2_000, True)
    assert one.look(2_000) is Step.ASK
    assert not one.deaf


def test_what_could_not_be_tried_is_asked_here() -> None:
    one = EchoCheck()
    one.subscribed(0)
    assert one.look(0) is Step.TRY
    one.tried(0, None)
    assert steps(one, 0, 10) == [(0, Step.ASK), (5, Step.ASK), (10, Step.TELL)]
    assert not one.deaf


def test_a_session_that_was_deaf_before_we_came_is_deaf() -> None:
    """Another connection of ours hears itself, and this one never did."""
    one = EchoCheck()
    one.subscribed(0)
    one.look(0)
    one.tried(1, True)
    assert [step for _, step in steps(one, 1, 11)] == [Step.ASK, Step.ASK, Step.RECONNECT]
    assert one.deaf


def test_a_broker_that_hangs_up_for_it_is_asked_no_more() -> None:
    one = proven()
    for number in range(CUTS):
        assert one.look(100.0 * (number + 1)) is Step.ASK
        one.ended(100.0 * (number + 1))
        one.subscribed(100.0 * (number + 1))
    assert one.look(301) is Step.TELL
    assert [step for _, step in steps(one, 302, 301 + RETRY_S)] == [Step.TRY]


def test_a_line_that_is_lost_at_other_times_says_nothing_of_that() -> None:
    one = proven()
    for number in range(2 * CUTS):
        anew(one, 10.0 * number)
        assert one.look(10.0 * number) is Step.ASK
        one.heard(10.0 * number, echo=True)
    for number in range(CUTS - 1):
        assert one.look(100.0 * (number + 1)) is Step.ASK
        anew(one, 100.0 * (number + 1))
    assert one.look(300.0) is Step.ASK
    one.heard(300.0, echo=True)
    one.look(350.0)
    one.ended(350.0)
    one.subscribed(350.0)
    assert one.look(350.0) is Step.ASK, "an echo that is heard begins the count anew"
    one.heard(350.0, echo=True)
    for number in range(2 * CUTS):
        anew(one, 400.0 + 10 * number)
        assert one.look(400.0 + 10 * number) is Step.ASK
        anew(one, 400.0 + 10 * number + CUT_S)
    assert one.look(500.0) is Step.ASK, "nor does a line that breaks in silence"


def test_a_press_that_comes_where_no_echo_does_shows_that_the_echo_alone_is_missing() -> None:
    one = proven()
    steps(one, 1, 30)
    anew(one, 31)
    steps(one, 31, 37)
    assert one.heard(38, echo=False), "back"
    found = [step for _, step in steps(one, 39, 38 + QUIET_S + 2 * ANSWER_S)]
    assert found == [Step.ASK, Step.ASK, Step.TELL] and not one.deaf


def test_a_refused_subscription_is_asked_for_again() -> None:
    one = proven()
    one.refused(10)
    assert steps(one, 10, 10 + 2 * QUIET_S) == [(10 + QUIET_S, Step.SUBSCRIBE), (10 + 2 * QUIET_S, Step.SUBSCRIBE)]
    one.ended(60)
    assert steps(one, 60, 200) == []
    one.subscribed(200)
    assert one.look(200) is Step.ASK


ACTS = st.lists(
    st.tuples(
        st.floats(0.1, 100),
        st.sampled_from(["look", "look", "look", "echo", "frame", "ended", "subscribed", "refused", "yes", "no", "?"]),
    ),
    max_size=60,
)


@given(ACTS)
def test_whatever_happens(acts: list[tuple[float, str]]) -> None:
    """It asks only by a connection that stands, is deaf only after two silences that mean something, and is not once it
    has heard; an untold bar is told; two asks are never under way at a time."""
    one, now, stands, asks, able, told = EchoCheck(), 0.0, False, 0, False, 0
    for pause, act in acts:
        now += pause
        if act in ("yes", "no", "?"):
            one.tried(now, {"yes": True, "no": False, "?": None}[act])
            able = able or act == "yes"
        elif act in ("echo", "frame"):
            was = one.deaf
            assert one.heard(now, echo=act == "echo") is was
            assert not one.deaf
            able, asks = able or act == "echo", 0
        elif act in ("ended", "refused", "subscribed"):
            {"ended": one.ended, "refused": one.refused, "subscribed": one.subscribed}[act](now)
            stands, asks = act == "subscribed", 0
        else:
            was = one.deaf
            step = one.look(now)
            if step is Step.ASK:
                assert (stands and asks < 2) or one.deaf
                asks += 1
                assert one.look(now) is Step.NONE
            elif step in (Step.RECONNECT, Step.DISCARD):
                assert stands and able and one.deaf and asks >= 2
                stands, asks = False, 0
            elif step is Step.TELL:
                told += 1
                assert one.look(now) is Step.NONE and not one.deaf
            if one.deaf and not was:
                assert able
    assert told == 0 or not one.deaf or able


@given(st.lists(st.floats(0.1, QUIET_S - 0.1), max_size=50))
def test_frames_that_keep_coming_are_never_interrupted(pauses: list[float]) -> None:
    one, now = proven(), 0.0
    for pause in pauses:
        now += pause
        assert one.look(now) is Step.NONE
        one.heard(now, echo=False)


@given(st.floats(0, 1_000), st.integers(1, 10))
def test_a_connection_that_goes_deaf_is_noticed_in_time(since: float, looks_per_s: int) -> None:
    one = proven()
    one.heard(since, echo=False)
    now, found = since, Step.NONE
    while found is not Step.RECONNECT:
        now += 1 / looks_per_s
        assert now - since < QUIET_S + 2 * ANSWER_S + 3 / looks_per_s + 0.01
        found = one.look(now)
