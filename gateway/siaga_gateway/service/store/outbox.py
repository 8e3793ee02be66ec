"""Notices on their way to the outputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from siaga_gateway.domain.incident import Change, Notice


class DeliveryState(StrEnum):
    """The state of an outbox row."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"  # refused permanently: a person must look


class Settled(StrEnum):
    """Why an abandoned delivery is no longer a person's business."""

    SUPERSEDED = "superseded"  # skipped: it had failed, and a later message of its incident waited
    PASSED_ON = "passed_on"  # a person has told the receiver by other means


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: one notice for one output."""

    id: int
    key: str  # the idempotency key, never changes
    output: str
    incident_id: int
    sequence: int
    change: Change
    state: DeliveryState
    attempts: int
    asked: int  # how often a person asked for a retry
    made_at_ms: int
    last_attempt_ms: int | None
    detail: str | None  # of the last attempt
    settled: Settled | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a delivery."""

    delivery_id: int
    at_ms: int
    state: DeliveryState  # after it
    detail: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one output still has to be sent."""

    deliveries: int
    oldest_ms: int  # when the oldest was created, or what was skipped before it since the last that was taken
    attempted_ms: int | None  # the last attempt at any of them
    detail: str | None = None  # of the last attempt at the oldest


class OutboxWriting(Protocol):
    """Writes deliveries and their outcomes."""

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        """Add a notice and one outbox row for each output, under the key `<identifier>.<sequence>.<output>`."""
        ...

    def record(self, attempts: Sequence[Attempt]) -> None: ...
    def ask_again(
        self, *, key: str | None = None, output: str | None = None, delivery_id: int | None = None
    ) -> Mapping[str, int]:
        """Make abandoned deliveries pending and pending ones due now: all, one output's, or one. Returns counts by
        output.

        What was superseded stays so; what a person has passed on is tried again only if it is asked for by itself.
        """
        ...

    def settle(self, delivery_ids: Sequence[int], how: Settled) -> Sequence[int]:
        """Abandon these deliveries, and note why nobody needs to look at them. Returns which were not settled or
        delivered before."""
        ...


class OutboxReading(Protocol):
    """Reads pending deliveries and the outcome of others."""

    def outbox_version(self) -> int:
        """A number that grows when a person asks for a retry."""
        ...

    def pending(self, output: str, after_id: int = 0) -> Sequence[Delivery]:
        """Return an output's pending deliveries with id > after_id, oldest first."""
        ...

    def waiting(self) -> Mapping[str, Waiting]:
        """Return what waits, by output, as far as there is anything."""
        ...

    def delivery(self, delivery_id: int) -> Delivery | None: ...

    def deliveries(
        self,
        *,
        states: Collection[DeliveryState] | None = None,
        settled: bool | None = None,
        limit: int = 200,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first. settled: only those that are, or only those that are not."""
        ...

    def attempts(self, delivery_id: int) -> Sequence[Attempt]: ...

    def notice(self, delivery: Delivery) -> Notice:
        """Return the notice; its `previous` lists the earlier ones meant for this output."""
        ...

    def notices(self, deliveries: Sequence[Delivery]) -> Mapping[int, Notice]:
        """Return the notices of many deliveries of one output, by delivery id, in as many queries as for one."""
        ...
