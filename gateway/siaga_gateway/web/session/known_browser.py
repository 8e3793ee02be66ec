"""Recognizes a browser in which somebody signed in before, by a signed cookie.

(OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): whoever guesses an officer's password elsewhere uses
up no attempts of the officer's own computer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Final

KEPT_MS: Final = 180 * 24 * 3600 * 1000  # since the last sign-in
_NAMES: Final = 40  # operators at one computer; those away the longest are dropped


@dataclass(frozen=True, slots=True)
class KnownBrowser:
    """`names`: marks of those who signed in here, the latest last; the cookie contains no name."""

    number: str
    names: tuple[str, ...]


class KnownBrowsers:
    """Makes and reads the cookies. Stateless, so a restart forgets none."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"siaga/1 known browser", hashlib.sha256)
        self.cookie = f"siaga_known_{hmac.digest(secret, b'siaga/1 known cookie', hashlib.sha256).hex()[:8]}"

    def mark(self, operator: str) -> str:
        return hmac.digest(self._key, operator.encode(), hashlib.sha256).hex()[:16]

    def issue(self, before: KnownBrowser | None, operator: str, now_ms: int) -> str:
        """Return the cookie's value after this operator signed in."""
        mark = self.mark(operator)
        names = [*(each for each in (before.names if before else ()) if each != mark), mark][-_NAMES:]
        facts = {"number": before.number if before else secrets.token_hex(8), "names": names, "at_ms": now_ms}
        content = base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")
        return f"{content}.{self._tag(content)}"

    def read(self, value: str | None, now_ms: int) -> KnownBrowser | None:
        """Parse a cookie. Returns None if there is none, or it is not ours or too old."""
        content, dot, tag = (value or "").partition(".")
        if not dot or not hmac.compare_digest(tag.encode(), self._tag(content).encode()):
            return None
        facts = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        if not 0 <= now_ms - facts["at_ms"] < KEPT_MS:
            return None
        return KnownBrowser(facts["number"], tuple(facts["names"]))

    def _tag(self, content: str) -> str:
        return hmac.digest(self._key, content.encode(), hashlib.sha256).hex()
