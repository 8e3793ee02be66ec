"""Numbers, times and texts from outside, as every format writes them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outputs.incidents import INCIDENT, POSITION, TEXTS
from siaga_gateway.formats import writing


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
    assert writing.degrees(degrees_e7) == written


@given(st.integers(-(2**31), 2**31 - 1))
def test_degrees_lose_nothing(degrees_e7: int) -> None:
    assert Decimal(writing.degrees(degrees_e7)).scaleb(7) == degrees_e7


@given(st.integers(0, 10_000_000))
def test_kilometres_lose_nothing(metres: int) -> None:
    assert Decimal(writing.kilometres(metres)) * 1000 == metres


def test_times_say_their_zone() -> None:
    assert writing.utc_time(1_795_417_406_250) == "2026-11-23T07:03:26.250Z"
    assert writing.utc_time(0) == "1970-01-01T00:00:00.000Z"
    assert writing.wib_time(1_795_417_406_999) == "2026-11-23T14:03:26+07:00"
    assert writing.wib_time(1_798_736_400_000) == "2027-01-01T00:00:00+07:00"  # a new year in WIB, the old one in UTC


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
    assert writing.duration(seconds, "id") == indonesian
    assert writing.duration(seconds, "en") == english


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("  Siti \t Aminah\r\n", "Siti Aminah"),
        ("a\x00b\x1bc\x9fd", "a b c d"),
        ("a\u2028b\u0085c", "a b c"),
        ("abc\u202eevil\u2069", "abcevil"),
        ("x\ud800y\ufffez", "x\ufffdy\ufffdz"),
        ("👩‍👩‍👧 مرحبا", "👩‍👩‍👧 مرحبا"),
        ("", ""),
    ],
)
def test_a_text_from_outside_becomes_one_clean_line(written: str, line: str) -> None:
    assert writing.one_line(written) == line


def test_a_text_that_is_clean_is_seen_to_be_clean() -> None:
    """The short way for texts that need no cleaning lets nothing through: every character, at every place."""
    for number in range(0x110000):
        character = chr(number)
        for written in (character, f"a{character}", f"{character}a", f"a{character}b"):
            if writing.one_line(written) == written:
                assert writing.one_line(f" {written}") == written  # the blank takes it the long way
    assert writing.one_line("\t") == ""


@given(TEXTS)
def test_a_clean_line_keeps_every_ordinary_character_in_order(written: str) -> None:
    line = writing.one_line(written)
    assert line == line.strip() and "  " not in line
    assert all(character >= " " and not 0x7F <= ord(character) <= 0x9F for character in line)
    line.encode()  # no lone surrogate is left

    dropped = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffd\ufffe\uffff")

    def ordinary(text: str) -> str:
        return "".join(
            c for c in text
            if not (c.isspace() or c in dropped or c < " " or 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF)
        )  # fmt: skip

    assert ordinary(line) == ordinary(written)
    assert writing.one_line(line) == line


@given(TEXTS, st.integers(1, 30))
def test_a_limit_is_kept(written: str, limit: int) -> None:
    whole, cut = writing.one_line(written), writing.one_line(written, limit)
    assert len(cut) <= limit
    assert cut == whole if len(whole) <= limit else cut.endswith("…")


def test_the_search_radius_is_the_accuracy_or_what_the_source_is_worth() -> None:
    assert writing.search_radius_m(POSITION) == 12
    assert writing.search_radius_m(replace(POSITION, accuracy_m=0)) == 1
    unknown = replace(POSITION, accuracy_m=None)
    assert writing.search_radius_m(unknown) == 100
    assert writing.search_radius_m(replace(unknown, source="network")) == 5_000
    assert writing.search_radius_m(replace(unknown, source="installed")) == 50
    assert writing.search_radius_m(replace(unknown, source="elsewhere")) == 5_000


def test_the_gateway_is_named_by_the_identifier() -> None:
    assert writing.gateway_name(INCIDENT) == "siaga.lampung"
    assert writing.gateway_name(replace(INCIDENT, identifier="polda-lampung-2-17")) == "polda-lampung-2"
    assert writing.gateway_name(replace(INCIDENT, identifier="odd")) == "odd"
