"""A year of one person's life without a call leaves no trace of where it was lived."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from databases import Place
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import at, report_body
from siaga_gateway.adapters.sql.backups import check_sqlite, copy_sqlite
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.frame_removal import FrameRemoval
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy

DAY_MS = 86_400_000
A_DAY = 4  # check-ins of a carried button
POLICY = RetentionPolicy(365, 365, 90, 90, 3_650, last_position_h=24, history_days=90, checkin_s=21_600)


def latitude(number: int) -> int:
    """Another place for each check-in, whose bytes are found by nothing else."""
    return -53_000_000 - number * 7_919


YEAR = [(latitude(n).to_bytes(4, "big", signed=True), str(-latitude(n)).encode()) for n in range(366 * A_DAY)]


def traces(content: bytes) -> set[int]:
    """Which of the year's places are in it, as bytes or as digits."""
    return {number for number, (raw, digits) in enumerate(YEAR) if raw in content or digits in content}


def noted_by_an_older_gateway(desk: IngestHarness, frame: bytes) -> None:
    """Beside this one, or before it: a sample, with the frame that it is about."""
    with desk.store.transaction() as transaction:
        assert isinstance(transaction, SqlTransaction)
        transaction._journal.append((desk.now_ms, journal.CONTRADICTION, None, frame[2:10], None, "{}", frame))


def test_after_a_year_the_store_its_log_and_a_backup_hold_no_old_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = IngestHarness(tmp_path)
    button, clock = desk.button(), ManualClock(NOW_MS)
    retention, removal = Retention(desk.store, clock, POLICY), FrameRemoval(desk.store, clock)
    number = 0
    for day in range(365):
        for _ in range(A_DAY):
            desk.now_ms = clock.at_ms = NOW_MS + number * DAY_MS // A_DAY
            number += 1
            place = at(latitude(number), 1_052_600_000 + number, accuracy=9, fix_age=5)
            body = report_body(NOW_S + number * DAY_MS // A_DAY // 1000, battery=90, **place)
            desk.take(button.frame(Kind.CHECKIN, number, body, Suite.HS256_64))
        if day % 40 == 0:  # somebody has the key: contradictions and jumps are noted, without a place
            desk.take(button.frame(Kind.CHECKIN, number, report_body(NOW_S, **at(latitude(number - 1)))))
            desk.take(button.frame(Kind.CHECKIN, number + 4_000_000, report_body(NOW_S, **at(latitude(number - 2)))))
            noted_by_an_older_gateway(
                desk, button.frame(Kind.CHECKIN, number, report_body(NOW_S, **at(latitude(number - 3))))
            )
        clock.at_ms = desk.now_ms + 1
        removal.work()
        retention.run()
    verify(desk.store)
    young = set(range(number - A_DAY, number + 1))
    status = desk.store.status(button.device_id)
    assert status is not None and status.position is not None, "a press without a fix has the last one"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "siaga.db" for path in files)
    for path in files:
        assert traces(path.read_bytes()) <= young, f"{path.name} holds places that are older than a day"
    assert not traces(caplog.text.encode())
    copy = tmp_path / "copy.db"
    copy_sqlite(tmp_path / "siaga.db", copy)
    assert not traces(copy.read_bytes()), "a backup has no place but those of incidents"
    check_sqlite(copy)
    assert desk.store.fetch("SELECT count(*) FROM event") == [(0,)]
    days = desk.store.fetch("SELECT count(*) FROM device_day")[0][0]
    assert 89 <= days <= 92
    clock.at_ms += DAY_MS
    retention.forget_last_positions()
    status = desk.store.status(button.device_id)
    assert status is not None and status.position is None
    desk.close()


def test_a_button_that_checks_in_seldom_keeps_its_last_place_for_two_check_ins(place: Place) -> None:
    desk = IngestHarness(place)
    often, seldom = desk.button(), desk.button()
    with desk.store.transaction() as transaction:
        transaction.set_checkin(seldom.device_id, 86_400)
    desk.take(*(one.follow(Kind.CHECKIN, NOW_S, **at()) for one in (often, seldom)))
    clock = ManualClock(NOW_MS)
    retention = Retention(desk.store, clock, POLICY)

    def placed() -> list[bool]:
        found = [desk.store.status(one.device_id) for one in (often, seldom)]
        return [one is not None and one.position is not None for one in found]

    for hours, expected in ((23, [True, True]), (25, [False, True]), (47, [False, True]), (49, [False, False])):
        clock.at_ms = NOW_MS + hours * 3_600_000
        retention.forget_last_positions()
        assert placed() == expected, hours
    desk.close()
