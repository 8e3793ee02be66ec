"""Sums over the store that a scrape asks for, each by an index that holds little more than what is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.store import Tally, Waiting

_INCIDENTS: Final = "SELECT state, count(*), min(opened_at_ms) FROM incident WHERE state <> 'closed' GROUP BY state"
_WAITING: Final = (
    "SELECT waiting.output, waiting.rows, notice.made_at_ms, waiting.attempted_ms FROM ("
    "SELECT output, count(*) AS rows, min(id) AS oldest, max(last_attempt_ms) AS attempted_ms "
    "FROM outbox WHERE state = 'pending' GROUP BY output) AS waiting "
    "JOIN outbox ON outbox.id = waiting.oldest "
    "JOIN notice ON notice.incident_id = outbox.incident_id AND notice.sequence = outbox.sequence"
)
_ABANDONED: Final = "SELECT count(*) FROM outbox WHERE state = 'abandoned'"
_STRANGERS: Final = "SELECT count(*) FROM quarantine"


def tally(fetch: Callable[[str], Sequence[Row]]) -> Tally:
    incidents: dict[str, int] = {state.value: 0 for state in IncidentState if state is not IncidentState.CLOSED}
    unseen_since_ms: int | None = None
    for state, count, oldest_ms in fetch(_INCIDENTS):
        incidents[state] = count
        if state == IncidentState.OPEN.value:
            unseen_since_ms = oldest_ms

    def one(statement: str) -> Any:
        return fetch(statement)[0][0]

    waiting = {output: Waiting(count, made_ms, tried_ms) for output, count, made_ms, tried_ms in fetch(_WAITING)}
    return Tally(incidents, unseen_since_ms, waiting, one(_ABANDONED), one(_STRANGERS))
