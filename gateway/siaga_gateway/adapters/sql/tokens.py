"""Tokens for programs in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.api_tokens import ApiToken

_TOKEN: Final = Layout(ApiToken)
_TOKENS: Final = f"SELECT {columns(_TOKEN.names)} FROM api_token"  # noqa: S608 - constants
_PUT: Final = Insert("api_token", _TOKEN.names, ("name",))
_USED: Final = "UPDATE api_token SET used_ms = ? WHERE token_hash = ? AND (used_ms IS NULL OR used_ms < ?)"


class TokenWriting(WriteBatch):
    """Implements service.store.tokens.TokenWriting. Nothing of it concerns a batch of events."""

    def token(self, name: str) -> ApiToken | None:
        return _TOKEN.only(self._fetch(f"{_TOKENS} WHERE name = ?", (name,)), "api_token")

    def put_token(self, token: ApiToken) -> None:
        self.flush()
        self._session.insert(_PUT, [_TOKEN.row(token)])

    def token_used(self, token_hash: str, at_ms: int) -> None:
        self._run_aside(_USED, (at_ms, token_hash, at_ms))


class TokenReading(Reads):
    """Implements service.store.tokens.TokenReading."""

    def tokens(self) -> Sequence[ApiToken]:
        return _TOKEN.sound(self.fetch(f"{_TOKENS} ORDER BY name"), "api_token")
