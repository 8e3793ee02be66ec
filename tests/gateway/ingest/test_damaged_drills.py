"""Where nobody can read which drills there are, a press is taken, and is a call in earnest: real, damaged stores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import sqlite_damage
from databases import Place
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import DEFAULTS, NOW_MS, NOW_S, IngestHarness
from siaga_gateway.adapters.sql import store_path
from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreDamaged, StoreFailing
from waiting import eventually

_SPOILT = (
    "ALTER TABLE drill RENAME TO drill_before",
    "CREATE FUNCTION spoilt() RETURNS SETOF drill_before LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = 'XX001'; END $$",
    "CREATE VIEW drill AS SELECT * FROM spoilt()",
)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_press_is_real_where_the_drills_cannot_be_read(tmp_path: Path, engine: str) -> None:
    place = Place(engine, tmp_path)
    desk = IngestHarness(place)
    button = desk.button()
    desk.take(button.enrol())
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    with desk.store.transaction() as transaction:
        drill = Drill(1, "Latihan", "Siti", (button.device_id,), ("station:x",), NOW_MS, NOW_MS, NOW_MS + 3_600_000)
        transaction.put_drill(drill)
    if engine == "sqlite":
        desk.close()
        path = store_path(tmp_path)
        sqlite_damage.checkpoint(path)
        with closing(sqlite3.connect(path)) as connection:
            (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'drill'").fetchone()
        sqlite_damage.damage(path, page)
        desk = IngestHarness(place, beside=desk)
    else:
        with desk.store.engine.transaction() as session:
            for each in _SPOILT:
                session.run(each)
    met: list[tuple[StoreFailing, bool]] = []
    acknowledged: list[bytes] = []
    ingest = Ingest(
        store=desk.store,
        keyring=desk.keyring,
        sender=SentAnswers(),
        notifier=JournalNotifier(),
        clock=ManualClock(NOW_MS),
        defaults=DEFAULTS,
        limits=Limits(),
        on_damage=lambda error, call: met.append((error, call)),
    )
    ingest.start()
    assert ingest.offer(InboundFrame(button.press(NOW_S), NOW_MS, "mqtt", lambda: acknowledged.append(b"")), 1)
    eventually(lambda: acknowledged != [] or ingest.stranded > 0)
    ingest.stop()
    assert ingest.stranded == 0
    assert desk.only().mode is Mode.ACTUAL
    assert met and isinstance(met[0][0], StoreDamaged) and met[0][1], "it is told"
    desk.close()
