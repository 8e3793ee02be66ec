"""What an incident is. The rules that open and change one are in `incident_rules.py`."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress
from siaga_gateway.domain.value import record


class Mode(StrEnum):
    """How real an incident is; the same three as the CAP status element (OASIS CAP 1.2, 3.2.1)."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class IncidentState(StrEnum):
    """The life cycle of an incident. It moves forward, and can be closed from any state. It goes back where a desk
    takes a step back, or nobody is there any more: see sent_units.py and reopening.py."""

    OPEN = "open"
    SEEN = "seen"
    ASSIGNED = "assigned"
    ON_SCENE = "on_scene"
    CLOSED = "closed"


class Answered(StrEnum):
    """How far responders are who answered by themselves."""

    COMING = "coming"
    ON_SCENE = "on_scene"
    WITHDRAWN = "withdrawn"  # somebody had accepted, and nobody comes any more


class Disposition(StrEnum):
    """How an incident ended."""

    VERIFIED = "verified"  # a real emergency
    NOT_NEEDED = "not_needed"  # a real call, and help is no longer needed
    UNFOUNDED = "unfounded"  # nobody in need was found
    ACCIDENTAL = "accidental"  # the holder pressed by mistake
    TEST = "test"  # tried as agreed, by a press in earnest
    TECHNICAL = "technical"  # nobody pressed: a fault
    ABUSE = "abuse"  # a prank
    EXERCISE = "exercise"


class Change(StrEnum):
    """A change of an incident that is reported to the outputs."""

    OPENED = "opened"
    PRESSED_AGAIN = "pressed_again"
    POSITION = "position"
    CANCELLED_BY_HOLDER = "cancelled_by_holder"
    DURESS = "duress"
    KEY_COPIED = "key_copied"
    SEEN = "seen"
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    ON_SCENE = "on_scene"
    CLOSED = "closed"
    MADE_REAL = "made_real"  # an exercise has become a call in earnest


@record
class Position:
    """A position and its quality."""

    latitude: int  # degrees x 10^7, WGS 84
    longitude: int
    accuracy_m: int | None  # 95 %
    fix_age_s: int | None  # its age when the event happened
    source: str  # gnss | network | installed
    at_ms: int  # when the event happened (UTC); the fix was fix_age_s earlier


@record
class Incident:
    """Everything that an operator, a console or an output needs to know of one incident.

    Rows and snapshots in the store have its fields in this order: a new field goes to the end, and needs a migration.
    """

    id: int
    # Globally unique for ever: "<gateway name>-<id>.<store>", free of spaces, commas, < and &. `store` is drawn at
    # random when a store is created: a new store counts from 1 again, and no receiver may take that for a repetition.
    identifier: str
    mode: Mode
    state: IncidentState
    device_id: bytes
    device_label: str
    registration: RegistrationState  # as of the opening
    owner: Owner | None  # None once the owner's data was erased
    opening_counter: int  # the lowest known counter of a PRESS that opened it
    opened_at_ms: int  # when the gateway stored the opening event
    pressed_at_ms: int | None  # when the holder pressed, the button's clock, corrected; None: not set
    delayed_s: int | None  # set when the opening event was long in transit
    position: Position | None  # the best known
    presses: int = 1
    silent: bool = False
    duress: bool = False
    cancelled_by_holder: bool = False
    held: bool = False  # registration not active: a person has to dispatch it
    battery: int | None = None  # percent, as last reported before closing
    seen_by: str | None = None
    seen_at_ms: int | None = None
    unit: str | None = None
    eta_minutes: int | None = None
    closed_by: str | None = None
    closed_at_ms: int | None = None
    disposition: Disposition | None = None
    note: str | None = None
    sequence: int = 1  # number of the last change for the outputs, from 1; 0 while held
    last_press: int = 0  # the highest counter of its PRESSes
    last_cancel: int | None = None  # the highest counter of its CANCELs; a PRESS above it revokes the cancel
    # The place last reported to the outputs: latitude, longitude (degrees x 10^7), accuracy in metres.
    told_place: tuple[int, int, int | None] | None = None
    key_copied: bool = False  # its button's counters clash or jump: somebody else may have the key
    claimed_s: int | None = None  # age of the opening event by a clock that nobody has checked
    # By responders. `state` is what desks have done, and says nothing of it: until a desk has seen it, it is unseen.
    answered: Answered | None = None
    promised_ms: int | None = None  # when somebody said eta_minutes; None: nobody has promised anything
    late_ms: int | None = None  # when the holder was last told that it is later than promised
    late_minutes: int | None = None  # what he was told then; None: that nobody knows
    # The drill within which its button was pressed; `mode` says whether it still is an exercise. See domain/drill.py.
    drill: int | None = None
    call_back: CallBack = CallBack.NOT_TRIED  # what came of ringing the holder, the last time
    wrong_words: int = 0  # code words that were none
    called_presses: int = 0  # how many presses there were when the holder was rung
    cluster: int | None = None  # its major incident: the id of that one's first incident, see domain/cluster.py
    alone: bool = False  # a person took it out of its major incident
    units: tuple[UnitOnCall, ...] = ()  # that a desk has sent, see domain/sent_units.py; `unit` leads them

    @property
    def major_incident(self) -> str | None:
        """The identifier of its major incident: that of the first incident."""
        if self.cluster is None:
            return None
        gateway, _, store = self.identifier.rpartition(f"-{self.id}")
        return f"{gateway}-{self.cluster}{store}"

    @property
    def told_minutes(self) -> int | None:
        """Until somebody is there, as the holder is told."""
        return self.eta_minutes if self.late_ms is None else self.late_minutes

    @property
    def holder(self) -> Owner | None:
        """The owner, if there is one whose data can be read."""
        return None if self.owner is None or self.owner.unreadable else self.owner

    @property
    def unreadable(self) -> bool:
        """Whether the owner is registered but cannot be read now; `owner` is None once they were erased."""
        return self.owner is not None and self.owner.unreadable

    @property
    def progress(self) -> str:
        """Changes with each step of an operator; a form carries it to say what the operator saw."""
        told = (self.mode, self.state, self.held, self.unit, self.eta_minutes, self.closed_by, self.disposition)
        # Of the one that leads all but its leaving stands in the fields above.
        others = [
            (each.name, each.eta_minutes, str(each.progress))
            for each in self.units
            if each.name != self.unit or each.progress is UnitProgress.LEFT
        ]
        steps = "\0".join(map(str, (*told, self.call_back, self.wrong_words, *others)))
        return sha256(steps.encode()).hexdigest()[:16]

    @property
    def call_backs(self) -> str:
        """Changes with each result of ringing the holder back, and with nothing else."""
        return f"{self.call_back}.{self.wrong_words}"

    @property
    def reached(self) -> bool:
        """Whether somebody is on scene."""
        return self.state is IncidentState.ON_SCENE or self.answered is Answered.ON_SCENE

    @property
    def place(self) -> tuple[int, int, int | None] | None:
        """Latitude, longitude and accuracy of its position."""
        position = self.position
        return None if position is None else (position.latitude, position.longitude, position.accuracy_m)


@record
class Notice:
    """One message about an incident to the outputs: the incident as it was at that change.

    previous: those that it supersedes; none of an exercise that has become real.
    """

    incident: Incident
    change: Change
    sequence: int  # counts from 1 within the incident
    sent_at_ms: int
    previous: tuple[tuple[int, int], ...] = ()  # (sequence, sent_at_ms), oldest first, for CAP `references`
