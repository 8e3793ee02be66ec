"""Sums for a scrape, each from an index that holds little more than what is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.store import Tally, Waiting

_INCIDENTS: Final = "SELECT state, count(*), min(opened_at_ms) FROM incident WHERE state <> 'closed' GROUP BY state"
# When the oldest was made, or what was skipped before it: a stream of positions that each replace the one before, all
# refused, is one long failure.
_SINCE: Final = (
    "(SELECT min(notice.made_at_ms) FROM outbox AS earlier JOIN notice "
    "ON notice.incident_id = earlier.incident_id AND notice.sequence = earlier.sequence "
    "WHERE earlier.incident_id = outbox.incident_id AND earlier.output = outbox.output AND earlier.sequence > coalesce("
    "(SELECT max(done.sequence) FROM outbox AS done WHERE done.incident_id = outbox.incident_id "
    "AND done.output = outbox.output AND done.state = 'delivered'), 0) "
    "AND (earlier.state = 'pending' OR earlier.settled = 'superseded'))"
)
_WAITING: Final = (
    f"SELECT waiting.output, waiting.rows, {_SINCE}, waiting.attempted_ms, outbox.detail FROM ("  # noqa: S608
    "SELECT output, count(*) AS rows, min(id) AS oldest, max(last_attempt_ms) AS attempted_ms "
    "FROM outbox WHERE state = 'pending' GROUP BY output) AS waiting "
    "JOIN outbox ON outbox.id = waiting.oldest"
)
_ABANDONED: Final = "SELECT count(*) FROM outbox WHERE state = 'abandoned' AND settled IS NULL"
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

    return Tally(incidents, unseen_since_ms, waiting(fetch), one(_ABANDONED), one(_STRANGERS))


def waiting(fetch: Callable[[str], Sequence[Row]]) -> dict[str, Waiting]:
    return {output: Waiting(*rest) for output, *rest in fetch(_WAITING)}
