"""Whose name may do something, asked of the store each time."""

from __future__ import annotations

from collections.abc import Container

from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.store.accounts import AccountReading


class NamesPermitted(Container[str]):
    """The names of accounts that serve and have this permission. `in` raises StoreFailing."""

    def __init__(self, reading: AccountReading, permission: Permission) -> None:
        self._reading = reading
        self._permission = permission

    def __contains__(self, name: object) -> bool:
        return any(
            each.name == name and each.serves and self._permission in each.permissions
            for each in self._reading.accounts()
        )
