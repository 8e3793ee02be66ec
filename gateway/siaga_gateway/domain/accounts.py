"""Accounts at the console and their sessions, as values, and when a session stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siaga_gateway.domain.permissions import OF_ROLE, WITHOUT_ACCOUNTS, Permission, Role
from siaga_gateway.domain.value import record

SESSION_MS: Final = 13 * 3600 * 1000  # a twelve-hour shift plus handover


@record
class Account:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    name: str  # in the form of domain.operator_name
    role: Role
    password: str  # a hash (PHC string)
    created_ms: int
    # Since then it is as it is: role, password, served again. A session that began before is none.
    changed_ms: int
    jurisdiction: str | None = None  # a dispatcher's: the key of his station
    disabled_ms: int | None = None  # None: it serves
    created_by: str | None = None  # None: taken over from the settings

    @property
    def serves(self) -> bool:
        return self.disabled_ms is None

    @property
    def permissions(self) -> frozenset[Permission]:
        return OF_ROLE[self.role]


@record
class ConsoleSession:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    token_hash: str  # HMAC of the token in the browser's cookie, hex
    name: str  # whose; an account's, or one typed at a console without accounts
    begun_ms: int
    by_password: bool  # false: the console had no accounts then
    address: str = ""  # from where
    locked_ms: int | None = None  # None: it is not locked

    def left_ms(self, now_ms: int) -> int:
        """Return how long it remains valid, ms; zero or less: expired."""
        return self.begun_ms + SESSION_MS - now_ms


def permissions_of(
    session: ConsoleSession, account: Account | None, *, accounts: bool, now_ms: int
) -> frozenset[Permission] | None:
    """Return what a session of the store may do; None: it stands no more.

    account: of the session's name. accounts: whether there are any, or must be: then a session by name only is none.
    """
    if session.left_ms(now_ms) <= 0:
        return None
    if not accounts:
        return None if session.by_password else WITHOUT_ACCOUNTS
    if account is None or not account.serves or not session.by_password:
        return None
    return account.permissions


def last_administrator(accounts: Iterable[Account], name: str) -> bool:
    """Whether this account is the only one that serves as an administrator."""
    serving = {each.name for each in accounts if each.role is Role.ADMINISTRATOR and each.serves}
    return serving == {name}
