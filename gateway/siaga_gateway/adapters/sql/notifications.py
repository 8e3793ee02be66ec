"""Notifications in the store: a row for each recipient, way and contact."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.escalation_state import ContactKind, Withdrawal
from siaga_gateway.domain.folding import BY_THEMSELVES
from siaga_gateway.domain.notification import EXPIRES_MS, RESPONDER, Notification, whose
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.store import StoreDamaged

LAYOUT: Final = Layout(Notification)
_SELECT: Final = f"SELECT {columns(LAYOUT.names)} FROM notification"  # noqa: S608 - constants
_OF: Final = f"{_SELECT} WHERE incident_id = ? ORDER BY number, recipient, rank, way"
_KEY: Final = ("incident_id", "number", "recipient", "way")
_ADD: Final = (
    f"INSERT INTO notification ({columns(LAYOUT.names)}) "  # noqa: S608
    f"VALUES ({', '.join('?' for _ in LAYOUT.names)}) ON CONFLICT (incident_id, number, recipient, way) DO NOTHING"
)
_WAITING: Final = f"{_SELECT} WHERE incident_id = ? AND state = 'pending'"
_CHANGED: Final = ("state", "next_at_ms", "attempts", "attempted_ms", "reference", "detail")
_CHANGE: Final = f"UPDATE notification SET {', '.join(f'{name} = ?' for name in _CHANGED)} WHERE "  # noqa: S608
# What was on its way when it was withdrawn has been handed over all the same.
_STANDS: Final = "AND (state = 'pending' OR (state = 'withdrawn' AND ? = 'handed_over')) "
_PUT: Final = f"{_CHANGE}{' AND '.join(f'{name} = ?' for name in _KEY)} {_STANDS}"
# One whose recipient is no UTF-8 equals no text: it is told from its neighbours by what can be read of it.
_SPOILT: Final = "\ufffd"
_BESIDE: Final = "SELECT recipient FROM notification WHERE incident_id = ? AND number = ? AND way = ?"
_PUT_SPOILT: Final = f"{_CHANGE}incident_id = ? AND number = ? AND way = ? {_STANDS}AND recipient LIKE ? ESCAPE '!'"
_PARTS_MS: Final = 10_000
# Worded like the partial index.
TEXTS: Final = (
    "SELECT incident_id, number, recipient, way, delivered_ms FROM notification "
    "WHERE way = 'sms' AND state = 'handed_over' AND attempted_ms > ? AND attempted_ms <= ? AND recipient IN "
)
_DELIVERED: Final = f"UPDATE notification SET delivered_ms = ? WHERE {' AND '.join(f'{name} = ?' for name in _KEY)}"  # noqa: S608
# Worded like the partial index.
RECEIVED: Final = (
    "UPDATE notification SET delivered_ms = ? WHERE way = 'whatsapp' AND reference = ? AND delivered_ms IS NULL"
)
NAMED: Final = "SELECT 1 FROM notification WHERE way = 'whatsapp' AND reference = ? LIMIT 1"
_WITHDRAW: Final = (
    "UPDATE notification SET state = 'withdrawn', next_at_ms = NULL "  # noqa: S608
    "WHERE incident_id = ? AND state = 'pending' "
    f"AND kind NOT IN ('{ContactKind.NOT_NEEDED.value}', '{ContactKind.MESSAGE.value}')"
)
_NOT_RESPONDERS: Final = f"recipient NOT LIKE '{RESPONDER}%'"
_OVERTAKE: Final = (
    "UPDATE notification SET state = 'withdrawn', next_at_ms = NULL "
    "WHERE incident_id = ? AND recipient = ? AND way = ? AND kind = ? AND state = 'pending'"
)
# Whoever is called is needed, and the other way round: the later of the two holds.
_CONTRARY: Final = {ContactKind.CALL: ContactKind.NOT_NEEDED, ContactKind.NOT_NEEDED: ContactKind.CALL}
# Worded like the partial index. What was made or tried later than now, or is due later than any pause could make it, is
# from before the clock was set back.
_IS_DUE: Final = "(next_at_ms <= ? OR next_at_ms > ? OR coalesce(attempted_ms, made_at_ms) > ?)"
DUE: Final = f"{_SELECT} WHERE way = ? AND state = 'pending' AND {_IS_DUE}"
# By their incidents alone, around rows that are damaged: an expression keeps the engine from the index of what is due.
_SOME_DUE: Final = f"{_SELECT} WHERE {{among}} AND way || '' = ? AND state || '' = 'pending' AND {_IS_DUE}"
_FOR: Final = f"{DUE} AND recipient = ? ORDER BY made_at_ms, incident_id, number"
# As Notification.is_foremost, then is_first; then other first tries.
_LONGEST_DUE: Final = (
    " ORDER BY CASE WHEN attempts > 0 THEN 3 WHEN round > 0 OR kind <> 'call' THEN 2 WHEN turn > 0 THEN 1 ELSE 0 END, "
    "next_at_ms LIMIT ?"
)
NEXT: Final = "SELECT min(next_at_ms) FROM notification WHERE way = ? AND state = 'pending'"
_FORGOTTEN: Final = ("notification", "escalation", "alarm", "responder_link", "response", "text_code", "desk_message")
_OPEN_OF_DRILL: Final = "SELECT 1 FROM incident WHERE incident.drill = drill.id AND incident.state <> 'closed'"
_DRILLS: Final = f"ended_ms < ? AND NOT EXISTS ({_OPEN_OF_DRILL})"
_CLOSED: Final = "SELECT id FROM incident WHERE state = 'closed' AND closed_at_ms < ?"


def _key(row: Notification) -> tuple[int, int, str, str]:
    return row.incident_id, row.number, row.recipient, row.way.value


def _place(each: Notification) -> tuple[int, str, str, str]:
    """Of this there waits one at a time."""
    return each.incident_id, each.recipient, each.way.value, each.kind.value


def _stands_alone(each: Notification) -> bool:
    """Whether no other of its kind can stand for it: each message says something else."""
    return each.kind is ContactKind.MESSAGE


def _gives_way(waiting: Notification, new: Notification) -> bool:
    """Whether the new one is told in the place of the one that waits."""
    numbers: tuple[object, ...] = (waiting.wave, waiting.attempts)
    if not all(isinstance(each, int) for each in numbers):  # a flipped bit: who knows whether it can be sent
        return True
    if new.kind is not ContactKind.CALL or waiting.wave >= new.wave:
        return False
    return waiting.attempts == 0 or new.why in BY_THEMSELVES


def _longest_due(row: Notification) -> tuple[bool, bool, bool, int]:
    """As _LONGEST_DUE."""
    return row.attempts > 0, not row.is_first, row.is_first and not row.is_foremost, row.next_at_ms or 0


class NotificationWriting(WriteBatch):
    """Implements service.store.notifications.NotificationWriting."""

    def add_notifications(self, notifications: Collection[Notification]) -> None:
        if not notifications:
            return
        later = {_place(each): each for each in notifications if each.kind is not ContactKind.MESSAGE}
        waiting: set[Row] = set()
        overtaken: list[Row] = []
        for incident_id in sorted({each.incident_id for each in notifications}):
            # What cannot be read is never sent: it stands for no other.
            for each in LAYOUT.sound(self._fetch(_WAITING, (incident_id,)), "notification"):
                new = later.get(_place(each))
                if new is not None and _gives_way(each, new):
                    overtaken.append(_place(each))
                else:
                    waiting.add(_place(each))
        waiting.difference_update(overtaken)
        contrary = {
            (each.incident_id, whose(each.recipient), _CONTRARY[each.kind].value)
            for each in notifications
            if each.is_responder and each.kind in _CONTRARY
        }
        overtaken += [row for row in waiting if (row[0], whose(str(row[1])), row[3]) in contrary]
        if overtaken:
            self._session.many(_OVERTAKE, overtaken)
        self._session.many(
            _ADD, [LAYOUT.row(each) for each in notifications if _stands_alone(each) or _place(each) not in waiting]
        )

    def put_notifications(self, notifications: Collection[Notification]) -> None:
        if not notifications:
            return
        self.flush()
        self._session.lock_escalations({each.incident_id for each in notifications})
        rows: list[Row] = []
        for each in notifications:
            changed = dict(zip(LAYOUT.names, LAYOUT.row(each), strict=True))
            row = (*(changed[name] for name in _CHANGED), *_key(each), each.state.value)
            if _SPOILT in each.recipient:
                self._put_spoilt(each, row[: len(_CHANGED)])
            rows.append(row)
        self._session.many(_PUT, rows)

    def _put_spoilt(self, after: Notification, changed: Row) -> None:
        place = (after.incident_id, after.number, after.way.value)
        others = [row[0] for row in self._fetch(_BESIDE, place) if _SPOILT not in str(row[0])]
        like = "%".join(re.sub("[!%_]", r"!\g<0>", each) for each in after.recipient.split(_SPOILT))
        besides = f" AND recipient NOT IN ({', '.join('?' for _ in others)})" if others else ""
        self._session.run(_PUT_SPOILT + besides, (*changed, *place, after.state.value, like, *others))

    def mark_text_delivered(self, recipients: Collection[str], since_ms: int, at_ms: int) -> None:
        if not recipients:
            return
        among = f"({', '.join('?' for _ in recipients)}) ORDER BY attempted_ms, incident_id, number, recipient"
        rows = self._fetch(TEXTS + among, (since_ms, at_ms, *recipients))
        known = [row[4] for row in rows if row[4] is not None]
        waiting = [row for row in rows if row[4] is None]
        if waiting and not any(abs(at_ms - each) < _PARTS_MS for each in known):
            self._run_aside(_DELIVERED, (at_ms, *waiting[0][:4]))

    def mark_delivered(self, references: Collection[str], at_ms: int) -> Sequence[str]:
        return [
            each
            for each in references
            if not self._run_aside(RECEIVED, (at_ms, each)) and not self._fetch(NAMED, (each,))
        ]

    def withdraw_notifications(self, incident_id: int, which: Withdrawal, chiefs: Collection[str] = ()) -> int:
        if which is Withdrawal.NONE:
            return 0
        if which is Withdrawal.ALL:
            return self._run_aside(_WITHDRAW, (incident_id,))
        as_chiefs = f" OR rung IN ({', '.join('?' for _ in chiefs)})" if chiefs else ""
        return self._run_aside(f"{_WITHDRAW} AND ({_NOT_RESPONDERS}{as_chiefs})", (incident_id, *chiefs))

    def notifications(self, incident_id: int) -> Sequence[Notification]:
        return LAYOUT.sound(self._fetch(_OF, (incident_id,)), "notification")

    def forget_notifications(self, incident_ids: Collection[int], before_ms: int) -> int:
        gone = 0
        for table in _FORGOTTEN:
            among, parameters = self._writing.among(table, "incident_id", incident_ids)
            closed = f"EXISTS ({_CLOSED} AND incident.id = {table}.incident_id)"
            gone += self._run(f"DELETE FROM {table} WHERE {among} AND {closed}", (*parameters, before_ms))  # noqa: S608
        return gone

    def forget_drills(self, before_ms: int, limit: int) -> int:
        ids = f"SELECT id FROM drill WHERE {_DRILLS} ORDER BY id LIMIT ?"  # noqa: S608 - constants
        return self._run(f"DELETE FROM drill WHERE id IN ({ids})", (before_ms, limit))  # noqa: S608


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
        wanted = (way.value, now_ms, now_ms + EXPIRES_MS, now_ms, *not_to)
        try:
            rows = self.fetch(DUE + others + _LONGEST_DUE, (*wanted, limit + len(under_way)))
            found = LAYOUT.sound(rows, "notification")
        except StoreDamaged:
            found = sorted(self._due_around(others, wanted), key=_longest_due)
        return [each for each in found if _key(each) not in under_way][:limit]

    def notifications_for(self, way: ContactWay, recipient: str, now_ms: int) -> Sequence[Notification]:
        wanted = (way.value, now_ms, now_ms + EXPIRES_MS, now_ms, recipient)
        try:
            return LAYOUT.sound(self.fetch(_FOR, wanted), "notification")
        except StoreDamaged:
            found = self._due_around(" AND recipient = ?", wanted)
            return sorted(found, key=lambda each: (each.made_at_ms, each.incident_id, each.number))

    def _due_around(self, others: str, wanted: Sequence[Any]) -> list[Notification]:
        rows = self.fetch_around(
            lambda among: _SOME_DUE.format(among=among) + others,
            "notification",
            "incident_id",
            self.likely_open(),
            wanted,
        )
        return LAYOUT.sound(rows, "notification")

    def incidents_told_of(self, after: int, limit: int) -> Sequence[int]:
        found: set[int] = set()
        for table in _FORGOTTEN:
            page = f"SELECT DISTINCT incident_id FROM {table} WHERE incident_id > ? ORDER BY incident_id LIMIT ?"  # noqa: S608
            found.update(row[0] for row in self.fetch(page, (after, limit)))
        return sorted(found)[:limit]

    def closed_before(self, incident_ids: Collection[int], before_ms: int) -> Sequence[int]:
        among, parameters = self.writing.among("incident", "id", incident_ids)
        return [row[0] for row in self.fetch(f"{_CLOSED} AND {among}", (before_ms, *parameters))]

    def expired_notifications(self, before_ms: int) -> int:
        return sum(
            int(self.fetch(f"SELECT count(*) FROM {table} WHERE incident_id IN ({_CLOSED})", (before_ms,))[0][0])  # noqa: S608
            for table in _FORGOTTEN
        ) + int(self.fetch(f"SELECT count(*) FROM drill WHERE {_DRILLS}", (before_ms,))[0][0])  # noqa: S608

    def next_notification_ms(self, way: ContactWay) -> int | None:
        next_ms: int | None = self.fetch(NEXT, (way.value,))[0][0]
        return next_ms
