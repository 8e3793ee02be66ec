"""Who is at the console: operators' names, password hashes, and sessions. For signing in see sign_in.py."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from siaga_gateway.service.ports import Clock

SESSION_MS: Final = 13 * 3600 * 1000  # a twelve-hour shift plus handover
SESSION_WARNING_MS: Final = 20 * 60 * 1000  # from then on the page asks to sign in again


@cache
def hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """Return the argon2id hash (PHC string, RFC 9106) for an operator in the settings; takes a quarter of a second."""
    return hasher().hash(password)


def usable_hash(value: str) -> bool:
    """Whether `value` is a hash that this console can verify a password against."""
    return Argon2Hasher.identify(value)


@dataclass(frozen=True, slots=True)
class Session:
    """One operator at one console."""

    operator: str
    signed_in_ms: int

    def left_ms(self, now_ms: int) -> int:
        """Return how long it remains valid, ms; zero or less: expired."""
        return self.signed_in_ms + SESSION_MS - now_ms


class Sessions:
    """Signed cookies: `base64url(JSON) . base64url(HMAC-SHA-256)`. Stateless, so a restart ends none."""

    def __init__(self, secret: bytes, operators: Mapping[str, str], clock: Clock) -> None:
        if len(secret) < 32:
            raise ValueError("the console's secret needs at least 32 bytes")
        self._key = hmac.digest(secret, b"siaga/1 console session", hashlib.sha256)
        self._operators = operators
        self._clock = clock
        # Cookies ignore ports: two gateways on one machine must not overwrite each other's.
        self.cookie = f"siaga_{hmac.digest(secret, b'siaga/1 console cookie', hashlib.sha256).hex()[:8]}"

    def issue(self, operator: str) -> str:
        """Return a cookie value for an operator who has just signed in."""
        content = json.dumps({"operator": operator, "signed_in_ms": self._clock.now_ms()}).encode()
        return f"{_encode(content)}.{_encode(self._tag(content))}"

    def read(self, cookie: str | None) -> Session | None:
        """Return a cookie's session; None: no cookie, not ours, expired, or the operator is no longer configured."""
        if not cookie:
            return None
        try:
            content, tag = (_decode(part) for part in cookie.split("."))
            if not hmac.compare_digest(tag, self._tag(content)):
                return None
            session = Session(**json.loads(content))
        except (ValueError, TypeError):
            return None
        return session if self.counts(session) else None

    def counts(self, session: Session) -> bool:
        """Whether the session is still valid."""
        known = not self._operators or session.operator in self._operators
        return known and session.left_ms(self._clock.now_ms()) > 0

    def _tag(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(value: str) -> bytes:
    return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
