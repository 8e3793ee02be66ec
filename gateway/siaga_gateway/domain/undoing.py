"""Whether an acknowledgement that was taken by mistake can be taken back, and what the incident is then. Pure."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.value import copied

WITHIN_MS: Final = 60_000


def in_time(at_ms: int, now_ms: int) -> bool:
    """Whether what was done at at_ms may still be taken back. A clock that was set back makes nothing young again."""
    return abs(now_ms - at_ms) <= WITHIN_MS


def unseen(incident: Incident) -> Incident:
    """Return an incident that a desk has seen as it was before. What the button was told stands: a stage below is shown
    only as after a withdrawal, and the holder would be told that nobody has his call."""
    return copied(incident, state=IncidentState.OPEN, seen_by=None, seen_at_ms=None)
