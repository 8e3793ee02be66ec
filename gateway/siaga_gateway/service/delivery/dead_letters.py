"""Messages that outputs have not got: what the console warns of, and what a person does about those given up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.limits import LONGEST_ACTOR
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Delivery, DeliveryState, Settled, Store, Waiting

FAILING_MS: Final = 60_000  # a message that waits longer than this is worth a warning
_SHOWN: Final = 200


class DeliveryError(Refused):
    """A message that cannot be dealt with this way; the text says why."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What waits for too long, by output, and what was given up, newest first."""

    failing: Mapping[str, Waiting]
    given_up: Sequence[Delivery]


class DeadLetters:
    """Undelivered messages for the console. Thread-safe; every method raises StoreFailing."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, outputs: Collection[str]) -> None:
        """outputs: those of the settings. What waits for others is logged at the start."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._outputs = frozenset(outputs)

    def undelivered(self, limit: int = _SHOWN) -> Undelivered:
        before_ms = self._clock.now_ms() - FAILING_MS
        failing = {
            output: waiting
            for output, waiting in self._store.waiting().items()
            if output in self._outputs and waiting.oldest_ms <= before_ms
        }
        return Undelivered(
            failing, self._store.deliveries(states=[DeliveryState.ABANDONED], settled=False, limit=limit)
        )

    def send_again(self, delivery_id: int, actor: str) -> None:
        """Have a message that was given up tried again, at once. Raises: DeliveryError."""
        with self._store.transaction() as transaction:
            delivery = self._given_up(delivery_id, actor)
            if delivery.output not in self._outputs:  # it would leave this list, and nothing would deliver it
                raise DeliveryError("delivery.no_output", output=delivery.output)
            if not transaction.ask_again(delivery_id=delivery_id):
                raise DeliveryError("delivery.dealt_with", named=delivery.key)
            facts = {**_facts(delivery), "deliveries": 1}
            self._note(transaction, journal.DELIVERY_RETRIED, facts, delivery, actor)
        self._notifier.ring()

    def passed_on(self, delivery_id: int, actor: str) -> None:
        """Record that a person has told the receiver by other means. Raises: DeliveryError."""
        with self._store.transaction() as transaction:
            delivery = self._given_up(delivery_id, actor)
            if not transaction.settle([delivery_id], Settled.PASSED_ON):
                raise DeliveryError("delivery.dealt_with", named=delivery.key)
            self._note(transaction, journal.DELIVERY_PASSED_ON, _facts(delivery), delivery, actor)
        self._notifier.ring()

    def _given_up(self, delivery_id: int, actor: str) -> Delivery:
        if not 1 <= len(actor) <= LONGEST_ACTOR:
            raise DeliveryError("delivery.actor", longest=LONGEST_ACTOR)
        delivery = self._store.delivery(delivery_id)
        if delivery is None:
            raise DeliveryError("delivery.none", delivery_id=delivery_id)
        if delivery.state is not DeliveryState.ABANDONED or delivery.settled is not None:
            raise DeliveryError("delivery.dealt_with", named=delivery.key)
        return delivery

    def _note(self, transaction: Any, kind: str, facts: Mapping[str, Any], delivery: Delivery, actor: str) -> None:
        transaction.note(kind, self._clock.now_ms(), facts, incident_id=delivery.incident_id, actor=actor)


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {"output": delivery.output, "sequence": delivery.sequence, "change": str(delivery.change)}
