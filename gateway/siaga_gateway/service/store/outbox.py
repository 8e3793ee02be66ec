"""Notices on their way to the outputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from siaga_gateway.domain.incident import Change, Notice


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


class OutboxWriting(Protocol):
    """What is to be delivered, and what became of it."""

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        """Keep a notice and one outbox row for each output, under the key `<identifier>.<sequence>.<output>`."""
        ...

    def record(self, attempts: Sequence[Attempt]) -> None: ...
    def ask_again(self, *, key: str | None = None, output: str | None = None) -> Mapping[str, int]:
        """Make abandoned deliveries pending and pending ones due now: all, one output's or one. Counts by output."""
        ...


class OutboxReading(Protocol):
    """What waits, and what became of the rest."""

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
        """The notices of many deliveries of one output, by the delivery's number, in as many queries as for one."""
        ...
