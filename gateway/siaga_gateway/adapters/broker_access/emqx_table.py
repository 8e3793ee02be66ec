"""The logins of a clustered broker, which reads the view `broker_user` in the gateway's PostgreSQL.

The hash is SHA-256 over password and salt, as EMQX compares them; the password has 128 random bits (PROTOCOL.md 4),
which no number of rounds would make harder to guess.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from typing import Final

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.registry import ADMITTED, RegistrationState
from siaga_gateway.service.fleet.broker_access import Change
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.versions import follows

_AT_ONCE: Final = 500  # in one transaction: the gateway writes between them
_SALT_BYTES: Final = 8
_LOGIN: Final = Insert("broker_login", ("username", "device_id", "password_hash", "salt"))
_REMOVED: Final = RegistrationState.REMOVED.value
_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtext('siaga broker_login'))"
_MISSING: Final = (
    "SELECT device_id FROM device WHERE changed > ? AND state <> ? "
    "AND NOT EXISTS (SELECT 1 FROM broker_login WHERE broker_login.device_id = device.device_id) "
    "{but}ORDER BY device_id LIMIT ?"
)
_GONE: Final = (
    "DELETE FROM broker_login WHERE device_id IN (SELECT device_id FROM device WHERE changed > ? AND state = ?)"
)


def password_hash(password: str, salt: str) -> str:
    """Return lower-case hex digits."""
    return hashlib.sha256((password + salt).encode()).hexdigest()


class PasswordTable:
    """Implements service.fleet.broker_access.BrokerPasswords. Several workers and machines may maintain it at once."""

    def __init__(self, store: SqlStore, end_connection: Callable[[str], None] = lambda login: None) -> None:
        """store: on PostgreSQL. end_connection: ends a suspended login's connection, which a broker that checks only at
        login would keep."""
        if store.engine.kind != "postgresql":
            raise ValueError("a broker asks PostgreSQL, not a file")
        if frozenset(RegistrationState) - ADMITTED != {RegistrationState.REMOVED}:
            raise ValueError("the view broker_user lets in all but what is removed")
        self._store = store
        self._end_connection = end_connection
        self._done = -1  # the registry version up to which no login is missing
        self._out: frozenset[str] = frozenset()

    def keep_in_step(self, store: Store, key: GatewayKey, shut_out: Collection[str] = ()) -> Change:
        version, out = store.registry_version(), frozenset(shut_out)
        if self._out - out or not follows(version, self._done):
            self._done = -1  # readmitted logins show no change in the registry; nor does what another server never had
        given = 0
        while some := self._give(store, key, out):
            given += some
        with self._store.engine.transaction() as session:
            withdrawn = session.run(_GONE, (self._done, _REMOVED))
            if out:
                withdrawn += session.run(
                    f"DELETE FROM broker_login WHERE username IN ({_places(out)})",  # noqa: S608
                    sorted(out),
                )
        for login in sorted(out - self._out):
            self._end_connection(login)
        self._done, self._out = version, out
        return Change(given, withdrawn)

    def _give(self, store: Store, key: GatewayKey, out: Collection[str]) -> int:
        """Add missing logins. Returns how many. One worker at a time, so that none is counted twice."""
        but = f"AND encode(device_id, 'hex') NOT IN ({_places(out)}) " if out else ""
        with self._store.engine.transaction() as session:
            session.fetch(_ALONE)
            found = session.fetch(_MISSING.format(but=but), (self._done, _REMOVED, *sorted(out), _AT_ONCE))
            missing = [row[0] for row in found]
            rows = []
            for device_id, enrolled in store.enrolled(missing).items():
                password = key.device_key(enrolled.device.public_xy).broker_password
                salt = secrets.token_hex(_SALT_BYTES)
                rows.append((device_id.hex(), device_id, password_hash(password, salt), salt))
            if rows:
                session.insert(_LOGIN, rows)
        return len(rows)

    def tell(self) -> None:
        """Does nothing: the broker asks at each login."""

    def close_door(self) -> bool:
        """Does nothing: a clustered broker holds the login for new buttons itself."""
        return False


def _places(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
