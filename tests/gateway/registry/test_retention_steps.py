"""What retention deletes of a large store goes in small transactions: a press waits for one of them, and no database
gives up a statement for all of it, each day anew."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest

from databases import Place, rows
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.postgres.session import PostgresSession
from siaga_gateway.adapters.sql.sqlite.session import SqliteSession
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.battery_history import day_of
from siaga_gateway.domain.coverage import CellMonth, band_of, cell_at, month_of, released, square_of
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.service.fleet.coverage_survey import CoverageSurvey
from siaga_gateway.service.registry import retention
from siaga_gateway.service.registry.retention import DAY_MS, Retention, RetentionPolicy

NOW_MS = sample_store.NOW_MS
THEN_MS = NOW_MS - 400 * DAY_MS
POLICY = RetentionPolicy(365, 365, 90, 90, 365, coverage_months=13)
STEP = 3
MANY = 11
MONTH = month_of(NOW_MS)


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    """Of each kind many that are old, and one that is young."""
    made = sample_store.new_store(place)
    sample_store.with_device(made)
    for counter in range(1, MANY + 2):
        sample_store.open_incident(made, counter)
    with made.engine.transaction() as session:
        session.run("UPDATE incident SET state = 'closed', closed_at_ms = ?", (THEN_MS,))
        session.run("UPDATE incident SET closed_at_ms = ? WHERE id = (SELECT max(id) FROM incident)", (NOW_MS,))
        for table, names, value in (
            ("incident_figures", "opened_at_ms, mode, presses, held", f"{THEN_MS}, 'actual', 1, 0"),
            ("alarm", "level, reasons", "1, '[]'"),
            ("text_code", "responder, code, made_at_ms", "'budi', '1', 0"),
            ("notification", *NOTIFICATION),
        ):
            session.run(f"INSERT INTO {table} (incident_id, {names}) SELECT id, {value} FROM incident")
        session.run(
            "UPDATE incident_figures SET opened_at_ms = ? WHERE incident_id = (SELECT max(id) FROM incident)", (NOW_MS,)
        )
        for number in range(MANY + 1):
            at_ms = NOW_MS if number == MANY else THEN_MS
            named = bytes([number]) * 8
            session.run(
                "INSERT INTO quarantine (device_id, first_seen_ms, last_seen_ms, frames, frame) VALUES (?, 0, ?, 1, ?)",
                (named, at_ms, b"f"),
            )
            session.run(
                "INSERT INTO drill (name, ordered_by, buttons, contacts, ordered_ms, begins_ms, ends_ms, ended_ms) "
                "VALUES ('Latihan', 'Rina', '[]', '[]', 0, 0, 0, ?)",
                (at_ms,),
            )
            session.run(
                "INSERT INTO owner_case (owner_id, kind, state, opened_ms, count, decided_ms, reason) "
                "VALUES (1, 'pranks', 'dismissed', 0, 3, ?, 'tiga kali')",
                (at_ms,),
            )
            session.run(
                "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
                "VALUES (?, ?, 1, 'active', 'Toko Contoh', 0, 1)",
                (named, named * 8),
            )
            for table in TABLES:
                session.run(
                    f"INSERT INTO {table} (month, size, cell, bearer, classes, samples, weak, dbm) "
                    "VALUES (?, 1, ?, 1, 1, 1, 0, -80)",
                    (MONTH if number == MANY else MONTH - 13 - number % 2 * 40, number),
                )
    with made.transaction() as transaction:
        for number in range(MANY + 1):
            transaction.put_status(DeviceStatus(bytes([number]) * 8, 1, 1, 1, 0))
    with made.engine.transaction() as session:
        session.run("UPDATE device_status SET hours = ?, day = ?", (b"h", day_of(THEN_MS)))
        session.run("UPDATE device_status SET day = ? WHERE device_id = ?", (day_of(NOW_MS), bytes([MANY]) * 8))
    yield made
    made.close()


TABLES = ("coverage", "coverage_gathered", "coverage_reported", "coverage_told")
NOTIFICATION = (
    "number, recipient, way, kind, why, wave, rung, round, rank, state, made_at_ms, expires_at_ms, attempts",
    "1, 'station:a', 'sms', 'call', 'opened', 1, 'a', 1, 1, 'pending', 0, 0, 0",
)
KEPT_ONE = (
    "incident_figures",
    "alarm",
    "text_code",
    "notification",
    "quarantine",
    "drill",
    *TABLES,
)


def test_each_goes_in_steps_and_what_is_young_stays(
    store: SqlStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_PAGE", STEP)
    monkeypatch.setattr(retention, "_CALLS", STEP)
    monkeypatch.setattr(retention, "_DAYS", STEP)
    changed: list[tuple[int, str]] = []
    session = PostgresSession if place.kind == "postgresql" else SqliteSession
    run = session.run

    def counted(self: Any, statement: str, parameters: Sequence[Any] = ()) -> int:
        count = run(self, statement, parameters)
        changed.append((count, statement))
        return count

    monkeypatch.setattr(session, "run", counted)
    job = Retention(store, ManualClock(NOW_MS), POLICY)
    told = job.run(dry=True)
    done = job.run()
    assert [each for each in changed if each[0] > STEP and "FOR NO KEY" not in each[1]] == []
    assert (done.strangers, done.figures, done.cases) == (MANY, MANY, MANY)
    assert done.notifications == told.notifications == 4 * MANY
    assert done.cells == told.cells == len(TABLES) * MANY
    assert {table: rows(store, table) for table in KEPT_ONE} == dict.fromkeys(KEPT_ONE, 1)
    assert store.fetch("SELECT count(*) FROM owner_case WHERE reason IS NOT NULL") == [(1,)]
    assert store.fetch("SELECT count(*) FROM device_status WHERE hours IS NOT NULL") == [(1,)]
    assert job.run().facts() == dict.fromkeys(done.facts(), 0)


def test_calls_lose_their_messages_some_at_a_time_and_a_press_comes_between(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, each = 120, 3
    made = sample_store.new_store(place)
    sample_store.with_device(made)
    for counter in range(1, calls + 1):
        sample_store.open_incident(made, counter)
    names, value = NOTIFICATION
    with made.engine.transaction() as session:
        session.run("UPDATE incident SET state = 'closed', closed_at_ms = ?", (THEN_MS,))
        for number in range(each):
            row = value.replace("1", str(number), 1)
            session.run(f"INSERT INTO notification (incident_id, {names}) SELECT id, {row} FROM incident")
    steps: list[int] = []
    pauses: list[float] = []
    forget = SqlTransaction.forget_notifications

    def counted(self: SqlTransaction, ids: Collection[int], before_ms: int) -> int:
        steps.append(forget(self, ids, before_ms))
        return steps[-1]

    monkeypatch.setattr(SqlTransaction, "forget_notifications", counted)
    monkeypatch.setattr("siaga_gateway.service.registry.retention_run.time.sleep", pauses.append)
    assert Retention(made, ManualClock(NOW_MS), POLICY).run().notifications == calls * each
    assert sum(steps) == calls * each and max(steps) <= 50 * each
    assert len(pauses) >= len(steps)
    made.close()


def test_what_is_kept_for_ever_stays(store: SqlStore) -> None:
    with store.engine.transaction() as session:
        for table in TABLES:
            session.run(f"DELETE FROM {table}")
        session.run("UPDATE device_status SET hours = NULL")
    policy = RetentionPolicy(0, 0, 0, 0, 0)
    done = Retention(store, ManualClock(NOW_MS), policy).run()
    assert done.facts() == dict.fromkeys(done.facts(), 0)


def test_a_month_of_the_survey_is_released_by_squares_from_west_to_east(store: SqlStore) -> None:
    """What is told of a square is the same as if all of the month were read at once."""
    months = [MONTH - 1]
    with store.engine.transaction() as session:
        for table in TABLES:
            session.run(f"DELETE FROM {table}")
    gathered = []
    for north in range(12):
        for east in range(3):
            cell = cell_at(-54_000_000 + north * 100_000, 1_052_000_000 + east * 100_000)
            classes = range(5) if east == 2 else [north % 5]
            gathered += [CellMonth(MONTH - 1, 1, cell, 1, 1 << each, 1, 0, -80) for each in classes]
    with store.transaction() as transaction:
        transaction.gather_coverage(gathered)
    CoverageSurvey(store, ManualClock(NOW_MS)).release()
    assert rows(store, "coverage_reported") == 0
    bands = store.coverage_bands(0)
    assert sorted(each for band in bands for each in store.coverage(months, band)) == sorted(released(gathered))
    assert len(bands) == len({band_of(each.cell) for each in gathered}) > 1
    told = [each.size for each in released(gathered)]
    assert told.count(1) == 12 and 5 in told


def test_a_band_is_all_squares_beside_each_other_and_nothing_of_others() -> None:
    for place in ((-54_123_456, 1_052_654_321), (0, 0), (-900_000_000, -1_800_000_000), (899_999_999, 1_799_999_999)):
        cell = cell_at(*place)
        first, last = band_of(cell)
        assert first <= square_of(cell) <= cell <= last
        assert band_of(first) == band_of(last) == (first, last)
        assert square_of(first - 1) < first and square_of(last + 1) > last
