"""Which keys in a call are an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.keyed_answer import (
    AGAIN_KEY,
    ALONE_S,
    MOST_WRONG,
    NO_KEY,
    WITH_NO,
    YES_KEYS,
    KeyReader,
    Press,
    Question,
)

ALL = "0123456789*#ABCD"
LATER = ALONE_S + 0.01


def reader(yes: str = "4", question: Question = Question.RESPONDER) -> KeyReader:
    made = KeyReader(yes, question)
    made.name()
    return made


@pytest.mark.parametrize("question", Question)
def test_each_key_alone(question: Question) -> None:
    for key in ALL:
        one = reader("4", question)
        one.press(key, 10.0)
        assert one.read(10.0) is None, "another one may follow"
        expected = {"4": Press.YES, AGAIN_KEY: Press.AGAIN, **({NO_KEY: Press.NO} if question in WITH_NO else {})}
        assert one.read(10.0 + LATER) is expected.get(key, Press.WRONG)
        assert one.read(10.0 + 2 * LATER) is None, "once"


def test_what_is_pressed_before_a_key_is_named_is_nothing() -> None:
    one = KeyReader("4", Question.DESK)
    one.press("4", 1.0)
    assert one.read(1.0 + LATER) is None
    one.press("4", 5.0)
    one.name()
    assert one.read(9.0) is None
    one.press("4", 10.0)
    one.name()  # said again
    assert one.read(10.0 + LATER) is Press.YES


def test_the_same_key_again_and_again_is_one_and_with_another_it_is_none() -> None:
    one = reader()
    for number in range(20):
        one.press("4", number * 0.1)
    assert one.read(LATER) is Press.YES
    one.press("4", 3.0)
    one.press("5", 3.5)
    assert one.read(3.0 + LATER) is None
    assert one.read(3.5 + LATER) is Press.WRONG


def test_who_hangs_up_after_a_key_has_answered() -> None:
    one = reader()
    one.press("4", 1.0)
    assert one.read(1.0, ended=True) is Press.YES
    assert one.read(1.0, ended=True) is None


def test_some_wrong_keys_are_a_machine() -> None:
    one = reader()
    found = []
    for number in range(MOST_WRONG):
        one.press("1", float(number * 10))
        found.append(one.read(number * 10 + LATER))
    assert found == [Press.WRONG] * (MOST_WRONG - 1) + [Press.MACHINE]


@given(st.sampled_from(YES_KEYS), st.lists(st.tuples(st.sampled_from(ALL), st.floats(0, 3)), max_size=12))
def test_yes_needs_its_own_key_with_no_other_beside_it(yes: str, pressed: list[tuple[str, float]]) -> None:
    one, at_s = reader(yes), 0.0
    since: list[tuple[str, float]] = []
    for key, pause_s in pressed:
        at_s += pause_s
        found = one.read(at_s)
        if found is not None:
            assert (found is Press.YES) == ({each for each, _ in since} == {yes})
            since = []
        one.press(key, at_s)
        since.append((key, at_s))
    found = one.read(at_s, ended=True)
    assert (found is Press.YES) == ({each for each, _ in since} == {yes})


def test_no_key_means_two_things() -> None:
    assert not {NO_KEY, AGAIN_KEY, "1", "0"} & set(YES_KEYS) and NO_KEY != AGAIN_KEY


def test_a_key_stands_alone_once_the_moment_is_over_and_the_third_wrong_one_is_a_machines() -> None:
    one = KeyReader("4", Question.DESK, alone_s=0.5)
    one.name()
    found = []
    for number in range(3):
        one.press("7", float(number))
        assert one.read(number + 0.499) is None
        found.append(one.read(number + 0.5))
    assert found == [Press.WRONG, Press.WRONG, Press.MACHINE]
