"""The quarantine's two statements: take strangers in, let the least worth keeping go."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from siaga_gateway.adapters.sql.engine import Session
from siaga_gateway.service.store import Stranger

_MERGE: Final = (
    "INSERT INTO quarantine (device_id, first_seen_ms, last_seen_ms, frames, frame, enrol_frame) "
    "VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (device_id) DO UPDATE SET last_seen_ms = excluded.last_seen_ms, "
    "frames = quarantine.frames + excluded.frames, frame = excluded.frame, "
    "enrol_frame = coalesce(excluded.enrol_frame, quarantine.enrol_frame)"
)
_LET_GO: Final = (
    "DELETE FROM quarantine WHERE device_id IN (SELECT device_id FROM quarantine "
    "ORDER BY enrol_frame IS NOT NULL, last_seen_ms LIMIT ?)"
)


def merge(session: Session, strangers: Collection[Stranger]) -> None:
    """Add what strangers sent to what is known of them. Sorted: two workers that meet the same ones never wait for each
    other in a ring."""
    session.many(
        _MERGE,
        [
            (one.device_id, one.first_seen_ms, one.last_seen_ms, one.frames, one.frame, one.enrol_frame)
            for one in sorted(strangers, key=lambda one: one.device_id)
        ],
    )


def let_go(session: Session, limit: int) -> int:
    """Past `limit`, let go of those longest unseen, those without a proven ENROL first. Returns how many."""
    count: int = session.fetch("SELECT count(*) FROM quarantine")[0][0]
    if count <= limit:
        return 0
    return session.run(_LET_GO, (count - limit,))
