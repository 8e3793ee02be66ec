"""Text messages as Infobip, Zenziva and others post them, and what holds for each: their proofs, their answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from posted_forms import FORM, PUBLIC, b64, came
from test_sms_webhook import NUMBER, SECRET, Hook, Storing, hook

from gateway.frame_sink import Sink
from pressing_button import PressingButton
from siaga_gateway.formats.sms import text_of
from siaga_gateway.formats.sms_webhook_body import PRESETS, NotPosted, form_fields, read_posted
from siaga_gateway.service.inbound import FrameSink, InboundFrame

__all__ = ["hook"]


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
def test_half_a_character_in_what_a_stranger_posts_is_refused(hook: Hook, provider: str) -> None:
    client = hook(Storing(), provider=provider, public_url=PUBLIC)
    forms = (
        ("application/json", b'{"text":"\\ud800","sig":"x"}'),
        (f"{FORM}; charset=unicode_escape", b"text=%5Cud800&sig=x"),
    )
    for content_type, body in forms:
        response = client.post("/sms", content=body, headers={"content-type": content_type})
        assert response.status_code == 403, content_type


def test_a_form_that_was_not_encoded_on_the_way_still_holds_its_frame(hook: Hook) -> None:
    sink, button = Storing(), PressingButton()
    press = next(one for one in (button.press() for _ in range(100)) if "+" in (text_of(one) or ""))
    body = f"from=%2B6281200000001&text={text_of(press)}".encode()
    response = hook(sink).post(
        "/sms", content=body, headers={"authorization": f"Bearer {SECRET}", "content-type": FORM}
    )
    assert (response.status_code, came(sink)) == (200, [(press, NUMBER)])


# Infobip


def infobip(*frames: bytes | str, sender: object = "6281200000001") -> dict[str, Any]:
    return {
        "results": [
            {
                "messageId": f"8177903132350664{number:02}",
                "from": sender,
                "to": "6281100000000",
                "text": frame if isinstance(frame, str) else f"SIAGA {text_of(frame)}",
                "cleanText": "",
                "keyword": "SIAGA",
                "smsCount": 1,
            }
            for number, frame in enumerate(frames)
        ],
        "messageCount": len(frames),
        "pendingMessageCount": 0,
    }


def basic(told: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64(told.encode())}"}


def test_infobip_posts_several_messages_at_once(hook: Hook) -> None:
    sink, button = Storing(), PressingButton()
    presses = [button.press() for _ in range(3)]
    client = hook(sink, provider="infobip")
    response = client.post("/sms", json=infobip(*presses), headers=basic(f"siaga:{SECRET}"))
    assert (response.status_code, response.json()["stored"]) == (200, True)
    assert sorted(came(sink)) == sorted((press, "6281200000001") for press in presses)
    assert client.post("/sms", json=infobip(*presses), headers=basic("siaga:wrong")).status_code == 401
    assert client.post("/sms", json=infobip(*presses)).status_code == 401


def test_the_users_name_counts_where_the_secret_has_one(hook: Hook) -> None:
    client = hook(Storing(), provider="infobip", secret=f"polda:{SECRET}")
    told = infobip(PressingButton().press())
    assert client.post("/sms", json=told, headers=basic(f"polda:{SECRET}")).status_code == 200
    assert client.post("/sms", json=told, headers=basic(f"other:{SECRET}")).status_code == 401


def test_of_a_half_bad_batch_the_good_ones_are_stored_and_nothing_is_asked_for_again(hook: Hook) -> None:
    sink, button = Storing(), PressingButton()
    one, two = button.press(), button.press()
    told = infobip(one, "Pulsa Anda habis", two)
    told["results"].insert(1, {"messageId": "81779031323506", "from": "628", "text": None})
    told["results"].append("no message")
    response = hook(sink, provider="infobip").post("/sms", json=told, headers=basic(f"siaga:{SECRET}"))
    assert (response.status_code, response.json()["stored"]) == (200, False)
    assert [one == "stored" for one in response.json()["messages"]] == [True, False, False, True, False]
    assert {raw for raw, _ in came(sink)} == {one, two}


class Half(Storing):
    """Has room for some only."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.left = room

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        self.left -= 1
        return self.left >= 0 and super().offer(frame, timeout_s)


def test_what_had_no_room_is_brought_again_and_what_was_stored_is_not_stored_and_answered_twice(hook: Hook) -> None:
    sink, button = Half(2), PressingButton()
    presses = [button.press() for _ in range(4)]
    client = hook(sink, provider="infobip")
    headers = basic(f"siaga:{SECRET}")
    first = client.post("/sms", json=infobip(*presses), headers=headers)
    assert first.status_code == 503 and int(first.headers["retry-after"]) > 0
    sink.left = 99
    second = client.post("/sms", json=infobip(*presses), headers=headers)
    assert (second.status_code, second.json()["stored"]) == (200, True)
    assert sorted(raw for raw, _ in came(sink)) == sorted(presses), "each once"


def test_a_button_that_repeats_itself_is_no_repetition_of_the_aggregator(hook: Hook) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="infobip")
    for number in range(2):
        told = infobip(press)
        told["results"][0]["messageId"] = f"81779031323506640{number}"
        assert client.post("/sms", json=told, headers=basic(f"siaga:{SECRET}")).status_code == 200
    assert len(came(sink)) == 2, "it is to be answered again"


# Zenziva, and others


