"""The port to the store: what the use cases read and write. One contract, more than one engine.

Every write happens in a Transaction, which is durable once its `with` block has ended without an exception. A store
that cannot (disk full, I/O error, read-only, no database server) raises StoreFailing; the same may be tried again. It
has changed nothing then, but for one case: a link to a database server that breaks in the very commit leaves all or
nothing, and who tries again must bear to find all.

Several processes may write at once. Whoever changes something of a device (its status, incidents, commands) locks the
device first, and reads after that what it decides by.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from siaga_gateway.domain.command import Command
from siaga_gateway.domain.frame import Kind, Stage, Suite
from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.domain.outcome import Mark
from siaga_gateway.domain.record import record
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.domain.supervision import Case, Cause, Wanted
from siaga_gateway.service.audit import AuditReader, EventRow
from siaga_gateway.service.ports import JournalReader

EventKey = tuple[bytes, int]  # device_id, counter
MarkKey = tuple[bytes, int, bool]  # device_id, a PRESS's counter, whether among tests


class StoreFailing(Exception):
    """The store cannot read or write now. The text says why; what was attempted has changed nothing."""


class StoreConflict(Exception):
    """What was to be written contradicts what is there (a second owner with the same NIK); nothing was changed."""


@record
class NewEvent:
    """A verified frame to keep for ever: `frame` as it came, `signature` of the ES256 form once that is known."""

    device_id: bytes
    counter: int
    kind: Kind
    suite: Suite
    frame: bytes
    signature: bytes | None
    received_ms: int
    bearer: str
    incident_id: int | None
    answer: Stage = Stage.RECEIVED  # the stage that its button is told


@record
class StoredEvent:
    """What tells a repetition from a contradiction."""

    frame: bytes
    has_signature: bool
    incident_id: int | None


@record
class MarkedPress:
    """Which incident a PRESS's counter stands for."""

    incident_id: int
    opening: bool
    arrived: bool


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device that is not enrolled, and what it sent: for the registrar."""

    device_id: bytes
    first_seen_ms: int
    last_seen_ms: int
    frames: int
    frame: bytes  # the latest
    enrol_frame: bytes | None  # the latest ENROL that proves possession of its key


@dataclass(frozen=True, slots=True)
class Erased:
    """What the erasing of an owner reached."""

    device_ids: tuple[bytes, ...]
    incident_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device and the person who answers for it (None once the person's data was erased)."""

    device: Device
    owner: Owner | None


