"""What an engine must be able to do: the few places where SQLite and PostgreSQL differ, behind two small ports.

A statement is written once, with `?` where a value goes and the types as SQLite names them; the engine makes of it what
its database reads. What is put together from lists (many rows, many keys) is named by its parts and written by the
engine, for each has its own fast way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Row = tuple[Any, ...]


class StoreUnusable(Exception):
    """The store cannot be opened at all; the text says why and how to mend it."""


@dataclass(frozen=True, slots=True, eq=False)
class Insert:
    """Rows for a table. With `keys` a row that is there under them is changed instead, apart from its `fixed` columns:
    setting an indexed column costs its index, even to the value that it has. Many rows at once must not share a key.
    """

    table: str
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    fixed: frozenset[str] = frozenset()

    def tail(self) -> str:
        """What follows the rows; both engines read it."""
        if not self.keys:
            return ""
        kept = self.fixed.union(self.keys)
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.names if name not in kept)
        return f" ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {changes}"


class Writing(Protocol):
    """What statements of lists look like in this engine."""

    def among(self, table: str, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        """`table.column` is one of these values: a condition and its parameters."""
        ...

    def by_keys(
        self, select: str, table: str, columns: tuple[str, ...], keys: Collection[Row]
    ) -> tuple[str, list[Any]]:
        """`SELECT select FROM table` for the rows whose `columns` are one of the keys, each found by an index."""
        ...


class Session(Protocol):
    """A transaction that is under way. Every method raises StoreFailing, or StoreConflict where a row contradicts."""

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]: ...
    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """How many rows it changed."""
        ...

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        """The same statement for each of the rows."""
        ...

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None: ...

    def foreign(self) -> int | None:
        """A number that changes with every commit of another connection; None: this engine cannot tell."""
        ...

    def change(self, insert: Insert, rows: Sequence[Row]) -> None:
        """As `insert`, where a row is there under each of the keys: that may be had for less."""
        ...

    def lock_devices(self, device_ids: Collection[bytes]) -> None:
        """See service.store.Transaction.lock."""
        ...

    def lock_end(self) -> None:
        """From here to the commit no other transaction may be: rows that are numbered now become visible in the order
        of their numbers. Tells those who wait in Engine.await_change, once the commit is there."""
        ...

    def batch_number(self) -> int:
        """A number that no batch of events has had and no other transaction is given."""
        ...

    def incident_ids(self, count: int) -> Sequence[int]:
        """At least one and about `count` numbers that no incident has and no other transaction is given."""
        ...


class Engine(Protocol):
    """A database. Safe to use from several threads."""

    @property
    def kind(self) -> str:
        """The ending of migrations that are for this engine only."""
        ...

    @property
    def writing(self) -> Writing: ...

    def open(self) -> None:
        """Make sure that it can be used, before anything else. Raises StoreUnusable."""
        ...

    def opened(self) -> None:
        """Called once the migrations are done."""
        ...

    def ddl(self, script: str) -> str:
        """A migration that is for every engine, in this one's words."""
        ...

    def has_table(self, session: Session, name: str) -> bool: ...

    def migrating(self) -> AbstractContextManager[Session]:
        """A transaction that changes the store's shape, one at a time whoever else tries the same."""
        ...

    def transaction(self) -> AbstractContextManager[Session]:
        """Commits at the end, durably; rolls back if the block raises."""
        ...

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a reading statement, outside any transaction."""
        ...

    def await_change(self, timeout_s: float) -> None:
        """See service.store.Store."""
        ...

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        """See service.store.Store."""
        ...

    def release(self, name: str, holder: str) -> None: ...

    def scrub(self, whole: bool) -> None:
        """See that what was changed or deleted does not stay behind in the files, where this is in our hands. whole:
        take the time for all of it, as it was written before anybody took care. Raises StoreFailing."""
        ...

    def close(self) -> None:
        """Further calls raise StoreFailing."""
        ...
