"""Accounts and sessions in memory, or in a file that outlives its process: what AccountBook needs of a store."""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from siaga_gateway.domain.accounts import Account, ConsoleSession
from siaga_gateway.domain.api_tokens import ApiToken
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.places import Station
from siaga_gateway.domain.value import copied
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.service.accounts.token_book import TokenBook
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing
from siaga_gateway.web.session.auth import Accounts

_State = tuple[dict[str, Account], dict[str, ConsoleSession]]


class FakeAccountStore:
    """AccountReading, and transactions that are AccountWriting with a journal."""

    def __init__(self, file: Path | None = None) -> None:
        self.noted: list[tuple[str, Mapping[str, Any], str | None]] = []
        self.listed: list[Station] = []
        self.let_in: dict[str, ApiToken] = {}  # programs' tokens; not in the file
        self.unwritable = False
        self.unreadable = False
        self._file = file
        self._lock = threading.RLock()
        self._state: _State = ({}, {})
        if file is not None and file.exists():
            self._state = pickle.loads(file.read_bytes())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[FakeAccountStore]:
        with self._lock:
            if self.unwritable:
                raise StoreFailing("sqlite.FULL", code="SQLITE_FULL", seconds=5)
            before, tokens = (dict(self._state[0]), dict(self._state[1])), dict(self.let_in)
            try:
                yield self
            except BaseException:
                self._state, self.let_in = before, tokens
                raise
            if self._file is not None:
                self._file.write_bytes(pickle.dumps(self._state))

    def stations(self) -> Sequence[Station]:
        return self.listed

    def note(self, kind: str, at_ms: int, facts: Mapping[str, Any], actor: str | None = None) -> None:
        self.noted.append((kind, facts, actor))

    def lock_accounts(self) -> None:
        """A transaction has the store for itself."""

    def accounts(self) -> Sequence[Account]:
        with self._reading():
            return [self._state[0][name] for name in sorted(self._state[0])]

    def account(self, name: str) -> Account | None:
        return self._state[0].get(name)

    def put_account(self, account: Account) -> None:
        self._state[0][account.name] = account

    def sessions(self) -> Sequence[ConsoleSession]:
        with self._reading():
            return sorted(self._state[1].values(), key=lambda each: (-each.begun_ms, each.token_hash))

    def session(self, token_hash: str) -> ConsoleSession | None:
        return self._state[1].get(token_hash)

    def add_session(self, session: ConsoleSession) -> None:
        self._state[1].setdefault(session.token_hash, session)

    def lock_session(self, token_hash: str, at_ms: int | None) -> None:
        if (found := self.session(token_hash)) is not None:
            self._state[1][token_hash] = copied(found, locked_ms=at_ms)

    def end_session(self, token_hash: str) -> bool:
        return self._state[1].pop(token_hash, None) is not None

    def end_sessions(self, name: str, but: str | None = None) -> int:
        ended = [each for each in self._state[1].values() if each.name == name and each.token_hash != but]
        return sum(self.end_session(each.token_hash) for each in ended)

    def forget_sessions(self, before_ms: int) -> None:
        for each in [each for each in self._state[1].values() if each.begun_ms < before_ms]:
            self.end_session(each.token_hash)

    def tokens(self) -> Sequence[ApiToken]:
        with self._reading():
            return [self.let_in[name] for name in sorted(self.let_in)]

    def token(self, name: str) -> ApiToken | None:
        return self.let_in.get(name)

    def put_token(self, token: ApiToken) -> None:
        self.let_in[token.name] = token

    def token_used(self, token_hash: str, at_ms: int) -> None:
        for each in [each for each in self.let_in.values() if each.token_hash == token_hash]:
            self.let_in[each.name] = copied(each, used_ms=max(at_ms, each.used_ms or 0))

    def _reading(self) -> threading.RLock:
        if self.unreadable:
            raise StoreFailing("sqlite.FULL", code="SQLITE_FULL", seconds=5)
        return self._lock


def book_on(store: FakeAccountStore, clock: Clock) -> AccountBook:
    return AccountBook(cast(Store, store), clock)


def accounts_on(store: FakeAccountStore, clock: Clock) -> Accounts:
    """What a console needs of accounts, on this store."""
    return Accounts(store, book_on(store, clock), TokenBook(cast(Store, store), clock))


def no_accounts(clock: Clock) -> Accounts:
    """Without any account: whoever types a name is in."""
    return accounts_on(FakeAccountStore(), clock)


def operators(hashes: Mapping[str, str], role: Role = Role.OPERATOR) -> FakeAccountStore:
    """A store with these accounts."""
    store = FakeAccountStore()
    for name, password in hashes.items():
        store.put_account(Account(name, role, password, 0, 0))
    return store
