"""One message of an escalation to one recipient on one way, and when it is tried again. Pure.

A contact of an escalation (escalation_state.py) is a promise; its notifications keep it. Handed over means that the
service has it: nobody has seen it yet. A recipient is a key, "station:<key>" or "responder:<key>", with "/2" for a
second address on the same way. His address is looked up when it is sent, so that an edit counts from the next try, and
whoever has left is told nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied, record

# It names the time of day: whoever reads it later is misled. The ladder goes on, and says it anew.
EXPIRES_MS: Final = 5 * 60_000
# Pauses before another try of an urgent message, where a repetition is recognised; the last one stays.
_PAUSES_MS: Final = (1_000, 2_000, 3_000, 5_000)
# Where each try costs or disturbs: three a minute at most.
_DEAR_PAUSE_MS: Final = 20_000
# No program reaches these: a person reads it on the console, and calls. So is every way that is not set up: a telephone
# without a modem for calls.
BY_HAND: Final = frozenset({ContactWay.RADIO})
STATION: Final = "station:"
RESPONDER: Final = "responder:"


class NotificationState(StrEnum):
    PENDING = "pending"
    HANDED_OVER = "handed_over"  # the service has it
    FAILED = "failed"  # the address is dead, or the way is not there
    EXPIRED = "expired"  # it could not be handed over in its time
    WITHDRAWN = "withdrawn"  # its reason was gone before it was handed over
    BY_HAND = "by_hand"  # for a person to call


@record
class Notification:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    incident_id: int
    number: int  # of the contact
    recipient: str
    way: ContactWay
    kind: ContactKind
    why: Why
    wave: int
    rung: str
    round: int
    rank: int  # in the order in which the recipient wants to be reached, from 0
    metres: int | None  # from the recipient to the place; None: unknown
    state: NotificationState
    made_at_ms: int
    expires_at_ms: int
    next_at_ms: int | None  # None: no more
    attempts: int = 0
    attempted_ms: int | None = None  # the last try
    reference: str | None = None  # the service's own number of it
    detail: str | None = None  # what the last try said
    delivered_ms: int | None = None  # when it reached the phone; None: not known
    turn: int = 0  # in the order in which its contact tells people on this way

    @property
    def is_first(self) -> bool:
        """Whether it tells of a call for the first time. A desk that rings again and a repeat wait behind these."""
        return self.attempts == 0 and self.round == 0 and self.kind is ContactKind.CALL

    @property
    def is_foremost(self) -> bool:
        """Whether it is the first message of a call. Of many calls at once each has somebody who knows of it, before
        more hear of any."""
        return self.is_first and self.turn == 0

    @property
    def is_responder(self) -> bool:
        return self.recipient.startswith(RESPONDER)


@record
class Outcome:
    """What came of a try."""

    handed_over: bool
    detail: str
    reference: str | None = None
    dead: bool = False  # this address takes nothing any more
    retry_after_ms: int | None = None
    exhausted: bool = False  # the service takes nothing more from us for so long; another may


def made(
    incident_id: int,
    contact: Contact,
    recipient: str,
    way: ContactWay,
    rank: int,
    metres: int | None,
    now_ms: int,
    *,
    by_hand: bool = False,
    turn: int = 0,
) -> Notification:
    """Return a new one; due at once, unless a person has to call."""
    by_hand = by_hand or way in BY_HAND
    return Notification(
        incident_id=incident_id,
        number=contact.number,
        recipient=recipient,
        way=way,
        kind=contact.kind,
        why=contact.why,
        wave=contact.wave,
        rung=contact.rung,
        round=contact.round,
        rank=rank,
        metres=metres,
        state=NotificationState.BY_HAND if by_hand else NotificationState.PENDING,
        made_at_ms=now_ms,
        expires_at_ms=now_ms + EXPIRES_MS,
        next_at_ms=None if by_hand else now_ms,
        turn=turn,
    )


def on_address(key: str, number: int) -> str:
    """Return the recipient of a notification to the so-manieth address, from 1, that somebody has on one way."""
    return key if number == 1 else f"{key}/{number}"


def whose(recipient: str) -> str:
    """Return whose address it is."""
    return recipient.partition("/")[0]


def address_number(recipient: str) -> int:
    """Return which of his addresses on the way it is, from 1."""
    _, _, number = recipient.partition("/")
    return int(number) if number.isdecimal() else 1


def key_of(identifier: str, notification: Notification) -> str:
    """Return the idempotency key: the same at each try. identifier: the incident's."""
    return f"{identifier}.{notification.number}.{notification.recipient}.{notification.way}"


def after_try(notification: Notification, outcome: Outcome, now_ms: int, *, repeats_recognised: bool) -> Notification:
    """Return the notification after a try. repeats_recognised: a second one under the same key disturbs nobody."""
    if outcome.exhausted:  # nobody was disturbed, and another service of the kind may take it now
        return copied(notification, attempted_ms=now_ms, detail=outcome.detail, next_at_ms=now_ms)
    tried = copied(
        notification,
        attempts=notification.attempts + 1,
        attempted_ms=now_ms,
        detail=outcome.detail,
        reference=outcome.reference or notification.reference,
    )
    if outcome.handed_over:
        return copied(tried, state=NotificationState.HANDED_OVER, next_at_ms=None)
    if outcome.dead:
        return copied(tried, state=NotificationState.FAILED, next_at_ms=None)
    pause_ms = _PAUSES_MS[min(tried.attempts, len(_PAUSES_MS)) - 1] if repeats_recognised else _DEAR_PAUSE_MS
    if outcome.retry_after_ms is not None:
        pause_ms = max(pause_ms, outcome.retry_after_ms)
    next_at_ms = now_ms + pause_ms
    if next_at_ms >= notification.expires_at_ms:
        return copied(tried, state=NotificationState.EXPIRED, next_at_ms=None)
    return copied(tried, next_at_ms=next_at_ms)


def expired(notification: Notification) -> Notification:
    """Return it as it is once its time is over; nobody has tried it, or nothing came of it."""
    return copied(notification, state=NotificationState.EXPIRED, next_at_ms=None)


def without_way(notification: Notification, detail: str) -> Notification:
    """Return it as it is where its way or its address is there no more."""
    return copied(notification, state=NotificationState.FAILED, next_at_ms=None, detail=detail)


# A call whose every notification is one of these has reached nobody.
NOBODY: Final = frozenset(
    {NotificationState.FAILED, NotificationState.EXPIRED, NotificationState.WITHDRAWN, NotificationState.BY_HAND}
)
