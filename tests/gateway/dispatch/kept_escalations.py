"""A hand-written stand-in for service/store/escalations.py, held to the contract by sql/test_sql_escalations.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from siaga_gateway.domain.escalation import is_due
from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.value import copied


class KeptEscalations:
    """A store of escalations alone, whose transactions are all or nothing."""

    def __init__(self, open_incidents: Sequence[int] = ()) -> None:
        """open_incidents: those that are no tests and not closed."""
        self.open_incidents = list(open_incidents)
        self._rows: dict[int, Escalation] = {}
        self._claims: dict[int, tuple[str, int, int]] = {}

    @contextmanager
    def transaction(self) -> Iterator[KeptEscalations]:
        before = dict(self._rows), dict(self._claims)
        try:
            yield self
        except BaseException:
            self._rows, self._claims = before
            raise

    def escalation(self, incident_id: int) -> Escalation | None:
        return self._rows.get(incident_id)

    escalation_of = escalation

    def put_escalation(self, escalation: Escalation) -> bool:
        there = self._rows.get(escalation.incident_id)
        if escalation.revision != (0 if there is None else there.revision):
            return False
        self._rows[escalation.incident_id] = copied(escalation, revision=escalation.revision + 1)
        self._claims.pop(escalation.incident_id, None)
        return True

    def claim_escalation(self, incident_id: int, worker: str, now_ms: int, until_ms: int) -> bool:
        if incident_id not in self._rows or not self._free(incident_id, worker, now_ms):
            return False
        self._claims[incident_id] = worker, now_ms, until_ms
        return True

    def _free(self, incident_id: int, worker: str, now_ms: int) -> bool:
        holder, since_ms, until_ms = self._claims.get(incident_id, (worker, 0, 0))
        return holder == worker or until_ms <= now_ms or since_ms > now_ms

    def open_escalations(self) -> Sequence[Escalation]:
        return [row for _, row in sorted(self._rows.items()) if row.next_at_ms is not None]

    def escalations_touched(self, since_ms: int) -> Mapping[int, int]:
        return {each.incident_id: each.revision for each in self.open_escalations() if each.touched_ms > since_ms}

    def escalations_due(self, now_ms: int, worker: str, limit: int = 200) -> Sequence[Escalation]:
        due = [
            row for row in self._rows.values() if is_due(row, now_ms) and self._free(row.incident_id, worker, now_ms)
        ]
        late = sorted((row for row in due if (row.next_at_ms or 0) <= now_ms), key=lambda row: row.next_at_ms or 0)
        back = sorted((row for row in due if (row.next_at_ms or 0) > now_ms), key=lambda row: row.touched_ms)
        return [*late, *back][:limit]

    def next_escalation_ms(self) -> int | None:
        return min((row.next_at_ms for row in self._rows.values() if row.next_at_ms is not None), default=None)

    def unescalated(self, limit: int = 200) -> Sequence[int]:
        rows = (self._rows.get(each) for each in self.open_incidents)
        pairs = zip(self.open_incidents, rows, strict=True)
        return [each for each, row in pairs if row is None or row.next_at_ms is None][:limit]
