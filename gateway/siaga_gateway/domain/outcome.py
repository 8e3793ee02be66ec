"""What goes into the rules of `attach.py`, and what comes out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Change, Incident, Mode, Position
from siaga_gateway.domain.record import record
from siaga_gateway.domain.registry import Device, Owner, RegistrationState


@record
class Known:
    """What is known of the device when the event arrives."""

    open: Incident | None = None  # its incident that is not closed; never a test
    keyed: Incident | None = (
        None  # the one that the event's key stands for, among tests for a test, else among the rest
    )
    key_arrived: bool = False  # the PRESS of that counter is stored
    last_position: Position | None = None  # the best the device ever reported, this event included
    battery: int | None = None  # percent; the latest the device reported, this event included
    counters_doubtful: bool = False  # the device's counters jumped once, or one came twice: they order nothing


@record
class Birth:
    """What a new incident gets from its surroundings."""

    id: int
    identifier: str
    mode: Mode
    device: Device
    owner: Owner | None
    registration: RegistrationState  # as of now


@record
class Mark:
    """A PRESS's counter and the incident it stands for from now on, in place of any it stood for before."""

    counter: int
    arrived: bool  # False: known only from a frame that names it


@record
class Happening:
    """A line of the timeline."""

    change: Change
    facts: Mapping[str, Any]


@record
class Outcome:
    """What an event did. Nothing but an answer, where it concerns no incident."""

    answer: Stage  # for the ACK of this very frame
    incident: Incident | None = None  # as it is now
    opened: bool = False
    happened: tuple[Happening, ...] = ()
    told: Change | None = None  # what the outputs are to hear; never of a held incident
    marks: tuple[Mark, ...] = ()
