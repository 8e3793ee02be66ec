"""What an operator can do to an incident: each step, and the port that takes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.incident import Incident


class OperateError(Refused):
    """A step that cannot be done; the text says why, and what can."""


class Overtaken(OperateError):
    """Somebody took a step since the operator looked, or the holder called again; nothing was changed."""

    def __init__(self, incident: Incident, *, called: bool = False) -> None:
        """incident: its current state. called: the holder called again."""
        super().__init__("operate.called" if called else "operate.overtaken", id=incident.id)
        self.incident = incident
        self.called = called

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), called=self.called), (self.incident,)


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One step of an operator on an incident."""

    incident_id: int
    operator: str
    shown: str | None = field(default=None, kw_only=True)  # `Incident.progress`, or what the step names, as seen


@dataclass(frozen=True, slots=True)
class MarkSeen(OperatorAction):
    wave: int | None = None  # of the call for help, as the operator saw it, if known


@dataclass(frozen=True, slots=True)
class AcknowledgeCall(OperatorAction):
    wave: int


@dataclass(frozen=True, slots=True)
class UndoAcknowledgement(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class ResumeCall(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class AssignUnit(OperatorAction):
    unit: str
    eta_minutes: int | None
    beside: bool = False  # the others go on as they were; otherwise it takes their place


@dataclass(frozen=True, slots=True)
class StandDownUnit(OperatorAction):
    unit: str


@dataclass(frozen=True, slots=True)
class CallHolderBack(OperatorAction):
    said: str  # one of domain.call_back.Said
    word: str = field(default="", repr=False)
    presses: int | None = None  # what the operator knew of when he rang, if known


@dataclass(frozen=True, slots=True)
class MarkOnScene(OperatorAction):
    unit: str | None = None  # None: the one that leads


@dataclass(frozen=True, slots=True)
class DispatchHeld(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class MakeReal(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class ChangeMajor(OperatorAction):
    number: int | None


@dataclass(frozen=True, slots=True)
class CloseIncident(OperatorAction):
    disposition: str
    note: str
    presses: int | None = None  # what the operator knew of, if known: an incident with a later call is not closed
    duress: bool | None = None  # likewise
    wave: int | None = None  # likewise of the call for help
    together: bool = False  # with others: not one of which anything is in doubt, see domain/closing_together.py


@dataclass(frozen=True, slots=True)
class CorrectDisposition(OperatorAction):
    disposition: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReopenIncident(OperatorAction):
    reason: str


@dataclass(frozen=True, slots=True)
class AddNote(OperatorAction):
    note: str


@dataclass(frozen=True, slots=True)
class SendMessage(OperatorAction):
    to: tuple[str, ...]  # recipients
    text: str = field(repr=False)  # beside the template; empty: the template alone
    template: str  # its name; empty: none
    key: str  # of the form
    sure: bool  # the holder, though he pressed silently or under duress


@dataclass(frozen=True, slots=True)
class TickProtocol(OperatorAction):
    protocol: str  # one of domain.protocol.CallKind
    version: int
    step: int
    done: bool


class OperatorActions(ABC):
    """What an operator can do to an incident; `service/incidents/operator_actions.py` does it on the store.

    Each call commits before it returns. Repeating a step that already holds is not an error.

    Raises: OperateError (with a clear sentence) for an unknown incident or a step that its state does not allow;
    Overtaken, with nothing changed, for a step that would overwrite somebody else's. With `shown` any step since then
    overtakes this one; without it only another operator's assignment or closing does.
    """

    def seen(self, incident_id: int, operator: str, *, shown: str | None = None, wave: int | None = None) -> Incident:
        """wave: the newest one that the operator knew of, if known. Raises: OperateError if it has rung anew since."""
        return self._take(MarkSeen(incident_id, operator, wave, shown=shown))

    def acknowledge(self, incident_id: int, operator: str, wave: int) -> Incident:
        """Say that a desk has seen an incident that rings again.

        wave: the newest one that the operator knew of. Raises: OperateError if it has rung anew since.
        """
        return self._take(AcknowledgeCall(incident_id, operator, wave))

    def undo(self, incident_id: int, operator: str, *, shown: str | None = None) -> Incident:
        """Take back one's own acknowledgement, of a new call or of one that rings again, within a minute and while
        nobody else has taken a step: it rings again, and the ladder goes on. Again: nothing. What the button was told
        stands. Raises: OperateError where it is too late."""
        return self._take(UndoAcknowledgement(incident_id, operator, shown=shown))

    def resume(self, incident_id: int, operator: str) -> Incident:
        """Call for help again in an incident of which is asked whether it still matters; in any other: nothing."""
        return self._take(ResumeCall(incident_id, operator))

    def assign(
        self,
        incident_id: int,
        operator: str,
        unit: str,
        eta_minutes: int | None,
        *,
        beside: bool = False,
        shown: str | None = None,
    ) -> Incident:
        """Send a unit. beside: others that were sent go on; otherwise it takes their place."""
        return self._take(AssignUnit(incident_id, operator, unit, eta_minutes, beside, shown=shown))

    def stand_down(self, incident_id: int, operator: str, unit: str, *, shown: str | None = None) -> Incident:
        """Take back one of the units; one that is not under way is no error."""
        return self._take(StandDownUnit(incident_id, operator, unit, shown=shown))

    def on_scene(
        self, incident_id: int, operator: str, *, unit: str | None = None, shown: str | None = None
    ) -> Incident:
        """unit: None: the one that leads."""
        return self._take(MarkOnScene(incident_id, operator, unit, shown=shown))

    def called_back(
        self,
        incident_id: int,
        operator: str,
        said: str,
        word: str = "",
        *,
        presses: int | None = None,
        shown: str | None = None,
    ) -> Incident:
        """Record what came of ringing the holder. It raises the alarm level; only the code word lowers it.

        said: needs_help, calls_off (word: as heard), unanswered or cut. presses: what the operator knew of; the word
        says nothing of a later one. shown: `Incident.call_backs`. Whatever else has changed, it is taken; the duress
        word always is.
        """
        return self._take(CallHolderBack(incident_id, operator, said, word, presses, shown=shown))

    def dispatch_held(self, incident_id: int, operator: str) -> Incident:
        """Dispatch an incident that was held because its registration was not active."""
        return self._take(DispatchHeld(incident_id, operator))

    def make_real(self, incident_id: int, operator: str) -> Incident:
        """Say that an exercise is none: from now on it is a call in earnest. There is no way back."""
        return self._take(MakeReal(incident_id, operator))

    def change_major(self, incident_id: int, operator: str, number: int | None) -> Incident:
        """Put an incident into the major incident of that number or of that member; None: take it out for good."""
        return self._take(ChangeMajor(incident_id, operator, number))

    def close(
        self,
        incident_id: int,
        operator: str,
        disposition: str,
        note: str,
        *,
        presses: int | None = None,
        duress: bool | None = None,
        wave: int | None = None,
        together: bool = False,
        shown: str | None = None,
    ) -> Incident:
        return self._take(
            CloseIncident(incident_id, operator, disposition, note, presses, duress, wave, together, shown=shown)
        )

    def correct(
        self, incident_id: int, operator: str, disposition: str, reason: str, *, shown: str | None = None
    ) -> Incident:
        """Give a closed incident another disposition. reason: why; it stays in the journal, so it says nothing of who.
        What was done and told at the closing stands; the outputs are told of the closing again."""
        return self._take(CorrectDisposition(incident_id, operator, disposition, reason, shown=shown))

    def reopen(self, incident_id: int, operator: str, reason: str, *, shown: str | None = None) -> Incident:
        """Open an incident again that was closed within the last hour; one that is open is no error. reason: why; it
        stays in the journal, so it says nothing of who. Nobody is on the way then; the ladder waits for a unit."""
        return self._take(ReopenIncident(incident_id, operator, reason, shown=shown))

    def add_note(self, incident_id: int, operator: str, note: str) -> Incident:
        """Append to the note of an incident, open or closed, with author and time."""
        return self._take(AddNote(incident_id, operator, note))

    def tick(self, incident_id: int, operator: str, protocol: str, version: int, step: int, done: bool) -> Incident:
        """Tick a step of its protocol, or (done False) take the tick back. protocol, version: as the operator saw them;
        no step of another checklist is ticked. step: from 0."""
        return self._take(TickProtocol(incident_id, operator, protocol, version, step, done))

    def send_message(
        self,
        incident_id: int,
        operator: str,
        to: Sequence[str],
        text: str,
        template: str,
        key: str,
        *,
        sure: bool = False,
    ) -> Incident:
        """Write to those who were sent or called, or to the holder: by their ways, as calls go; it waits behind first
        calls. to: recipients of `message_recipients.writable`. template: its name; empty: none; text: what is said
        beside it. key: of the form, 8 to 40 characters: the same message under one key is sent once. sure: the holder
        is written to though he pressed silently or under duress."""
        return self._take(SendMessage(incident_id, operator, tuple(to), text, template, key, sure))

    @abstractmethod
    def _take(self, action: OperatorAction) -> Incident:
        """Take the step; return the incident as it is then."""
