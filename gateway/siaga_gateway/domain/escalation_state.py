"""What the escalation of an incident knows, what it is told, and what it asks for. The rules: `escalation.py`."""

from __future__ import annotations

from enum import StrEnum

from siaga_gateway.domain.value import record


class Phase(StrEnum):
    HELD = "held"  # the registration is not active: operator and supervisor ring until a person decides
    CALLING = "calling"  # no desk has acknowledged this wave
    ACKNOWLEDGED = "acknowledged"  # the ladder is at rest; somebody has to be assigned, and to arrive
    ASKED = "asked"  # from a restored backup: a person is asked whether it still matters, nobody is called
    CLOSED = "closed"


class Why(StrEnum):
    """Why a wave runs, or why a desk rings."""

    OPENED = "opened"
    HELD = "held"
    UNACKNOWLEDGED = "unacknowledged"
    UNREACHED = "unreached"  # nobody on the last rung could be reached
    UNASSIGNED = "unassigned"
    NOT_ARRIVED = "not_arrived"
    WITHDRAWN = "withdrawn"  # by the last responder, or his shift ended
    BACKUP = "backup"
    PRESSED_AGAIN = "pressed_again"
    SCENE_SILENT = "scene_silent"
    FINISHED = "finished"  # those who were there are, and the incident is open
    UNCLEAR = "unclear"  # who was sent wrote what is not understood
    RESTORED = "restored"
    MADE_REAL = "made_real"  # what began as an exercise is a call in earnest


class Progress(StrEnum):
    """Of an assignment, never of a person."""

    COMING = "coming"
    LATE = "late"  # the promised time and its grace have passed
    ON_SCENE = "on_scene"
    FINISHED = "finished"


@record
class Assignment:
    """Somebody assigned to the incident."""

    who: str
    progress: Progress
    wave: int  # during which it was made, or renewed
    since_ms: int  # when the progress began
    minutes: int | None = None  # promised
    due_ms: int | None = None  # when it is late; when to ask; when to ring the desk
    asked: bool = False  # on scene: asked, and silent since


@record
class Escalation:
    """Where the escalation of an incident is. A row of the store: a new field goes to the end, and needs a migration.

    Times are the gateway's clock, Unix ms. After each step `next_at_ms` is later than that step, unless it is closed.
    """

    incident_id: int
    phase: Phase
    why: Why  # the present wave
    touched_ms: int  # the last step that changed anything; later than now: the clock was set back
    next_at_ms: int | None = None  # the first of all its times; None: closed
    started_ms: int = 0  # the wave's beginning, moved by a pause
    wave: int = 0  # counts the ladder's runs, from 1; 0: held from the beginning
    rung: str = ""  # the highest that this wave called
    reached_s: int = -1  # and its time on the ladder
    round: int = 0  # how often the last rung was called again
    number: int = 0  # of the last contact
    top_call: int = 0  # number of the call of the highest rung; 0: that one was given up
    paused: bool = False  # a responder's acceptance has moved this wave's climb
    pause_ms: int = 0  # by how much, as far as it is still to come
    climb_at_ms: int | None = None
    desk_at_ms: int | None = None
    assign_by_ms: int | None = None
    needed_wave: int = 1  # only assignments from this wave on are an answer: older ones have asked for back-up
    held: bool = False  # nobody has decided yet about a call of a registration that is not active
    assignments: tuple[Assignment, ...] = ()
    revision: int = 0  # the store's

    def assignment(self, who: str) -> Assignment | None:
        return next((each for each in self.assignments if each.who == who), None)

    @property
    def answering(self) -> tuple[Assignment, ...]:
        """Those that answer the present call for help."""
        return tuple(
            each for each in self.assignments if each.progress is not Progress.LATE and each.wave >= self.needed_wave
        )


class FactKind(StrEnum):
    """What happened. Never one of these: a 2xx, a receipt, a page view, a voicemail."""

    TICK = "tick"  # time passed
    ACKNOWLEDGED = "acknowledged"  # a desk has seen it: a step, a POST or a key; when held, that is no decision
    ACCEPTED = "accepted"  # who, minutes if promised
    DECLINED = "declined"  # who
    WITHDREW = "withdrew"  # who; also when a shift ends
    ASSIGNED = "assigned"  # who, by a desk, minutes if promised
    ARRIVED = "arrived"  # who
    ALIVE = "alive"  # who: any sign of life from the scene
    BACKUP = "backup"  # who needs it
    FINISHED = "finished"  # who
    UNCLEAR = "unclear"  # who wrote what is not understood: it may be a call for help
    RUNG_LEFT = "rung_left"  # call: nobody on it, every way failed, or a desk wants the next now
    RELEASED = "released"  # a held call is dispatched
    PRESSED_AGAIN = "pressed_again"
    RESTORED = "restored"  # it comes from a backup
    RESUMED = "resumed"  # a person says that it still matters
    MADE_REAL = "made_real"  # an exercise is a call in earnest: nobody has answered it yet
    UNDONE = "undone"  # a desk takes its acknowledgement back
    CLOSED = "closed"


@record
class Fact:
    """Something that the escalation is told."""

    kind: FactKind
    who: str = ""
    minutes: int | None = None
    call: int = 0  # RUNG_LEFT: the number of that call
    wave: int = 0  # ACKNOWLEDGED: the newest wave that the desk knew of; 0: the present one


class Result(StrEnum):
    """What a fact was good for."""

    TAKEN = "taken"
    ALREADY = "already"  # it was so before
    UNKNOWN = "unknown"  # nobody of that name is assigned; no such call is the highest
    OVERTAKEN = "overtaken"  # something has happened that whoever did this cannot have seen
    TOO_LATE = "too_late"  # closed


class ContactKind(StrEnum):
    CALL = "call"  # all who are on a rung's lists now
    RING_DESK = "ring_desk"
    ASK = "ask"  # an officer on scene: are you well?
    NOT_NEEDED = "not_needed"  # tell all who were called and have not accepted: thank you
    MESSAGE = "message"  # what a desk wrote, see operator_message.py; none of an escalation's own


@record
class Contact:
    """What is promised. It is written to the store with the state, in one transaction, and sent from there until it is
    done: whoever dies between the two loses nothing, and whoever repeats it does so under the same number."""

    number: int  # within the incident: never used twice
    kind: ContactKind
    why: Why
    wave: int
    rung: str = ""  # CALL
    after_s: int = 0  # CALL: the rung's time
    round: int = 0  # CALL
    responders: bool = True  # CALL: False: enough are coming, only desks and chiefs
    who: str = ""  # of whom it is, or whom it asks


class Withdrawal(StrEnum):
    """Which contacts that still wait have lost their reason."""

    NONE = "none"
    LADDER = "ladder"  # those of desks and chiefs
    ALL = "all"


@record
class Step:
    """What a fact did. First what is `withdrawn`, then the contacts."""

    state: Escalation
    result: Result
    contacts: tuple[Contact, ...] = ()
    withdrawn: Withdrawal = Withdrawal.NONE
