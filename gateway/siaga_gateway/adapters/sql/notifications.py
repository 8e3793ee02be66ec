"""Notifications in the store: a row for each recipient, way and contact."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.escalation_state import ContactKind, Withdrawal
from siaga_gateway.domain.notification import EXPIRES_MS, RESPONDER, Notification, whose
from siaga_gateway.domain.places import ContactWay

LAYOUT: Final = Layout(Notification)
_SELECT: Final = f"SELECT {columns(LAYOUT.names)} FROM notification"  # noqa: S608 - constants
_OF: Final = f"{_SELECT} WHERE incident_id = ? ORDER BY number, recipient, rank, way"
_KEY: Final = ("incident_id", "number", "recipient", "way")
_ADD: Final = (
    f"INSERT INTO notification ({columns(LAYOUT.names)}) "  # noqa: S608
    f"VALUES ({', '.join('?' for _ in LAYOUT.names)}) ON CONFLICT (incident_id, number, recipient, way) DO NOTHING"
)
_WAITING: Final = "SELECT recipient, way, kind FROM notification WHERE incident_id = ? AND state = 'pending'"
_CHANGED: Final = ("state", "next_at_ms", "attempts", "attempted_ms", "reference", "detail")
_PUT: Final = (
    f"UPDATE notification SET {', '.join(f'{name} = ?' for name in _CHANGED)} "  # noqa: S608
    f"WHERE {' AND '.join(f'{name} = ?' for name in _KEY)} "
    # What was on its way when it was withdrawn has been handed over all the same.
    "AND (state = 'pending' OR (state = 'withdrawn' AND ? = 'handed_over'))"
)
_WITHDRAW: Final = (
    "UPDATE notification SET state = 'withdrawn', next_at_ms = NULL "  # noqa: S608
    f"WHERE incident_id = ? AND state = 'pending' AND kind <> '{ContactKind.NOT_NEEDED.value}'"
)
_NOT_RESPONDERS: Final = f" AND recipient NOT LIKE '{RESPONDER}%'"
_OVERTAKE: Final = (
    "UPDATE notification SET state = 'withdrawn', next_at_ms = NULL "
    "WHERE incident_id = ? AND recipient = ? AND way = ? AND kind = ? AND state = 'pending'"
)
# Whoever is called is needed, and the other way round: the later of the two holds.
_CONTRARY: Final = {ContactKind.CALL: ContactKind.NOT_NEEDED, ContactKind.NOT_NEEDED: ContactKind.CALL}
# Worded like the partial index. What was made or tried later than now, or is due later than any pause could make it, is
# from before the clock was set back.
DUE: Final = (
    f"{_SELECT} WHERE way = ? AND state = 'pending' "
    "AND (next_at_ms <= ? OR next_at_ms > ? OR coalesce(attempted_ms, made_at_ms) > ?)"
)
# As Notification.is_first; then other first tries.
_LONGEST_DUE: Final = (
    " ORDER BY CASE WHEN attempts > 0 THEN 2 WHEN round = 0 AND kind = 'call' THEN 0 ELSE 1 END, next_at_ms LIMIT ?"
)
NEXT: Final = "SELECT min(next_at_ms) FROM notification WHERE way = ? AND state = 'pending'"
_FORGOTTEN: Final = ("notification", "escalation", "alarm", "responder_link", "response")
_CLOSED: Final = "SELECT id FROM incident WHERE state = 'closed' AND closed_at_ms < ?"


def _key(row: Notification) -> tuple[int, int, str, str]:
    return row.incident_id, row.number, row.recipient, row.way.value


class NotificationWriting(WriteBatch):
    """Implements service.store.notifications.NotificationWriting."""

    def add_notifications(self, notifications: Collection[Notification]) -> None:
        if not notifications:
            return
        waiting: set[Row] = set()
        for incident_id in sorted({each.incident_id for each in notifications}):
            waiting.update((incident_id, *row) for row in self._fetch(_WAITING, (incident_id,)))
        contrary = {
            (each.incident_id, whose(each.recipient), _CONTRARY[each.kind].value)
            for each in notifications
            if each.is_responder and each.kind in _CONTRARY
        }
        overtaken = [row for row in waiting if (row[0], whose(str(row[1])), row[3]) in contrary]
        if overtaken:
            self._session.many(_OVERTAKE, overtaken)
        new = [
            LAYOUT.row(each)
            for each in notifications
            if (each.incident_id, each.recipient, each.way.value, each.kind.value) not in waiting
        ]
        self.touched = True
        self._session.many(_ADD, new)

    def put_notifications(self, notifications: Collection[Notification]) -> None:
        if not notifications:
            return
        self.touched = True
        self.flush()
        rows: list[Row] = []
        for each in notifications:
            changed = dict(zip(LAYOUT.names, LAYOUT.row(each), strict=True))
            rows.append((*(changed[name] for name in _CHANGED), *_key(each), each.state.value))
        self._session.many(_PUT, rows)

    def withdraw_notifications(self, incident_id: int, which: Withdrawal) -> int:
        if which is Withdrawal.NONE:
            return 0
        return self._run(_WITHDRAW + (_NOT_RESPONDERS if which is Withdrawal.LADDER else ""), (incident_id,))

    def notifications(self, incident_id: int) -> Sequence[Notification]:
        return LAYOUT.sound(self._fetch(_OF, (incident_id,)), "notification")

    def forget_notifications(self, before_ms: int) -> int:
        return sum(
            self._run(f"DELETE FROM {table} WHERE incident_id IN ({_CLOSED})", (before_ms,))  # noqa: S608 - constants
            for table in _FORGOTTEN
        )


class NotificationReading(Reads):
    """Implements service.store.notifications.NotificationReading."""

    def notifications_of(self, incident_id: int) -> Sequence[Notification]:
        return LAYOUT.sound(self.fetch(_OF, (incident_id,)), "notification")

    def notifications_due(
        self,
        way: ContactWay,
        now_ms: int,
        without: Collection[Notification] = (),
        limit: int = 100,
        not_to: Collection[str] = (),
    ) -> Sequence[Notification]:
        under_way = {_key(each) for each in without}
        others = f" AND recipient NOT IN ({', '.join('?' for _ in not_to)})" if not_to else ""
        rows = self.fetch(
            DUE + others + _LONGEST_DUE,
            (way.value, now_ms, now_ms + EXPIRES_MS, now_ms, *not_to, limit + len(under_way)),
        )
        found = LAYOUT.sound(rows, "notification")
        return [each for each in found if _key(each) not in under_way][:limit]

    def expired_notifications(self, before_ms: int) -> int:
        return sum(
            int(self.fetch(f"SELECT count(*) FROM {table} WHERE incident_id IN ({_CLOSED})", (before_ms,))[0][0])  # noqa: S608
            for table in _FORGOTTEN
        )

    def next_notification_ms(self, way: ContactWay) -> int | None:
        next_ms: int | None = self.fetch(NEXT, (way.value,))[0][0]
        return next_ms
