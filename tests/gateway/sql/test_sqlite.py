"""What is SQLite's own: its file, its log, its disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import rows
from gateway import sample_store
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, commands, store_path
from siaga_gateway.adapters.sql.incidents import SELECT as INCIDENTS
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.sqlite.session import WRITING
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Escalation, Phase, Why
from siaga_gateway.domain.frame import Kind, Suite, event_digest
from siaga_gateway.domain.notification import made
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store import DeliveryState, NewEvent, StoreFailing
from waiting import ENDS_S

NOW_MS = sample_store.NOW_MS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    sample_store.with_device(made)
    yield made
    made.close()


def writer_of(store: SqlStore) -> sqlite3.Connection:
    assert isinstance(store.engine, Sqlite)
    return store.engine.writer


def event(counter: int, frame: bytes = b"frame") -> NewEvent:
    digest = event_digest(Kind.PRESS, counter, b"body")
    return NewEvent(
        sample_store.DEVICE_ID, counter, Kind.PRESS, Suite.ES256, frame, b"s" * 64, NOW_MS, "mqtt", None, digest
    )


def test_a_new_store_is_for_its_owners_eyes_only(tmp_path: Path, store: SqlStore) -> None:
    sample_store.open_incident(store)
    files = [file for file in tmp_path.iterdir() if file.name.startswith(store_path(tmp_path).name)]
    assert len(files) >= 2, "the store and its log"
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_commit_waits_for_the_disk(store: SqlStore) -> None:
    """What an acknowledgement rests on: WAL with synchronous FULL on the connection that writes."""
    assert writer_of(store).execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer_of(store).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer_of(store).execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_full_disk_changes_nothing_and_is_over_when_there_is_room(store: SqlStore) -> None:
    pages = writer_of(store).execute("PRAGMA page_count").fetchone()[0]
    writer_of(store).execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFailing, match="the disk is full: make room"):
        for counter in range(1, 5_000):
            with store.transaction() as transaction:
                transaction.add_event(event(counter, b"f" * 99))
    kept = rows(store, "event")
    with pytest.raises(StoreFailing), store.transaction() as transaction:
        for counter in range(10_000, 10_500):
            transaction.add_event(event(counter, b"f" * 99))
    assert rows(store, "event") == kept
    writer_of(store).execute("PRAGMA max_page_count = 1000000")
    with store.transaction() as transaction:
        transaction.add_event(event(20_000))
    assert rows(store, "event") == kept + 1


def test_a_press_goes_between_tries_to_empty_the_log_while_somebody_reads(tmp_path: Path, store: SqlStore) -> None:
    log = tmp_path / f"{store_path(tmp_path).name}-wal"
    trying = threading.Event()
    writer_of(store).set_trace_callback(lambda said: trying.set() if "wal_checkpoint" in said else None)
    reader = sqlite3.connect(store_path(tmp_path), isolation_level=None)  # a backup, say, or an audit
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchall()
    with store.transaction() as transaction:
        transaction.add_event(event(1))
    emptying = threading.Thread(target=store.scrub)
    emptying.start()
    assert trying.wait(ENDS_S)
    with store.transaction() as transaction:
        transaction.add_event(event(2))
    reader.close()
    emptying.join()
    assert rows(store, "event") == 2
    assert log.stat().st_size == 0, "it goes on until nobody reads"


def test_what_every_batch_asks_for_is_found_by_an_index(store: SqlStore) -> None:
    """However many events there are: a scan would make each press slower than the one before."""
    asked = {
        "event": WRITING.by_keys("frame", "event", ("device_id", "counter"), [(b"device", 1)] * 3),
        "press": WRITING.by_keys("arrived", "press", ("device_id", "counter", "test"), [(b"device", 1, 0)] * 3),
        "incident": (f"{INCIDENTS} WHERE incident.state <> 'closed' AND incident.device_id IN (?, ?)", [b"a", b"b"]),
        "device_status": ("SELECT * FROM device_status WHERE device_id IN (?, ?)", [b"a", b"b"]),
        "outbox": ("SELECT * FROM outbox WHERE state = 'pending' AND output = ? AND id > ? ORDER BY id", ["cad", 0]),
        "journal": ("SELECT * FROM journal WHERE incident_id = ? ORDER BY id", [1]),
    }
    due = {
        "command": (commands.DUE, [NOW_MS, 9]),
        "command USING INDEX command_expiry": (commands.EXPIRED, [NOW_MS, 9]),
        "command USING PRIMARY KEY (device_id": (commands.FIRST_OF, [b"device"]),
    }
    for table, (query, parameters) in (asked | due).items():
        steps = [row[3] for row in store.fetch(f"EXPLAIN QUERY PLAN {query}", parameters)]
        assert any(step.startswith(f"SEARCH {table}") for step in steps), (table, steps)
        assert not any(step.startswith(f"SCAN {table}") for step in steps), (table, steps)


def test_what_calls_people_takes_nothing_from_what_a_batch_of_events_has_read(store: SqlStore) -> None:
    """Else each batch reads its buttons again while others are called for: a fifth more work for each press."""
    incident = sample_store.open_incident(store)
    with store.transaction() as transaction:
        transaction.mark()
        transaction.add_event(event(7))
        kept = transaction.mark_after()
    contact = Contact(1, ContactKind.CALL, Why.OPENED, 1, "stations")
    told = made(incident.id, contact, "station:a", ContactWay.NTFY, 0, None, NOW_MS)
    with store.transaction() as transaction:
        assert transaction.put_escalation(Escalation(incident.id, Phase.CALLING, Why.OPENED, NOW_MS, NOW_MS))
        transaction.put_alarm(incident.id, Alarm(2, ()))
        transaction.add_notifications([told])
        transaction.put_notifications([copied(told, attempts=1)])
        transaction.remember("waves.journal", "7")
        transaction.note("contoh", NOW_MS, {}, incident_id=incident.id)
    with store.transaction() as transaction:
        assert transaction.mark() == kept and kept is not None
        transaction.put_incident(copied(incident, presses=9))
    with store.transaction() as transaction:
        assert transaction.mark() != kept


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(store_path(tmp_path))
    other.execute("CREATE TABLE recipes (name)")
    other.commit()
    other.close()
    before = store_path(tmp_path).read_bytes()
    with pytest.raises(StoreUnusable, match="a database of another program"):
        sample_store.new_store(tmp_path)
    assert store_path(tmp_path).read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    store_path(tmp_path).write_bytes(b"not a database at all, " * 100)
    with pytest.raises(StoreUnusable, match="not a Siaga store"):
        sample_store.new_store(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"siaga\.db: the store's files cannot be opened"):
        SqlStore(store_path(tmp_path / "nowhere"), NOW_MS)


def test_an_sqlite_that_is_too_old_is_named_before_a_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(StoreUnusable, match=r"Siaga needs 3\.35\.0 or later"):
        SqlStore(store_path(tmp_path), NOW_MS)
    assert list(tmp_path.iterdir()) == []


def test_what_was_given_up_is_found_without_reading_all_that_was_delivered(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console asks every two seconds."""
    asked: list[tuple[str, Any]] = []
    fetch = store.fetch

    def noted(query: str, parameters: Any = ()) -> Any:
        asked.append((query, parameters))
        return fetch(query, parameters)

    monkeypatch.setattr(store, "fetch", noted)
    assert store.deliveries(states=[DeliveryState.ABANDONED], settled=False, limit=1) == []
    ((query, parameters),) = asked
    steps = [row[3] for row in fetch(f"EXPLAIN QUERY PLAN {query}", parameters)]
    assert "SCAN outbox USING INDEX outbox_abandoned" in steps, steps
