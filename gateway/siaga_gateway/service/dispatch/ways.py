"""The ways to people: ntfy, Telegram, WhatsApp, email, text messages, web push. One adapter for each kind; like the
ports, each passes one contract test.

'Handed over' is not 'delivered', nor 'seen', nor 'answered': no way knows whether anybody looked.
"""

from __future__ import annotations

from typing import Protocol

from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import NotDelivered


@record
class Answer:
    """A button under a message, where the way has buttons: it POSTs to `url`, from the person's own phone."""

    label: str
    url: str  # a secret of this person


@record
class PersonalMessage:
    """What one person is told, in his language.

    It may stand on a locked screen, and passes through the servers of others: nothing of the holder's is in it.
    """

    title: str  # one line, without the holder's personal data
    text: str  # a few lines, with the time of day and the place; without the holder's name, NIK, number
    url: str | None  # the responder's link, a secret of this person; None: there is nothing to open
    urgent: bool  # an alarm: it rings, with high priority; else a note (not needed, thank you)
    expires_ms: int  # Unix ms; not worth showing after. Whoever sends it looks first: a way takes what it is given
    withdraws: str | None = None  # reference of an earlier message that this one takes back, where the service can
    language: str = "id"  # that of title and text
    answers: tuple[Answer, ...] = ()


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
