"""The quarantine: adds strangers, drops the least valuable, and forgets where they were."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from siaga_gateway.adapters.sql.engine import Session
from siaga_gateway.domain.frame import Kind, is_private
from siaga_gateway.service.store import UnknownDevice

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


def merge(session: Session, strangers: Collection[UnknownDevice]) -> None:
    """Merge what strangers sent. Sorted: two workers with the same strangers cannot deadlock."""
    session.many(
        _MERGE,
        [
            (one.device_id, one.first_seen_ms, one.last_seen_ms, one.frames, one.frame, one.enrol_frame)
            for one in sorted(strangers, key=lambda one: one.device_id)
        ],
    )


def let_go(session: Session, limit: int) -> int:
    """Drop those beyond `limit`: longest unseen first, those without a proven ENROL before the others. Returns how
    many."""
    count: int = session.fetch("SELECT count(*) FROM quarantine")[0][0]
    if count <= limit:
        return 0
    return session.run(_LET_GO, (count - limit,))


def forget_checkins(session: Session) -> int:
    """See service.store.registry.RegistryWriting.forget_strangers_checkins."""
    found = session.fetch(
        "SELECT device_id, frame FROM quarantine WHERE substr(frame, 2, 1) = ? ORDER BY device_id",
        (bytes([Kind.CHECKIN]),),
    )
    gone = [(b"", device_id, frame) for device_id, frame in found if is_private(frame)]
    if gone:
        session.many("UPDATE quarantine SET frame = ? WHERE device_id = ? AND frame = ?", gone)
    return len(gone)
