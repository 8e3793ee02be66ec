"""Owners' records and the cases that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind


class OwnerCaseWriting(Protocol):
    """Reads see this transaction's own writes."""

    def lock_owner(self, owner_id: int) -> None:
        """Keep other transactions from reviewing this owner until this one ends."""
        ...

    def ended_calls_of(self, owner_id: int, since_ms: int) -> Sequence[tuple[Disposition, int]]:
        """Return how an owner's calls ended since then, and when; no tests."""
        ...

    def owner_case(self, case_id: int) -> OwnerCase | None: ...
    def last_owner_case(self, owner_id: int, kind: OwnerCaseKind) -> OwnerCase | None:
        """Return an owner's newest case of a kind."""
        ...

    def add_owner_case(self, case: OwnerCase) -> int:
        """Write a new case. Returns its number."""
        ...

    def put_owner_case(self, case: OwnerCase) -> None:
        """Change a case."""
        ...

    def forget_owner_cases(self, before_ms: int, limit: int) -> int:
        """Erase the reasons of cases that were decided or ended before, at most of `limit`. Returns of how many; 0: no
        more are left."""
        ...


class OwnerCaseReading(Protocol):
    def owner_case(self, case_id: int) -> OwnerCase | None: ...
    def owner_cases(self, after: int = 0, limit: int = 200) -> Sequence[OwnerCase]:
        """Return open cases and suspensions that nobody has lifted, by number, those with a number above `after`."""
        ...

    def open_owner_cases(self) -> Mapping[OwnerCaseKind, int]:
        """Count the open ones."""
        ...

    def owner_cases_of(self, owner_id: int) -> Sequence[OwnerCase]:
        """Return all of one owner, the newest first."""
        ...

    def expired_owner_cases(self, before_ms: int) -> int:
        """Count those of which `forget_owner_cases` would erase something."""
        ...

    def calls_of(self, owner_id: int, limit: int = 500) -> Sequence[Incident]:
        """Return an owner's calls over all the buttons that were his at the time, the newest first; no tests."""
        ...
