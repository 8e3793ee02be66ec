"""The quarantine's two statements: take strangers in, let the least worth keeping go."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

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


def merge(connection: sqlite3.Connection, strangers: Collection[Stranger]) -> None:
    """Add what strangers sent to what is known of them."""
    connection.executemany(
        _MERGE,
        [
            (one.device_id, one.first_seen_ms, one.last_seen_ms, one.frames, one.frame, one.enrol_frame)
            for one in strangers
        ],
    )


def let_go(connection: sqlite3.Connection, limit: int) -> int:
    """Past `limit`, let go of those longest unseen, those without a proven ENROL first. Returns how many."""
    count: int = connection.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    if count <= limit:
        return 0
    return connection.execute(_LET_GO, (count - limit,)).rowcount
