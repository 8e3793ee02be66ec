"""What people are told of a call: short, in their language and zone, and with nothing of the holder's."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.escalation_state import ContactKind, Why
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.sms_notice import sms_text
from siaga_gateway.service.dispatch.call_texts import CallFacts, call_text, trial_text

JAKARTA, MAKASSAR = LocalTime(ZoneInfo("Asia/Jakarta")), LocalTime(ZoneInfo("Asia/Makassar"))
PRESSED_MS = int(datetime(2026, 11, 23, 7, 3, 27, tzinfo=UTC).timestamp() * 1_000)
FACTS = CallFacts(
    ContactKind.CALL,
    Why.OPENED,
    PRESSED_MS,
    area="Polsek A",
    place=(-54_291_700, 1_052_611_100),
    metres=1_249,
    identifier="siaga-17.k7q2",
)


def told(language: str = "id", local: LocalTime = JAKARTA, now_ms: int = PRESSED_MS + 2_000, **changed: Any) -> Any:
    return call_text(copied(FACTS, **changed), language, local, now_ms)


def test_a_call_says_what_where_and_when_in_the_site_s_zone() -> None:
    found = told()
    assert found.title == "PANGGILAN DARURAT - Polsek A"
    assert found.text.splitlines() == [
        "Ditekan pukul 14:03:27 WIB",
        "1,2 km garis lurus",
        "-5.42917, 105.26111",
        "No. siaga-17.k7q2",
    ]
    assert told("en", MAKASSAR).text.splitlines()[:2] == [
        "Pressed at 15:03:27 WITA",
        "1.2 km away in a straight line",
    ]


def test_a_press_of_another_day_has_its_day() -> None:
    assert "23-11-2026 14:03:27 WIB" in told(now_ms=PRESSED_MS + 86_400_000).text


@pytest.mark.parametrize(
    ("age_s", "shown"),
    [
        (None, "-5.42917, 105.26111"),
        (119, "-5.42917, 105.26111"),
        (120, "-5.42917, 105.26111 (2 menit lalu)"),
        (3_700, "-5.42917, 105.26111 (61 menit lalu)"),
    ],
)
def test_an_old_position_says_how_old_it_is(age_s: int | None, shown: str) -> None:
    assert shown in told(place_age_s=age_s).text.splitlines()


def test_without_a_position_it_says_so() -> None:
    assert "Posisi belum diketahui" in told(place=None, metres=None).text


@pytest.mark.parametrize(("point", "shown"), [((-1, 1), "0.00000, 0.00000"), ((-49, -50), "0.00000, -0.00001")])
def test_degrees_near_the_equator_keep_their_sign(point: tuple[int, int], shown: str) -> None:
    assert shown in told(place=point).text


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_kind_and_reason_has_its_words_and_no_two_reasons_the_same(language: str) -> None:
    calls = {why: told(language, why=why).title for why in Why}
    assert calls[Why.UNREACHED] == calls[Why.OPENED]
    assert len(set(calls.values())) == len(Why) - 1
    assert told(language, level=3).title != calls[Why.OPENED]
    own = {ContactKind.MESSAGE}  # the desk's own words: see test_operator_messages.py
    kinds = {kind: told(language, kind=kind, why=Why.UNASSIGNED).title for kind in set(ContactKind) - own}
    assert kinds[ContactKind.CALL] == kinds[ContactKind.RING_DESK]
    assert len(set(kinds.values())) == len(ContactKind) - len(own) - 1


def test_an_exercise_and_a_repetition_are_marked_before_anything_else() -> None:
    assert told(exercise=True, repeated=True).title == "LATIHAN: PANGGILAN DARURAT - Polsek A (ulangan)"
    assert told("en", exercise=True, kind=ContactKind.NOT_NEEDED).title.startswith("EXERCISE: ")


def test_what_is_wanted_of_whoever_reads_it_has_a_line_of_its_own() -> None:
    assert "Jawab bahwa Anda baik-baik saja, atau minta bantuan." in told(kind=ContactKind.ASK).text.splitlines()
    assert "Pendaftaran tidak aktif: putuskan di konsol." in told(why=Why.HELD).text.splitlines()
    rounds = [[line for line in told(round=number).text.splitlines() if "ke-" in line] for number in range(3)]
    assert rounds == [[], ["Panggilan ke-2"], ["Panggilan ke-3"]]


def test_whoever_is_not_needed_is_told_no_place() -> None:
    found = told(kind=ContactKind.NOT_NEEDED)
    assert "105." not in found.text and "km" not in found.text


def test_nothing_of_the_holder_has_a_place_in_a_message() -> None:
    assert {field.name for field in fields(CallFacts)} == {
        "kind",
        "why",
        "pressed_ms",
        "area",
        "place",
        "place_age_s",
        "metres",
        "level",
        "round",
        "identifier",
        "exercise",
        "repeated",
    }


@given(
    st.sampled_from(ContactKind),
    st.sampled_from(Why),
    st.sampled_from(["id", "en"]),
    st.integers(0, 20),
    st.none() | st.integers(0, 500_000),
    st.none() | st.integers(0, 100_000),
    st.booleans(),
)
def test_as_a_text_message_with_a_link_it_keeps_title_and_time(
    kind: ContactKind, why: Why, language: str, again: int, metres: int | None, age_s: int | None, exercise: bool
) -> None:
    found = told(language, kind=kind, why=why, round=again, metres=metres, place_age_s=age_s, exercise=exercise)
    link = "https://siaga.example/r/" + "x" * 43
    written = sms_text(PersonalMessage(found.title, found.text, link, True, PRESSED_MS))
    assert written.startswith(found.title) and "14:03:27 WIB" in written and written.endswith(link)


@pytest.mark.parametrize(("language", "mark"), [("id", "UJI COBA"), ("en", "TEST")])
def test_a_trial_says_that_it_is_one(language: str, mark: str) -> None:
    found = trial_text(language, JAKARTA, PRESSED_MS)
    assert mark in found.title and "23-11-2026 14:03:27 WIB" in found.text
