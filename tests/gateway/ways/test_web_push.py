"""Web push: the standards' own examples, and what push services answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.ways.sample_messages import KEY, LINK, SENT_MS, alarm, note
from siaga_gateway.formats.service_message import AddressUnusable, Meaning
from siaga_gateway.formats.webpush import (
    Subscription,
    WebPushFormat,
    decoded,
    encoded,
    encrypted,
    public_key,
    subscription,
    vapid,
)

# RFC 8291, Appendix A
BROWSER_KEY = ec.derive_private_key(
    int.from_bytes(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")), ec.SECP256R1()
)
BROWSER_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
OWN_KEY = ec.derive_private_key(int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1())
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
RECORD = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
ENDPOINT = "https://push.example/send/hidden"
ADDRESS = json.dumps({"endpoint": ENDPOINT, "expirationTime": None, "keys": {"p256dh": BROWSER_POINT, "auth": AUTH}})

VAPID_KEY = ec.generate_private_key(ec.SECP256R1())
SPOKEN = WebPushFormat(VAPID_KEY, "mailto:siaga@police.example")


def read_by_browser(record: bytes) -> bytes:
    """Decrypt as RFC 8188 and 8291 have it, written anew from the receiver's side."""
    salt, size, sender, cipher = record[:16], record[20], record[21 : 21 + record[20]], record[21 + record[20] :]
    assert int.from_bytes(record[16:20]) == 4096 and size == 65
    shared = BROWSER_KEY.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    info = b"WebPush: info\x00" + decoded(BROWSER_POINT) + sender
    secret = HKDF(hashes.SHA256(), 32, decoded(AUTH), info).derive(shared)
    key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
    padded = AESGCM(key).decrypt(nonce, cipher, None)
    return padded.rstrip(b"\x00").removesuffix(b"\x02")


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    to = Subscription(ENDPOINT, decoded(BROWSER_POINT), decoded(AUTH))
    record = encrypted(b"When I grow up, I want to be a watermelon", to, decoded("DGv6ra1nlYgDCS1FRnbzlw"), OWN_KEY)
    assert encoded(record) == RECORD


def test_the_token_names_the_push_service_and_is_signed_with_our_key() -> None:
    scheme, token, _, own = (
        vapid("https://push.example:8443/x?y", "mailto:a@b.example", VAPID_KEY, SENT_MS).replace(",", " ").split(" ")
    )
    assert (scheme, own) == ("vapid", f"k={public_key(VAPID_KEY)}")
    head, claims, signature = token.removeprefix("t=").split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    said = json.loads(decoded(claims))
    assert (said["aud"], said["sub"]) == ("https://push.example:8443", "mailto:a@b.example")
    assert said["exp"] - SENT_MS // 1000 == 43_200
    raw = decoded(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    VAPID_KEY.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def sent(message: Any, key: str = KEY) -> tuple[dict[str, str], dict[str, Any]]:
    (request,) = SPOKEN.requests(ADDRESS, message, key, SENT_MS)
    assert request.url == ENDPOINT
    return dict(request.headers), json.loads(read_by_browser(request.body))


def test_an_alarm_wakes_a_sleeping_phone_for_as_long_as_it_is_of_use() -> None:
    headers, shown = sent(alarm())
    assert (headers["urgency"], headers["ttl"], headers["content-encoding"]) == ("high", "300", "aes128gcm")
    assert (shown["title"], shown["text"], shown["url"]) == (alarm().title, alarm().text, LINK)
    assert [answer["label"] for answer in shown["answers"]] == ["Saya datang", "Tidak bisa"]


def test_one_that_is_past_its_time_is_not_dropped_by_a_ttl_of_nothing() -> None:
    assert sent(alarm(expires_ms=SENT_MS - 1))[0]["ttl"] == "30"


def test_the_same_key_has_the_same_topic_and_a_note_takes_the_place_of_what_it_withdraws() -> None:
    (first, shown), (again, _), (other, _) = sent(alarm()), sent(alarm()), sent(alarm(), "another")
    assert first["topic"] == again["topic"] == shown["tag"] != other["topic"]
    assert len(first["topic"]) <= 32 and first["topic"].isalnum()
    headers, replacing = sent(note(withdraws=first["topic"]), "a note")
    assert headers["topic"] == replacing["tag"] == first["topic"] and headers["urgency"] == "normal"


def test_a_long_message_fits_into_what_push_services_take() -> None:
    for text, kept in (("x" * 5_000, 1_000), ("😀" * 5_000, 200)):
        (request,) = SPOKEN.requests(ADDRESS, alarm(text=text, title="x" * 300), KEY, SENT_MS)
        assert len(request.body) <= 4_096
        shown = json.loads(read_by_browser(request.body))
        assert (len(shown["text"]), len(shown["title"])) == (kept, 200)
        assert bool(shown["answers"]) is (kept == 1_000)


@pytest.mark.parametrize("text", ["a*b", "a"])
def test_what_is_no_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decoded(text)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://push.example/send/x",
        "[]",
        "{}",
        ADDRESS.replace("https:", "http:"),
        ADDRESS.replace(AUTH, "AAAA"),
        ADDRESS.replace(BROWSER_POINT, encoded(bytes(65))),
        ADDRESS.replace(AUTH, "*"),
        json.dumps({"endpoint": 1, "keys": {"p256dh": BROWSER_POINT, "auth": AUTH}}),
    ],
)
def test_what_is_no_subscription_is_refused_by_name(address: str) -> None:
    with pytest.raises(AddressUnusable, match="PushSubscription"):
        subscription(address)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Meaning.TAKEN),
        (201, Meaning.TAKEN),
        (202, Meaning.TAKEN),
        (204, Meaning.TAKEN),
        (404, Meaning.DEAD),
        (410, Meaning.DEAD),
        (400, Meaning.REFUSED),
        (401, Meaning.REFUSED),
        (403, Meaning.REFUSED),
        (413, Meaning.REFUSED),
        (429, Meaning.WAIT),
        (500, Meaning.UNKNOWN),
        (503, Meaning.WAIT),
    ],
)
def test_what_an_answer_means(status: int, meaning: Meaning) -> None:
    assert SPOKEN.answer(status, b"words", KEY).meaning is meaning


def test_what_it_says_is_told_in_short() -> None:
    assert len(SPOKEN.answer(400, b"x" * 200, KEY).said) == 120


def test_a_browsers_own_key_is_of_the_shape_that_a_page_subscribes_with() -> None:
    point = VAPID_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert decoded(public_key(VAPID_KEY)) == point
