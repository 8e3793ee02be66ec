"""What is kept of a call for the figures when its person, place and messages are long forgotten. Pure.

A record has times, a station and how the call ended: no person, no button, no position.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from siaga_gateway.domain.incident import Disposition, Mode


class Milestone(StrEnum):
    """What happens to a call; of each the first time is kept."""

    ACKNOWLEDGED = "acknowledged"  # a desk has it
    ASSIGNED = "assigned"  # a desk sends somebody, or a responder comes
    ON_SCENE = "on_scene"


class CallFacts(NamedTuple):
    """What the call itself says, as it is now."""

    incident_id: int
    opened_at_ms: int  # when the gateway raised the alarm
    mode: str
    pressed_at_ms: int | None  # the button's clock; None: nobody has checked that clock
    presses: int
    closed_at_ms: int | None
    disposition: str | None


class CallRecord(NamedTuple):
    """A row of the store: a new field goes to the end, and needs a migration.

    Times are Unix ms, the gateway's clock.
    """

    incident_id: int
    opened_at_ms: int
    mode: str
    station: str | None  # the key of the station responsible for the place when it was first called
    pressed_at_ms: int | None
    acknowledged_ms: int | None
    assigned_ms: int | None
    on_scene_ms: int | None
    closed_at_ms: int | None
    disposition: str | None
    presses: int
    held: int  # 1: the registration was not active


# How a call ended that was none: nobody was in need.
FALSE: Final = frozenset({Disposition.ACCIDENTAL, Disposition.ABUSE, Disposition.TECHNICAL})
NOBODY_HAS_TO_COME: Final = FALSE | {Disposition.NOT_NEEDED}
# What a person closed as a test or an exercise is not counted, like what was one from the beginning.
_NOT_IN_EARNEST: Final = frozenset({Disposition.TEST, Disposition.EXERCISE})


def begun(facts: CallFacts) -> CallRecord:
    """Return the record of a call of which nothing else is known."""
    return CallRecord(
        facts.incident_id,
        facts.opened_at_ms,
        facts.mode,
        None,
        facts.pressed_at_ms,
        None,
        None,
        None,
        facts.closed_at_ms,
        facts.disposition,
        facts.presses,
        0,
    )


def renewed(record: CallRecord, facts: CallFacts) -> CallRecord:
    """Return the record with what the call says now; what happened to it, and where, stays."""
    return record._replace(
        mode=facts.mode,
        pressed_at_ms=facts.pressed_at_ms if record.opened_at_ms == facts.opened_at_ms else None,
        closed_at_ms=facts.closed_at_ms,
        disposition=facts.disposition,
        presses=facts.presses,
    )


def reached(record: CallRecord, milestone: Milestone, at_ms: int) -> CallRecord:
    """Return the record after a milestone. Whoever is there was assigned; the first time of each holds, in whatever
    order they are told."""
    match milestone:
        case Milestone.ACKNOWLEDGED:
            return record._replace(acknowledged_ms=_first(record.acknowledged_ms, at_ms))
        case Milestone.ASSIGNED:
            return record._replace(assigned_ms=_first(record.assigned_ms, at_ms))
        case Milestone.ON_SCENE:
            return record._replace(
                assigned_ms=_first(record.assigned_ms, at_ms), on_scene_ms=_first(record.on_scene_ms, at_ms)
            )


def made_real(record: CallRecord, at_ms: int) -> CallRecord:
    """Return the record of an exercise that has become a call in earnest: it begins then, and nobody has it yet."""
    return record._replace(
        opened_at_ms=at_ms, pressed_at_ms=None, acknowledged_ms=None, assigned_ms=None, on_scene_ms=None
    )


def counts(record: CallRecord, mode: Mode = Mode.ACTUAL) -> bool:
    """Whether it counts: neither a test nor an exercise, from the beginning or as a person closed it.

    mode: of the gateway; one that is there for exercises counts these.
    """
    return record.mode == mode and record.disposition not in _NOT_IN_EARNEST


def _first(known: int | None, at_ms: int) -> int:
    return at_ms if known is None else min(known, at_ms)
