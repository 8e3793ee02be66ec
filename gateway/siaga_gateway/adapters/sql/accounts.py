"""Accounts and sessions of the console in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.accounts import Account, ConsoleSession

_ACCOUNT: Final = Layout(Account)
_SESSION: Final = Layout(ConsoleSession)
_LOCK: Final = "accounts.lock"
_ACCOUNTS: Final = f"SELECT {columns(_ACCOUNT.names)} FROM account"  # noqa: S608 - constants
_ALL: Final = f"{_ACCOUNTS} ORDER BY name"
_PUT: Final = Insert("account", _ACCOUNT.names, ("name",))
_SESSIONS: Final = f"SELECT {columns(_SESSION.names)} FROM console_session"  # noqa: S608
_ADD: Final = (
    f"INSERT INTO console_session ({columns(_SESSION.names)}) VALUES ({', '.join('?' * len(_SESSION.names))}) "  # noqa: S608
    "ON CONFLICT DO NOTHING"
)


def _accounts(rows: Sequence[Row]) -> Sequence[Account]:
    """Raises: RowUnreadable where none can be read: a console whose accounts are unreadable is not one without any."""
    found = _ACCOUNT.sound(rows, "account")
    if rows and not found:
        _ACCOUNT.only(rows, "account")
    return found


class AccountWriting(WriteBatch):
    """Implements service.store.accounts.AccountWriting. Nothing of it concerns a batch of events."""

    def lock_accounts(self) -> None:
        self._lock_aside(_LOCK)

    def accounts(self) -> Sequence[Account]:
        return _accounts(self._fetch(_ALL))

    def account(self, name: str) -> Account | None:
        return _ACCOUNT.only(self._fetch(f"{_ACCOUNTS} WHERE name = ?", (name,)), "account")

    def put_account(self, account: Account) -> None:
        self.flush()
        self._session.insert(_PUT, [_ACCOUNT.row(account)])

    def add_session(self, session: ConsoleSession) -> None:
        self._run_aside(_ADD, _SESSION.row(session))

    def session(self, token_hash: str) -> ConsoleSession | None:
        return _SESSION.only(self._fetch(f"{_SESSIONS} WHERE token_hash = ?", (token_hash,)), "console_session")

    def lock_session(self, token_hash: str, at_ms: int | None) -> None:
        self._run_aside("UPDATE console_session SET locked_ms = ? WHERE token_hash = ?", (at_ms, token_hash))

    def end_session(self, token_hash: str) -> bool:
        return self._run_aside("DELETE FROM console_session WHERE token_hash = ?", (token_hash,)) > 0

    def end_sessions(self, name: str, but: str | None = None) -> int:
        return self._run_aside("DELETE FROM console_session WHERE name = ? AND token_hash <> ?", (name, but or ""))

    def forget_sessions(self, before_ms: int) -> None:
        self._run_aside("DELETE FROM console_session WHERE begun_ms < ?", (before_ms,))


class AccountReading(Reads):
    """Implements service.store.accounts.AccountReading."""

    def accounts(self) -> Sequence[Account]:
        return _accounts(self.fetch(_ALL))

    def sessions(self) -> Sequence[ConsoleSession]:
        rows = self.fetch(f"{_SESSIONS} ORDER BY begun_ms DESC, token_hash")
        return _SESSION.sound(rows, "console_session")
