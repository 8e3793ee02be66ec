"""Tokens for programs in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.api_tokens import ApiToken


class TokenWriting(Protocol):
    """Call `lock_accounts` before reading any."""

    def token(self, name: str) -> ApiToken | None: ...
    def put_token(self, token: ApiToken) -> None:
        """Add it, or replace the one of this name."""
        ...

    def token_used(self, token_hash: str, at_ms: int) -> None:
        """Set when it was used last; never back."""
        ...


class TokenReading(Protocol):
    def tokens(self) -> Sequence[ApiToken]:
        """Return all, by name; also those that serve no more."""
        ...
