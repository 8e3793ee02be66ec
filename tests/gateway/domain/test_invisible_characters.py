"""Which marks are hidden (domain/invisible_characters.py), mark by mark and at the ends of each range."""

from __future__ import annotations

import pytest

from siaga_gateway.domain.invisible_characters import (
    HiddenMark,
    code_point,
    hidden,
    refuse_hidden,
    tidied,
    visible,
    without_hidden,
)

ZWJ, ZWNJ = "\u200d", "\u200c"


def is_hidden(mark: str, before: str = "a", after: str = "b") -> bool:
    return (len(before), mark) in list(hidden(before + mark + after))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0xFDD0, 0xFDEF),
        (0xFFFE, 0xFFFF),
        (0x1FFFE, 0x1FFFF),
        (0x10FFFE, 0x10FFFF),
        (0xE0000, 0xE00FF),  # of the ignorable ones, those before the selectors
        (0xE01F0, 0xE0FFF),
        (0x2065, 0x2065),
        (0x180B, 0x180D),  # selectors behind a letter that has none: see below
    ],
)
def test_what_is_no_mark_or_is_never_drawn_is_hidden(low: int, high: int) -> None:
    for code in {low, (low + high) // 2, high}:
        assert is_hidden(chr(code), before="", after=""), hex(code)


@pytest.mark.parametrize("code", [0xFDCF, 0xFDF0, 0xFFFD, 0x1FFFD, 0x20000, 0x10FFFD, 0xE1000, 0x2064 - 0x54, 0x378])
def test_what_stands_beside_those_is_a_mark(code: int) -> None:
    assert not is_hidden(chr(code)), hex(code)


@pytest.mark.parametrize("mark", list("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"))
def test_what_is_blank_is_hidden_wherever_it_stands(mark: str) -> None:
    for before, after in (("", ""), ("a", "b"), ("क", "क"), ("👩", "👩")):
        assert is_hidden(mark, before, after)


@pytest.mark.parametrize("selector", list("\u180b\u180c\u180d\u180f\ufe00\ufe0f\U000e0100\U000e01ef"))
def test_a_selector_stands_behind_a_sign_a_letter_or_a_number_only(selector: str) -> None:
    for before, there in (("❤", True), ("ᠠ", True), ("1", True), ("", False), (" ", False), (",", False)):
        assert is_hidden(selector, before, "") is not there, before
    assert list(hidden("❤" + selector * 2)) == [(2, selector)], "one is enough"


@pytest.mark.parametrize(
    ("before", "after", "non_joiner", "joiner"),
    [
        ("م", "خ", True, True),
        ("\u094d", "ष", True, True),  # a mark before it
        ("क", "\u094d", True, True),
        ("a", "خ", False, False),  # a Latin letter needs none, on either side
        ("م", "a", False, False),
        ("é", "é", True, True),
        ("👩", "👩", False, True),
        ("\u093f", "👩", False, True),  # a mark, then a sign
        ("👩", "م", False, False),
        ("م", "👩", False, False),
        ("م", "1", False, False),
        ("1", "م", False, False),
        ("م", " ", False, False),
        ("م", "", False, False),
        ("", "م", False, False),
        ("م", "\u3164", False, False),
        ("م", "\ufe0f", False, False),
    ],
)
def test_a_joiner_stands_where_a_script_or_an_emoji_needs_it(
    before: str, after: str, non_joiner: bool, joiner: bool
) -> None:
    assert (not is_hidden(ZWNJ, before, after), not is_hidden(ZWJ, before, after)) == (non_joiner, joiner)


def test_what_is_hidden_does_not_stand_before_another() -> None:
    """Nothing is held by something that nobody sees, nor by the code point that is shown in its place."""
    assert [at for at, _ in hidden("م\u202e\u200cخ")] == [1, 2]
    assert [at for at, _ in hidden(" \u202e\ufe0f")] == [1, 2]
    assert [at for at, _ in hidden("\n\ufe0f")] == [1], "a line end is nothing to stand behind"


def test_tabs_and_line_ends_are_shown_in_one_line_and_stay_in_several() -> None:
    for mark in "\t\n\r":
        text = f"a{mark}b"
        assert list(hidden(text)) == [] and without_hidden(text) == text == refuse_hidden(text, "note")
        assert visible(text, lines=True) == text
        assert visible(text) == f"a<{code_point(mark)}>b"
    assert visible("a\n\x07b", lines=True) == "a\n<U+0007>b"
    assert visible("a\n\x07b") == "a<U+000A><U+0007>b"
    assert without_hidden("a\n\x07\u3164b") == "a\nb"


def test_the_place_that_a_person_is_told_counts_from_one() -> None:
    with pytest.raises(HiddenMark) as refused:
        refuse_hidden("ab\u202ec\u202e", "name")
    assert (refused.value.values["place"], refused.value.values["mark"]) == (3, "U+202E")
    assert refused.value.values["what"] == "name"


def test_a_text_is_composed_and_on_one_line() -> None:
    assert refuse_hidden("e\u0301", "name") == "\u00e9" == tidied(" e\u0301\n")
    assert tidied(" Toko \t\n Contoh\u00a0 24 ") == "Toko Contoh 24"
    assert [code_point(mark) for mark in "a\u202e\U000e0001"] == ["U+0061", "U+202E", "U+E0001"]
