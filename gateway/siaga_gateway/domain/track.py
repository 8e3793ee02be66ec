"""Where an incident's frames place its button, one after another. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siaga_gateway.domain.event import ButtonClock, Event
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.position import fix_ms, reported, same_fix
from siaga_gateway.domain.value import record

_KNOWN: Final = frozenset({ButtonClock.SET, ButtonClock.BEHIND})


@record
class TrackPoint:
    """A fix of a button."""

    position: Position
    fix_ms: int  # Unix ms
    received_ms: int  # when the first frame with it came
    timed: bool  # False: fix_ms rests on a clock or an age that nobody knows


def track(events: Iterable[Event]) -> list[TrackPoint]:
    """Return the fixes of an incident's events, each once, the oldest first. The place where a button is mounted is
    none: nobody went there."""
    found: list[TrackPoint] = []
    for event in events:
        position = reported(event.report, event.at_ms)
        if position is None or position.source == "installed":
            continue
        timed = event.clock in _KNOWN and position.fix_age_s is not None
        if not any(same_fix(position, each.position) for each in found):
            found.append(TrackPoint(position, fix_ms(position), event.received_ms, timed))
    return sorted(found, key=lambda each: each.fix_ms)
