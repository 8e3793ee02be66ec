"""Programs at the API: `Authorization: Bearer`, with a token of `siaga gateway token`.

Each process looks at the store at most twice a second, and only while somebody asks, so that a token which is revoked
on whatever machine ends everywhere within two seconds. While the store cannot be read, what was read last goes on.

| attempt | counts for | allowed |
|---|---|---|
| with a token that is none, or none any more | the address (IPv6: its /64) | 30 in 10 minutes |
| with a token that serves | the token | 1,200 in a minute |
| that may tell of a NIK whether it is known | who asks | 10 in an hour |

A right token is taken whatever its address has tried: several programs may come from one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from starlette.datastructures import Headers
from starlette.requests import Request

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.api_tokens import USED_EVERY_MS, ApiToken, hash_of
from siaga_gateway.domain.errors import Failing, Refused
from siaga_gateway.service.ports import Clock
from siaga_gateway.web.session.attempt_limits import Attempts, Limit
from siaga_gateway.web.session.auth import Accounts, Session
from siaga_gateway.web.session.client_network import network_of

API: Final = "/api/v1"
WRONG: Final = Limit("token", 30, 600_000)
REQUESTS: Final = Limit("requests", 1_200, 60_000)
GUESSES: Final = Limit("guesses", 10, 3_600_000)
_LOOK_S: Final = 0.5
_UNKNOWN_S: Final = 0.05  # for a token that nobody knows: it may have been made just now

log = logging.getLogger("siaga.console")


class BearerRefused(Refused):
    """A program is not let in; the text says why, `wait_s` how long to wait."""

    GROUP = "console"
    STATUS: ClassVar[int] = 401

    def __init__(self, key: str, /, *, wait_s: int = 0, **values: object) -> None:
        super().__init__(key, **values)
        self.wait_s = wait_s

    @property
    def status(self) -> int:
        return 429 if self.wait_s else 401

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.wait_s)} if self.wait_s else {"WWW-Authenticate": 'Bearer realm="siaga"'}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store held, by hash, and when (monotonic)."""

    at: float
    tokens: Mapping[str, ApiToken]


class BearerTokens:
    """Who comes with a token. Thread-safe; every method may read the store."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._attempts = Attempts()
        self._lock = threading.Lock()
        self._seen: _Seen | None = None
        self._told: dict[str, int] = {}  # by hash: when the last use was written

    def session(self, token: str, address: str) -> Session:
        """Return the session of a program. Raises: BearerRefused; StoreFailing if the store was never read."""
        key, now_ms = hash_of(token), self._clock.now_ms()
        found = None if key is None else self._token(key)
        if found is None or not found.serves(now_ms):
            if (wait_ms := self._attempts.take([(WRONG, network_of(address))], now_ms)) > 0:
                raise _wait("error.token_attempts", wait_ms)
            raise BearerRefused("error.token")
        return self._admitted(found, now_ms)

    def _admitted(self, found: ApiToken, now_ms: int) -> Session:
        if (wait_ms := self._attempts.take([(REQUESTS, found.token_hash)], now_ms)) > 0:
            raise _wait("error.token_requests", wait_ms)
        self._use(found, now_ms)
        return Session(found.actor, found.made_ms, found.token_hash, found.permissions, program=True)

    def of_hash(self, token_hash: str) -> Session | None:
        """Return the session of a token that was shown before; None: it serves no more. Raises: BearerRefused for too
        many requests; StoreFailing if the store was never read."""
        found, now_ms = self._token(token_hash), self._clock.now_ms()
        if found is None or not found.serves(now_ms):
            return None
        return self._admitted(found, now_ms)

    def guess(self, actor: str) -> int:
        """Count what may tell of a NIK whether it is known, and return when it was. Raises: BearerRefused."""
        now_ms = self._clock.now_ms()
        if (wait_ms := self._attempts.take([(GUESSES, actor)], now_ms)) > 0:
            raise _wait("error.guesses", wait_ms)
        return now_ms

    def no_guess(self, actor: str, at_ms: int) -> None:
        """Uncount it: its answer told nothing of anybody."""
        self._attempts.give_back([(GUESSES, actor)], at_ms)

    def counts(self, session: Session) -> bool:
        """Whether the token of a session still serves."""
        found = self._looked(_LOOK_S).tokens.get(session.token_hash)
        return found is not None and found.serves(self._clock.now_ms())

    def _token(self, key: str) -> ApiToken | None:
        return self._looked(_LOOK_S).tokens.get(key) or self._looked(_UNKNOWN_S).tokens.get(key)

    def _looked(self, within_s: float) -> _Seen:
        with self._lock:
            seen, began = self._seen, time.monotonic()
            if seen is not None and began - seen.at < within_s:
                return seen
            try:
                found: Mapping[str, ApiToken] = {each.token_hash: each for each in self._accounts.reading.tokens()}
            except Exception as error:
                if seen is None:
                    raise
                log.warning(Localized("log.console.tokens_unread", why=error))
                found = seen.tokens
            self._seen = seen = _Seen(began, found)
            return seen

    def _use(self, token: ApiToken, now_ms: int) -> None:
        last = max(token.used_ms or 0, self._told.get(token.token_hash, 0))
        if 0 <= now_ms - last < USED_EVERY_MS:
            return
        self._told[token.token_hash] = now_ms
        try:
            self._accounts.tokens.used(token.token_hash)
        except Failing as error:  # who uses it, and only that, goes untold
            log.warning(Localized("log.console.token_use_unsaved", why=error))


def bearer_token(request: Request) -> str | None:
    """Return the token that a request to the API brings."""
    if not brings_token(request.url.path, request.headers):
        return None
    return request.headers["authorization"].partition(" ")[2].strip()


def brings_token(path: str, headers: Headers) -> bool:
    """Whether it counts by its token alone: whatever cookie comes with it is not looked at."""
    return is_api(path) and headers.get("authorization", "").lower().startswith("bearer ")


def is_api(path: str) -> bool:
    return path.startswith(f"{API}/")


def _wait(key: str, wait_ms: int) -> BearerRefused:
    seconds = -(-wait_ms // 1000)
    return BearerRefused(key, wait_s=seconds, seconds=seconds)
