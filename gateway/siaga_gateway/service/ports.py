"""What the use cases need from outside. Each port has a real adapter, a hand-written fake and one contract test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, runtime_checkable

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.gateway_trouble import Trouble
from siaga_gateway.domain.incident import Incident, Notice


class Clock(Protocol):
    """The only clock outside pure code."""

    def now_ms(self) -> int:
        """Unix time, milliseconds, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A row of the journal: everything that happened, in commit order.

    `id` is the row's number and the id of the console's server-sent event. `facts` is JSON without personal data. For
    kinds see `service/journal/kinds.py`.
    """

    id: int
    at_ms: int
    kind: str
    incident_id: int | None
    device_id: bytes | None
    actor: str | None  # operator, registrar or output by name; None: the gateway
    facts: Mapping[str, Any]
    frame: bytes | None = None  # of a rejected or unknown frame, as evidence


class JournalReader(Protocol):
    """The journal as the console and `siaga gateway log` read it."""

    def journal_after(self, after_id: int, limit: int = 500) -> Sequence[JournalEntry]:
        """Entries with id > after_id, oldest first."""
        ...

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        """The newest entries, in ascending order. Their numbers have gaps: batches of events share the numbering."""
        ...

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]: ...

    def last_journal_id(self) -> int: ...

    def incident(self, incident_id: int) -> Incident | None: ...

    def open_incidents(self) -> Sequence[Incident]:
        """All open incidents, oldest first. Never a test."""
        ...

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        """Closed incidents, newest first. Never a test."""
        ...

    def recent_tests(self, limit: int = 50) -> Sequence[Incident]:
        """Test presses, newest first. Each is an incident born closed."""
        ...


class Notifier(Protocol):
    """Tells waiting readers in this process that the journal grew. A missed notification costs only latency."""

    def ring(self) -> None:
        """Notify, after a commit. Thread-safe."""
        ...

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a notification; False after timeout_s."""
        ...


class Disclosures(Protocol):
    """Records all personal data that an operator is shown. Never raises if the store fails."""

    def shown(self, operator: str, incident_id: int, what: str = "incident") -> None:
        """Record that one incident was shown in full, or (`what`) a part of it."""
        ...

    def listed(self, operator: str, incident_ids: Collection[int]) -> None:
        """Record that cards with the owners' names were shown."""
        ...


class SignIns(Protocol):
    """Records sign-ins at the console, sign-outs and refusals. Never raises if the store fails."""

    def signed_in(self, operator: str, by_password: bool) -> None: ...

    def signed_out(self, operator: str) -> None: ...

    def refused(self, operator: str | None, why: str, times: int = 1) -> None:
        """Record refusals.

        operator: whose name was given, if it is an operator's. why: wrong, wait (too many attempts), or busy.
        """
        ...


class AcknowledgementSender(Protocol):
    """Sends signed downlink frames to a device."""

    def send(self, device_id: bytes, frame: bytes) -> None:
        """Hand the frame to the bearer. Never blocks longer than a second; never raises if the bearer is down (the
        device asks again)."""
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it: it said so, or the file is on disk."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """The receiver did not take it."""

    detail: str
    permanent: bool = False  # retrying cannot help: the receiver says so itself (410), or there is nothing to send
    retry_after_s: float | None = None
    unknown: bool = False  # it may have taken it all the same: the request was sent, and no answer came


class Output(Protocol):
    """A destination for incidents: a CAD, an alerting system, a folder."""

    name: str  # from the settings, unique
    receives_tests: bool
    at_once: int  # limit of concurrent deliveries, each in its own thread

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        """Send one notice under one idempotency key; called again with the same key until Delivered.

        Blocks no longer than its own deadline (at most 60 s); every failure is a NotDelivered, never an exception.
        """
        ...

    def close(self) -> None:
        """At the end: let go of what is kept open between deliveries. Again: nothing."""
        ...


@runtime_checkable
class TroubleOutput(Protocol):
    """An output that is also told about trouble of the gateway itself."""

    name: str

    def tell(self, trouble: Trouble, key: str) -> Delivered | NotDelivered:
        """Like `Output.deliver`, deadline included."""
        ...


@runtime_checkable
class SupervisedOutput(Protocol):
    """An output whose protocol has a message that says nothing but that the line is whole."""

    name: str

    def supervision_due_s(self) -> float | None:
        """Seconds until such a message is due, 0: now; None: none are wanted. Never blocks."""
        ...

    def supervise(self) -> Delivered | NotDelivered:
        """Send one. Like `Output.deliver`, deadline included."""
        ...


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One step of an operator on an incident."""

    incident_id: int
    operator: str
    shown: str | None = field(default=None, kw_only=True)  # `Incident.progress` as the operator saw it, if known


