"""The session of a wall display: a cookie that stands for a token with `wall.read`, and is good for nothing else.

The browser keeps no token: the cookie has its hash, which opens nothing by itself, under a signature that takes the
gateway's secret. It is looked at on the wall's own paths alone, and ends with the token, by expiry or revocation.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, cast

from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.journal.kinds import INCIDENT_OPENED
from siaga_gateway.service.ports import JournalReader
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import BearerTokens

T = TypeVar("T")

PATH: Final = "/wall"
_DUTY_S: Final = 30.0
_MOST_TRIGGERS: Final = 5_000
KEPT_S: Final = 400 * 86_400  # as long as browsers keep one; the token's own end comes first
_WALL: Final = frozenset({Permission.WALL_READ})


class Walls:
    """Sessions of walls, and what need not be read for each look: how a call began never changes, and shifts change
    slowly. Thread-safe."""

    def __init__(self, programs: BearerTokens, secret: bytes) -> None:
        self._programs = programs
        self._key = hmac.digest(secret, b"siaga/1 wall session", hashlib.sha256)
        # A page that outlives an upgrade of the gateway loads itself anew; of two gateways of one version, behind a
        # proxy that goes from one to the other, it does not.
        self.run = _of_files()
        self._lock = threading.Lock()
        self._triggers: dict[int, object] = {}
        self._duty: tuple[float, object] | None = None
        # Cookies ignore ports: two gateways on one machine must not overwrite each other's.
        self.cookie = f"siaga_wall_{hmac.digest(secret, b'siaga/1 wall cookie', hashlib.sha256).hex()[:8]}"

    def value(self, session: Session) -> str:
        """Return the cookie for who has just shown a token."""
        return f"{session.token_hash}.{self._mac(session.token_hash)}"

    def session(self, cookie: str | None) -> Session | None:
        """Return the wall's session; None: no cookie, not ours, or its token has ended. Raises: BearerRefused for too
        many requests; StoreFailing if the store was never read."""
        token_hash, _, mac = (cookie or "").partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(token_hash).encode()):
            return None
        found = self._programs.of_hash(token_hash)
        if found is None or Permission.WALL_READ not in found.permissions:
            return None
        return Session(found.operator, found.signed_in_ms, found.token_hash, _WALL, program=True)

    def trigger(self, reader: JournalReader, incident: Incident) -> object:
        """Return what opened a call, as the journal names it; None: it does not say."""
        if incident.id not in self._triggers:
            entries = reader.journal_of_incident(incident.id)
            opened = next((each for each in entries if each.kind == INCIDENT_OPENED), None)
            if len(self._triggers) >= _MOST_TRIGGERS:
                self._triggers = {}
            self._triggers[incident.id] = None if opened is None else opened.facts.get("trigger")
        return self._triggers.get(incident.id)

    def duty(self, count: Callable[[], T]) -> T:
        """Return what `count` does, at most every half a minute."""
        with self._lock:
            if self._duty is None or time.monotonic() - self._duty[0] > _DUTY_S:
                self._duty = time.monotonic(), count()
            return cast(T, self._duty[1])

    def _mac(self, token_hash: str) -> str:
        return hmac.digest(self._key, token_hash.encode(), hashlib.sha256).hex()


def _of_files() -> str:
    """Return what changes with the wall's page, its style and its script."""
    folder = Path(__file__).parents[1]
    found = sorted(
        each for name in ("templates", "static") for each in (folder / name).rglob("*wall*") if each.is_file()
    )
    return hashlib.sha256(b"".join(each.read_bytes() for each in found)).hexdigest()[:8]


def is_wall(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")
