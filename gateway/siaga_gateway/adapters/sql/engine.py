"""What a database engine must provide: the few differences between SQLite and PostgreSQL, behind two small ports.

A statement is written once, with `?` for values and SQLite's type names; the engine translates it for its database.
Statements built from lists (many rows, many keys) are described by their parts and written by the engine, as each has
its own fast way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from siaga_gateway.domain.errors import Unusable

Row = tuple[Any, ...]


class StoreUnusable(Unusable):
    """The store cannot be opened at all; the text says why and what to do."""


class TableInUse(StoreUnusable):
    """A table that is to change was in use for longer than others may be kept from it; it can be tried again."""


@dataclass(frozen=True, slots=True, eq=False)
class Insert:
    """Rows for a table; with `keys` an upsert.

    An existing row with the same `keys` is updated, except its `fixed` columns: setting an indexed column costs its
    index, even if the value is the same. Several rows at once must not share a key.
    """

    table: str
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    fixed: frozenset[str] = frozenset()

    def tail(self) -> str:
        """Return what follows the rows, in the SQL of both engines."""
        if not self.keys:
            return ""
        kept = self.fixed.union(self.keys)
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.names if name not in kept)
        return f" ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {changes}"


class Writing(Protocol):
    """How this engine writes statements of lists."""

    def among(self, table: str, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        """Return a condition, and its parameters, for `table.column` being one of these values."""
        ...

    def by_keys(
        self, select: str, table: str, columns: tuple[str, ...], keys: Collection[Row]
    ) -> tuple[str, list[Any]]:
        """Return `SELECT select FROM table` for the rows whose `columns` match one of the keys, each found by an
        index."""
        ...


class Session(Protocol):
    """A transaction in progress. Every method raises StoreFailing, or StoreConflict if a row contradicts another."""

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]: ...
    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement. Returns the number of rows changed."""
        ...

    def send(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement whose answer nobody needs: an error may come with a later one, at the latest at the end."""
        ...

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        """Run the statement for each of the rows."""
        ...

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None: ...

    def foreign(self) -> int | None:
        """A number that changes with every commit of another connection; None: this engine cannot tell."""
        ...

    def change(self, insert: Insert, rows: Sequence[Row]) -> None:
        """Set the columns `names`, not all of the table's, of rows that all exist: cheaper than `insert`.

        Raises: LookupError, at the latest at the end, if one of them does not; nothing is committed then.
        """
        ...

    def lock_devices(self, device_ids: Collection[bytes]) -> None:
        """See service.store.Transaction.lock."""
        ...

    def lock_escalations(self, incident_ids: Collection[int]) -> None:
        """Keep others from changing these escalations, and counting their messages, until this transaction ends."""
        ...

    def lock_end(self) -> None:
        """Admit no other transaction from here to the commit, so that rows numbered now become visible in the order of
        their numbers.

        Notifies those waiting in Engine.await_change, after the commit.
        """
        ...

    def batch_number(self) -> int:
        """Return an unused batch number, for this transaction alone."""
        ...

    def incident_ids(self, count: int) -> Sequence[int]:
        """Return about `count`, at least one, unused incident ids, for this transaction alone."""
        ...


class Engine(Protocol):
    """A database. Thread-safe."""

    @property
    def kind(self) -> str:
        """The file suffix of migrations for this engine only."""
        ...

    @property
    def writing(self) -> Writing: ...

    def open(self) -> None:
        """Check first that it is usable. Raises: StoreUnusable."""
        ...

    def opened(self) -> None:
        """Called after the migrations."""
        ...

    def ddl(self, script: str) -> str:
        """Translate a migration for all engines into this engine's SQL."""
        ...

    def has_table(self, session: Session, name: str) -> bool: ...

    def migrating(self) -> AbstractContextManager[Session]:
        """A transaction that changes the schema; one at a time, across processes."""
        ...

    def give_way(self, session: Session) -> None:
        """From here on, wait for a table only for as long as a press may wait: whoever waits keeps all others from it.

        The statement then fails, and `migrating` raises TableInUse.
        """
        ...

    def transaction(self) -> AbstractContextManager[Session]:
        """A transaction: commits durably at the end, rolls back if the block raises."""
        ...

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query, outside any transaction."""
        ...

    def await_change(self, timeout_s: float) -> None:
        """See service.store.Store."""
        ...

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        """See service.store.Store."""
        ...

    def release(self, name: str, holder: str) -> None: ...

    def scrub(self, whole: bool) -> None:
        """Remove changed and deleted data from the files, as far as we can. whole: everything, including what was
        written before this was done. Raises: StoreFailing."""
        ...

    def close(self) -> None:
        """Close. Later calls raise StoreFailing."""
        ...
