"""What the use cases need from outside. Each port has a real adapter, a hand-written fake and one contract test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.gateway_trouble import Trouble
from siaga_gateway.domain.incident import Incident, IncidentState, Notice


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


@dataclass(frozen=True, slots=True)
class UnreadableCall:
    """What is known of an open call that cannot be read: its row is damaged, or a later version wrote it."""

    id: int
    opened_at_ms: int | None = None
    device_id: str = ""  # hex; empty: not known either
    label: str = ""  # of the button


class JournalReader(Protocol):
    """The journal as the console and `siaga gateway log` read it."""

    def journal_after(self, after_id: int, limit: int = 500) -> Sequence[JournalEntry]:
        """Entries with id > after_id, oldest first."""
        ...

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        """The newest entries, in ascending order. Their numbers have gaps: batches of events share the numbering."""
        ...

    def journal_of_lines(self, limit: int) -> Sequence[JournalEntry]:
        """Return the newest entries of kinds.LINE_KINDS since the gateway last started, oldest first."""
        ...

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]: ...

    def last_journal_id(self) -> int: ...

    def incident(self, incident_id: int) -> Incident | None: ...
    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]: ...  # of those that are there and readable

    def open_incidents(self) -> Sequence[Incident]:
        """All open incidents, oldest first. Never a test."""
        ...

    def unreadable_calls(self, known: Collection[int]) -> Sequence[UnreadableCall]:
        """Open incidents that cannot be read. known: the numbers of those that have just been."""
        ...

    def incident_numbers(
        self,
        *,
        before: int | None,
        states: Collection[IncidentState],
        from_ms: int | None,
        before_ms: int | None,
        limit: int,
    ) -> Sequence[int]:
        """Return ids below `before`, descending, of incidents opened in that time: from_ms and later, earlier than
        before_ms. states: none: all. Never a test; also of those that cannot be read."""
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

    def of_owner(self, operator: str, owner_id: int, what: str) -> None:
        """Record that an owner's data was shown. what: record, letter, owner_case (his name in the list of cases),
        sim_number (of one of his buttons)."""
        ...

    def owners_listed(self, operator: str, owner_ids: Collection[int], what: str) -> None:
        """Record that so many owners' names were shown together. what: search, pending."""
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
    exhausted: bool = False  # until retry_after_s is over it takes nothing from us: a quota is used up


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
    def say(self, token: str, browser: str, said: str, minutes: int | None = None, drill: bool = False) -> StepResult:
        """said: a FactKind; minutes: until he is there; drill: it answers a page that called it an exercise."""

    @abstractmethod
    def make_real(self, token: str, browser: str) -> StepResult:
        """Say that an exercise is none, see OperatorActions.make_real."""

    @abstractmethod
    def add_note(self, token: str, browser: str, note: str) -> StepResult:
        """Append to the incident's note; from who is on scene it is a sign of life too."""

    @abstractmethod
    def add_photograph(self, token: str, browser: str, image: str) -> StepResult:
        """Add a photograph to the incident, of who has accepted; from who is on scene it is a sign of life too. image:
        a JPEG of at most 300,000 bytes as base64, without anything beside the pixels."""


class ResponderRefused(Refused):
    """A responder's step that cannot be done; the text says why."""
