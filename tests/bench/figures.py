"""What a report of figures costs: a year of 200,000 calls at 200 stations, on both engines.

The time that passed, and processor time, as the machine may be shared."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from telling import say

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.reports.counted_calls import call
from gateway.sample_site import WIB
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.rows import INCIDENT
from siaga_gateway.domain.call_record import CallRecord
from siaga_gateway.domain.places import Station, StationKind
from siaga_gateway.domain.report_period import Period
from siaga_gateway.service.reports.figure_reports import FigureReports

CALLS, STATIONS, AT_ONCE = 200_000, 200, 5_000
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
BEGIN_MS = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
YEAR_MS = 364 * 86_400_000


def station(number: int) -> Station:
    kind = StationKind.POLDA if number == 0 else StationKind.POLRES if number <= 15 else StationKind.POLSEK
    parent = None if number == 0 else "s-0" if number <= 15 else f"s-{1 + number % 15}"
    return Station(f"s-{number}", kind, f"Contoh {number}", -50_000_000, 1_050_000_000 + number, parent)


def record(number: int, chance: random.Random) -> CallRecord:
    opened_ms = BEGIN_MS + number * YEAR_MS // CALLS
    seen_ms = opened_ms + round(chance.lognormvariate(10, 1))
    return call(
        opened_ms,
        number + 1,
        station=f"s-{chance.randrange(STATIONS)}",
        pressed_at_ms=opened_ms - chance.randrange(5_000),
        acknowledged_ms=seen_ms,
        assigned_ms=seen_ms + 20_000,
        on_scene_ms=seen_ms + chance.randrange(60_000, 1_200_000),
        closed_at_ms=seen_ms + 2_000_000,
        disposition=chance.choice(["verified", "accidental", "unfounded"]),
    )


def fill(store: SqlStore) -> None:
    chance = random.Random(110)
    sample_store.with_device(store)
    incident = sample_store.open_incident(store)
    others = ", ".join(name for name in INCIDENT if name not in ("id", "identifier"))
    with store.engine.transaction() as session:
        session.run(
            f"INSERT INTO incident (id, identifier, {others}) "
            "WITH RECURSIVE number (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
            f"SELECT n, 'bench-' || n, {others} FROM number, incident WHERE id = ?",
            (CALLS, incident.id),
        )
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([station(number) for number in range(STATIONS)])
    for begin in range(0, CALLS, AT_ONCE):
        with store.transaction() as transaction:
            transaction.put_call_records([record(number, chance) for number in range(begin, begin + AT_ONCE)])


def measure(engine: str, folder: Path) -> None:
    with Place(engine, folder) as place:
        store = place.open(BEGIN_MS)
        fill(store)
        reports = FigureReports(store, ManualClock(BEGIN_MS + 2 * YEAR_MS), WIB)
        for name, key, period in (
            ("all, a year", None, YEAR),
            ("one Polres, a year", "s-3", YEAR),
            ("all, a month", None, Period(date(2026, 5, 1), date(2026, 5, 31))),
        ):
            passed, cpu = min(timed(reports, key, period) for _ in range(3))
            say(f"{engine}: {name}", passed, "s", wanted="below 2" if name == "all, a year" else None)
            say(f"{engine}: {name}, CPU", cpu, "s")
        store.close()


def timed(reports: FigureReports, key: str | None, period: Period) -> tuple[float, float]:
    passed, cpu = time.monotonic(), time.process_time()
    assert reports.report(key, period).total.calls > 0
    return round(time.monotonic() - passed, 2), round(time.process_time() - cpu, 2)


if __name__ == "__main__":
    for each in ENGINES:
        with tempfile.TemporaryDirectory() as made:
            measure(each, Path(made))
