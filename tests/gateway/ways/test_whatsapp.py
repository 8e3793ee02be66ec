"""What WhatsApp's Cloud API is asked, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.ways.sample_messages import KEY, SENT_MS, alarm, note
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.formats.service_message import AddressUnusable, Meaning
from siaga_gateway.formats.whatsapp import WhatsappFormat

URL = "https://graph.facebook.com/v23.0"
PLAIN = WhatsappFormat(URL, "1055", "hidden", "siaga_call")
LINKED = WhatsappFormat(
    URL,
    "1055",
    "hidden",
    "siaga_call",
    link_template="siaga_call_link",
    link_base="https://siaga.example/r/",
    languages={"en": "en_US"},
)


def sent(spoken: WhatsappFormat, message: PersonalMessage, number: str = "+6281200000001") -> dict[str, Any]:
    (request,) = spoken.requests(number, message, KEY, SENT_MS)
    assert request.url == f"{URL}/1055/messages"
    assert request.headers["authorization"] == "Bearer hidden"
    found: dict[str, Any] = json.loads(request.body)
    assert (found["messaging_product"], found["to"], found["type"]) == ("whatsapp", "6281200000001", "template")
    return found


def test_title_and_text_are_the_templates_variables_on_one_line_each() -> None:
    template = sent(LINKED, note())["template"]
    assert (template["name"], template["language"]) == ("siaga_call", {"code": "id"})
    (body,) = template["components"]
    assert [each["text"] for each in body["parameters"]] == [note().title, note().text]
    lines = sent(PLAIN, alarm(url=None, text="a\n\tb     c"))["template"]["components"][0]["parameters"][1]["text"]
    assert lines == "a, b c"


def test_a_link_goes_into_the_button_of_its_template() -> None:
    template = sent(LINKED, alarm(language="en"))["template"]
    assert (template["name"], template["language"]) == ("siaga_call_link", {"code": "en_US"})
    body, button = template["components"]
    assert "https" not in json.dumps(body)
    assert (button["sub_type"], button["index"]) == ("url", "0")
    assert button["parameters"] == [{"type": "text", "text": "hidden-link"}]


@pytest.mark.parametrize(("spoken", "url"), [(PLAIN, "https://siaga.example/r/x"), (LINKED, "https://other.example/x")])
def test_a_link_that_no_button_leads_to_stands_in_the_text(spoken: WhatsappFormat, url: str) -> None:
    template = sent(spoken, alarm(url=url))["template"]
    assert template["name"] == "siaga_call"
    assert template["components"][0]["parameters"][1]["text"].endswith(f" {url}")


def test_a_long_text_leaves_room_for_the_template_s_own_words() -> None:
    text = sent(PLAIN, note(text="x" * 900))["template"]["components"][0]["parameters"][1]["text"]
    assert len(text) == 700


def test_what_it_says_is_told_in_short() -> None:
    error = {"code": 100, "message": "x" * 200}
    assert len(PLAIN.answer(400, json.dumps({"error": error}).encode(), KEY).said) == 120


def test_no_variable_is_empty() -> None:
    assert sent(PLAIN, note(text=" "))["template"]["components"][0]["parameters"][1]["text"] == "-"


@pytest.mark.parametrize("number", ["", "081200000001x", "0812", "@budi", "+0812000000"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(AddressUnusable):
        PLAIN.requests(number, alarm(), KEY, SENT_MS)


def failed(code: int) -> bytes:
    return json.dumps({"error": {"message": f"(#{code}) words", "code": code, "fbtrace_id": "x"}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "meaning", "wait_s"),
    [
        (200, b'{"messages":[{"id":"wamid.X","message_status":"accepted"}]}', Meaning.TAKEN, None),
        (200, b'{"messages":[{"id":"wamid.X"}]}', Meaning.TAKEN, None),
        (200, b'{"messages":[{"id":"w","message_status":"held_for_quality_assessment"}]}', Meaning.UNKNOWN, None),
        (200, b'{"messages":[]}', Meaning.STRANGER, None),
        (200, b"<html>", Meaning.STRANGER, None),
        (400, failed(131026), Meaning.DEAD, None),
        (400, failed(131056), Meaning.WAIT, 6.0),
        (429, failed(130429), Meaning.WAIT, 5.0),
        (400, failed(131048), Meaning.WAIT, 300.0),
        (400, failed(4), Meaning.WAIT, 60.0),
        (400, failed(80007), Meaning.WAIT, 60.0),
        (400, failed(131050), Meaning.DEAD, None),
        *[(400, failed(code), Meaning.LATER, None) for code in (1, 2, 131049, 131057, 133004)],
        (400, failed(131000), Meaning.UNKNOWN, None),
        (300, b'{"messages":[{"id":"wamid.X"}]}', Meaning.REFUSED, None),
        (401, failed(190), Meaning.REFUSED, None),
        (404, failed(132001), Meaning.REFUSED, None),
        (400, failed(132015), Meaning.REFUSED, None),
        (400, failed(131047), Meaning.REFUSED, None),
        (400, failed(131042), Meaning.REFUSED, None),
        (500, failed(131000), Meaning.UNKNOWN, None),
        (503, failed(131016), Meaning.LATER, None),
        (502, b"<html>", Meaning.UNKNOWN, None),
        (403, b'{"error":"a proxy"}', Meaning.REFUSED, None),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, meaning: Meaning, wait_s: float | None) -> None:
    answer = PLAIN.answer(status, body, KEY)
    assert (answer.meaning, answer.wait_s) == (meaning, wait_s)


def test_the_number_of_the_message_is_kept_for_its_receipts() -> None:
    assert PLAIN.answer(200, b'{"messages":[{"id":"wamid.X"}]}', KEY).reference == "wamid.X"
