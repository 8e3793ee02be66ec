"""How names and labels are compared in a search, and the parts of them that an index has. Pure.

A query's words are looked for within the words of a name: "ningsih" finds Wahyuningsih. Words of one or two letters
begin one; a query of nothing else finds names that have them as whole words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LEAST_LETTERS: Final = 3  # of a query, in all
GRAM: Final = 3  # letters of a part
_DROPPED: Final = re.compile("['’‘`´ʻʼ]")  # Ma'ruf is Maruf
_APART: Final = re.compile(r"[\W_]+")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words without case, accents and punctuation."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return tuple(word for word in _APART.split(_DROPPED.sub("", plain).casefold()) if word)


def long_enough(text: str) -> bool:
    return sum(map(len, words_of(text))) >= LEAST_LETTERS


def grams(text: str) -> frozenset[str]:
    """Return the parts: each three letters in a row within a word; a shorter word whole, between blanks."""
    found = set[str]()
    for word in words_of(text):
        if len(word) < GRAM:
            found.add(f" {word} ")
        else:
            found.update(word[at : at + GRAM] for at in range(len(word) - GRAM + 1))
    return frozenset(found)


def wanted_grams(query: str) -> frozenset[str]:
    """Return the parts that a name must have to match."""
    long = [word for word in words_of(query) if len(word) >= GRAM]
    return grams(" ".join(long) or query)


def matches(query: str, text: str) -> bool:
    """Whether every word of the query is in the text."""
    words = words_of(text)
    return all(
        any(other.startswith(word) if len(word) < GRAM else word in other for other in words)
        for word in words_of(query)
    )
