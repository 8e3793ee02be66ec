"""The ways to people: ntfy, Telegram, WhatsApp, email, text messages, web push. One adapter for each kind; like the
ports, each passes one contract test.

'Handed over' is not 'delivered', nor 'seen', nor 'answered': no way knows whether anybody looked.
"""

from __future__ import annotations

from typing import Protocol

from siaga_gateway.domain.personal_message import Answer, PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import NotDelivered

__all__ = ["Answer", "Budget", "HandedOver", "PersonalMessage", "Way"]


@record
class HandedOver:
    """The service has it. Nobody need have seen it."""

    detail: str
    reference: str | None = None  # the service's number of the message, for receipts and withdrawals


@record
class Budget:
    """What a service takes: `burst` messages at once after a rest, in the long run one in `interval_ms`, and to one
    person one in `person_ms`. See pacing.py."""

    interval_ms: int = 0  # 0: no limit
    burst: int = 1
    person_ms: int = 0


class Way(Protocol):
    """A service that brings messages to people.

    `NotDelivered.permanent` means that this address is dead (blocked, unsubscribed, no such number): its person's next
    way is tried at once, and somebody has to see to it.
    """

    name: str  # from the settings, unique
    kind: ContactWay  # whose addresses it takes
    at_once: int  # limit of concurrent messages, each in its own thread
    budget: Budget
    # Whether a person is shown one message where the same key was sent twice. Without it a repetition disturbs.
    repeats_recognised: bool

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        """Send one message under one idempotency key, `[!-~]{1,200}`.

        Blocks no longer than its own deadline (at most 60 s); every failure is a NotDelivered, never an exception.
        """
        ...

    def close(self) -> None:
        """At the end: let go of what is kept open between messages. Again: nothing."""
        ...
