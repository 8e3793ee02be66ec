"""Accounts at the console, and their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.accounts import Account, ConsoleSession


class AccountWriting(Protocol):
    """Reads see this transaction's own writes."""

    def lock_accounts(self) -> None:
        """Keep other transactions from changing accounts and sessions until this one ends. Call before reading any."""
        ...

    def accounts(self) -> Sequence[Account]:
        """Return all, by name."""
        ...

    def account(self, name: str) -> Account | None: ...
    def put_account(self, account: Account) -> None: ...

    def add_session(self, session: ConsoleSession) -> None:
        """Add it; one that is there stays as it is."""
        ...

    def session(self, token_hash: str) -> ConsoleSession | None: ...
    def lock_session(self, token_hash: str, at_ms: int | None) -> None:
        """Set since when it is locked; None: it is not."""
        ...

    def end_session(self, token_hash: str) -> bool:
        """Return whether it was there."""
        ...

    def end_sessions(self, name: str, but: str | None = None) -> int:
        """End all of this name but one, by its hash. Returns how many."""
        ...

    def forget_sessions(self, before_ms: int) -> None:
        """Delete those that began before then."""
        ...


class AccountReading(Protocol):
    def accounts(self) -> Sequence[Account]:
        """Return all, by name."""
        ...

    def sessions(self) -> Sequence[ConsoleSession]:
        """Return all, expired ones too, the newest first."""
        ...
