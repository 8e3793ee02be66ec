"""An answer by text message is the whole message or none: nothing is guessed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.text_answer import KEPT_MS, TextAnswer, WayCode, free_codes, parsed

ACCEPTED, DECLINED, ARRIVED = FactKind.ACCEPTED, FactKind.DECLINED, FactKind.ARRIVED
WITHDREW = FactKind.WITHDREW


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1", TextAnswer(ACCEPTED)),
        ("2", TextAnswer(DECLINED)),
        ("3", TextAnswer(ARRIVED)),
        ("4", TextAnswer(WITHDREW)),
        ("1 47", TextAnswer(ACCEPTED, "47")),
        ("2 05", TextAnswer(DECLINED, "05")),
        ("3 147", TextAnswer(ARRIVED, "147")),
        ("4 47", TextAnswer(WITHDREW, "47")),
        (' "1 47" ', TextAnswer(ACCEPTED, "47")),
        ("“1  47.”\r\n", TextAnswer(ACCEPTED, "47")),
        ("'1'.", TextAnswer(ACCEPTED)),
        ("1\n47", TextAnswer(ACCEPTED, "47")),
        ("\u200e1\u00a047\u200f", TextAnswer(ACCEPTED, "47")),
        ("１ ４７", TextAnswer(ACCEPTED, "47")),
        ("1 47 *", TextAnswer(ACCEPTED, "47", exercise=True)),
        ("012345", WayCode("012345")),
        ("012 345.", WayCode("012345")),
        ("01-23-45", WayCode("012345")),
    ],
)
def test_what_is_understood(written: str, said: object) -> None:
    assert parsed(written) == said


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", ".", "rapat sampai jam 1", "1 ya", "ya 1", "5", "0", "5 47", "11", "147", "1 4", "1 4711", "1.47"),
        *(
            "1,47",
            "1-47",
            "jam 1.",
            "1 47 2",
            "1 47 15",
            "1 *",
            "1 47*",
            "1 47 **",
            "1?",
            "1!",
            ".1",
            "+1 47",
            "-1",
            "1e0",
            "I",
            "l",
            "satu",
        ),
        *("12345", "1234567", "012345 ya", "1\n2\n3", "1 47\nSent from my phone", "¹", "①" * 50, "1" + " " * 99 + "47"),
    ],
)
def test_what_is_not(written: str) -> None:
    assert parsed(written) is None


@given(st.text(max_size=60))
def test_nothing_but_digits_says_anything(written: str) -> None:
    said = parsed(written)
    assert said is None or not any(letter.isalpha() for letter in written)


@given(
    st.sampled_from("1234"),
    st.one_of(st.none(), st.from_regex(r"[0-9]{2,3}", fullmatch=True)),
    st.text(" \t\n\"'`", max_size=4),
    st.text(" \t\n\"'`", max_size=4),
    st.sampled_from(["", "."]),
)
def test_what_stands_around_it_does_not_count(digit: str, code: str | None, before: str, after: str, stop: str) -> None:
    said = parsed(f"{before}{digit}{' ' + code if code else ''}{stop}{after}")
    assert said == TextAnswer({"1": ACCEPTED, "2": DECLINED, "3": ARRIVED, "4": WITHDREW}[digit], code)


@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 999)))
def test_a_code_is_never_one_that_is_in_use(two: set[int], three: set[int]) -> None:
    used = frozenset({f"{each:02d}" for each in two} | {f"{each:03d}" for each in three})
    free = free_codes(used)
    assert not used & set(free) and all(re.fullmatch(r"[0-9]{2,3}", each) for each in free)
    assert len(free[0]) == (2 if len(two) < 100 else 3) if free else len(used) == 1_100


def test_two_digits_while_there_are_any_then_three_then_none() -> None:
    two, three = [f"{each:02d}" for each in range(100)], [f"{each:03d}" for each in range(1_000)]
    assert free_codes(frozenset()) == two
    assert free_codes(frozenset(two[1:])) == ["00"]
    assert free_codes(frozenset(two)) == three
    assert free_codes(frozenset([*two, *three])) == []


def test_a_code_is_kept_for_a_week_and_a_long_text_not_looked_at() -> None:
    assert KEPT_MS == 7 * 24 * 3600 * 1000
    assert parsed("1 47".ljust(40)) == TextAnswer(ACCEPTED, "47")
    assert parsed("1 47".ljust(41)) is None
