"""The use cases of accounts, on the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.accounts import SESSION_MS, Account, ConsoleSession, last_administrator
from siaga_gateway.domain.api_tokens import is_programs
from siaga_gateway.domain.operator_name import LONGEST, SHORTEST, clean_name
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.value import copied
from siaga_gateway.service.accounts.account_changes import AccountError
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction

# How long an expired session is kept: a machine whose clock is behind may still count it.
_KEPT_MS: Final = SESSION_MS + 3_600_000


class AccountBook:
    """Implements AccountChanges. Thread-safe; every method raises StoreFailing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(self, name: str, role: str, password: str, jurisdiction: str | None, actor: str) -> str:
        found, key = _role(role), clean_name(name)
        if key is None:
            raise AccountError("account.name", name=name, shortest=SHORTEST, longest=LONGEST)
        if is_programs(key):
            raise AccountError("account.programs", name=key)
        self._check_jurisdiction(found, jurisdiction)
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            if transaction.account(key) is not None:
                raise AccountError("account.there", name=key)
            # Sessions of the time without accounts end with it.
            for session_name in {each.name for each in self._store.sessions() if not each.by_password}:
                transaction.end_sessions(session_name)
            account = Account(key, found, password, now_ms, now_ms, jurisdiction, None, actor)
            transaction.put_account(account)
            _note(transaction, journal.ACCOUNT_ADDED, now_ms, actor, key, role=role, jurisdiction=jurisdiction)
        return key

    def take_over(self, operators: Mapping[str, str], supervisors: Collection[str]) -> list[str]:
        """Add those of the settings that are no accounts yet. Returns their names.

        operators: password hashes by name.
        """
        now_ms, taken = self._clock.now_ms(), list[str]()
        if not operators.keys() - {each.name for each in self._store.accounts()}:
            return taken
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            for name, password in operators.items():
                if transaction.account(name) is not None:
                    continue
                role = Role.SUPERVISOR if name in supervisors else Role.OPERATOR
                transaction.put_account(Account(name, role, password, now_ms, now_ms))
                _note(transaction, journal.ACCOUNT_ADDED, now_ms, None, name, role=str(role), jurisdiction=None)
                taken.append(name)
        return taken

    def set_role(self, name: str, role: str, jurisdiction: str | None, actor: str) -> None:
        found = _role(role)
        self._check_jurisdiction(found, jurisdiction)
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            account = self._locked(transaction, name)
            if (account.role, account.jurisdiction) == (found, jurisdiction):
                return
            if found is not Role.ADMINISTRATOR:
                _check_last(transaction, account)
            transaction.put_account(copied(account, role=found, jurisdiction=jurisdiction, changed_ms=now_ms))
            ended = transaction.end_sessions(account.name)
            facts = {"before": str(account.role), "role": role, "jurisdiction": jurisdiction, "sessions": ended}
            _note(transaction, journal.ACCOUNT_ROLE, now_ms, actor, account.name, **facts)

    def set_password(self, name: str, password: str, actor: str, but: str | None = None) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            account = self._locked(transaction, name)
            transaction.put_account(copied(account, password=password, changed_ms=now_ms))
            ended = transaction.end_sessions(account.name, but)
            _note(transaction, journal.ACCOUNT_REKEYED, now_ms, actor, account.name, sessions=ended)

    def disable(self, name: str, actor: str) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            account = self._locked(transaction, name)
            if not account.serves:
                return
            _check_last(transaction, account)
            transaction.put_account(copied(account, disabled_ms=now_ms, changed_ms=now_ms))
            ended = transaction.end_sessions(account.name)
            _note(transaction, journal.ACCOUNT_DISABLED, now_ms, actor, account.name, sessions=ended)

    def enable(self, name: str, actor: str) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            account = self._locked(transaction, name)
            if account.serves:
                return
            transaction.put_account(copied(account, disabled_ms=None, changed_ms=now_ms))
            _note(transaction, journal.ACCOUNT_ENABLED, now_ms, actor, account.name)

    def sign_out(self, name: str, actor: str, token_hash: str | None = None) -> int:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            if token_hash is None:
                ended = transaction.end_sessions(name)
                if not ended:
                    self._locked(transaction, name)  # is it misspelt?
            else:
                found = transaction.session(token_hash)
                ended = int(found is not None and found.name == name and transaction.end_session(token_hash))
            if ended:
                _note(transaction, journal.SESSIONS_ENDED, now_ms, actor, name, sessions=ended)
        return ended

    def begin(self, token_hash: str, name: str, verified: str | None, address: str) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            account = transaction.account(name)
            # Between the check of the password and now, the account may have changed.
            if verified is not None and (account is None or not account.serves or account.password != verified):
                raise AccountError("account.none_serves", name=name)
            if verified is None and transaction.accounts():
                raise AccountError("account.none_serves", name=name)
            transaction.forget_sessions(now_ms - _KEPT_MS)
            transaction.add_session(ConsoleSession(token_hash, name, now_ms, verified is not None, address))

    def end(self, token_hash: str) -> None:
        with self._store.transaction() as transaction:
            transaction.end_session(token_hash)

    def lock(self, token_hash: str) -> None:
        self._lock(token_hash, True)

    def unlock(self, token_hash: str) -> None:
        self._lock(token_hash, False)

    def _lock(self, token_hash: str, locked: bool) -> None:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_accounts()
            session = transaction.session(token_hash)
            if session is None or (session.locked_ms is not None) is locked:
                return
            transaction.lock_session(token_hash, now_ms if locked else None)
            kind = journal.CONSOLE_LOCKED if locked else journal.CONSOLE_UNLOCKED
            transaction.note(kind, now_ms, {}, actor=session.name)

    def _check_jurisdiction(self, role: Role, jurisdiction: str | None) -> None:
        if role is not Role.DISPATCHER:
            if jurisdiction is not None:
                raise AccountError("account.no_dispatcher", role=_named(role))
            return
        stations = sorted(each.key for each in self._store.stations())
        if jurisdiction not in stations:
            raise AccountError("account.station", station=jurisdiction or "–", known=", ".join(stations) or "–")

    def _locked(self, transaction: Transaction, name: str) -> Account:
        transaction.lock_accounts()
        account = transaction.account(clean_name(name) or "")
        if account is None:
            known = ", ".join(each.name for each in transaction.accounts())
            raise AccountError("account.none", name=name, known=known or "–")
        return account


def _check_last(transaction: Transaction, account: Account) -> None:
    if last_administrator(transaction.accounts(), account.name):
        raise AccountError("account.last", name=account.name)


def _role(role: str) -> Role:
    if role not in tuple(Role):
        raise AccountError("account.role", role=role, known=", ".join(Role))
    return Role(role)


def _named(role: Role) -> Localized:
    return Localized(f"console.role.{role}")


def _note(transaction: Transaction, kind: str, now_ms: int, actor: str | None, account: str, **facts: Any) -> None:
    transaction.note(kind, now_ms, {"account": account, **facts}, actor=actor)
