"""What of a text is hidden (invisible_characters.py): names of all scripts stay, and nothing unseen gets through."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siaga_gateway.domain.invisible_characters import HiddenMark, hidden, refuse_hidden, visible, without_hidden

NASTY = "a\u202eb\u200bc\x1b[2Jd\u2066e\x00f\ufeffg\u3164h\u2028i\x85j\U000e0041k\ue000\ufffel"
# Of the Unicode Character Database: what is never drawn, or steers what is.
UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"
MARKS = st.one_of(
    st.characters(),
    st.sampled_from("\u202a\u202e\u2066\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u034f\u3164\ufe0f\u200c\u200d"),
    st.sampled_from("aé\u0627\u06cc\ua9b1\ua9c0\u0915\u094d👩🚨❤ \t\n\x1b"),
)


@pytest.mark.parametrize(
    "name",
    [
        "Ma'ruf",
        "Nur‘aini D’Souza",
        "José Müller",
        "Jose\u0301",  # decomposed
        "مريم بنت عمران",
        "می\u200cخواهم",  # Persian: the non-joiner is part of the spelling
        "ꦱꦸꦮꦂꦤꦶ",  # Javanese
        "ꦏ\ua9c0\u200dꦏ",
        "क्\u200dष",
        "王小明",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "Toko 24, lt. 2 (kasir) <A&B>",
        "Bandar\u00a0Lampung",
        "\U00018cd6",  # of a newer Unicode than Python's
    ],
)
def test_a_name_of_any_script_stays_as_it_is(name: str) -> None:
    assert list(hidden(name)) == []
    assert visible(name) == without_hidden(name) == name
    assert refuse_hidden(name, "name") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Contoh \u202e10000000026+\u202c Wati", "Contoh <U+202E>10000000026+<U+202C> Wati"),
        ("Wa\u200bti", "Wa<U+200B>ti"),
        ("\x1b[2J\x07Wati", "<U+001B>[2J<U+0007>Wati"),
        ("Wa\u200dti", "Wa<U+200D>ti"),  # Latin needs no joiner
        ("\u200dWati\u200c", "<U+200D>Wati<U+200C>"),
        ("\u3164", "<U+3164>"),
        ("\ufe0fWati", "<U+FE0F>Wati"),
        ("\ud800", "<U+D800>"),
        ("a\u2028b", "a<U+2028>b"),
        ("a\nb\tc", "a<U+000A>b<U+0009>c"),
    ],
)
def test_what_nobody_sees_is_refused_or_shown_as_what_it_is(text: str, shown: str) -> None:
    assert visible(text) == shown
    if "\n" in text:
        assert visible(text, lines=True) == text == refuse_hidden(text, "note")
        return
    with pytest.raises(HiddenMark) as refused:
        refuse_hidden(text, "name")
    mark = refused.value.values["mark"]
    assert f"<{mark}>" in shown and mark in refused.value.say("id") and mark in refused.value.say("en")


@given(st.lists(MARKS, max_size=30).map("".join))
@example(NASTY)
@example("\ufe0f\u200d👩")
@example("\u00ba\x1f\u200c\u00c0")
@example("\u0627\u200d\ufe0f\u0627")
def test_nothing_hidden_gets_through_and_nothing_seen_is_lost(text: str) -> None:
    shown, left = visible(text), without_hidden(text)
    for made in (shown, left):
        for at, mark in enumerate(made):
            if mark in JOINERS:
                assert 0 < at < len(made) - 1, "a joiner joins two"
                assert unicodedata.category(made[at - 1])[0] in "LMS" and unicodedata.category(made[at + 1])[0] in "LMS"
            elif not (made is left and mark in "\t\n\r"):
                assert unicodedata.category(mark) not in UNSEEN_CATEGORIES
    assert list(hidden(left)) == [] and without_hidden(left) == left and visible(shown) == shown
    seen = [mark for mark in text if unicodedata.category(mark)[0] in "LNPSZ" and mark not in "\u2028\u2029"]
    blank = set("\u115f\u1160\u2800\u3164\uffa0")
    assert [m for m in left if unicodedata.category(m)[0] in "LNPSZ"] == [m for m in seen if m not in blank]
    assert (visible(text, lines=True) == text) == (not any(hidden(text)))
