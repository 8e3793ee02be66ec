"""The handover of a shift: what the outgoing desk leaves to the next one. Pure; time is an argument.

What the gateway gathers is kept as references (numbers of calls, cases, drills and notes), states and times: whoever
reads a handover later sees of a call what the store still knows of it, and nothing of somebody who was erased.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from siaga_gateway.domain.accounts import SESSION_MS
from siaga_gateway.domain.escalation_state import Escalation, Phase
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.promise import due_ms
from siaga_gateway.domain.value import record

MOST_OPEN: Final = 200  # calls in one handover, each with its last step
MOST_CLOSED: Final = 500
MOST_CASES: Final = 100


class Wait(StrEnum):
    """What an open call waits for, the most urgent first."""

    RINGS = "rings"  # nobody has acknowledged the present call for help
    HELD = "held"  # a person has to decide
    ASKED = "asked"  # from before a backup: does it still matter?
    LATE = "late"  # the promised time has passed
    UNASSIGNED = "unassigned"  # a desk has seen it; somebody has to be sent by then
    PROMISED = "promised"  # somebody is due then
    NOTHING = ""


@record
class OpenCall:
    """A call that is open, as it was."""

    incident_id: int
    state: str  # of IncidentState
    level: int | None  # of alarm; None: not judged yet
    last_kind: str  # of the journal: the last step, or call of the holder
    last_ms: int
    waits: str  # of Wait
    due_ms: int | None = None  # until when, or since


@record
class ClosedCall:
    incident_id: int
    disposition: str  # empty: not told
    closed_ms: int


@record
class DrillLine:
    drill_id: int
    state: str  # of DrillState


@record
class CaseLine:
    """A maintenance case that is open."""

    case_id: int
    cause: str
    device_id: str  # hex; empty: of many devices
    opened_ms: int


@record
class LineFault:
    """A line that is cut: to the broker, a way in or out, a receiver."""

    kind: str  # of the journal
    about: str  # which, by its name in the settings; empty: the broker
    since_ms: int


@record
class ShiftFacts:
    """What the gateway knows of a shift. A new field goes to the end, with a default: stored ones lack it."""

    open: tuple[OpenCall, ...] = ()
    closed: tuple[ClosedCall, ...] = ()
    drills: tuple[DrillLine, ...] = ()
    cases: tuple[CaseLine, ...] = ()
    lines: tuple[LineFault, ...] = ()
    notes: tuple[int, ...] = ()  # numbers of notes of the shift
    unreadable: tuple[int, ...] = ()  # open calls whose rows cannot be read
    more_open: int = 0  # beyond those listed
    more_closed: int = 0
    more_cases: int = 0


@record
class ShiftNote:
    """A row of the store: a new field goes to the end, and needs a migration."""

    id: int
    at_ms: int
    author: str
    station: str | None  # a dispatcher's: of his jurisdiction alone; None: of the room
    text: str | None  # None: forgotten; empty: its key is missing


@record
class Handover:
    """A row of the store: a new field goes to the end, and needs a migration. Nothing of it is ever changed; what was
    typed is forgotten with the notes of calls."""

    id: int
    station: str | None  # a dispatcher's: of his jurisdiction alone; None: of the room
    from_ms: int  # what it tells of since then
    made_ms: int
    made_by: str
    form: str  # of the page or request that it came from: sent twice it is one handover
    facts: ShiftFacts
    remarks: str | None  # None: none, or forgotten; empty: the key is missing


@record
class Receipt:
    """Somebody has read a handover and takes the shift."""

    handover_id: int
    name: str
    at_ms: int


def begins_ms(signed_in_ms: int, last_taken_ms: int | None, now_ms: int) -> int:
    """Return since when a shift is told of: the last handover that somebody took, or the own sign-in if that was
    before; no longer than a session lasts. A console that was closed in between shortens nothing."""
    since_ms = signed_in_ms if last_taken_ms is None else min(signed_in_ms, last_taken_ms)
    return min(now_ms, max(now_ms - SESSION_MS, since_ms))


def wait_of(incident: Incident, known: Escalation | None, now_ms: int) -> tuple[Wait, int | None]:
    """Return what an open call waits for, and until when (or since); None: that has no time."""
    if incident.held:
        return Wait.HELD, None
    if known is not None and known.phase is Phase.ASKED:
        return Wait.ASKED, None
    if incident.state is IncidentState.OPEN or (known is not None and known.phase is Phase.CALLING):
        return Wait.RINGS, None
    due = due_ms(incident)
    if incident.late_ms is not None or (due is not None and due <= now_ms):
        return Wait.LATE, incident.late_ms if incident.late_ms is not None else due
    if due is not None:
        return Wait.PROMISED, due
    if known is not None and known.assign_by_ms is not None and incident.unit is None:
        return Wait.UNASSIGNED, known.assign_by_ms
    return Wait.NOTHING, None
