"""The time in which somebody promised to be with the holder, and what becomes of it once it has passed. Pure.

The holder is told a new estimate, or that nobody knows: never more than is known, and not each minute. Only a person's
word is a promise (`eta_minutes`): what the gateway estimates changes neither that nor the escalation's times.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siaga_gateway.domain.escalation_state import Assignment, Progress
from siaga_gateway.domain.frame import LONGEST_ETA, Stage
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.value import copied

_MINUTE_MS: Final = 60_000
AGAIN_MINUTES: Final = 3  # the holder is not told of another delay sooner
LOOK_MINUTES: Final = 5  # after nobody knew when, until a known position may tell
_UNDER_WAY: Final = frozenset({Progress.COMING, Progress.LATE})


def promised(incident: Incident, unit: str | None, eta_minutes: int | None, now_ms: int) -> Incident:
    """Return the incident with a person's word: who comes, and in how many minutes."""
    at_ms = None if eta_minutes is None else now_ms
    return copied(incident, unit=unit, eta_minutes=eta_minutes, promised_ms=at_ms, late_ms=None, late_minutes=None)


def due_ms(incident: Incident) -> int | None:
    """Return when the holder has to be told that somebody is later than he was told; None: nothing was promised, or
    they are there."""
    if incident.promised_ms is None or incident.eta_minutes is None or stage_of(incident) is not Stage.ASSIGNED:
        return None
    if incident.late_ms is None:
        return incident.promised_ms + incident.eta_minutes * _MINUTE_MS
    minutes = LOOK_MINUTES if incident.late_minutes is None else max(incident.late_minutes, AGAIN_MINUTES)
    return incident.late_ms + minutes * _MINUTE_MS


def set_back(incident: Incident, now_ms: int) -> Incident:
    """Return the incident with nothing said later than now: a clock that was set back would put off what was promised
    until it has caught up."""
    promised_ms, late_ms = incident.promised_ms, incident.late_ms
    if max(promised_ms or 0, late_ms or 0) <= now_ms:
        return incident
    return copied(
        incident,
        promised_ms=None if promised_ms is None else min(promised_ms, now_ms),
        late_ms=None if late_ms is None else min(late_ms, now_ms),
    )


def under_way(assignments: Iterable[Assignment]) -> list[Assignment]:
    """Return those who are coming, late or not."""
    return [each for each in assignments if each.progress in _UNDER_WAY]


def estimate(assignments: Iterable[Assignment], travel_s: int | None, now_ms: int) -> int | None:
    """Return in how many minutes the first of them is there, at least 1; None: nobody knows.

    travel_s: from where one of them is now.
    """
    seconds = [] if travel_s is None else [travel_s]
    for each in under_way(assignments):
        if each.minutes is not None and each.progress is Progress.COMING:
            left_ms = each.since_ms + each.minutes * _MINUTE_MS - now_ms
            seconds += [left_ms // 1000] if left_ms > 0 else []
    return min(LONGEST_ETA, max(1, -(-min(seconds) // 60))) if seconds else None


def later(incident: Incident, minutes: int | None, now_ms: int) -> Incident:
    """Return the incident whose holder is told now that it takes longer. minutes: what `estimate` says."""
    return copied(incident, late_ms=now_ms, late_minutes=minutes)


def is_news(incident: Incident, minutes: int | None) -> bool:
    """Whether an estimate tells the holder anything: that nobody knows is told once."""
    return incident.late_ms is None or minutes is not None or incident.late_minutes is not None
