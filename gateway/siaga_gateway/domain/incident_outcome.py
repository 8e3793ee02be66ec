"""The input and the output of the rules in `incident_rules.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Change, Incident, Mode, Position
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.value import record


@record
class EventContext:
    """What is known of the device when the event arrives."""

    open: Incident | None = None  # its incident that is not closed; never a test
    keyed: Incident | None = None  # the one that the event's key names, among tests for a test, else among the rest
    key_arrived: bool = False  # the PRESS of that counter is stored
    last_position: Position | None = None  # the best the device ever reported, including this event
    battery: int | None = None  # percent; the latest the device reported, including this event
    counters_doubtful: bool = False  # the device's counters once jumped, or one came twice: they prove no order


@record
class IncidentBasis:
    """What a new incident takes from its surroundings."""

    id: int
    identifier: str
    mode: Mode
    device: Device
    owner: Owner | None
    registration: RegistrationState  # as of now
    drill: int | None = None  # within which such an event is an exercise, see drill_of


@record
class Mark:
    """A PRESS's counter, and the incident that it names from now on, replacing any it named before."""

    counter: int
    arrived: bool  # False: known only from a frame that names it


@record
class TimelineEntry:
    """An entry of the incident's timeline."""

    change: Change
    facts: Mapping[str, Any]


@record
class Outcome:
    """What an event did; only an answer if it concerns no incident."""

    answer: Stage  # for the ACK of this frame
    incident: Incident | None = None  # as it is now
    opened: bool = False
    happened: tuple[TimelineEntry, ...] = ()
    told: Change | None = None  # what to report to the outputs; never of a held incident
    marks: tuple[Mark, ...] = ()
