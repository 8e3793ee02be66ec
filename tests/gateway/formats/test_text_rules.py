"""Numbers, times and texts from outside, as every format writes them."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outputs.sample_incidents import INCIDENT, POSITION, TEXTS
from siaga_gateway.domain.invisible_characters import without_hidden
from siaga_gateway.formats import text_rules


@pytest.mark.parametrize(
    ("degrees_e7", "written"),
    [
        (-54_292_000, "-5.4292000"),
        (1_052_610_000, "105.2610000"),
        (0, "0.0000000"),
        (-1, "-0.0000001"),  # the sign survives within a degree of the equator: Pontianak lies on it
        (1, "0.0000001"),
        (-9_999_999, "-0.9999999"),
        (-900_000_000, "-90.0000000"),
        (1_800_000_000, "180.0000000"),
    ],
)
def test_degrees_are_written_from_digits(degrees_e7: int, written: str) -> None:
    assert text_rules.degrees(degrees_e7) == written


@given(st.integers(-(2**31), 2**31 - 1))
def test_degrees_lose_nothing(degrees_e7: int) -> None:
    assert Decimal(text_rules.degrees(degrees_e7)).scaleb(7) == degrees_e7


@given(st.integers(0, 10_000_000))
def test_kilometres_lose_nothing(metres: int) -> None:
    assert Decimal(text_rules.kilometres(metres)) * 1000 == metres


def test_times_say_their_zone() -> None:
    assert text_rules.utc_time(1_795_417_406_250) == "2026-11-23T07:03:26.250Z"
    assert text_rules.utc_time(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("seconds", "indonesian", "english"),
    [
        (0, "0 detik", "0 s"),
        (119, "119 detik", "119 s"),
        (120, "2 menit", "2 min"),
        (7_199, "119 menit", "119 min"),
        (7_200, "2 jam", "2 h"),
        (172_799, "47 jam", "47 h"),
        (172_800, "2 hari", "2 d"),
    ],
)
def test_durations_for_people(seconds: int, indonesian: str, english: str) -> None:
    assert text_rules.duration(seconds, "id") == indonesian
    assert text_rules.duration(seconds, "en") == english


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("  Siti \t Aminah\r\n", "Siti Aminah"),
        ("a\x00b\x1bc\x9fd", "a b c d"),
        ("a\u2028b\u0085c", "a b c"),
        ("abc\u202eevil\u2069", "abcevil"),
        ("x\ud800y\ufffez", "x\ufffdy\ufffdz"),
        ("W\u200ba\ufeffti\u00ad", "Wati"),
        ("👩‍👩‍👧 مرحبا", "👩‍👩‍👧 مرحبا"),
        ("", ""),
    ],
)
def test_a_text_from_outside_becomes_one_clean_line(written: str, line: str) -> None:
    assert text_rules.one_line(written) == line


def alike(number: int) -> str:
    """The category of a character that has hundreds of the same kind beside it: ideographs, syllables, unassigned or
    private ones; empty for any other."""
    category = unicodedata.category(chr(number))
    far = number >= 0x3400 and not 0xF900 <= number <= 0xFFFF and number & 0xFFFE != 0xFFFE
    return category if far and category in ("Lo", "Cn", "Co", "Cs") else ""


def test_a_text_that_is_clean_is_seen_to_be_clean() -> None:
    """The short way for texts that need no cleaning lets nothing through: every character, at every place; those that
    are alike by hundreds at once."""
    tried = 0
    for kind, run in itertools.groupby(range(0x110000), alike):
        if kind:
            numbers = list(run)
            texts = ["".join(map(chr, numbers[at : at + 256])) for at in range(0, len(numbers), 256)]
            tried += len(numbers)
        else:
            characters = [chr(number) for number in run]
            texts = [text for each in characters for text in (each, f"a{each}", f"{each}a", f"a{each}b")]
            tried += len(characters)
        for text in texts:
            if text_rules.one_line(text) == text:
                assert text_rules.one_line(f" {text}") == text  # the blank takes it the long way
    assert tried == 0x110000
    assert text_rules.one_line("\t") == ""


@given(TEXTS)
def test_a_clean_line_keeps_every_ordinary_character_in_order(written: str) -> None:
    line = text_rules.one_line(written)
    assert line == line.strip() and "  " not in line
    assert all(character >= " " and not 0x7F <= ord(character) <= 0x9F for character in line)
    line.encode()  # no lone surrogate is left

    def ordinary(text: str) -> str:
        """Without blanks and what stands for the unwritable; what nobody sees is in test_invisible_text.py."""
        return "".join(c for c in without_hidden(text) if not c.isspace() and c != "\ufffd" and c not in "\u200c\u200d")

    assert ordinary(line) == ordinary(written)
    assert text_rules.one_line(line) == line


@given(TEXTS, st.integers(1, 30))
def test_a_limit_is_kept(written: str, limit: int) -> None:
    whole, cut = text_rules.one_line(written), text_rules.one_line(written, limit)
    assert len(cut) <= limit
    assert cut == whole if len(whole) <= limit else cut.endswith("…")


def test_the_search_radius_is_the_accuracy_or_what_the_source_is_worth() -> None:
    assert text_rules.search_radius_m(POSITION) == 12
    assert text_rules.search_radius_m(replace(POSITION, accuracy_m=0)) == 1
    unknown = replace(POSITION, accuracy_m=None)
    assert text_rules.search_radius_m(unknown) == 100
    assert text_rules.search_radius_m(replace(unknown, source="network")) == 5_000
    assert text_rules.search_radius_m(replace(unknown, source="installed")) == 50
    assert text_rules.search_radius_m(replace(unknown, source="elsewhere")) == 5_000


def test_the_gateway_is_named_by_the_identifier() -> None:
    assert text_rules.gateway_name(INCIDENT) == "siaga.lampung"
    assert text_rules.gateway_name(replace(INCIDENT, identifier="polda-lampung-2-17")) == "polda-lampung-2"
    assert text_rules.gateway_name(replace(INCIDENT, identifier="odd")) == "odd"
