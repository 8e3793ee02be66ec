"""Escalations in the store: a row for each incident, changed only by whoever has read its newest revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Columns, Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.escalation_state import Assignment, Escalation, Progress
from siaga_gateway.service.store import StoreDamaged


def _assignments_text(assignments: tuple[Assignment, ...]) -> str:
    return orjson.dumps(
        [
            (each.who, each.progress.value, each.wave, each.since_ms, each.minutes, each.due_ms, each.asked)
            for each in assignments
        ]
    ).decode()


def _assignments_of(text: str) -> tuple[Assignment, ...]:
    found: list[list[Any]] = orjson.loads(text)
    return tuple(Assignment(who, Progress(progress), *rest) for who, progress, *rest in found)


LAYOUT: Final = Layout(Escalation, {"assignments": Columns(("assignments",), _assignments_text, _assignments_of)})
_REVISION: Final = LAYOUT.names.index("revision")
_SELECT: Final = f"SELECT {columns(LAYOUT.names)} FROM escalation"  # noqa: S608 - constants
_OF: Final = f"{_SELECT} WHERE incident_id = ?"
_ADD: Final = (
    f"INSERT INTO escalation ({columns(LAYOUT.names)}) "  # noqa: S608
    f"VALUES ({', '.join('?' for _ in LAYOUT.names)}) ON CONFLICT (incident_id) DO NOTHING"
)
_CHANGE: Final = (
    f"UPDATE escalation SET {', '.join(f'{name} = ?' for name in LAYOUT.names)}, "  # noqa: S608
    "claimed_by = NULL WHERE incident_id = ? AND revision = ?"
)
# A claim from the future was made before the clock was set back.
_FREE: Final = "(claimed_by IS NULL OR claimed_by = ? OR claimed_until_ms <= ? OR claimed_ms > ?)"
_CLAIM: Final = (
    f"UPDATE escalation SET claimed_by = ?, claimed_ms = ?, claimed_until_ms = ? "  # noqa: S608
    f"WHERE incident_id = ? AND {_FREE}"
)
# Worded like the partial indexes.
DUE: Final = f"{_SELECT} WHERE next_at_ms IS NOT NULL AND next_at_ms <= ? AND {_FREE} ORDER BY next_at_ms LIMIT ?"
SET_BACK: Final = (
    f"{_SELECT} WHERE next_at_ms IS NOT NULL AND touched_ms > ? AND next_at_ms > ? AND {_FREE} "
    "ORDER BY touched_ms LIMIT ?"
)
NEXT: Final = "SELECT min(next_at_ms) FROM escalation WHERE next_at_ms IS NOT NULL"
OPEN: Final = f"{_SELECT} WHERE next_at_ms IS NOT NULL ORDER BY incident_id"
TOUCHED: Final = "SELECT incident_id, revision FROM escalation WHERE next_at_ms IS NOT NULL AND touched_ms > ?"
# By their incidents alone, around rows that are damaged.
_SOME: Final = f"{_SELECT} WHERE {{among}} AND next_at_ms IS NOT NULL"
_SOME_DUE: Final = f"{_SOME} AND (next_at_ms <= ? OR touched_ms > ?) AND {_FREE}"
UNESCALATED: Final = (
    "SELECT incident.id FROM incident LEFT JOIN escalation ON escalation.incident_id = incident.id "
    "WHERE incident.state <> 'closed' AND incident.mode <> 'test' AND escalation.next_at_ms IS NULL "
    "ORDER BY incident.id LIMIT ?"
)


class EscalationWriting(WriteBatch):
    """Implements service.store.escalations.EscalationWriting."""

    def escalation(self, incident_id: int) -> Escalation | None:
        rows = self._fetch(_OF, (incident_id,))
        return LAYOUT.only(rows, "escalation")

    def put_escalation(self, escalation: Escalation) -> bool:
        row = list(LAYOUT.row(escalation))
        row[_REVISION] = escalation.revision + 1
        if escalation.revision == 0:
            return self._run_aside(_ADD, row) == 1
        return self._run_aside(_CHANGE, (*row, escalation.incident_id, escalation.revision)) == 1

    def claim_escalation(self, incident_id: int, worker: str, now_ms: int, until_ms: int) -> bool:
        return self._run_aside(_CLAIM, (worker, now_ms, until_ms, incident_id, worker, now_ms, now_ms)) == 1


class EscalationReading(Reads):
    """Implements service.store.escalations.EscalationReading."""

    def escalation_of(self, incident_id: int) -> Escalation | None:
        rows = self.fetch(_OF, (incident_id,))
        return LAYOUT.only(rows, "escalation")

    def open_escalations(self) -> Sequence[Escalation]:
        try:
            return LAYOUT.sound(self.fetch(OPEN), "escalation")
        except StoreDamaged:
            found = LAYOUT.sound(self._around(_SOME), "escalation")
            return sorted(found, key=lambda each: each.incident_id)

    def escalations_touched(self, since_ms: int) -> Mapping[int, int]:
        return dict(self.fetch(TOUCHED, (since_ms,)))

    def escalations_due(self, now_ms: int, worker: str, limit: int = 200) -> Sequence[Escalation]:
        try:
            rows = self.fetch(DUE, (now_ms, worker, now_ms, now_ms, limit))
            if len(rows) < limit:
                rows += self.fetch(SET_BACK, (now_ms, now_ms, worker, now_ms, now_ms, limit - len(rows)))
        except StoreDamaged:
            rows = self._around(_SOME_DUE, (now_ms, now_ms, worker, now_ms, now_ms))
            found = LAYOUT.sound(rows, "escalation")
            return sorted(found, key=lambda each: ((each.next_at_ms or 0) > now_ms, each.next_at_ms))[:limit]
        return LAYOUT.sound(rows, "escalation")

    def next_escalation_ms(self) -> int | None:
        next_ms: int | None = self.fetch(NEXT)[0][0]
        return next_ms

    def _around(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self.fetch_around(
            lambda among: statement.format(among=among), "escalation", "incident_id", self.likely_open(), parameters
        )

    def unescalated(self, limit: int = 200) -> Sequence[int]:
        return [row[0] for row in self.fetch(UNESCALATED, (limit,))]
