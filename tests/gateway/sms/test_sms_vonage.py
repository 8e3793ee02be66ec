"""Text messages as Vonage posts them: its signatures, its parts."""

from __future__ import annotations

import base64
import json
import queue
import threading
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
import pytest
from posted_forms import FORM, came, vonage_signature, vonage_token
from test_sms_webhook import NUMBER, SECRET, Hook, Storing, hook

from pressing_button import PressingButton
from siaga_gateway.formats.sms import text_of
from waiting import ENDS_S

__all__ = ["hook"]


@pytest.mark.parametrize("method", ["md5hash", "md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("how", ["form", "json", "get"])
def test_vonage_signs_its_parameters(hook: Hook, method: str, how: str) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="vonage", signature_method=method)
    fields = {
        "msisdn": "6281200000001",
        "to": "6281100000000",
        "messageId": "0A0000000123ABCD1",
        "text": f"{text_of(press)} & = ",
        "type": "text",
        "keyword": "EQE",
        "message-timestamp": "2026-11-29 12:00:00",
        "timestamp": "1790000000",
        "nonce": "aaaaaaaa-bbbb",
    }

    def send(told: Mapping[str, str]) -> httpx.Response:
        if how == "get":
            return client.get("/sms", params=told)
        return client.post("/sms", json=told) if how == "json" else client.post("/sms", data=told)

    response = send({**fields, "sig": vonage_signature(fields, method)})
    assert (response.status_code, response.json()) == (200, {"stored": True})
    assert came(sink) == [(press, "6281200000001")]
    for wrong in (
        {**fields},
        {**fields, "sig": ""},
        {**fields, "msisdn": "628", "sig": vonage_signature(fields, method)},
    ):
        assert send(wrong).status_code == 403
    assert sink.frames.empty()


@pytest.mark.parametrize("sender", ["6281200000001", {"type": "sms", "number": "6281200000001"}])
def test_vonage_signs_a_token_with_the_hash_of_the_body(hook: Hook, sender: object) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="vonage")
    body = json.dumps(
        {"channel": "sms", "message_uuid": "aaaaaaaa-bbbb", "from": sender, "text": text_of(press)}
    ).encode()

    def send(token: str) -> int:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return client.post("/sms", content=body, headers=headers).status_code

    token = vonage_token(body)
    assert send(token) == 200
    head, claims, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for wrong in (
        f"{head}.{claims}.",
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        "a.b.c",
        "x",
        vonage_token(b"other"),
    ):
        assert send(wrong) == 403
    assert came(sink) == [(press, "6281200000001")]


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_part_whose_number_is_none_is_a_message_of_its_own(hook: Hook, number: float) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="vonage", authentication="bearer")
    body = json.dumps({"text": text_of(press), "concat-ref": "1", "concat-part": number, "concat-total": number})
    headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
    assert client.post("/sms", content=body, headers=headers).status_code == 200
    assert came(sink) == [(press, None)]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_vonages_two_parts_are_stored_together_whichever_comes_first(hook: Hook, order: list[int]) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="vonage")
    text = text_of(press) or ""
    answers: queue.Queue[int] = queue.Queue()

    def post(part: int) -> None:
        fields = {
            "msisdn": "6281200000001",
            "messageId": f"0A0000000123ABCD{part}",
            "text": text[:70] if part == 0 else text[70:],
            "concat": "true",
            "concat-ref": "42",
            "concat-part": str(part + 1),
            "concat-total": "2",
        }
        answers.put(client.post("/sms", data={**fields, "sig": vonage_signature(fields, "sha256")}).status_code)

    first = threading.Thread(target=post, args=(order[0],))
    first.start()
    post(order[1])
    first.join()
    assert [answers.get(timeout=ENDS_S) for _ in order] == [200, 200]
    assert came(sink) == [(press, "6281200000001")]
    post(order[0])  # brought again all the same
    assert (answers.get(timeout=ENDS_S), came(sink)) == (200, [])


def test_a_part_whose_other_does_not_come_in_time_is_to_be_brought_again_and_fits_then(hook: Hook) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, deadline_s=0.5, id_field="id")
    text = text_of(press) or ""
    headers = {"authorization": f"Bearer {SECRET}"}
    first = {"from": NUMBER, "id": "message-1", "text": text[:70]}
    assert client.post("/sms", json=first, headers=headers).status_code == 503
    client.webhook._deadline_s = ENDS_S  # type: ignore[attr-defined]
    second = {"from": NUMBER, "id": "message-2", "text": text[70:]}
    assert client.post("/sms", json=second, headers=headers).json() == {"stored": True}
    assert client.post("/sms", json=first, headers=headers).json() == {"stored": True}
    assert came(sink) == [(press, NUMBER)]


def test_what_vonage_signed_is_what_is_read(hook: Hook) -> None:
    """Whoever has seen one signed request makes no other message of it."""
    sink, press, seen = Storing(), text_of(PressingButton().press()) or "", text_of(PressingButton().press()) or ""
    client = hook(sink, provider="vonage")
    fields = {"msisdn": "6281200000001", "text": seen, "messageId": "0A0000000123ABCD1"}
    signed = {**fields, "sig": vonage_signature(fields, "md5hash")}
    forged = urlencode({"msisdn": "6289999999999", "text": press})
    body = json.dumps({"from": "6281200000001", "text": seen}).encode()
    token = {"authorization": f"Bearer {vonage_token(body)}"}
    for method, url, content, headers in (
        ("POST", "/sms", f"{forged}&{urlencode(signed)}".encode(), {"content-type": FORM}),
        ("GET", f"/sms?{forged}&{urlencode(signed)}", b"", {}),
        ("GET", f"/sms?{forged}", json.dumps(signed).encode(), {"content-type": "application/json"}),
        ("GET", f"/sms?{forged}", urlencode(signed).encode(), {"content-type": FORM}),
        ("GET", f"/sms?{forged}", body, token),
        ("POST", "/sms", b'{"text": "\\ud800", "sig": "0"}', {"content-type": "application/json"}),
    ):
        assert client.request(method, url, content=content, headers=headers).status_code == 403, (method, url)
    assert sink.frames.empty()
