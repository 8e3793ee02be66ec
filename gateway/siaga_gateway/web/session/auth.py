"""Who is at the console: sessions, and the accounts they belong to. For signing in see sign_in.py.

The browser's cookie holds a random token, the store only its hash, which takes the gateway's secret. So a session ends
wherever it is ended: at sign-out, with a changed password, role or a disabled account, from the list of sessions. Each
process looks at the store at most twice a second, and only while somebody asks.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.accounts import SESSION_MS, Account, ConsoleSession, permissions_of
from siaga_gateway.domain.errors import Failing
from siaga_gateway.domain.permissions import Permission, Role
from siaga_gateway.service.accounts.account_changes import AccountChanges
from siaga_gateway.service.accounts.token_changes import TokenChanges
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store.accounts import AccountReading
from siaga_gateway.service.store.tokens import TokenReading

__all__ = ["SESSION_MS", "SESSION_WARNING_MS", "Accounts", "Session", "Sessions", "hash_password", "usable_hash"]

SESSION_WARNING_MS: Final = 20 * 60 * 1000  # from then on the page asks to sign in again
_LOOK_S: Final = 0.5
_UNKNOWN_S: Final = 0.05  # for a token that nobody knows: it may have begun on another machine just now
_TOKEN_BYTES: Final = 32

log = logging.getLogger("siaga.console")


@cache
def hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """Return the argon2id hash (PHC string, RFC 9106) of a password; takes a quarter of a second."""
    return hasher().hash(password)


def usable_hash(value: str) -> bool:
    """Whether `value` is a hash that this console can verify a password against."""
    return Argon2Hasher.identify(value)


@dataclass(frozen=True, slots=True)
class Session:
    """One person at one console."""

    operator: str
    signed_in_ms: int
    token_hash: str
    permissions: frozenset[Permission]
    role: Role | None = None  # None: a console without accounts
    jurisdiction: str | None = None
    locked: bool = False
    program: bool = False  # it came with a token

    def left_ms(self, now_ms: int) -> int:
        """Return how long it remains valid, ms; zero or less: expired."""
        return self.signed_in_ms + SESSION_MS - now_ms


class AccessReading(AccountReading, TokenReading, Protocol):
    """Accounts, sessions and tokens."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the console reads of accounts and of programs' tokens, and how it changes them.

    changes, tokens: called from threads; may take a while.
    """

    reading: AccessReading
    changes: AccountChanges
    tokens: TokenChanges


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store held, and when (monotonic)."""

    at: float
    accounts: Mapping[str, Account]
    sessions: Mapping[str, ConsoleSession]


