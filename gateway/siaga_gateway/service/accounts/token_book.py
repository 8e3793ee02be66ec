"""The use cases of tokens for programs, on the store."""

from __future__ import annotations

from collections.abc import Collection

from siaga_gateway.domain.api_tokens import DAY_MS, GRANTABLE, LONGEST_DAYS, ApiToken, scopes_of
from siaga_gateway.domain.operator_name import LONGEST, SHORTEST, clean_name
from siaga_gateway.domain.value import copied
from siaga_gateway.service.accounts.token_changes import TokenError
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store


class TokenBook:
    """Implements TokenChanges. Thread-safe; every method raises StoreFailing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def make(self, name: str, token_hash: str, scopes: Collection[str], expires_ms: int, actor: str) -> str:
        key, now_ms = clean_name(name), self._clock.now_ms()
        if key is None:
            raise TokenError("token.name", name=name, shortest=SHORTEST, longest=LONGEST)
        by_value = {each.value: each for each in GRANTABLE}
        if unknown := sorted(set(scopes) - by_value.keys()):
            raise TokenError("token.scope", scope=unknown[0], known=", ".join(sorted(by_value)))
        if not scopes:
            raise TokenError("token.no_scope", known=", ".join(sorted(by_value)))
        if not now_ms < expires_ms <= now_ms + LONGEST_DAYS * DAY_MS:
            raise TokenError("token.days", longest=LONGEST_DAYS)
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            known = transaction.token(key)
            if known is not None and known.serves(now_ms):
                raise TokenError("token.there", name=key)
            wanted = scopes_of(by_value[each] for each in scopes)
            transaction.put_token(ApiToken(key, token_hash, wanted, now_ms, actor, expires_ms))
            facts = {"token": key, "scopes": wanted, "expires_ms": expires_ms}
            transaction.note(journal.PROGRAM_ADMITTED, now_ms, facts, actor=actor)
        return key

    def revoke(self, name: str, actor: str) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            token = transaction.token(clean_name(name) or "")
            if token is None:
                known = ", ".join(each.name for each in self._store.tokens())
                raise TokenError("token.none", name=name, known=known or "–")
            if token.revoked_ms is not None:
                return
            transaction.put_token(copied(token, revoked_ms=now_ms, revoked_by=actor))
            transaction.note(journal.PROGRAM_REVOKED, now_ms, {"token": token.name}, actor=actor)

    def used(self, token_hash: str) -> None:
        with self._store.transaction() as transaction:
            transaction.token_used(token_hash, self._clock.now_ms())
