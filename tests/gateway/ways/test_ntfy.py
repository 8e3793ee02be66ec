"""What an ntfy server is asked, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.ways.sample_messages import KEY, LINK, SENT_MS, alarm, note
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.personal_message import Answer, PersonalMessage
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.formats.service_message import AddressUnusable, Meaning

SPOKEN = NtfyFormat("https://ntfy.example", "tk_hidden")


def body(message: PersonalMessage, key: str = KEY, address: str = "siaga-a") -> dict[str, Any]:
    (request,) = SPOKEN.requests(address, message, key, SENT_MS)
    assert request.url == "https://ntfy.example/"
    assert request.headers["authorization"] == "Bearer tk_hidden"
    found: dict[str, Any] = json.loads(request.body)
    return found


def test_an_alarm_rings_and_is_answered_by_post_alone() -> None:
    sent = body(alarm())
    assert (sent["topic"], sent["priority"], sent["click"]) == ("siaga-a", 5, LINK)
    assert sent["title"] == alarm().title and sent["message"] == alarm().text
    assert sent["tags"] == ["rotating_light"] and all(each["clear"] for each in sent["actions"])
    assert [(each["action"], each["method"], each["url"]) for each in sent["actions"]] == [
        ("http", "POST", f"{LINK}/accept"),
        ("http", "POST", f"{LINK}/decline"),
    ]


def test_a_note_does_not_ring_and_has_nothing_to_tap() -> None:
    sent = body(note())
    assert (sent["priority"], sent["tags"]) == (3, ["information_source"])
    assert not {"actions", "click"} & set(sent)


def test_without_a_link_there_are_no_answers_either() -> None:
    assert "actions" not in body(alarm(url=None))


def test_the_same_key_has_the_same_sequence_and_a_note_takes_the_place_of_what_it_withdraws() -> None:
    first, again, other = body(alarm()), body(alarm()), body(alarm(), "another")
    assert first["sequence_id"] == again["sequence_id"] != other["sequence_id"]
    assert first["sequence_id"].isalnum() and len(first["sequence_id"]) <= 64
    assert body(note(withdraws=first["sequence_id"]), "a note")["sequence_id"] == first["sequence_id"]


@pytest.mark.parametrize("address", ["siaga-a", "https://ntfy.example/siaga-a", " https://NTFY.example/siaga-a "])
def test_an_address_is_a_topic_with_or_without_its_server(address: str) -> None:
    assert body(alarm(), address=address)["topic"] == "siaga-a"


@pytest.mark.parametrize("address", ["", "a b", "x" * 65, "https://ntfy.example/", "tópico"])
def test_a_topic_that_ntfy_does_not_have_is_refused(address: str) -> None:
    with pytest.raises(AddressUnusable):
        SPOKEN.requests(address, alarm(), KEY, SENT_MS)


@pytest.mark.parametrize("address", ["https://ntfy.sh/siaga-a", "http://ntfy.example/siaga-a", "evil.example/siaga-a"])
def test_the_token_goes_to_no_other_server(address: str) -> None:
    with pytest.raises(SettingError, match="another server"):
        SPOKEN.requests(address, alarm(), KEY, SENT_MS)


def test_a_phone_shows_three_answers_and_gets_no_more() -> None:
    assert len(body(alarm(answers=(Answer("x", "https://a.example"),) * 5))["actions"]) == 3


def test_a_long_text_stays_a_message_and_no_attachment() -> None:
    assert body(alarm(text="x" * 3_000))["message"] == "x" * 3_000
    assert body(alarm(text="x" * 3_001))["message"] == "x" * 3_000 + "…"
    assert len(body(alarm(title="x" * 300))["title"]) == 200
    assert len(json.dumps(body(alarm(text="é" * 5_000)), ensure_ascii=False).encode()) < 4_096


TAKEN = b'{"id":"aBc1","time":1790000000,"event":"message","topic":"siaga-a"}'


@pytest.mark.parametrize(
    ("status", "said", "meaning", "wait_s"),
    [
        (200, TAKEN, Meaning.TAKEN, None),
        (200, b"<html>Please sign in", Meaning.STRANGER, None),
        (200, b"[]", Meaning.STRANGER, None),
        (200, b'{"id":"aBc1"}', Meaning.STRANGER, None),
        (200, b'{"event":"message"}', Meaning.STRANGER, None),
        (300, TAKEN, Meaning.REFUSED, None),
        (429, b'{"code":42901,"http":429,"error":"limit reached: too many requests"}', Meaning.WAIT, 5.0),
        (429, b'{"code":42908,"http":429,"error":"limit reached: daily quota"}', Meaning.EXHAUSTED, None),
        (401, b'{"code":40101,"http":401,"error":"unauthorized"}', Meaning.REFUSED, None),
        (403, b'{"code":40301,"http":403,"error":"forbidden"}', Meaning.REFUSED, None),
        (404, b"", Meaning.REFUSED, None),
        (302, b"", Meaning.REFUSED, None),
        (500, b'{"code":50001,"http":500,"error":"internal server error"}', Meaning.UNKNOWN, None),
        (502, b"", Meaning.UNKNOWN, None),
        (503, b"", Meaning.WAIT, None),
        (507, b"", Meaning.LATER, None),
    ],
)
def test_what_an_answer_means(status: int, said: bytes, meaning: Meaning, wait_s: float | None) -> None:
    answer = SPOKEN.answer(status, said, KEY)
    assert (answer.meaning, answer.wait_s) == (meaning, wait_s)


def test_what_a_server_says_is_told_in_short() -> None:
    assert len(SPOKEN.answer(400, b'{"error":"' + b"x" * 200 + b'"}', KEY).said) == 120


def test_a_message_that_was_taken_is_known_by_its_sequence() -> None:
    assert SPOKEN.answer(200, TAKEN, KEY).reference == body(alarm())["sequence_id"]
