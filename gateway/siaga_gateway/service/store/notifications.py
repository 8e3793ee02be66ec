"""Messages of escalations to people and stations: who is told what, on which way, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from siaga_gateway.domain.escalation_state import Withdrawal
from siaga_gateway.domain.notification import Notification
from siaga_gateway.domain.places import ContactWay


class NotificationWriting(Protocol):
    """Writes notifications, in the transaction of the step that asks for them."""

    def add_notifications(self, notifications: Collection[Notification]) -> None:
        """Add them. One whose incident, number, recipient and way are there stays as it is; where the same recipient
        still waits for an earlier one of the same kind about this incident on the same way, that one stands for it;
        of a desk's messages each stands for itself.

        But a call of a later wave takes the place of one that was never tried, put off by others or a busy line: it is
        due at once, and says what is so now. One that asks for more (BY_THEMSELVES in domain/folding.py) takes the
        place of any.

        A responder who is called is needed, and one who is not needed is not called: of the two what still waits is
        withdrawn, so that it does not arrive after the other.
        """
        ...

    def put_notifications(self, notifications: Collection[Notification]) -> None:
        """Change those that are still pending. Others have been withdrawn or settled meanwhile, and stay; but what was
        handed over was, though it was withdrawn while it was on its way.

        Of two transactions that settle messages of one incident the second waits for the first, and sees what it did.
        """
        ...

    def mark_text_delivered(self, recipients: Collection[str], since_ms: int, at_ms: int) -> None:
        """Keep that one of these, who are one number, has received a text message by then.

        It is the oldest that was handed over since since_ms and is not known to have arrived. Another report within
        10 s is that of the second part of a long message, and means nothing more.
        """
        ...

    def mark_delivered(self, references: Collection[str], at_ms: int) -> Sequence[str]:
        """Keep when messages by WhatsApp, by the service's numbers for them, reached their phones. Again: nothing.

        Returns those that name no message here: of another program, or one whose outcome is not recorded yet.
        """
        ...

    def withdraw_notifications(self, incident_id: int, which: Withdrawal, chiefs: Collection[str] = ()) -> int:
        """Withdraw what is still pending, but for thanks and a desk's messages. LADDER: of what is for
        responders only that of the rungs that call them as chiefs. chiefs: the names of these. Returns how many."""
        ...

    def notifications(self, incident_id: int) -> Sequence[Notification]:
        """Return all of an incident, as this transaction sees them, oldest first."""
        ...

    def forget_notifications(self, incident_ids: Collection[int], before_ms: int) -> int:
        """Delete the notifications, escalations, links, codes, responses and desks' messages of those of these
        incidents that were closed before then. Returns how many rows."""
        ...

    def forget_drills(self, before_ms: int, limit: int) -> int:
        """Delete drills that ended before then, at most `limit`. Returns how many; 0: no more are left."""
        ...


class NotificationReading(Protocol):
    """Reads notifications."""

    def notifications_of(self, incident_id: int) -> Sequence[Notification]:
        """Return all of an incident, oldest first."""
        ...

    def notifications_due(
        self,
        way: ContactWay,
        now_ms: int,
        without: Collection[Notification] = (),
        limit: int = 100,
        not_to: Collection[str] = (),
    ) -> Sequence[Notification]:
        """Return pending ones that are due: first tries before others, the longest due first. One that was
        made or tried later than now, because the clock was set back, is due as well. without: these are under way.
        not_to: recipients.
        """
        ...

    def notifications_for(self, way: ContactWay, recipient: str, now_ms: int) -> Sequence[Notification]:
        """Return all pending ones for one recipient that are due, the oldest first."""
        ...

    def expired_notifications(self, before_ms: int) -> int:
        """Return how many `forget_notifications` and `forget_drills` would delete."""
        ...

    def closed_before(self, incident_ids: Collection[int], before_ms: int) -> Sequence[int]:
        """Return those of these incidents that were closed before then."""
        ...

    def incidents_told_of(self, after: int, limit: int) -> Sequence[int]:
        """Return incidents with a number above `after` of which there is anything that `forget_notifications` deletes,
        by number."""
        ...

    def next_notification_ms(self, way: ContactWay) -> int | None:
        """Return when the next one is due."""
        ...
