"""What all subjects share for reading outside a transaction.

Where a part of the store is damaged, a read of many rows is done around it: what can be read is called for, sent and
shown, and the damage is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Writing
from siaga_gateway.service.store import StoreDamaged

# Each from an index alone, where the engine can: the rows may be what is damaged. Not every open incident has an
# escalation; the newest have entries in the journal.
_ESCALATED: Final = "SELECT incident_id FROM escalation WHERE next_at_ms IS NOT NULL"
_NEWEST: Final = (
    "SELECT DISTINCT incident_id FROM journal WHERE incident_id IS NOT NULL ORDER BY incident_id DESC LIMIT 5000"
)


class Reads:
    """The base of each subject's reading half; SqlStore provides `fetch`."""

    writing: Writing
    sealing: Sealing
    on_damage: Callable[[StoreDamaged], None]  # told of what is read around

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        raise NotImplementedError

    def fetch_around(
        self,
        select: Callable[[str], str],
        table: str,
        column: str,
        keys: Sequence[Any],
        parameters: Sequence[Any] = (),
    ) -> list[Row]:
        """Return rows with these keys, but for any in a damaged part of the store. Raises: StoreFailing; StoreDamaged
        where none of it can be read.

        select: the statement, of a condition for the keys, whose parameters come before `parameters`.
        """
        if not keys:
            return []
        among, marks = self.writing.among(table, column, keys)
        try:
            return self.fetch(select(among), (*marks, *parameters))
        except StoreDamaged as error:
            self.on_damage(error)
            found, sound = list[Row](), False
            middle = len(keys) // 2
            for half in (keys[:middle], keys[middle:]) if middle else ():
                try:
                    found += self.fetch_around(select, table, column, half, parameters)
                    sound = True
                except StoreDamaged:
                    continue
            if not sound:
                raise
            return found

    def likely_open(self) -> list[int]:
        """Return the numbers of incidents that may be open or were lately, for reading around damage.

        Raises: StoreFailing.
        """
        found, damage = set[int](), list[StoreDamaged]()
        for statement in (_ESCALATED, _NEWEST):
            try:
                found.update(row[0] for row in self.fetch(statement))
            except StoreDamaged as error:
                damage.append(error)
        if damage and not found:
            raise damage[0]
        return sorted(found)

    def _version(self, name: str) -> int:
        """Return how often what this name counts has changed."""
        version: int = self.fetch("SELECT CAST(value AS BIGINT) FROM meta WHERE name = ?", (name,))[0][0]
        return version
