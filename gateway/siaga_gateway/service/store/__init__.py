"""The port to the store: what the use cases read and write. One contract for all engines.

Every write happens in a Transaction, which is durable once its `with` block ends without an exception. A store that
cannot write (disk full, I/O error, read-only, no database server) raises StoreFailing and has changed nothing; the
caller may retry. One exception: if the connection to a database server breaks during the commit, either all or nothing
was written, so a retry must cope with finding it all there.

Several processes may write at once. Whoever changes anything of a device (status, incidents, commands) first locks the
device, and only then reads what the decision rests on.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.domain.errors import Failing, Refused
from siaga_gateway.service.ports import JournalEntry, JournalReader
from siaga_gateway.service.store.accounts import AccountReading, AccountWriting
from siaga_gateway.service.store.alarms import AlarmReading, AlarmWriting
from siaga_gateway.service.store.audit import AuditReader, EvidenceWriting
from siaga_gateway.service.store.commands import CommandReading, CommandWriting
from siaga_gateway.service.store.coverage import CoverageReading, CoverageWriting
from siaga_gateway.service.store.device_work import DeviceWorkReading
from siaga_gateway.service.store.drills import DrillReading, DrillWriting
from siaga_gateway.service.store.escalations import EscalationReading, EscalationWriting
from siaga_gateway.service.store.events import (
    EventKey,
    EventReading,
    EventWriting,
    MarkedPress,
    MarkKey,
    NewEvent,
    PlacedFrame,
    StoredEvent,
)
from siaga_gateway.service.store.expiry import Erased, ErasureWriting, ExpiryReading
from siaga_gateway.service.store.figures import FigureReading, FigureWriting
from siaga_gateway.service.store.handovers import HandoverReading, HandoverWriting
from siaga_gateway.service.store.incident_search import IncidentSearching
from siaga_gateway.service.store.maintenance import (
    CaseReading,
    CaseWriting,
    DeviceCensus,
    FleetMapReading,
    SupervisedDevice,
    SupervisionFilter,
)
from siaga_gateway.service.store.notifications import NotificationReading, NotificationWriting
from siaga_gateway.service.store.operator_messages import DeskMessageReading, DeskMessageWriting
from siaga_gateway.service.store.outbox import (
    Attempt,
    Delivery,
    DeliveryState,
    OutboxReading,
    OutboxWriting,
    Settled,
    Waiting,
)
from siaga_gateway.service.store.owner_cases import OwnerCaseReading, OwnerCaseWriting
from siaga_gateway.service.store.owner_profiles import OwnerProfileReading, OwnerProfileWriting
from siaga_gateway.service.store.owner_search import OwnerIndexWriting, OwnerSearchReading
from siaga_gateway.service.store.photographs import PhotographReading, PhotographWriting
from siaga_gateway.service.store.places import PlaceReading, PlaceWriting
from siaga_gateway.service.store.protocols import ProtocolReading, ProtocolWriting
from siaga_gateway.service.store.registry import Enrolled, RegistryReading, RegistryWriting, UnknownDevice
from siaga_gateway.service.store.responders import ResponderReading, ResponderWriting
from siaga_gateway.service.store.responses import ResponseReading, ResponseWriting
from siaga_gateway.service.store.text_codes import TextCodeReading, TextCodeWriting
from siaga_gateway.service.store.tokens import TokenReading, TokenWriting

__all__ = [
    "Attempt",
    "Delivery",
    "DeliveryState",
    "DeviceCensus",
    "Enrolled",
    "Erased",
    "EventKey",
    "MarkKey",
    "MarkedPress",
    "NewEvent",
    "PlacedFrame",
    "RowUnreadable",
    "Settled",
    "Store",
    "StoreConflict",
    "StoreDamaged",
    "StoreFailing",
    "StoreGone",
    "StoredEvent",
    "SupervisedDevice",
    "SupervisionFilter",
    "Tally",
    "Transaction",
    "UnknownDevice",
    "Waiting",
]


class StoreFailing(Failing):
    """The store cannot read or write now. The text says why; the attempt changed nothing."""


class StoreDamaged(StoreFailing):
    """The data lie in a damaged part of the store; the rest may still be readable and writable."""


class RowUnreadable(StoreDamaged):
    """A row holds what this version cannot read: it is damaged, or a later version wrote it. No restart mends that."""


class StoreGone(StoreFailing):
    """The store's file was deleted or replaced: whatever is written now would be lost."""