@dataclass(frozen=True, slots=True)
class MarkSeen(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class AcknowledgeCall(OperatorAction):
    wave: int


@dataclass(frozen=True, slots=True)
class ResumeCall(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class AssignUnit(OperatorAction):
    unit: str
    eta_minutes: int | None


@dataclass(frozen=True, slots=True)
class MarkOnScene(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class DispatchHeld(OperatorAction): ...


@dataclass(frozen=True, slots=True)
class CloseIncident(OperatorAction):
    disposition: str
    note: str
    presses: int | None = None  # what the operator knew of, if known: an incident with a later call is not closed
    duress: bool | None = None  # likewise


@dataclass(frozen=True, slots=True)
class AddNote(OperatorAction):
    note: str


class OperatorActions(ABC):
    """What an operator can do to an incident; `service/incidents/operator_actions.py` does it on the store.

    Each call commits before it returns. Repeating a step that already holds is not an error.

    Raises: OperateError (with a clear sentence) for an unknown incident or a step that its state does not allow;
    Overtaken, with nothing changed, for a step that would overwrite somebody else's. With `shown` any step since then
    overtakes this one; without it only another operator's assignment or closing does.
    """

    def seen(self, incident_id: int, operator: str, *, shown: str | None = None) -> Incident:
        return self._take(MarkSeen(incident_id, operator, shown=shown))

    def acknowledge(self, incident_id: int, operator: str, wave: int) -> Incident:
        """Say that a desk has seen an incident that rings again.

        wave: the newest one that the operator knew of. Raises: OperateError if it has rung anew since.
        """
        return self._take(AcknowledgeCall(incident_id, operator, wave))

    def resume(self, incident_id: int, operator: str) -> Incident:
        """Call for help again in an incident of which is asked whether it still matters; in any other: nothing."""
        return self._take(ResumeCall(incident_id, operator))

    def assign(
        self, incident_id: int, operator: str, unit: str, eta_minutes: int | None, *, shown: str | None = None
    ) -> Incident:
        return self._take(AssignUnit(incident_id, operator, unit, eta_minutes, shown=shown))

    def on_scene(self, incident_id: int, operator: str, *, shown: str | None = None) -> Incident:
        return self._take(MarkOnScene(incident_id, operator, shown=shown))

    def dispatch_held(self, incident_id: int, operator: str) -> Incident:
        """Dispatch an incident that was held because its registration was not active."""
        return self._take(DispatchHeld(incident_id, operator))

    def close(
        self,
        incident_id: int,
        operator: str,
        disposition: str,
        note: str,
        *,
        presses: int | None = None,
        duress: bool | None = None,
        shown: str | None = None,
    ) -> Incident:
        return self._take(CloseIncident(incident_id, operator, disposition, note, presses, duress, shown=shown))

    def add_note(self, incident_id: int, operator: str, note: str) -> Incident:
        """Append to the note of a closed incident, with author and time."""
        return self._take(AddNote(incident_id, operator, note))

    @abstractmethod
    def _take(self, action: OperatorAction) -> Incident:
        """Take the step; return the incident as it is then."""


class StepResult(StrEnum):
    """What a responder's step was good for."""

    TAKEN = "taken"
    ALREADY = "already"  # it was so before
    OVER = "over"  # the incident is closed, and nothing was changed


class ResponderActions(ABC):
    """What a responder can do by his link; `service/incidents/responder_actions.py` does it on the store.

    token: of the link. browser: its cookie; the first one to call is bound to the link, and another one takes over,
    which the desk is told; empty: a button under a message, and nothing is bound. Each call commits before it returns.
    Raises: ResponderRefused.
    """

    @abstractmethod
    def enter(self, token: str, browser: str) -> StepResult:
        """Go on in this browser, and say nothing."""

    @abstractmethod
    def say(self, token: str, browser: str, said: str, minutes: int | None = None) -> StepResult:
        """said: accepted (minutes: until he is there), declined, withdrew, arrived, alive, backup, finished."""

    @abstractmethod
    def add_note(self, token: str, browser: str, note: str) -> StepResult:
        """Append to the incident's note; from who is on scene it is a sign of life too."""


class ResponderRefused(Refused):
    """A responder's step that cannot be done; the text says why."""


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
