"""Invented calls of some weeks, on a real store, for the chief's page."""

from __future__ import annotations

import random
from pathlib import Path

from gateway import sample_store
from gateway.dispatch.listed_places import DISTRICT, NE, NW, SE, SW
from gateway.reports.counted_calls import NOW_MS, call
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.supervision import Case, Cause

DAY_MS = 86_400_000
_ENDS = (
    "verified",
    "verified",
    "verified",
    "not_needed",
    "unfounded",
    "accidental",
    "accidental",
    "abuse",
    "technical",
)


def figure_store(folder: Path, count: int, days: int = 30) -> SqlStore:
    """`count` calls in the `days` before NOW_MS, most in the evening; the first is still open."""
    store = sample_store.new_store(folder)
    sample_store.with_device(store)
    chance = random.Random(110)
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations(DISTRICT)
    if count:
        incident = sample_store.open_incident(store)
        with store.engine.transaction() as session:
            names = [row[0] for row in session.fetch("SELECT name FROM pragma_table_info('incident')")]
            others = ", ".join(name for name in names if name not in ("id", "identifier"))
            session.run(
                f"INSERT INTO incident (id, identifier, {others}) "
                "WITH RECURSIVE number (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
                f"SELECT n, 'sample-' || n, {others} FROM number, incident WHERE id = ? AND n <= ?",
                (count, incident.id, count),
            )
    records = []
    for number in range(count):
        hour = chance.choice([*range(24), 17, 18, 19, 19, 20, 20, 21, 21, 22])
        opened = NOW_MS - chance.randrange(1, days + 1) * DAY_MS + hour * 3_600_000 - 14 * 3_600_000
        if number == 0:
            records.append(call(NOW_MS - 60_000, 1, station=SW.key))
            continue
        seen = opened + round(chance.lognormvariate(10.2, 1.1))
        ended = chance.choice(_ENDS)
        came = ended not in ("accidental", "abuse", "technical") and chance.random() < 0.9
        records.append(
            call(
                opened,
                number + 1,
                station=chance.choice([SW, SW, SE, NW, NE]).key,
                pressed_at_ms=opened - chance.randrange(400, 9_000) if chance.random() < 0.8 else None,
                acknowledged_ms=seen,
                assigned_ms=seen + 25_000 if came else None,
                on_scene_ms=seen + chance.randrange(120_000, 1_100_000) if came else None,
                closed_at_ms=seen + 2_000_000,
                disposition=ended,
                presses=chance.choice([1, 1, 2, 3]),
            )
        )
    with store.transaction() as transaction:
        transaction.put_call_records(records)
        transaction.put_case(Case(1, sample_store.DEVICE_ID, Cause.SILENT, 7_200, NOW_MS + 10_000_000))
    return store
