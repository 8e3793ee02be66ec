"""Verifies that a request is an aggregator's own. Pure; all comparisons take constant time.

Documentation: Twilio, "Webhooks security"; Vonage, "Signing messages" (SMS API) and "Signed webhooks" (Messages API).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

METHODS: Final = ("md5hash", "md5", "sha1", "sha256", "sha512")  # Vonage's, named as on its dashboard


def same(shown: str | bytes, right: str | bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(
        shown.encode("utf-8", "replace") if isinstance(shown, str) else shown,
        right.encode() if isinstance(right, str) else right,
    )


def is_hmac(secret: bytes, body: bytes, shown: str) -> bool:
    """Verify an HMAC-SHA-256 of the body, in hex or base64, with or without the prefix `sha256=`."""
    digest = hmac.digest(secret, body, "sha256")
    told = shown.strip()
    if told.lower().startswith("sha256="):
        told = told[7:]
    return same(told.lower(), digest.hex()) | same(told, base64.b64encode(digest))


def is_basic(secret: bytes, authorization: str) -> bool:
    """Verify basic authentication. secret: `user:password`, or the password alone, for any user."""
    scheme, _, told = authorization.partition(" ")
    try:
        shown = base64.b64decode(told.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        shown = b""
    return same(shown if b":" in secret else shown.partition(b":")[2], secret)


def is_twilio(secret: bytes, url: str, query: str, body: bytes, fields: Sequence[tuple[str, str]], shown: str) -> bool:
    """Verify X-Twilio-Signature.

    url: as Twilio knows it. query: the request's. fields: the form's; none if the body is something else, for which
    `bodySHA256` in the query then vouches.
    """
    told = dict(parse_qsl(query)).get("bodySHA256")
    if not fields and body and (told is None or not same(told.lower(), hashlib.sha256(body).hexdigest())):
        return False
    by_name: dict[str, set[str]] = {}
    for name, value in fields:
        by_name.setdefault(name, set()).add(value)
    posted = "".join(name + value for name in sorted(by_name) for value in sorted(by_name[name]))
    right = False
    for each in _urls(url, query):
        digest = hmac.digest(secret, (each + posted).encode("utf-8", "surrogatepass"), "sha1")
        right |= same(shown.strip(), base64.b64encode(digest))
    return right


def _urls(url: str, query: str) -> list[str]:
    """Return the address with and without its scheme's port, without another port, and with and without its fragment:
    Twilio's libraries use all of them."""
    parts = urlsplit(url)
    if query:  # the signature covers the query received
        parts = parts._replace(query=query)
    port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    host = parts.netloc
    hosts = [host, host.removesuffix(f":{parts.port}")] if parts.port else [host, host + port]
    return [
        urlunsplit(parts._replace(netloc=each, fragment=fragment))
        for each in hosts
        for fragment in dict.fromkeys(("", parts.fragment))
    ]


def is_vonage(secret: bytes, method: str, fields: Sequence[tuple[str, str]]) -> bool:
    """Verify `sig` in a signed message of the SMS API. method: one of METHODS."""
    told = dict(fields)
    if len(told) != len(fields):
        return False  # one of two is signed, and the other read
    shown = told.pop("sig", "")
    written = "".join(f"&{name}={told[name].translate(_ESCAPED)}" for name in sorted(told))
    line = written.encode("utf-8", "surrogatepass")  # JSON can contain a lone surrogate
    if method == "md5hash":
        right = hashlib.md5(line + secret, usedforsecurity=True).hexdigest()  # noqa: S324 - Vonage's default
    else:
        right = hmac.new(secret, line, method).hexdigest()
    return same(shown.lower(), right)


_ESCAPED: Final = str.maketrans("&=", "__")


def is_vonage_token(secret: bytes, authorization: str, body: bytes) -> bool:
    """Verify the JSON Web Token (RFC 7519) of a signed webhook: HS256, and the body's hash if it contains one.

    Its time is ignored: replaying a frame gains nothing, and no press waits for two clocks to agree.
    """
    scheme, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        return False
    head, claims = _json(parts[0]), _json(parts[1])
    digest = hmac.digest(secret, f"{parts[0]}.{parts[1]}".encode(), "sha256")
    right = same(parts[2].rstrip("="), base64.urlsafe_b64encode(digest).rstrip(b"="))
    named = claims.get("payload_hash")
    whole = named is None or same(str(named).lower(), hashlib.sha256(body).hexdigest())
    return right and whole and head.get("alg") == "HS256"


def _json(part: str) -> dict[str, Any]:
    try:
        told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
