"""Names are compared word by word, and what matches has all parts that the index is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.name_search import GRAM, grams, long_enough, matches, wanted_grams, words_of


def test_words_are_without_case_accents_and_punctuation() -> None:
    assert words_of("  Drs. H. Abdul Ma'ruf-Déwi, S.H.") == ("drs", "h", "abdul", "maruf", "dewi", "s", "h")
    assert words_of(" .,- ") == ()


@pytest.mark.parametrize(
    ("query", "name", "found"),
    [
        ("budi", "Budi Contoh", True),
        ("contoh BUDI", "Budi Contoh", True),
        ("ningsih", "Wahyuningsih", True),
        ("al", "Alimin", True),
        ("contoh wa", "Wati Contoh", True),
        ("contoh at", "Wati Contoh", False),
        ("al", "Al Contoh", True),
        ("budi contoh siti", "Budi Contoh", False),
    ],
)
def test_every_word_of_the_query_must_be_there(query: str, name: str, found: bool) -> None:
    assert matches(query, name) is found


def test_three_letters_are_enough_and_two_are_not() -> None:
    assert long_enough("con") and long_enough("a bi")
    assert not long_enough("co.") and not long_enough("")


@given(st.text(max_size=40), st.text(max_size=20))
def test_what_matches_has_all_parts_of_the_query(name: str, query: str) -> None:
    if matches(query, name) and any(len(word) >= GRAM for word in words_of(query)):
        assert wanted_grams(query) <= grams(name)


@given(st.text(max_size=40), st.data())
def test_any_stretch_of_a_word_finds_its_name(name: str, data: st.DataObject) -> None:
    for word in words_of(name):
        if len(word) >= 3:
            begin = data.draw(st.integers(0, len(word) - 3))
            end = data.draw(st.integers(begin + 3, len(word)))
            assert matches(word[begin:end], name) and wanted_grams(word[begin:end]) <= grams(name)
