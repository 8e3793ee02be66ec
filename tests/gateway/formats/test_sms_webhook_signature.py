"""How an aggregator shows that a request is its own, each proof against all that is beside it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats.sms_webhook_signature import (
    METHODS,
    is_basic,
    is_hmac,
    is_twilio,
    is_vonage,
    is_vonage_token,
    same,
)

SECRET, OTHER = b"rahasia contoh", b"rahasia lain"
FIELDS = st.dictionaries(st.text("abz&=", min_size=1, max_size=4), st.text(max_size=6), max_size=5)


def b64(told: bytes) -> str:
    return base64.b64encode(told).decode()


@given(st.text(max_size=9), st.text(max_size=9))
def test_two_are_the_same_or_not_as_text_and_as_bytes(one: str, other: str) -> None:
    for shown, right in ((one, other), (one, other.encode()), (one.encode(), other), (one.encode(), other.encode())):
        assert same(shown, right) is (one == other)
    assert not same("\ud800", b"x")


@given(st.binary(max_size=40), st.binary(min_size=1, max_size=40))
def test_a_hash_of_the_body_in_whatever_writing(body: bytes, secret: bytes) -> None:
    digest = hmac.new(secret, body, hashlib.sha256).digest()
    for told in (digest.hex(), digest.hex().upper(), b64(digest)):
        for shown in (told, f"sha256={told}", f"SHA256={told}", f" {told}\n"):
            assert is_hmac(secret, body, shown)
            assert not is_hmac(secret + b"x", body, shown) and not is_hmac(secret, body + b"x", shown)
            assert not is_hmac(secret, body, shown.rstrip()[:-1])
    assert not is_hmac(secret, body, "") and not is_hmac(secret, body, "sha256=")


@pytest.mark.parametrize(
    ("secret", "user", "password", "right"),
    [
        (b"kata", "siapa saja", "kata", True),
        (b"kata", "", "kata", True),
        (b"kata", "kata", "", False),
        (b"kata", "a", "b:kata", False),
        (b"wati:kata", "wati", "kata", True),
        (b"wati:kata", "siti", "kata", False),
        (b"wati:kata", "wati", "lain", False),
    ],
)
def test_a_name_and_a_password(secret: bytes, user: str, password: str, right: bool) -> None:
    shown = b64(f"{user}:{password}".encode())
    for scheme in ("Basic", "basic", "BASIC"):
        assert is_basic(secret, f"{scheme} {shown}") is right
    assert not is_basic(secret, f"Bearer {shown}") and not is_basic(secret, shown)
    assert not is_basic(secret, f"Basic {shown[:4]}!{shown[4:]}"), "with anything else in it, it is no base64"
    for damaged in ("", "Basic", "Basic x", "Basic \u00e9"):
        assert not is_basic(secret, damaged)


# Twilio


def twilio(url: str, fields: list[tuple[str, str]], secret: bytes = SECRET) -> str:
    by_name = {name: sorted({value for other, value in fields if other == name}) for name, _ in fields}
    line = url + "".join(name + value for name in sorted(by_name) for value in by_name[name])
    return b64(hmac.new(secret, line.encode(), hashlib.sha1).digest())


@pytest.mark.parametrize(
    ("known", "signed", "right"),
    [
        ("https://a.example/sms", "https://a.example/sms", True),
        ("https://a.example/sms", "https://a.example:443/sms", True),
        ("http://a.example/sms", "http://a.example:80/sms", True),
        ("https://a.example:443/sms", "https://a.example/sms", True),
        ("https://a.example:8443/sms", "https://a.example/sms", True),
        ("https://a.example:8443/sms", "https://a.example:8443/sms", True),
        ("https://a.example/sms#x", "https://a.example/sms", True),
        ("https://a.example/sms#x", "https://a.example/sms#x", True),
        ("https://a.example/sms#x", "https://a.example:443/sms#x", True),
        ("https://a.example/sms", "https://a.example:80/sms", False),
        ("https://a.example/sms", "http://a.example/sms", False),
        ("https://a.example/sms", "https://b.example/sms", False),
        ("https://a.example/sms", "https://a.example/sms/", False),
        ("https://a.example/sms", "https://a.example/sms#x", False),
        ("ftp://a.example/sms", "ftp://a.example:443/sms", False),
    ],
)
def test_which_addresses_twilio_may_mean(known: str, signed: str, right: bool) -> None:
    fields = [("Body", "a"), ("From", "b")]
    assert is_twilio(SECRET, known, "", b"x", fields, twilio(signed, fields)) is right
    assert not is_twilio(OTHER, known, "", b"x", fields, twilio(signed, fields))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=5))
def test_twilio_signs_fields_by_name_and_each_value_once(fields: list[tuple[str, str]]) -> None:
    url = "https://a.example/sms"
    shown = twilio(f"{url}?q=1", fields)
    assert is_twilio(SECRET, url, "q=1", b"", fields, f" {shown} ")
    assert is_twilio(SECRET, f"{url}?other=2", "q=1", b"", fields, shown), "what came is what is signed"
    assert not is_twilio(SECRET, url, "q=2", b"", fields, shown)
    assert not is_twilio(SECRET, url, "q=1", b"", [*fields, ("c", "")], shown)


def test_a_body_that_is_no_form_is_vouched_for_by_its_hash() -> None:
    body, url = b'{"Body": "a"}', "https://a.example/sms"
    digest = hashlib.sha256(body).hexdigest()
    for query, whole in ((f"bodySHA256={digest}", True), (f"bodySHA256={digest.upper()}", True), ("a=1", False)):
        assert is_twilio(SECRET, url, query, body, [], twilio(f"{url}?{query}", [])) is whole
        assert not is_twilio(SECRET, url, query, body + b" ", [], twilio(f"{url}?{query}", []))
        assert is_twilio(SECRET, url, query, b"", [], twilio(f"{url}?{query}", [])), "there is nothing to vouch for"
    fields = [("Body", "a")]
    assert is_twilio(SECRET, url, "bodySHA256=0", b"Body=a", fields, twilio(f"{url}?bodySHA256=0", fields))


# Vonage


def vonage(fields: dict[str, str], method: str, secret: bytes = SECRET) -> str:
    line = "".join(f"&{name}={fields[name].replace('&', '_').replace('=', '_')}" for name in sorted(fields)).encode()
    if method == "md5hash":
        return hashlib.md5(line + secret).hexdigest()
    return hmac.new(secret, line, method).hexdigest()


@pytest.mark.parametrize("method", METHODS)
@given(fields=FIELDS.filter(lambda fields: "sig" not in fields), more=st.text("ab", max_size=3))
def test_vonage_signs_all_parameters_by_name(method: str, fields: dict[str, str], more: str) -> None:
    shown = vonage(fields, method)
    for sig in (shown, shown.upper()):
        assert is_vonage(SECRET, method, [*fields.items(), ("sig", sig)])
        assert is_vonage(SECRET, method, [("sig", sig), *reversed(fields.items())])
    assert not is_vonage(OTHER, method, [*fields.items(), ("sig", shown)])
    assert not is_vonage(SECRET, method, [*fields.items(), ("c" + more, more), ("sig", shown)])
    assert not is_vonage(SECRET, method, list(fields.items())), "nothing is shown"
    for name in fields:
        twice = [(name, fields[name]), *fields.items(), ("sig", shown)]
        assert not is_vonage(SECRET, method, twice), "one of two is signed, and the other read"


def part(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def token(head: object, claims: object, secret: bytes = SECRET, method: str = "sha256") -> str:
    signed = f"{part(head)}.{part(claims)}"
    digest = hmac.new(secret, signed.encode(), method).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


@given(st.text(max_size=4), st.binary(max_size=20))
def test_a_token_is_of_this_secret_and_this_body(name: str, body: bytes) -> None:
    head, digest = {"alg": "HS256", "typ": "JWT"}, hashlib.sha256(body).hexdigest()
    for claims in ({"iss": name}, {"payload_hash": digest, "iss": name}, {"payload_hash": digest.upper()}):
        shown = token(head, claims)
        for scheme in ("Bearer", "bearer"):
            assert is_vonage_token(SECRET, f"{scheme} {shown}", body)
            assert is_vonage_token(SECRET, f"{scheme} {shown}= ", body), "padded"
        assert is_vonage_token(SECRET, f"Bearer {shown}", body + b"x") is ("payload_hash" not in claims)
        assert not is_vonage_token(OTHER, f"Bearer {shown}", body)
        assert not is_vonage_token(SECRET, f"Basic {shown}", body)
        assert not is_vonage_token(SECRET, f"Bearer {shown}.x", body)
        assert not is_vonage_token(SECRET, f"Bearer {shown.rpartition('.')[0]}", body)
        assert not is_vonage_token(SECRET, shown, body)
    assert not is_vonage_token(SECRET, f"Bearer {token(head, {'payload_hash': ''})}", body)


@pytest.mark.parametrize("head", [{"alg": "none"}, {"alg": "HS512"}, {}, [], "HS256", None, 7])
def test_a_token_says_how_it_is_signed(head: object) -> None:
    assert not is_vonage_token(SECRET, f"Bearer {token(head, {})}", b"")


@pytest.mark.parametrize("claims", [[], "x", None, 7])
def test_claims_that_are_none_claim_nothing(claims: object) -> None:
    assert is_vonage_token(SECRET, f"Bearer {token({'alg': 'HS256'}, claims)}", b"body")


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ..", "Bearer a.b.c", "Bearer \u00e9.\u00e9.\u00e9"])
def test_what_is_no_token_proves_nothing(shown: str) -> None:
    assert not is_vonage_token(SECRET, shown, b"")
    assert not is_twilio(SECRET, "https://a.example/sms", urlencode({"q": 1}), b"", [], quote(shown))