class Sessions:
    """Begins, reads and ends sessions. Thread-safe; every method may read the store.

    While the store cannot be read, what was read last goes on; while it cannot be written, a session lives in this
    process only: a full disk locks nobody out.
    """

    def __init__(self, accounts: Accounts, secret: bytes, clock: Clock, *, by_name: bool = True) -> None:
        """by_name: without any account a typed name is enough; the bootstrap allows it on the gateway's own machine
        only."""
        if len(secret) < 32:
            raise ValueError("the console's secret needs at least 32 bytes")
        self.accounts = accounts
        self._secret = hmac.digest(secret, b"siaga/1 console session", hashlib.sha256)
        self._by_name = by_name
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: _Seen | None = None
        self._unsaved: dict[str, ConsoleSession] = {}
        self._ended: set[str] = set()  # that the store may not know as ended
        self._locks: dict[str, bool] = {}  # whether a screen is locked, where the store may not know
        # Cookies ignore ports: two gateways on one machine must not overwrite each other's.
        self.cookie = f"siaga_{hmac.digest(secret, b'siaga/1 console cookie', hashlib.sha256).hex()[:8]}"

    def needs_password(self) -> bool:
        """Whether a name alone is not enough. Raises: StoreFailing if the store was never read."""
        return not self._by_name or self.has_accounts()

    def has_accounts(self) -> bool:
        """Raises: StoreFailing if the store was never read."""
        return bool(self._looked(_LOOK_S).accounts or self._looked(_UNKNOWN_S).accounts)

    def account(self, name: str) -> Account | None:
        """Return an account that serves, also one that was added just now. Raises: StoreFailing if the store was never
        read."""
        found = self._looked(_LOOK_S).accounts.get(name) or self._looked(_UNKNOWN_S).accounts.get(name)
        return found if found is not None and found.serves else None

    def known(self, name: object) -> bool:
        """Whether there is such an account, as of the last look. Never blocks."""
        seen = self._seen
        return seen is not None and name in seen.accounts

    def begin(self, name: str, *, verified: str | None, address: str) -> str:
        """Return the token of a new session, for somebody who has just proved who he is.

        verified: the hash that his password was checked against; None: a name was enough. Raises: AccountError if he
        may not any more.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        key = self._hashed(token)
        try:
            self.accounts.changes.begin(key, name, verified, address)
        except Failing as error:
            log.error(Localized("log.console.session_unsaved", why=error))
            self._unsaved[key] = ConsoleSession(key, name, self._clock.now_ms(), verified is not None, address)
        else:
            self._look_now()
        return token

    def end(self, session: Session) -> None:
        """End it; here at once also where the store cannot be written."""
        self._ended.add(session.token_hash)
        self._unsaved.pop(session.token_hash, None)
        try:
            self.accounts.changes.end(session.token_hash)
        except Failing as error:
            log.error(Localized("log.console.session_unended", why=error))
        else:
            self._look_now()
            self._ended.discard(session.token_hash)

    def lock(self, session: Session) -> None:
        """Lock its screen. Raises: StoreFailing, and it is locked in this process."""
        self._locks[session.token_hash] = True
        self.accounts.changes.lock(session.token_hash)
        self._look_now()
        self._locks.pop(session.token_hash, None)

    def unlock(self, session: Session) -> None:
        """Open its screen, for somebody who has just proved who he is; also where the store cannot be written: a full
        disk keeps nobody from a call."""
        self._locks[session.token_hash] = False
        try:
            self.accounts.changes.unlock(session.token_hash)
        except Failing as error:
            log.error(Localized("log.console.session_unopened", why=error))
        else:
            self._look_now()
            self._locks.pop(session.token_hash, None)

    def read(self, cookie: str | None) -> Session | None:
        """Return a cookie's session; None: no cookie, not ours, ended, expired, or of an account that serves no more.

        Raises: StoreFailing if the store was never read.
        """
        return self._session(self._hashed(cookie)) if cookie else None

    def now(self, session: Session) -> Session | None:
        """Return the session as it is now; None: it has ended."""
        return self._session(session.token_hash)

    def counts(self, session: Session) -> bool:
        """Whether the session is still valid."""
        return self.now(session) is not None

    def refresh(self) -> None:
        """Look at the store now, as somebody has just changed it."""
        self._look_now()

    def _session(self, key: str) -> Session | None:
        seen = self._looked(_LOOK_S)
        if key not in seen.sessions and key not in self._unsaved:
            seen = self._looked(_UNKNOWN_S)
        found = seen.sessions.get(key) or self._unsaved.get(key)
        if found is None or key in self._ended:
            return None
        account = seen.accounts.get(found.name)
        if key in self._unsaved and account is not None and account.changed_ms > found.begun_ms:
            return None
        must = not self._by_name or bool(seen.accounts)
        permissions = permissions_of(found, account, accounts=must, now_ms=self._clock.now_ms())
        if permissions is None:
            return None
        return Session(
            found.name,
            found.begun_ms,
            key,
            permissions,
            None if account is None else account.role,
            None if account is None else account.jurisdiction,
            self._locks.get(key, found.locked_ms is not None),
        )

    def _hashed(self, token: str) -> str:
        """By the gateway's secret: whoever can write the store, and has not that file, makes no session."""
        return hmac.digest(self._secret, token.encode(), hashlib.sha256).hex()

    def _looked(self, within_s: float) -> _Seen:
        seen, asked = self._seen, time.monotonic()
        if seen is not None and asked - seen.at < within_s:
            return seen
        if seen is not None and within_s >= _LOOK_S:
            return self._look_unless_busy(seen)
        with self._lock:
            # Whoever held it may have looked meanwhile: one look serves all who waited for it.
            seen = self._seen
            return seen if seen is not None and asked - seen.at < within_s else self._look()

    def _look_unless_busy(self, seen: _Seen) -> _Seen:
        """Whoever comes while another one looks at a slow store goes on with what was seen last."""
        if not self._lock.acquire(blocking=False):
            return seen
        try:
            return self._look()
        finally:
            self._lock.release()

    def _look_now(self) -> _Seen:
        with self._lock:
            return self._look()

    def _look(self) -> _Seen:
        began = time.monotonic()
        try:
            accounts, sessions = self.accounts.reading.accounts(), self.accounts.reading.sessions()
        except Exception as error:
            if self._seen is None:
                raise
            log.warning(Localized("log.console.accounts_unread", why=error))
            self._seen = _Seen(began, self._seen.accounts, self._seen.sessions)
        else:
            by_name = {each.name: each for each in accounts}
            self._seen = _Seen(began, by_name, {each.token_hash: each for each in sessions})
        return self._seen
