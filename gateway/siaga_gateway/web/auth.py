"""Who may sit at the console: operators by name and password, or by name alone on the gateway's own machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from siaga_gateway.service.ports import Clock

SESSION_MS: Final = 13 * 3600 * 1000  # a shift of twelve hours and its handover
SESSION_WARNING_MS: Final = 20 * 60 * 1000  # from here on the page asks to sign in again
LONGEST_NAME: Final = 60
LONGEST_PASSWORD: Final = 1000
FAILURES_ALLOWED: Final = 10  # from one address
FAILURES_WINDOW_MS: Final = 60_000
ADDRESSES_KEPT: Final = 1000


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """The argon2id hash (PHC string, RFC 9106) that the settings hold for an operator; takes a quarter of a second."""
    return _hasher().hash(password)


def usable_hash(value: str) -> bool:
    """Whether `value` is a hash that this console can check a password against."""
    return Argon2Hasher.identify(value)


def clean_name(name: str) -> str | None:
    """An operator's name as it goes into the journal, or None where it is not one: 2 to 60 printable characters."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not 2 <= len(name) <= LONGEST_NAME or any(unicodedata.category(mark).startswith("C") for mark in name):
        return None
    return name


@dataclass(frozen=True, slots=True)
class Session:
    """One operator at one console."""

    operator: str
    signed_in_ms: int

    def left_ms(self, now_ms: int) -> int:
        """How long it still counts; zero or less: it is over."""
        return self.signed_in_ms + SESSION_MS - now_ms


class Sessions:
    """Signed cookies: `base64url(JSON) . base64url(HMAC-SHA-256)`. Nothing is kept here, so a restart ends none."""

    def __init__(self, secret: bytes, operators: Mapping[str, str], clock: Clock) -> None:
        if len(secret) < 32:
            raise ValueError("the console's secret needs at least 32 bytes")
        self._key = hmac.digest(secret, b"siaga/1 console session", hashlib.sha256)
        self._operators = operators
        self._clock = clock
        # Cookies do not know ports: two gateways on one machine must not overwrite each other's.
        self.cookie = f"siaga_{hmac.digest(secret, b'siaga/1 console cookie', hashlib.sha256).hex()[:8]}"

    def issue(self, operator: str) -> str:
        """A cookie value for an operator who has just signed in."""
        content = json.dumps({"operator": operator, "signed_in_ms": self._clock.now_ms()}).encode()
        return f"{_encode(content)}.{_encode(self._tag(content))}"

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie value; None: no cookie, not ours, over, or the operator is no longer configured."""
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
        """Whether the session still holds now."""
        known = not self._operators or session.operator in self._operators
        return known and session.left_ms(self._clock.now_ms()) > 0

    def _tag(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)


class SignInRefused(Exception):
    """Not signed in; `key` names the text that says why, `wait_s` how long to wait, `operator` whose name was given,
    where it is an operator's."""

    def __init__(self, key: str, wait_s: int = 0, operator: str | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.wait_s = wait_s
        self.operator = operator


class SignIn:
    """Checks names and passwords; blocking, called from threads."""

    def __init__(self, operators: Mapping[str, str], clock: Clock) -> None:
        self._operators = operators
        self._clock = clock
        self._failures: OrderedDict[str, deque[int]] = OrderedDict()
        self._counting = threading.Lock()
        self._one_at_a_time = threading.Lock()  # a hash costs 64 MiB and a quarter of a second: never many at once

    def check(self, name: str, password: str, address: str) -> str:
        """The operator's name; raises SignInRefused."""
        cleaned = clean_name(name)
        if not self._operators:
            if cleaned is None:
                raise SignInRefused("console.sign_in.name_needed")
            return cleaned
        known = self._operators.get(cleaned or "")
        named = None if known is None else cleaned
        wait_ms = self._wait_ms(address)
        if wait_ms > 0:
            raise SignInRefused("console.sign_in.wait", -(-wait_ms // 1000), named)
        with self._one_at_a_time:
            right = self._verify(password, known or _nobodys_hash())
        if known is None or cleaned is None or not right:
            self._failed(address)
            raise SignInRefused("console.sign_in.wrong", operator=named)
        with self._counting:
            self._failures.pop(address, None)
        return cleaned

    @staticmethod
    def _verify(password: str, known: str) -> bool:
        if len(password) > LONGEST_PASSWORD:
            return False
        try:
            return _hasher().verify(password, known)
        except PwdlibError:
            return False

    def _wait_ms(self, address: str) -> int:
        now = self._clock.now_ms()
        with self._counting:
            failures = self._failures.get(address, deque())
            while failures and failures[0] <= now - FAILURES_WINDOW_MS:
                failures.popleft()
            return failures[0] + FAILURES_WINDOW_MS - now if len(failures) >= FAILURES_ALLOWED else 0

    def _failed(self, address: str) -> None:
        with self._counting:
            self._failures.setdefault(address, deque()).append(self._clock.now_ms())
            self._failures.move_to_end(address)
            while len(self._failures) > ADDRESSES_KEPT:
                self._failures.popitem(last=False)


@cache
def _nobodys_hash() -> str:
    """Checked for unknown names, so that an answer's time does not tell which names exist."""
    return hash_password("nobody")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(value: str) -> bytes:
    return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