class DeliveryState(StrEnum):
    """Where an outbox row stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"  # refused for good: a person must look


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: one notice for one output."""

    id: int
    key: str  # the idempotency key, the same for ever
    output: str
    incident_id: int
    sequence: int
    change: Change
    state: DeliveryState
    attempts: int
    asked: int  # how often a person asked for another try
    made_at_ms: int
    last_attempt_ms: int | None
    detail: str | None  # of the last attempt


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery."""

    delivery_id: int
    at_ms: int
    state: DeliveryState  # after it
    detail: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one output has still to be sent."""

    deliveries: int
    oldest_ms: int  # when the oldest was made
    attempted_ms: int | None  # when one of them was tried last


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums that cost little to count: nothing here is read from all devices or all events."""

    incidents: Mapping[str, int]  # by state, those that are not closed
    unseen_since_ms: int | None  # since when the oldest that nobody has seen is open
    waiting: Mapping[str, Waiting]  # by output
    abandoned: int  # deliveries that a receiver refused for good
    strangers: int  # in the quarantine


@dataclass(frozen=True, slots=True)
class Sieve:
    """By what the store finds devices whose cases may have to change; domain.supervision decides."""

    now_ms: int
    wanted: Wanted
    silent_before_ms: Mapping[int, int]  # by checkin_s: who was heard last before that is silent


@dataclass(frozen=True, slots=True)
class Watched:
    """A device as supervision sees it."""

    device: Device
    status: DeviceStatus | None
    standing: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Census:
    """Sums over all devices; counting them takes a while."""

    devices: Mapping[str, int]  # by registration state
    cases: Mapping[Cause, int]  # open ones by cause, folds not counted


class Transaction(Protocol):
    """Reads see what was committed and what this transaction wrote."""

    def lock(self, device_ids: Collection[bytes]) -> None:
        """Until this transaction ends no other one changes anything of these enrolled devices. To be called once,
        before anything of theirs is written; reads from here on see what others did before."""
        ...

    def mark(self) -> Hashable | None:
        """Equal to what `mark_after` gave to an earlier transaction: since its end nobody has changed an event, a
        status, an incident, a press or an owner. None: this engine cannot tell."""
        ...

    def mark_after(self) -> Hashable | None:
        """What `mark` will say after this transaction, if nobody writes in between."""
        ...

    # An incoming batch: each of these is one query, however many keys
    def events(self, keys: Collection[EventKey]) -> Mapping[EventKey, StoredEvent]: ...
    def statuses(self, device_ids: Collection[bytes]) -> Mapping[bytes, DeviceStatus]: ...
    def open_incidents_of(self, device_ids: Collection[bytes]) -> Mapping[bytes, Incident]: ...
    def marks(self, keys: Collection[MarkKey]) -> Mapping[MarkKey, MarkedPress]: ...
    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]: ...
    def expect_incidents(self, count: int) -> None:
        """About how many numbers will be asked for, so that they need not be drawn one by one."""
        ...

    def next_incident_id(self) -> int:
        """A number that no incident has had; each call gives another. Numbers grow and may leave gaps."""
        ...

    def add_event(self, event: NewEvent) -> None: ...
    def add_signature(self, key: EventKey, signature: bytes, at_ms: int) -> None:
        """The signature of an event that came without one, and its entry in the journal."""
        ...

    def put_status(self, status: DeviceStatus) -> None: ...
    def put_incident(self, incident: Incident, before: Incident | None = None) -> None:
        """before: as it was, if it is known to be there; else None."""
        ...

    def put_mark(self, device_id: bytes, test: bool, mark: Mark, incident_id: int) -> None: ...

    def note(
        self,
        kind: str,
        at_ms: int,
        facts: Mapping[str, Any] | None = None,
        *,
        incident_id: int | None = None,
        device_id: bytes | None = None,
        actor: str | None = None,
        frame: bytes | None = None,
    ) -> None:
        """An entry of the journal. It gets its number at the end of the transaction, in the order of commits."""
        ...

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name of its own; see Store.remembered."""
        ...

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        """Keep a notice and one outbox row for each output, under the key `<identifier>.<sequence>.<output>`."""
        ...

    def openings(self, incident_id: int) -> Sequence[int]:
        """Counters under which the button is told of the incident, lowest first."""
        ...

    # Strangers
    def quarantine(self, strangers: Collection[Stranger], limit: int) -> int:
        """Add these to what is known of them; then, past `limit`, let go of those longest unseen, those without a
        proven ENROL first. Returns how many were let go."""
        ...

    def release(self, device_id: bytes) -> None:
        """Take a device out of the quarantine."""
        ...

    # Registry
    def add_owner(self, owner: Owner, at_ms: int) -> int: ...
    def add_device(self, device: Device) -> None: ...
    def set_registration(self, device_id: bytes, state: RegistrationState, at_ms: int) -> None: ...

    # What is forgotten. Frames, signatures and the journal never are; lock the devices first
    def forget_statuses(self, device_ids: Collection[bytes], before_ms: int) -> int:
        """Last positions from before then. How many."""
        ...

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        """Of those closed before then the positions, and the notes, with what their notices kept. How many of each."""
        ...

    def forget_strangers(self, before_ms: int) -> int:
        """Those last heard before then. How many."""
        ...

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        """All that tells who this is and where they were, for good."""
        ...

    def claim(self, what: str, now_ms: int, every_ms: int) -> bool:
        """Whether this is the one to do what is done once in a while by one worker of all; from then on it counts as
        done."""
        ...

    # Commands to devices
    def last_down_counter(self, device_id: bytes) -> int | None:
        """The highest that a command to this device ever had; None: there was none."""
        ...

    def command(self, device_id: bytes, down_counter: int) -> Command | None: ...
    def add_command(self, command: Command) -> None:
        """A new command. Its down-counter is used up, whatever becomes of it."""
        ...

    def put_command(self, command: Command) -> None: ...

    # Maintenance
    def case(self, case_id: int) -> Case | None: ...
    def next_case_id(self) -> int:
        """A number that no case has had; so are all above it, until this transaction ends."""
        ...

    def put_case(self, case: Case) -> None: ...
    def put_members(self, fold: Case) -> None:
        """Close the open cases of a closed fold as it was closed."""
        ...

    def release_members(self, fold_id: int) -> None:
        """The open cases of a fold stand for themselves from now on."""
        ...

    def set_checkin(self, device_id: bytes, checkin_s: int | None) -> None: ...
    def add_deafness(self, way: str, from_ms: int, to_ms: int) -> None:
        """Also forgets what ended more than 40 days before."""
        ...

    # Outbox
    def record(self, attempts: Sequence[Attempt]) -> None: ...
    def ask_again(self, *, key: str | None = None, output: str | None = None) -> Mapping[str, int]:
        """Make abandoned deliveries pending and pending ones due now: all, one output's or one. Counts by output."""
        ...