@pytest.mark.parametrize("how", ["get", "form", "json"])
def test_zenziva_has_no_signature_so_the_secret_is_in_the_path(hook: Hook, how: str) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="zenziva", secret="0123456789abcdef0123")
    told = {"from": "081200000001", "message": text_of(press) or ""}
    for path, status in (("/sms/0123456789abcdef0123", 200), ("/sms/0123456789abcdef012x", 403), ("/sms", 404)):
        if how == "get":
            response = client.get(path, params=told)
        else:
            response = client.post(path, **({"data": told} if how == "form" else {"json": told}))  # type: ignore[arg-type]
        assert response.status_code == status
    assert came(sink) == [(press, "081200000001")]


def test_paths_of_a_form_that_nobody_knows_are_settings(hook: Hook) -> None:
    sink, button = Storing(), PressingButton()
    one, two = button.press(), button.press()
    client = hook(
        sink,
        messages_field="data.inbox",
        number_field="sender.msisdn",
        text_field="content.0.body",
        id_field="uid",
    )
    told = {
        "data": {
            "inbox": [
                {"uid": f"message-{number}", "sender": {"msisdn": 6281200000001}, "content": [{"body": text_of(frame)}]}
                for number, frame in enumerate((one, two))
            ]
        }
    }
    response = client.post("/sms", json=told, headers={"authorization": f"Bearer {SECRET}"})
    assert response.json()["stored"] is True
    assert sorted(came(sink)) == sorted([(one, "6281200000001"), (two, "6281200000001")])


@pytest.mark.parametrize("sender", [None, "", "SIAGA", 110, {"name": "x"}, ["628"], True, "missing"])
def test_a_sender_that_is_no_number_means_only_that_no_answer_goes_that_way(hook: Hook, sender: object) -> None:
    sink, press = Storing(), PressingButton().press()
    told = {"text": text_of(press)} if sender == "missing" else {"text": text_of(press), "from": sender}
    response = hook(sink).post("/sms", json=told, headers={"authorization": f"Bearer {SECRET}"})
    assert response.json() == {"stored": True}
    assert came(sink) == [(press, "110" if sender == 110 else None)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (lambda told: json.dumps(told).encode("utf-16"), "application/json"),
        (lambda told: b"\xef\xbb\xbf" + json.dumps(told).encode(), "application/json"),
        (
            lambda told: json.dumps({**told, "city": "Kotabumi é"}, ensure_ascii=False).encode("latin-1"),
            "application/json",
        ),
        (lambda told: json.dumps(told).encode(), "text/plain"),
        (lambda told: urlencode(told).encode(), f"{FORM}; charset=klingon"),
        (lambda told: urlencode(told).encode(), f"{FORM}; charset=ISO-8859-1"),
        (lambda told: urlencode(told).encode(), ""),
    ],
)
def test_a_character_set_that_nobody_knows_keeps_no_press_out(hook: Hook, body: Any, content_type: str) -> None:
    sink, press = Storing(), PressingButton().press()
    headers = {"authorization": f"Bearer {SECRET}", "content-type": content_type}
    response = hook(sink).post("/sms", content=body({"from": NUMBER, "text": text_of(press)}), headers=headers)
    assert (response.status_code, came(sink)) == (200, [(press, NUMBER)])


def test_a_hash_of_no_body_vouches_for_no_query(hook: Hook) -> None:
    sink, told = Storing(), {"from": NUMBER, "message": text_of(PressingButton().press())}
    client = hook(sink, provider="zenziva", signature_header="X-Signature")
    empty = {"x-signature": hmac.new(SECRET.encode(), b"", hashlib.sha256).hexdigest()}
    for method in ("GET", "POST"):
        assert client.request(method, "/sms", params=told, headers=empty).status_code == 403
    body = b"anything"
    shown = {"x-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
    assert client.request("GET", "/sms", params=told, content=body, headers=shown).status_code == 403
    assert sink.frames.empty()


def test_a_stranger_chooses_no_slow_character_set() -> None:
    """punycode takes time by the square of its length, and a signature is checked over what it gives."""
    told = form_fields(b"text=%C3a-bcd", f"{FORM}; charset=punycode")
    assert told == form_fields(b"text=%C3a-bcd", FORM)
    assert form_fields(b"text=%E9", f"{FORM}; charset=Windows-1252") == [("text", "\xe9")]


class Forging(Sink):
    """Deals with each frame as ingest does with a forged one: it is done with, and not stored."""

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        threading.Thread(target=frame.acknowledge).start()
        return True


def test_a_frame_that_nobody_made_is_not_said_to_be_stored_and_does_not_come_again(hook: Hook) -> None:
    sink: FrameSink = Forging()
    client = hook(sink)  # type: ignore[arg-type]
    told = {"from": NUMBER, "text": text_of(PressingButton().press())}
    response = client.post("/sms", json=told, headers={"authorization": f"Bearer {SECRET}"})
    assert (response.status_code, response.json()["stored"]) == (200, False)
    assert client.webhook.counts.frames == 0  # type: ignore[attr-defined]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["from", "text", "results", "msisdn", "message", "Body", "content", "id"]), inner
        )
    ),
    max_leaves=10,
)


@given(JSON.map(lambda told: json.dumps(told).encode()) | st.binary(max_size=200), st.sampled_from(list(PRESETS)))
def test_any_body_holds_messages_or_is_refused(body: bytes, provider: str) -> None:
    for content_type in ("application/json", FORM, "\u00e9", f"{FORM}; charset=\x00"):
        try:
            found = read_posted(PRESETS[provider], body, content_type)
        except NotPosted:
            continue
        assert all(one is None or one.message.text for one in found)
