"""What an incident is. The rules that open and change one are in `attach.py`."""

from __future__ import annotations

from enum import StrEnum

from siaga_gateway.domain.record import record
from siaga_gateway.domain.registry import Owner, RegistrationState


class Mode(StrEnum):
    """How the world is to take it; the CAP status element (OASIS CAP 1.2, 3.2.1) has the same three."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class IncidentState(StrEnum):
    """The life of an incident. Apart from closing it only moves forward."""

    OPEN = "open"
    SEEN = "seen"
    ASSIGNED = "assigned"
    ON_SCENE = "on_scene"
    CLOSED = "closed"


class Disposition(StrEnum):
    """How an incident ended."""

    VERIFIED = "verified"  # a real emergency
    UNFOUNDED = "unfounded"  # nobody in need was found
    ACCIDENTAL = "accidental"  # the holder pressed by mistake
    ABUSE = "abuse"  # pressed for play
    EXERCISE = "exercise"


class Change(StrEnum):
    """What happened to an incident and is told to the outputs."""

    OPENED = "opened"
    PRESSED_AGAIN = "pressed_again"
    POSITION = "position"
    CANCELLED_BY_HOLDER = "cancelled_by_holder"
    DURESS = "duress"
    KEY_COPIED = "key_copied"
    SEEN = "seen"
    ASSIGNED = "assigned"
    ON_SCENE = "on_scene"
    CLOSED = "closed"


@record
class Position:
    """Where, and how much that is worth."""

    latitude: int  # degrees x 10^7, WGS 84
    longitude: int
    accuracy_m: int | None  # 95 %
    fix_age_s: int | None  # age of the fix when the event happened
    source: str  # gnss | network | installed
    at_ms: int  # when the event happened (UTC), the fix was fix_age_s earlier


@record
class Incident:
    """Everything that an operator, a console or an output needs to know of one incident."""

    id: int
    # Unique in the world and for ever: "<gateway name>-<id>.<store>", free of spaces, commas, < and &. `store` is drawn
    # at random when a store is made: a new store counts from 1 again, and no receiver may take that for a repetition.
    identifier: str
    mode: Mode
    state: IncidentState
    device_id: bytes
    device_label: str
    registration: RegistrationState  # as it was when the incident opened
    owner: Owner | None  # None once the owner's data was erased
    opening_counter: int  # the lowest counter of a PRESS that opened it, of those known
    opened_at_ms: int  # when the gateway stored the opening event
    pressed_at_ms: int | None  # when the holder pressed, by the button's clock, corrected; None: it was not set
    delayed_s: int | None  # set when the opening event was under way for long
    position: Position | None  # the best known
    presses: int = 1
    silent: bool = False
    duress: bool = False
    cancelled_by_holder: bool = False
    held: bool = False  # registration not active: not dispatched until a person dispatches it
    battery: int | None = None  # percent, as last reported before it was closed
    seen_by: str | None = None
    seen_at_ms: int | None = None
    unit: str | None = None
    eta_minutes: int | None = None
    closed_by: str | None = None
    closed_at_ms: int | None = None
    disposition: Disposition | None = None
    note: str | None = None
    sequence: int = 1  # number of the last change that the outputs were to hear of, from 1; 0 while held
    last_press: int = 0  # the highest counter of its PRESSes
    last_cancel: int | None = None  # the highest counter of its CANCELs: a PRESS above it takes the cancel back
    # What the outputs were last told of its place: latitude, longitude (degrees x 10^7), accuracy in metres
    told_place: tuple[int, int, int | None] | None = None
    claimed_s: int | None = None  # how old the opening event was by a clock that nobody has checked
    key_copied: bool = False  # its button's counters clash or jump: somebody else may have the key

    @property
    def holder(self) -> Owner | None:
        """The owner, where there is something to be read of them."""
        return None if self.owner is None or self.owner.unreadable else self.owner

    @property
    def place(self) -> tuple[int, int, int | None] | None:
        """Of its position: latitude, longitude, accuracy."""
        position = self.position
        return None if position is None else (position.latitude, position.longitude, position.accuracy_m)


@record
class Notice:
    """One message about an incident to the outputs: the incident as it was at that change.

    `sequence` counts from 1 within the incident; `previous` lists (sequence, sent_at_ms) of the notices before it,
    oldest first, for formats that reference earlier messages (CAP `references`).
    """

    incident: Incident
    change: Change
    sequence: int
    sent_at_ms: int
    previous: tuple[tuple[int, int], ...] = ()