class Store(JournalReader, AuditReader, Protocol):
    """Reads are each consistent in themselves; they never wait for a writer."""

    @property
    def name(self) -> str:
        """A few letters and digits, drawn when the store was made."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]: ...

    def await_change(self, timeout_s: float) -> None:
        """Return once another process may have written to the journal or the outbox, after timeout_s at the latest.
        For one thread. Raises StoreFailing."""
        ...

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        """Whether `holder` may do, for the next for_s seconds, what only one process may do at a time. Ask again in
        good time to go on. Who dies holds it until then; who stops gives it back by release_lease."""
        ...

    def release_lease(self, name: str, holder: str) -> None: ...

    def remembered(self, name: str) -> str | None: ...

    def tally(self) -> Tally: ...

    # Registry
    def registry_version(self) -> int:
        """Grows with every change of an owner or a device."""
        ...

    def devices_changed(self, since_version: int) -> Sequence[bytes]: ...
    def enrolled(self, device_ids: Collection[bytes]) -> Mapping[bytes, Enrolled]: ...
    def devices(self) -> Sequence[tuple[Enrolled, DeviceStatus | None]]: ...
    def registrations(self) -> Mapping[bytes, RegistrationState]:
        """The registered state of every device, by its device_id."""
        ...

    def owners(self) -> Sequence[Owner]: ...
    def owner(self, owner_id: int) -> Owner | None: ...
    def owner_by_nik(self, nik: str) -> int | None:
        """The number of the owner who has it."""
        ...

    def owner_registered(self, owner_id: int) -> int | None:
        """When, Unix ms; None for nobody and for who was erased."""
        ...

    def devices_of(self, owner_id: int) -> Sequence[bytes]: ...
    def incidents_of(self, owner_id: int) -> Sequence[int]: ...
    def under_way(self, owner_id: int) -> Sequence[int]:
        """Incidents of this owner that are open, or that a receiver has still to hear of."""
        ...

    def status(self, device_id: bytes) -> DeviceStatus | None: ...
    def event_rows_of(self, device_id: bytes, after_counter: int, limit: int) -> Sequence[EventRow]: ...

    # What is too old; pages after the last of the page before
    def expired_statuses(self, before_ms: int, after: bytes, limit: int) -> Sequence[bytes]: ...
    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        """Number and device."""
        ...

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        """Whose last registration ended before then, and who has nothing under way."""
        ...

    def expired_strangers(self, before_ms: int) -> int: ...
    def scrub(self) -> None:
        """See that what was erased does not stay behind in the store's files, as far as the engine can."""
        ...

    def strangers(self) -> Sequence[Stranger]:
        """The latest seen first."""
        ...

    def stranger(self, device_id: bytes) -> Stranger | None: ...

    # Commands to devices
    def command_version(self) -> int:
        """Grows with every change of a command."""
        ...

    def commands_due(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        """Of each device the first open command, where it is to be sent by now; the longest due first."""
        ...

    def commands_expired(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        """Open ones that are to expire by now."""
        ...

    def first_command(self, device_id: bytes) -> Command | None:
        """The device's first open command."""
        ...

    def devices_with_commands(self) -> Sequence[bytes]:
        """Devices that have an open command."""
        ...

    def commands(self, device_id: bytes | None = None, limit: int = 200) -> Sequence[Command]:
        """The newest first."""
        ...

    # Maintenance
    def intervals(self) -> Sequence[int]:
        """Every checkin_s that is registered of a device."""
        ...

    def deafness(self, ways: Collection[str], since_ms: int) -> Sequence[tuple[int, int]]:
        """When one of these ways was not heard: from, to; those that ended after since_ms."""
        ...

    def suspects(self, sieve: Sieve, after: bytes, limit: int) -> Sequence[Watched]:
        """Devices that the sieve holds back, by device_id > after, in that order."""
        ...

    def open_cases(self, *, fold: int | None = None, after: int = 0, limit: int = 200) -> Sequence[Case]:
        """Open cases with id > after, oldest first: those that no fold stands for, folds among them, or a fold's."""
        ...

    def open_folds(self) -> Sequence[tuple[Case, int]]:
        """Folds that are not closed, each with how many of its cases are open."""
        ...

    def opened_since(self, cause: Cause, since_ms: int) -> Sequence[Case]:
        """Open cases that no fold stands for."""
        ...

    def cases_of(self, device_id: bytes, limit: int = 50) -> Sequence[Case]:
        """The newest first, closed ones too."""
        ...

    def watched(
        self, *, text: str = "", troubled: bool = False, after: tuple[str, bytes] | None = None, limit: int = 50
    ) -> Sequence[Watched]:
        """Devices in the order of (label, device_id) after that of `after`. text: in the label, or how the device_id
        begins in hex. troubled: only those with an open case. `standing`: their open cases."""
        ...

    def watched_by(self, device_ids: Collection[bytes]) -> Mapping[bytes, Watched]:
        """Those of the devices that are enrolled; `standing`: nothing."""
        ...

    def census(self) -> Census: ...

    # Outbox
    def outbox_version(self) -> int:
        """Grows when a person asks for deliveries to be tried again."""
        ...

    def pending(self, output: str, after_id: int = 0) -> Sequence[Delivery]:
        """Pending deliveries of an output with id > after_id, oldest first."""
        ...

    def deliveries(self, *, states: Collection[DeliveryState] | None = None, limit: int = 200) -> Sequence[Delivery]:
        """The newest first."""
        ...

    def attempts(self, delivery_id: int) -> Sequence[Attempt]: ...

    def notice(self, delivery: Delivery) -> Notice:
        """The notice, with those before it that this output was to get as `previous`."""
        ...

    def notices(self, deliveries: Sequence[Delivery]) -> Mapping[int, Notice]:
        """The notices of many deliveries of one output, by the delivery's number, in two queries."""
        ...
