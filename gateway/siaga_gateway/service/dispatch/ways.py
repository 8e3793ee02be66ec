"""The ways to people: ntfy, Telegram, WhatsApp, email, text messages, web push. One adapter for each kind; like the
ports, each passes one contract test.

'Handed over' is not 'delivered', nor 'seen', nor 'answered': no way knows whether anybody looked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.keyed_answer import Said, Standing, Taken
from siaga_gateway.domain.personal_message import Answer, PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import NotDelivered

__all__ = ["Answer", "Budget", "HandedOver", "PersonalMessage", "Talk", "TalkingWay", "WatchedWay", "Way"]


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

        Blocks no longer than its own deadline (at most 60 s, by telephone once the line is free); every failure is a
        NotDelivered, never an exception.
        """
        ...

    def close(self) -> None:
        """At the end: let go of what is kept open between messages. Again: nothing."""
        ...


class Talk(Protocol):
    """What a call is about, while somebody is on the line. Never raises; called in the thread that calls."""

    def standing(self) -> Standing:
        """Return whether somebody still has to hear of it: asked before it rings, and again and again until a key."""
        ...

    def take(self, said: Said) -> Taken:
        """Take an answer; it is durable when this returns TAKEN, and only then is that said. Again: the same."""
        ...


@runtime_checkable
class TalkingWay(Way, Protocol):
    """A way on which the person answers in the same moment, by a key.

    The answer goes through `talk` and is no result of the call: it is durable before it is confirmed to the person, and
    an answer that a crash swallowed was not confirmed; the call is made again under its key.
    """

    def call(self, address: str, message: PersonalMessage, key: str, talk: Talk) -> HandedOver | NotDelivered:
        """Like `send`. Handed over: a person has pressed a key; never that something picked up."""
        ...

    def hang_up(self) -> None:
        """At the end, before `close`: break off what is under way, and begin nothing more. Thread-safe."""
        ...


@runtime_checkable
class WatchedWay(Protocol):
    """A way with a part of its own on this machine, which can be faulty while nobody is called."""

    name: str

    def look(self) -> SiagaError | None:
        """Return what is wrong with it now; None: nothing. Each wait has a deadline; never raises."""
        ...

    def on_fault(self, told: Callable[[], None]) -> None:
        """told: called in any thread once a message has met a fault, so that it is looked at before its time."""
        ...
