"""Web push: RFC 8030 (the request), RFC 8291 (its encryption), RFC 8292 (VAPID, who we are). Pure.

Our own rather than a library's: it is two functions over `cryptography`, which is here anyway, and both standards have
examples to check them with; the library brings a second HTTP client.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import record
from siaga_gateway.formats.service_message import (
    AddressUnusable,
    Meaning,
    ServiceAnswer,
    ServiceRequest,
    as_json,
    by_status,
    short_name,
)
from siaga_gateway.formats.text_rules import one_line

_RECORD: Final = 4_096  # bytes
_LONGEST: Final = 3_000  # bytes of the message as JSON; push services take 4,096 with the encryption
_LONGEST_TEXT: Final = 1_000  # characters
_SHORTEST_TTL_S: Final = 30  # a phone that sleeps wakes for it
_VAPID_S: Final = 12 * 3_600  # at most a day (RFC 8292, 2)


@record
class Subscription:
    """Where a browser takes messages: `PushSubscription.toJSON()`."""

    endpoint: str  # a secret: whoever knows it can try to send
    key: bytes  # p256dh: the browser's public key, 65 bytes
    secret: bytes  # auth: 16 bytes


def subscription(address: str) -> Subscription:
    """Parse what a browser gave. Raises: AddressUnusable."""
    try:
        given = json.loads(address)
        keys = given["keys"]
        found = Subscription(given["endpoint"], decoded(keys["p256dh"]), decoded(keys["auth"]))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), found.key)
        usable = urlsplit(found.endpoint).scheme == "https" and len(found.secret) == 16
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        usable = False
    if not usable:
        raise AddressUnusable("way.subscription")
    return found


class WebPushFormat:
    """Implements MessageFormat. An address is a subscription as JSON.

    A push service keeps one message of a topic, and the page's worker shows one of a tag: a repetition replaces.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        contact: str,
        *,
        random: Callable[[int], bytes] = os.urandom,
        make_key: Callable[[], ec.EllipticCurvePrivateKey] = lambda: ec.generate_private_key(ec.SECP256R1()),
    ) -> None:
        """key: VAPID's. contact: `mailto:` or `https:`, for the push service if our messages trouble it."""
        self._key = key
        self._contact = contact
        self._random = random
        self._make_key = make_key

    def requests(self, address: str, message: PersonalMessage, key: str, now_ms: int) -> list[ServiceRequest]:
        to = subscription(address)
        topic = message.withdraws or short_name(key)
        headers = {
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(max(_SHORTEST_TTL_S, (message.expires_ms - now_ms) // 1_000)),
            "urgency": "high" if message.urgent else "normal",
            "topic": topic,
            "authorization": vapid(to.endpoint, self._contact, self._key, now_ms),
        }
        body = encrypted(_shown(message, topic), to, self._random(16), self._make_key())
        return [ServiceRequest(to.endpoint, body, headers)]

    def answer(self, status: int, body: bytes, key: str) -> ServiceAnswer:
        if status in (200, 201, 202, 204):
            return ServiceAnswer(Meaning.TAKEN, reference=short_name(key))
        said = one_line(body.decode("utf-8", "replace"), 120)
        if status in (404, 410):
            return ServiceAnswer(Meaning.DEAD, said)
        return by_status(status, said)


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Return what a page subscribes with: `applicationServerKey`."""
    return encoded(_point(key))


def encrypted(plain: bytes, to: Subscription, salt: bytes, own: ec.EllipticCurvePrivateKey) -> bytes:
    """Encrypt a message as one record. salt: 16 random bytes. own: a key for this message alone."""
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), to.key)
    info = b"WebPush: info\0" + to.key + _point(own)
    secret = _hkdf(own.exchange(ec.ECDH(), theirs), to.secret, info, 32)
    content_key = _hkdf(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(secret, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD.to_bytes(4, "big") + bytes((65,)) + _point(own)
    return head + AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)


def vapid(endpoint: str, contact: str, key: ec.EllipticCurvePrivateKey, now_ms: int) -> str:
    """Return the Authorization header: a token for this push service, signed with our key."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now_ms // 1_000 + _VAPID_S, "sub": contact}
    signed = f"{encoded(as_json({'typ': 'JWT', 'alg': 'ES256'}))}.{encoded(as_json(claims))}"
    r, s = decode_dss_signature(key.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA256())))
    signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={public_key(key)}"


def encoded(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    """Decode base64url, with padding or without. Raises: ValueError."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _shown(message: PersonalMessage, tag: str) -> bytes:
    """What the page's worker reads."""
    shown = {
        "title": one_line(message.title, 200),
        "text": message.text[:_LONGEST_TEXT],
        "url": message.url,
        "urgent": message.urgent,
        "expires": message.expires_ms,
        "tag": tag,
        "language": message.language,
        "answers": [{"label": answer.label, "url": answer.url} for answer in message.answers],
    }
    written = as_json(shown)
    if len(written) > _LONGEST:
        written = as_json({**shown, "text": shown["text"][:200], "answers": []})  # type: ignore[index]
    return written


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(hashes.SHA256(), size, salt, info).derive(secret)
