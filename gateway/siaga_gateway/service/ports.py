"""What the use cases need of the world. Each port has a real adapter, a hand-written fake and one contract test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from siaga_gateway.domain.incident import Incident, Notice


class Clock(Protocol):
    """The one clock outside pure code."""

    def now_ms(self) -> int:
        """Unix time, milliseconds, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A row of the journal: all that happened, in the order in which it was committed.

    `id` is the row's number and the id of the console's server-sent event. `facts` is JSON and free of personal data.
    Kinds: see `service/journal.py`.
    """

    id: int
    at_ms: int
    kind: str
    incident_id: int | None
    device_id: bytes | None
    actor: str | None  # operator, registrar or output by name; None: the gateway itself
    facts: Mapping[str, Any]
    frame: bytes | None = None  # of a refused or strange frame: the evidence


class JournalReader(Protocol):
    """What the console and `siaga gateway log` read."""

    def journal_after(self, after_id: int, limit: int = 500) -> Sequence[JournalEntry]:
        """Entries with id > after_id, oldest first."""
        ...

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        """The newest entries, oldest of them first. Numbers have gaps: batches of events are counted with them."""
        ...

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]: ...

    def last_journal_id(self) -> int: ...

    def incident(self, incident_id: int) -> Incident | None: ...

    def open_incidents(self) -> Sequence[Incident]:
        """All that are not closed, oldest first. Never a test."""
        ...

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        """Closed ones, newest first. Never a test."""
        ...

    def recent_tests(self, limit: int = 50) -> Sequence[Incident]:
        """Test presses, newest first. Each is an incident that was closed from its birth."""
        ...


class Bell(Protocol):
    """Tells waiting readers in this process that the journal grew. A missed ring costs only latency."""

    def ring(self) -> None:
        """From any thread, after a commit."""
        ...

    async def wait(self, timeout_s: float) -> bool:
        """True when it rang, False after timeout_s."""
        ...


class Disclosures(Protocol):
    """Told of everything personal that an operator is shown. Never raises for a store that fails."""

    def shown(self, operator: str, incident_id: int, what: str = "incident") -> None:
        """One incident in full, or (`what`) something of it."""
        ...

    def listed(self, operator: str, incident_ids: Collection[int]) -> None:
        """Cards, with the owners' names."""
        ...


class SignIns(Protocol):
    """Told who came to the console, left it or was turned away. Never raises for a store that fails."""

    def signed_in(self, operator: str, by_password: bool) -> None: ...

    def signed_out(self, operator: str) -> None: ...

    def refused(self, operator: str | None, why: str) -> None:
        """`operator`: whose name was given, where it is one's. `why`: wrong, or wait (guessed too often)."""
        ...


class AcknowledgementSender(Protocol):
    """Sends signed downlink frames to a device."""

    def send(self, device_id: bytes, frame: bytes) -> None:
        """Hand the frame to the bearer; never blocks longer than a second, never raises for a dead bearer
        (the device asks again)."""
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it: an answer that says so, or a file that is on the disk."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """It was not taken. `permanent`: trying again cannot help (a 4xx other than 408, 425 and 429)."""

    detail: str
    permanent: bool = False
    retry_after_s: float | None = None


class Output(Protocol):
    """One place that incidents are sent to: a CAD, an alerting system, a folder."""

    name: str  # from the settings, unique
    receives_tests: bool
    at_once: int  # how many deliveries may be under way at once, each in a thread of its own

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        """Send one notice under one idempotency key. Called again with the same key until Delivered.

        Blocks no longer than its own deadline (at most 10 s); every failure is a NotDelivered, never an exception.
        """
        ...


class Operate(Protocol):
    """What an operator can do to an incident; `service/operate.py` implements it.

    Each call commits before it returns and raises OperateError (a clear sentence) for an unknown incident or a step
    that the incident's state does not allow. Repeating a step that already holds is no error.
    """

    def seen(self, incident_id: int, operator: str) -> Incident: ...

    def assign(self, incident_id: int, operator: str, unit: str, eta_minutes: int | None) -> Incident: ...

    def on_scene(self, incident_id: int, operator: str) -> Incident: ...

    def dispatch_held(self, incident_id: int, operator: str) -> Incident:
        """Dispatch an incident whose registration was not active."""
        ...

    def close(
        self,
        incident_id: int,
        operator: str,
        disposition: str,
        note: str,
        *,
        presses: int | None = None,
        duress: bool | None = None,
    ) -> Incident:
        """presses, duress: what the operator knew of, where that is known; a call that came since is not closed."""
        ...


class OperateError(Exception):
    """A step that cannot be done; the text says why and what can."""
