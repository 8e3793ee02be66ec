"""Who may log in at a clustered broker, which asks the gateway's own PostgreSQL: its view `broker_user`.

A hash is SHA-256 over password and salt, as EMQX compares them; the password has 128 random bits (PROTOCOL.md 4), which
no number of rounds would make harder to guess.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.domain.registry import ADMITTED, RegistrationState
from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.service.broker_access import Change
from siaga_gateway.service.store import Store

_AT_ONCE: Final = 500  # in one transaction: the gateway writes between them
_SALT_BYTES: Final = 8
_LOGIN: Final = Insert("broker_login", ("username", "device_id", "password_hash", "salt"))
_REMOVED: Final = RegistrationState.REMOVED.value
_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtext('siaga broker_login'))"
_MISSING: Final = (
    "SELECT device_id FROM device WHERE changed > ? AND state <> ? "
    "AND NOT EXISTS (SELECT 1 FROM broker_login WHERE broker_login.device_id = device.device_id) "
    "ORDER BY device_id LIMIT ?"
)
_GONE: Final = (
    "DELETE FROM broker_login WHERE device_id IN (SELECT device_id FROM device WHERE changed > ? AND state = ?)"
)


def password_hash(password: str, salt: str) -> str:
    """Lower-case hexadecimal digits."""
    return hashlib.sha256((password + salt).encode()).hexdigest()


class PasswordTable:
    """Implements service.broker_access.BrokerPasswords. Several workers and machines may keep it at a time."""

    def __init__(self, store: SqlStore) -> None:
        """store: on PostgreSQL."""
        if store.engine.kind != "postgresql":
            raise ValueError("a broker asks PostgreSQL, not a file")
        if frozenset(RegistrationState) - ADMITTED != {RegistrationState.REMOVED}:
            raise ValueError("the view broker_user lets in all but what is removed")
        self._store = store
        self._done = -1  # the registry's version up to which nothing is missing

    def keep_in_step(self, store: Store, key: GatewayKey) -> Change:
        version = store.registry_version()
        given = 0
        while some := self._give(store, key):
            given += some
        with self._store.engine.transaction() as session:
            withdrawn = session.run(_GONE, (self._done, _REMOVED))
        self._done = version
        return Change(given, withdrawn)

    def _give(self, store: Store, key: GatewayKey) -> int:
        """To some that are without; how many. One worker at a time, so that none is counted twice."""
        with self._store.engine.transaction() as session:
            session.fetch(_ALONE)
            missing = [row[0] for row in session.fetch(_MISSING, (self._done, _REMOVED, _AT_ONCE))]
            rows = []
            for device_id, enrolled in store.enrolled(missing).items():
                password = key.device_key(enrolled.device.public_xy).broker_password
                salt = secrets.token_hex(_SALT_BYTES)
                rows.append((device_id.hex(), device_id, password_hash(password, salt), salt))
            if rows:
                session.insert(_LOGIN, rows)
        return len(rows)

    def tell(self) -> None:
        """Nothing: a broker asks at each login."""
