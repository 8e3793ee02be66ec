"""The survey of the signal: from check-ins through the store to what may be told, on both engines."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest

from databases import Place
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.adapters.sql.backups import copy_sqlite
from siaga_gateway.domain.coverage import CLASSES, LEAST, MOST, CellMonth, Sample, cell_at, month_of
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.fleet.coverage_survey import CoverageSurvey
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy
from siaga_gateway.service.store import StoreFailing

HOUR_MS = 3_600_000
MONTH = month_of(NOW_MS)
HERE = (-54_123_456, 1_052_654_321)


def checkin(button: PressingButton, dbm: int = -93, bearer: int = 1, **fields: Any) -> bytes:
    button.counter += 1
    body = report_body(NOW_S, **at(*HERE, **fields)) + struct.pack(">BBBbBBBB", 1, 0, 0, dbm, bearer << 4, 1, 0, 0)
    return button.frame(Kind.CHECKIN, button.counter, body, Suite.HS256_64)


def of_classes(desk: IngestHarness, count: int) -> list[PressingButton]:
    """Buttons of so many classes, one each: of so many owners, whose numbers follow one another."""
    made: list[PressingButton] = []
    classes: set[int] = set()
    with desk.store.transaction() as transaction:
        for number in range(count):
            owner = Owner(0, "Contoh", f"99000000000001{number:02}", "+620000000001", "Jl. Contoh 2, Bandar Lampung")
            owner_id = transaction.add_owner(owner, NOW_MS)
            classes.add(owner_id % CLASSES)
            button, state = PressingButton(), RegistrationState.ACTIVE
            transaction.add_device(Device(button.device_id, button.public_xy, owner_id, state, "Contoh", NOW_MS))
            made.append(button.meet(desk.gateway_key))
    assert len(classes) == count
    return made


def told(desk: IngestHarness, since: int = 0) -> list[CellMonth]:
    months = range(since, MONTH + 40) if since else range(MONTH - 20, MONTH + 40)
    return [each for band in desk.store.coverage_bands(since) for each in desk.store.coverage(months, band)]


def by_class(cell: CellMonth) -> list[CellMonth]:
    """As buttons of five classes report it, each as often."""
    part = {"samples": cell.samples // LEAST, "weak": cell.weak // LEAST, "dbm": cell.dbm // LEAST}
    return [cell._replace(classes=1 << number, **part) for number in range(LEAST)]


def surveyed(desk: IngestHarness, clock: ManualClock) -> CoverageSurvey:
    survey = CoverageSurvey(desk.store, clock)
    survey.add(desk.samples)
    desk.samples.clear()
    survey.write()
    return survey


def test_a_cell_is_told_once_enough_buttons_have_reported_from_it(place: Place) -> None:
    desk, clock = IngestHarness(place), ManualClock(NOW_MS)
    buttons = of_classes(desk, LEAST)
    for _ in range(3):  # within an hour: one sample each
        desk.take(*(checkin(button) for button in buttons[:-1]))
    surveyed(desk, clock)
    assert told(desk) == [], "four may be one household"
    desk.take(checkin(buttons[-1], -110))
    surveyed(desk, clock)
    (found,) = told(desk)
    assert found[:4] == (MONTH, 1, cell_at(*HERE), 1)
    assert (found.samples, found.weak, found.dbm) == (LEAST, 1, -93 * (LEAST - 1) - 110)
    desk.now_ms = clock.at_ms = NOW_MS + HOUR_MS
    desk.take(*(checkin(button) for button in buttons))
    surveyed(desk, clock)
    assert told(desk)[0].samples == 2 * LEAST
    desk.close()


def test_a_press_or_a_repetition_is_no_sample(place: Place) -> None:
    desk = IngestHarness(place)
    button = desk.button()
    frame = checkin(button)
    desk.take(frame)
    assert len(desk.samples) == 1
    desk.now_ms += 2 * HOUR_MS
    desk.take(frame)
    desk.take(button.press(NOW_S, **at(*HERE)))
    assert len(desk.samples) == 1
    desk.close()


def test_after_its_month_only_what_may_be_told_is_left_and_that_ends_too(place: Place) -> None:
    desk, clock = IngestHarness(place), ManualClock(NOW_MS)
    with desk.store.transaction() as transaction:
        former = by_class(CellMonth(MONTH - 1, 1, cell_at(*HERE), 1, 0, 20, 5, -1_800))
        alone = CellMonth(MONTH - 1, 1, cell_at(HERE[0], HERE[1] + 100_000), 1, 1, 600, 0, -54_000)
        now = by_class(CellMonth(MONTH, 1, cell_at(*HERE), 1, 0, 10, 0, -900))
        transaction.gather_coverage([*former, alone, *now])
    survey = CoverageSurvey(desk.store, clock)
    survey.release()
    assert desk.store.fetch("SELECT month, samples FROM coverage_told") == [(MONTH - 1, 20)]
    assert desk.store.fetch("SELECT month, sum(samples) FROM coverage_reported GROUP BY month") == [(MONTH, 10)]
    with desk.store.engine.transaction() as session:  # a gateway of the version before
        session.run("INSERT INTO coverage_gathered VALUES (?, 1, 9, 1, 31, 700, 0, -63000)", (MONTH - 1,))
        session.run("INSERT INTO coverage VALUES (?, 1, ?, 1, 31, 700, 0, -63000)", (MONTH - 1, cell_at(*HERE)))
    assert [(each.month, each.samples) for each in told(desk)] == [(MONTH - 1, 20), (MONTH, 10)]
    survey.release()
    for table in ("coverage_gathered", "coverage"):
        assert desk.store.fetch(f"SELECT cell FROM {table}") == [], "it cannot be bounded: nobody is told"
    with desk.store.transaction() as transaction:  # another worker was late
        transaction.gather_coverage(former)
    survey.release()
    assert desk.store.fetch("SELECT month, samples, weak, dbm FROM coverage_told") == [(MONTH - 1, 40, 10, -3_600)]
    assert [each.samples for each in told(desk, MONTH)] == [10]
    policy = RetentionPolicy(365, 365, 90, 90, 3_650, coverage_months=2)
    with desk.store.transaction() as transaction:  # and another's clock is years ahead
        transaction.gather_coverage([alone._replace(month=MONTH + 30)])
    retention = Retention(desk.store, clock, policy)
    assert retention.run(dry=True).cells == retention.run().cells == 1
    clock.at_ms += 32 * 24 * HOUR_MS
    assert retention.run().cells == 1
    assert [each.month for each in told(desk)] == [MONTH]
    desk.close()


def test_a_year_of_one_person_leaves_no_cell(place: Place) -> None:
    desk, clock = IngestHarness(place), ManualClock(NOW_MS)
    button = desk.button()
    for day in range(0, 360, 6):
        desk.now_ms = clock.at_ms = NOW_MS + day * 24 * HOUR_MS
        desk.take(checkin(button), checkin(button, -112))
        assert len(desk.samples) == 1
        surveyed(desk, clock).release()
    assert told(desk) == [] == desk.store.fetch("SELECT cell FROM coverage_told")
    months = desk.store.fetch("SELECT DISTINCT month FROM coverage_reported")
    assert months == [(month_of(clock.at_ms),)], "only what is being gathered"
    desk.close()


def test_many_buttons_of_one_person_leave_no_cell(place: Place) -> None:
    desk, clock = IngestHarness(place), ManualClock(NOW_MS)
    buttons = [desk.button() for _ in range(40)]
    desk.take(*(checkin(button) for button in buttons))
    assert len(desk.samples) == 40
    surveyed(desk, clock)
    assert told(desk) == [], "a home with a button in each room, or one who waits there for another's"
    desk.close()


def test_counts_are_bounded(place: Place) -> None:
    desk = IngestHarness(place)
    cells = [CellMonth(MONTH, 1, 7, 1, 1 << number, MOST - 1, 0, -90 * (MOST - 1)) for number in range(LEAST)]
    for _ in range(3):
        with desk.store.transaction() as transaction:
            transaction.gather_coverage(cells)
    (found,) = told(desk)
    assert found.samples == 2 * (MOST - 1) * LEAST
    desk.close()


def test_what_a_failing_store_does_not_take_is_written_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, clock = IngestHarness(place), ManualClock(NOW_MS)
    survey = CoverageSurvey(desk.store, clock)
    samples = [Sample(MONTH, 7, 1, 1 << number, -90) for number in range(LEAST)]
    survey.add(samples)

    def fails() -> None:
        raise StoreFailing("store.closed")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "transaction", fails)
        with pytest.raises(StoreFailing):
            survey.write()
        survey.end()
    survey.add(samples)
    survey.write()
    assert [each.samples for each in told(desk)] == [2 * LEAST]
    desk.close()


def test_cells_in_memory_are_bounded_and_what_is_left_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("siaga_gateway.service.fleet.coverage_survey._MOST", 3)
    desk = IngestHarness(tmp_path)
    survey = CoverageSurvey(desk.store, ManualClock(NOW_MS))
    survey.add([Sample(MONTH, cell, 1, 1, -90) for cell in (1, 2, 3, 4, 5, 1)])
    survey.write()
    assert desk.store.fetch("SELECT cell, samples FROM coverage_reported ORDER BY cell") == [(1, 2), (2, 1), (3, 1)]
    assert "2 " in caplog.text
    desk.close()


def test_what_earlier_batches_know_of_devices_holds_after_the_survey_is_written(tmp_path: Path) -> None:
    desk = IngestHarness(tmp_path)
    with desk.store.transaction() as transaction:
        transaction.mark()
        before = transaction.mark_after()
    survey = CoverageSurvey(desk.store, ManualClock(NOW_MS))
    survey.add([Sample(MONTH, 7, 1, 1, -90)])
    survey.write()
    with desk.store.transaction() as transaction:
        assert transaction.mark() == before
    desk.close()


def test_a_backup_has_only_what_may_be_told(tmp_path: Path) -> None:
    desk, clock = IngestHarness(tmp_path), ManualClock(NOW_MS)
    with desk.store.transaction() as transaction:
        transaction.gather_coverage(by_class(CellMonth(MONTH - 1, 1, 7, 1, 0, 10, 0, -900)))
    CoverageSurvey(desk.store, clock).release()
    with desk.store.transaction() as transaction:
        transaction.gather_coverage([CellMonth(MONTH, 1, 8, 1, 1, 700, 0, -63_000)])
    with desk.store.engine.transaction() as session:  # a gateway of the version before
        for table in ("coverage_gathered", "coverage"):
            session.run(f"INSERT INTO {table} VALUES (?, 1, 9, 1, 31, 700, 0, -63000)", (MONTH,))
    copy_sqlite(tmp_path / "siaga.db", tmp_path / "copy.db")
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT cell FROM coverage_told").fetchall() == [(7,)]
    for table in ("coverage_reported", "coverage_gathered", "coverage"):
        assert copy.execute(f"SELECT cell FROM {table}").fetchall() == []
    copy.close()
    desk.close()


def test_who_lives_in_a_cell_makes_up_no_more_than_a_fifth_of_its_count(place: Place) -> None:
    """Else the number of each month would say for how many hours somebody was at home."""
    desk, clock = IngestHarness(place), ManualClock(NOW_MS)
    resident, *passing = of_classes(desk, LEAST)
    counts = []
    for hours in (10, 200):  # at home, on the way; then at home all the time
        for _ in range(hours):
            desk.now_ms = clock.at_ms = clock.at_ms + HOUR_MS
            desk.take(checkin(resident, -110))
        desk.take(*(checkin(button) for button in passing))
        surveyed(desk, clock)
        counts += [(each.samples, each.weak) for each in told(desk, month_of(NOW_MS))]
    assert counts == [(LEAST, 1), (2 * LEAST, 2)]
    desk.close()
