"""What can be done with accounts and sessions; `account_book.py` does it on the store.

Passwords come as hashes, tokens as hashes, roles by their value: it is called from the console's process too. Each call
commits before it returns, and is an entry of the journal. Raises: AccountError; StoreFailing.
"""

from __future__ import annotations

from typing import Protocol

from siaga_gateway.domain.errors import Refused


class AccountError(Refused):
    """An account's change that cannot be made; the text says why, and what can be done."""


class AccountChanges(Protocol):
    """actor: who does it."""

    def add(self, name: str, role: str, password: str, jurisdiction: str | None, actor: str) -> str:
        """Add an account. Returns its name in the form in which it is kept. jurisdiction: the key of a dispatcher's
        station, of nobody else."""
        ...

    def set_role(self, name: str, role: str, jurisdiction: str | None, actor: str) -> None:
        """Change role or jurisdiction, and end the account's sessions. Never of the last administrator."""
        ...

    def set_password(self, name: str, password: str, actor: str, but: str | None = None) -> None:
        """Change the password, and end the account's sessions but one, by its hash."""
        ...

    def disable(self, name: str, actor: str) -> None:
        """End its sessions, and let it begin none. Never the last administrator; again: nothing."""
        ...

    def enable(self, name: str, actor: str) -> None: ...

    def sign_out(self, name: str, actor: str, token_hash: str | None = None) -> int:
        """End this session, by its hash, or all of this name. Returns how many."""
        ...

    def begin(self, token_hash: str, name: str, verified: str | None, address: str) -> None:
        """Begin a session of somebody who has just proved who he is.

        verified: the hash that his password was checked against; None: a name was enough. Raises: AccountError if he
        may not any more, or if the password has been changed since.
        """
        ...

    def end(self, token_hash: str) -> None:
        """End a session at its own wish; who signed out is told to ports.SignIns."""
        ...

    def lock(self, token_hash: str) -> None:
        """Lock a session's screen; again: nothing."""
        ...

    def unlock(self, token_hash: str) -> None: ...
