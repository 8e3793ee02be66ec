"""When a closed incident may be opened again, and what it is then. Pure."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.incident import Answered, Incident, IncidentState
from siaga_gateway.domain.value import copied

WITHIN_MS: Final = 60 * 60_000


def too_late(incident: Incident, now_ms: int) -> bool:
    """Whether a closed incident stays closed. A clock that was set back since makes it none the later."""
    return incident.closed_at_ms is None or now_ms - incident.closed_at_ms > WITHIN_MS


def reopened(incident: Incident, operator: str, now_ms: int) -> Incident:
    """Return a closed incident as it is when a desk opens it again: seen by whoever did it, with nobody on the way.

    A button that has not heard of the closing yet may show that somebody comes: it shows a stage below that only as
    after a withdrawal. What was written, and what came of ringing the holder, stays.
    """
    return copied(
        incident,
        state=IncidentState.SEEN,
        seen_by=operator,
        seen_at_ms=now_ms,
        unit=None,
        units=(),
        eta_minutes=None,
        promised_ms=None,
        late_ms=None,
        late_minutes=None,
        answered=None if incident.answered is None and incident.unit is None else Answered.WITHDRAWN,
        closed_by=None,
        closed_at_ms=None,
        disposition=None,
    )
