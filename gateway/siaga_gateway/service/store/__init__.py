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
from typing import Protocol

from siaga_gateway.service.audit import AuditReader
from siaga_gateway.service.ports import JournalEntry, JournalReader
from siaga_gateway.service.store.commands import CommandReading, CommandWriting
from siaga_gateway.service.store.events import (
    EventKey,
    EventReading,
    EventWriting,
    MarkedPress,
    MarkKey,
    NewEvent,
    StoredEvent,
)
from siaga_gateway.service.store.forgetting import Erased, Expired, Forgetting
from siaga_gateway.service.store.maintenance import CaseReading, CaseWriting, Census, Sieve, Watched
from siaga_gateway.service.store.outbox import Attempt, Delivery, DeliveryState, OutboxReading, OutboxWriting, Waiting
from siaga_gateway.service.store.registry import Enrolled, RegistryReading, RegistryWriting, Stranger

__all__ = [
    "Attempt",
    "Census",
    "Delivery",
    "DeliveryState",
    "Enrolled",
    "Erased",
    "EventKey",
    "MarkKey",
    "MarkedPress",
    "NewEvent",
    "Sieve",
    "Store",
    "StoreConflict",
    "StoreFailing",
    "StoredEvent",
    "Stranger",
    "Tally",
    "Transaction",
    "Waiting",
    "Watched",
]


class StoreFailing(Exception):
    """The store cannot read or write now. The text says why; what was attempted has changed nothing."""


class StoreConflict(Exception):
    """What was to be written contradicts what is there (a second owner with the same NIK); nothing was changed."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums that cost little to count: nothing here is read from all devices or all events."""

    incidents: Mapping[str, int]  # by state, those that are not closed
    unseen_since_ms: int | None  # since when the oldest that nobody has seen is open
    waiting: Mapping[str, Waiting]  # by output
    abandoned: int  # deliveries that a receiver refused for good
    strangers: int  # in the quarantine


class Transaction(EventWriting, RegistryWriting, Forgetting, CommandWriting, CaseWriting, OutboxWriting, Protocol):
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

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name of its own; see Store.remembered."""
        ...

    def claim(self, what: str, now_ms: int, every_ms: int) -> bool:
        """Whether this is the one to do what is done once in a while by one worker of all; from then on it counts as
        done."""
        ...


class Store(
    EventReading,
    RegistryReading,
    Expired,
    CommandReading,
    CaseReading,
    OutboxReading,
    JournalReader,
    AuditReader,
    Protocol,
):
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

    def journal_of_kinds(self, kinds: Collection[str], after_id: int, until_id: int) -> Sequence[JournalEntry]:
        """Entries of these kinds with after_id < id <= until_id, oldest first."""
        ...

    def remembered(self, name: str) -> str | None: ...

    def tally(self) -> Tally: ...