class StoreConflict(Refused):
    """The write contradicts what is stored (a second owner with the same NIK); nothing was changed."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums that are cheap to count: none needs a scan of all devices or events."""

    incidents: Mapping[str, int]  # by state, without closed ones
    unseen_since_ms: int | None  # opening time of the oldest that nobody has seen
    waiting: Mapping[str, Waiting]  # by output
    abandoned: int  # deliveries that a receiver refused permanently
    strangers: int  # in quarantine


class Transaction(
    EventWriting,
    RegistryWriting,
    ErasureWriting,
    CommandWriting,
    CaseWriting,
    OutboxWriting,
    PlaceWriting,
    EscalationWriting,
    ResponderWriting,
    ResponseWriting,
    PhotographWriting,
    TextCodeWriting,
    NotificationWriting,
    AlarmWriting,
    FigureWriting,
    CoverageWriting,
    OwnerCaseWriting,
    OwnerProfileWriting,
    OwnerIndexWriting,
    DeskMessageWriting,
    DrillWriting,
    AccountWriting,
    ProtocolWriting,
    TokenWriting,
    HandoverWriting,
    EvidenceWriting,
    Protocol,
):
    """Reads see committed data and this transaction's own writes."""

    def lock(self, device_ids: Collection[bytes]) -> None:
        """Keep other transactions from changing anything of these enrolled devices until this one ends.

        Call once, before writing anything of theirs; later reads see what others committed before.
        """
        ...

    def mark(self) -> Hashable | None:
        """Equal to an earlier transaction's `mark_after`: since then nobody changed an event, a status, an incident, a
        press or an owner. None: this engine cannot tell."""
        ...

    def mark_after(self) -> Hashable | None:
        """What `mark` will return after this transaction, if nobody else writes in between."""
        ...

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name; see Store.remembered."""
        ...

    def claim(self, what: str, now_ms: int, every_ms: int) -> bool:
        """Whether this worker should run the periodic job that only one of all runs; from then on it counts as done."""
        ...


class Store(
    EventReading,
    RegistryReading,
    ExpiryReading,
    CommandReading,
    CaseReading,
    FleetMapReading,
    IncidentSearching,
    OutboxReading,
    PlaceReading,
    EscalationReading,
    ResponderReading,
    ResponseReading,
    PhotographReading,
    TextCodeReading,
    NotificationReading,
    AlarmReading,
    FigureReading,
    CoverageReading,
    OwnerCaseReading,
    OwnerProfileReading,
    OwnerSearchReading,
    DeskMessageReading,
    DrillReading,
    DeviceWorkReading,
    AccountReading,
    ProtocolReading,
    TokenReading,
    HandoverReading,
    JournalReader,
    AuditReader,
    Protocol,
):
    """Each read is consistent in itself; reads never wait for a writer."""

    @property
    def name(self) -> str:
        """A few letters and digits, drawn at random when the store was created."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]: ...

    def await_change(self, timeout_s: float) -> None:
        """Return once another process may have written to the journal or the outbox, at the latest after timeout_s.

        For one thread. Raises: StoreFailing.
        """
        ...

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        """Whether `holder` holds the lease, for the next for_s seconds, on what only one process may do at a time.

        Renew in good time. A process that dies keeps the lease until it runs out; one that stops returns it with
        `release_lease`.
        """
        ...

    def release_lease(self, name: str, holder: str) -> None: ...

    def journal_of_kinds(self, kinds: Collection[str], after_id: int, until_id: int) -> Sequence[JournalEntry]:
        """Entries of these kinds with after_id < id <= until_id, oldest first."""
        ...

    def remembered(self, name: str) -> str | None: ...

    def remembered_under(self, prefix: str) -> Mapping[str, str]:
        """Return all that is kept under names that begin so (lower-case letters and dots), by name."""
        ...

    def tally(self) -> Tally: ...
