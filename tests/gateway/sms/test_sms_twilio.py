"""Text messages as Twilio posts them: its signatures, its answers."""

from __future__ import annotations

import hashlib
import json

import pytest
from posted_forms import PUBLIC, came, twilio, twilio_signature
from pydantic import ValidationError
from test_sms_webhook import NUMBER, SECRET, Hook, Storing, hook

from pressing_button import PressingButton
from siaga_gateway.config.sms import SmsWebhookSettings
from siaga_gateway.formats.sms_webhook_signature import is_twilio

__all__ = ["hook"]


def test_twilios_signature_is_that_of_its_documentation() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    expected = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    assert is_twilio(b"12345", url, "", b"x", list(fields.items()), expected)
    assert not is_twilio(b"12346", url, "", b"x", list(fields.items()), expected)


@pytest.mark.parametrize("signed", [PUBLIC, "https://sms.example.org:443/sms", f"{PUBLIC}#rc=3&rp=5xx,ct,rt"])
def test_twilio_posts_a_form_and_is_answered_with_an_empty_document(hook: Hook, signed: str) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="twilio", public_url=f"{PUBLIC}#rc=3&rp=5xx,ct,rt")
    fields = twilio(press)
    response = client.post("/sms", data=fields, headers={"x-twilio-signature": twilio_signature(signed, fields)})
    assert (response.status_code, response.text) == (200, "<Response/>")
    assert response.headers["content-type"].startswith("text/xml")
    assert came(sink) == [(press, NUMBER)]


def test_twilio_may_sign_without_the_port_that_it_is_told(hook: Hook) -> None:
    """twilio-python, issue 392: by https the port may be missing from what is signed."""
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="twilio", public_url="https://sms.example.org:8443/sms")
    fields = twilio(press)
    for signed in (PUBLIC, "https://sms.example.org:8443/sms"):
        headers = {"x-twilio-signature": twilio_signature(signed, fields)}
        assert client.post("/sms", data=fields, headers=headers).status_code == 200, signed
    other = {"x-twilio-signature": twilio_signature("https://sms.example.org:9443/sms", fields)}
    assert client.post("/sms", data=fields, headers=other).status_code == 403


@pytest.mark.parametrize("query", ["b=2&a=x%20y+z%27", "a=%C3%A9&a=1"])
def test_twilio_signs_the_query_as_it_is_written(hook: Hook, query: str) -> None:
    """yap, pull request 1629, and twilio-node, issue 1059: sorted or encoded anew, it is another one."""
    client = hook(Storing(), provider="twilio", public_url=PUBLIC)
    fields = twilio(PressingButton().press())
    headers = {"x-twilio-signature": twilio_signature(f"{PUBLIC}?{query}", fields)}
    assert client.post(f"/sms?{query}", data=fields, headers=headers).status_code == 200


@pytest.mark.parametrize("wrong", ["", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "another address", "another field", "one more"])
def test_what_twilio_did_not_sign_is_refused_and_counted(hook: Hook, wrong: str) -> None:
    sink = Storing()
    client = hook(sink, provider="twilio", public_url=PUBLIC)
    fields = twilio(PressingButton().press())
    signature = {
        "another address": twilio_signature("https://evil.example.org/sms", fields),
        "another field": twilio_signature(PUBLIC, {**fields, "From": "+6281299999999"}),
        "one more": twilio_signature(PUBLIC, {**fields, "Extra": "x"}),
    }.get(wrong, wrong)
    response = client.post("/sms", data=fields, headers={"x-twilio-signature": signature})
    assert response.status_code == 403
    assert client.webhook.counts.unauthorised == 1  # type: ignore[attr-defined]
    assert sink.frames.empty()


def test_twilio_may_be_told_to_post_json_under_the_hash_of_its_body(hook: Hook) -> None:
    sink, press = Storing(), PressingButton().press()
    client = hook(sink, provider="twilio", public_url=PUBLIC)
    body = json.dumps(twilio(press)).encode()
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"content-type": "application/json", "x-twilio-signature": twilio_signature(f"{PUBLIC}?{query}", {})}
    assert client.post(f"/sms?{query}", content=body, headers=headers).status_code == 200
    assert client.post(f"/sms?{query}", content=body + b" ", headers=headers).status_code == 403
    assert (
        client.post(
            "/sms", content=body, headers={**headers, "x-twilio-signature": twilio_signature(PUBLIC, {})}
        ).status_code
        == 403
    )
    assert came(sink) == [(press, NUMBER)]


def test_twilio_needs_the_address_that_it_signs() -> None:
    with pytest.raises(ValidationError, match="public_url"):
        SmsWebhookSettings(port=0, secret=SECRET, provider="twilio")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="signature_header"):
        SmsWebhookSettings(port=0, secret=SECRET, authentication="hmac")  # type: ignore[arg-type]


def test_twilio_signs_the_query_that_came(hook: Hook) -> None:
    """Whatever the settings say of it: in it is the hash of a body that is no form."""
    sink, url = Storing(), f"{PUBLIC}?key=1"
    client = hook(sink, provider="twilio", public_url=url)
    seen = {"x-twilio-signature": twilio_signature(url, {})}
    body = json.dumps(twilio(PressingButton().press())).encode()
    query = f"/sms?key=1&bodySHA256={hashlib.sha256(body).hexdigest()}"
    json_type = {"content-type": "application/json"}
    assert client.post(query, content=body, headers={**seen, **json_type}).status_code == 403
    right = {"x-twilio-signature": twilio_signature(f"{PUBLIC}{query.removeprefix('/sms')}", {})}
    assert client.post(query, content=body, headers={**right, **json_type}).status_code == 200
