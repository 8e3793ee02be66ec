"""What people did on devices: entries of the journal, by two partial indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.journal import SELECT
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.rows import entry_of
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store.device_work import WantedWork, WorkCount

# Worded exactly like the partial indexes.
_WORK: Final = "actor IS NOT NULL AND device_id IS NOT NULL AND incident_id IS NULL"


class DeviceWorkReading(Reads):
    """Implements service.store.device_work.DeviceWorkReading."""

    def work(self, wanted: WantedWork, limit: int) -> Sequence[JournalEntry]:
        where, parameters = [_WORK], list[Any]()
        if wanted.actor is not None:
            where.append("actor = ?")
            parameters.append(wanted.actor)
        if wanted.device_id is not None:
            where.append("device_id = ?")
            parameters.append(wanted.device_id)
        if wanted.before is not None:
            where.append("(at_ms, id) < (?, ?)")
            parameters.extend(wanted.before)
        rows = self.fetch(
            f"{SELECT} WHERE {' AND '.join(where)} ORDER BY at_ms DESC, id DESC LIMIT ?", (*parameters, limit)
        )
        return [entry_of(row) for row in rows]

    def workers(self, since_ms: int) -> Sequence[WorkCount]:
        counted = f"SELECT actor, count(*), max(at_ms) FROM journal WHERE {_WORK} AND at_ms >= ? GROUP BY actor"  # noqa: S608
        return [WorkCount(*row) for row in sorted(self.fetch(counted, (since_ms,)))]
