"""The words of a call-back, and what comes of it (domain/call_back.py)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.call_back import (
    LONGEST,
    TRIES,
    CallBack,
    CodeWordError,
    Heard,
    Said,
    checked,
    normal,
    outcome,
)


@pytest.mark.parametrize(
    "typed", ["Mangga Harum", " mangga-harum", "MANGGAHARUM", "mángga harüm.", "\uff4dangga harum"]
)
def test_a_word_is_known_however_it_is_typed(typed: str) -> None:
    assert normal(typed) == "manggaharum"


@given(st.text(max_size=200))
def test_the_normal_form_is_its_own(word: str) -> None:
    assert normal(normal(word)) == normal(word)
    assert len(word) > LONGEST or normal(word.swapcase()) == normal(word.swapcase().swapcase())


@pytest.mark.parametrize(
    ("code", "duress", "why"),
    [
        ("abc", "rambutan", "length"),
        ("mangga", "a.b.c", "length"),
        ("mangga", "x" * (LONGEST + 1), "length"),
        ("mangga", "Mangga ", "alike"),
        ("mangga", "mangga tua", "alike"),
        ("mangga tua", "tua", "length"),
    ],
)
def test_words_that_would_be_mistaken_or_guessed_are_refused(code: str, duress: str, why: str) -> None:
    with pytest.raises(CodeWordError) as refused:
        checked(code, duress)
    assert refused.value.key == f"code_word.{why}"
    assert code not in str(refused.value) or len(code) < 4


def test_of_all_that_can_be_heard_only_the_code_word_calls_off_and_the_duress_word_always_counts() -> None:
    for said, heard, wrong in product(Said, Heard, range(TRIES + 1)):
        result, after = outcome(said, heard, wrong)
        called_off = said is Said.CALLS_OFF and heard is Heard.CODE and wrong < TRIES
        assert (result is CallBack.CALLED_OFF) == called_off
        assert (result is CallBack.DURESS_WORD) == (said is Said.CALLS_OFF and heard is Heard.DURESS)
        assert wrong <= after <= TRIES and (after == wrong or result is CallBack.NO_WORD)
        assert result is not CallBack.NOT_TRIED


def test_after_two_wrong_words_the_right_one_is_as_good_as_none() -> None:
    wrong = 0
    for _ in range(TRIES):
        result, wrong = outcome(Said.CALLS_OFF, Heard.NEITHER, wrong)
        assert result is CallBack.NO_WORD
    assert outcome(Said.CALLS_OFF, Heard.CODE, wrong) == (CallBack.NO_WORD, TRIES)
    assert outcome(Said.CALLS_OFF, Heard.CODE, 1) == (CallBack.CALLED_OFF, 1)


def test_the_shortest_and_the_longest_words_that_are_taken() -> None:
    assert checked("meja", "y" * LONGEST) == ("meja", "y" * LONGEST)
    for code, duress in (("apa", "meja"), ("meja", "y" * (LONGEST + 1))):
        with pytest.raises(CodeWordError, match="4"):
            checked(code, duress)


def test_neither_word_may_hold_the_other() -> None:
    for code, duress in (("mangga", "mangga tua"), ("mangga tua", "mangga")):
        with pytest.raises(CodeWordError) as refused:
            checked(code, duress)
        assert refused.value.key == "code_word.alike"


def test_each_wrong_word_counts_once_and_two_are_enough() -> None:
    counts = [0]
    while len(counts) < 4:
        counts.append(outcome(Said.CALLS_OFF, Heard.NEITHER, counts[-1])[1])
    assert counts == [0, 1, 2, 2]
