"""Gathers a transaction's writes and passes them to the engine in bulk.

Each subject keeps its own rows and passes them on when told to; transaction.SqlTransaction sets the order.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing

CHANGED: Final = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = ?"


class WriteBatch:
    """The base that all subjects of a transaction write through."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        """writes: how many earlier transactions of this process touched more than the journal and the outbox."""
        self.touched = False
        self._session = session
        self._writing = writing
        self._sealing = sealing
        self._writes = writes
        self._foreign: int | None = None
        self._changed: set[str] = set()  # versions that grow with this transaction

    def flush(self) -> None:
        """Pass everything pending to the engine, except what is numbered at the end."""
        raise NotImplementedError

    def _hand_over(self, statement: Insert | str, rows: list[Row]) -> None:
        """Write these rows, and clear the list."""
        if not rows:
            return
        if isinstance(statement, str):
            self._session.many(statement, rows)
        else:
            self._session.insert(statement, rows)
        rows.clear()

    def _fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.flush()
        return self._session.fetch(statement, parameters)

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        self.touched = True
        self.flush()
        return self._session.run(statement, parameters)

    def _run_aside(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """As `_run`, of what calls people, or is only remembered: what an earlier batch of events read still holds."""
        self.flush()
        return self._session.run(statement, parameters)

    def _lock_aside(self, name: str) -> None:
        """Keep other transactions that lock this name from going on until this one ends."""
        self._run_aside("INSERT INTO meta (name, value) VALUES (?, '') ON CONFLICT DO NOTHING", (name,))
        # A write that changes nothing: on PostgreSQL it locks the row, SQLite has one writer.
        self._run_aside("UPDATE meta SET value = value WHERE name = ?", (name,))

    def mark(self) -> Hashable | None:
        self._foreign = self._session.foreign()
        return None if self._foreign is None else (self._foreign, self._writes)

    def mark_after(self) -> Hashable | None:
        self.touched = True
        return None if self._foreign is None else (self._foreign, self._writes + 1)

    def lock(self, device_ids: Collection[bytes]) -> None:
        self._session.lock_devices(device_ids)

    def remember(self, name: str, value: str) -> None:
        self._run_aside(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def claim(self, what: str, now_ms: int, every_ms: int) -> bool:
        self._run_aside("INSERT INTO meta (name, value) VALUES (?, '0') ON CONFLICT DO NOTHING", (f"done.{what}",))
        return bool(
            self._run_aside(
                "UPDATE meta SET value = ? WHERE name = ? AND CAST(value AS BIGINT) <= ?",
                (str(now_ms), f"done.{what}", now_ms - every_ms),
            )
        )
