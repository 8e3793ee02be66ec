"""What can be done with tokens for programs; `token_book.py` does it on the store.

Tokens come as hashes, permissions by their values: it is called from the console's process too. Each call commits
before it returns, and is an entry of the journal. Raises: TokenError; StoreFailing.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Protocol

from siaga_gateway.domain.api_tokens import PREFIX, TOKEN_BYTES
from siaga_gateway.domain.errors import Refused


class TokenError(Refused):
    """A token that cannot be made or revoked; the text says why, and what can be done."""


def new_token() -> str:
    """Return a token that nobody has; whoever makes it shows it once, and passes on its hash."""
    return f"{PREFIX}{secrets.token_urlsafe(TOKEN_BYTES)}"


class TokenChanges(Protocol):
    """actor: who does it."""

    def make(self, name: str, token_hash: str, scopes: Collection[str], expires_ms: int, actor: str) -> str:
        """Let a program in. Returns its name in the form in which it is kept. A name is free again once its token has
        ended."""
        ...

    def revoke(self, name: str, actor: str) -> None:
        """Let it in no more; again: nothing."""
        ...

    def used(self, token_hash: str) -> None:
        """Say that it is in use; the caller limits how often. No entry of the journal."""
        ...
