"""The store on SQLite: all or nothing, durable, bounded, and plain about why it cannot be used."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import stored

from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, commands, store_path
from siaga_gateway.adapters.sql.engine import APPLICATION_ID
from siaga_gateway.adapters.sql.migrate import Migration, applied, known_migrations, migrate, statements
from siaga_gateway.adapters.sql.transaction import INCIDENTS, events_query, marks_query
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.store import (
    Attempt,
    DeliveryState,
    NewEvent,
    StoreConflict,
    StoreFailing,
    Stranger,
)

NOW_MS = stored.NOW_MS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = stored.new_store(tmp_path)
    stored.with_device(made)
    yield made
    made.close()


def event(counter: int, frame: bytes = b"frame") -> NewEvent:
    return NewEvent(stored.DEVICE_ID, counter, Kind.PRESS, Suite.ES256, frame, b"s" * 64, NOW_MS, "mqtt", None)


def stranger(number: int, seen_ms: int, proven: bool = False) -> Stranger:
    return Stranger(number.to_bytes(8, "big"), seen_ms, seen_ms, 1, b"frame", b"enrol" if proven else None)


def rows(store: SqlStore, table: str) -> int:
    count: int = store.fetch(f"SELECT count(*) FROM {table}")[0][0]
    return count


def test_a_commit_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    first = stored.new_store(tmp_path)
    stored.with_device(first)
    incident = stored.open_incident(first)
    name = first.name
    first.close()
    again = stored.new_store(tmp_path)
    assert (again.incident(incident.id), again.name) == (incident, name)
    again.close()


def test_a_new_store_is_for_its_owners_eyes_only(tmp_path: Path, store: SqlStore) -> None:
    stored.open_incident(store)
    files = [file for file in tmp_path.iterdir() if file.name.startswith(store_path(tmp_path).name)]
    assert len(files) >= 2, "the store and its log"
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_commit_waits_for_the_disk(store: SqlStore) -> None:
    """What an acknowledgement rests on: WAL with synchronous FULL on the connection that writes."""
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._writer.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_two_stores_have_two_names(tmp_path: Path) -> None:
    names = set()
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        made = stored.new_store(tmp_path / str(number))
        names.add(made.name)
        made.close()
    assert len(names) == 4


def test_a_transaction_that_fails_leaves_nothing(store: SqlStore) -> None:
    before = store.last_journal_id()
    with pytest.raises(RuntimeError), store.transaction() as transaction:
        transaction.add_event(event(1))
        transaction.note("seen", NOW_MS)
        assert transaction.events([(stored.DEVICE_ID, 1)]), "a transaction reads what it wrote"
        raise RuntimeError("in the middle")
    assert (rows(store, "event"), store.last_journal_id()) == (0, before)
    with store.transaction() as transaction:
        transaction.add_event(event(1))
    assert rows(store, "event") == 1


def test_the_same_event_cannot_be_stored_twice(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.add_event(event(7))
    with pytest.raises(StoreConflict), store.transaction() as transaction:
        transaction.add_event(event(7, b"another"))
    assert rows(store, "event") == 1


def test_a_full_disk_changes_nothing_and_is_over_when_there_is_room(store: SqlStore) -> None:
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFailing, match="the disk is full: make room"):
        for counter in range(1, 5_000):
            with store.transaction() as transaction:
                transaction.add_event(event(counter, b"f" * 99))
    kept = rows(store, "event")
    with pytest.raises(StoreFailing), store.transaction() as transaction:
        for counter in range(10_000, 10_500):
            transaction.add_event(event(counter, b"f" * 99))
    assert rows(store, "event") == kept
    store._writer.execute("PRAGMA max_page_count = 1000000")
    with store.transaction() as transaction:
        transaction.add_event(event(20_000))
    assert rows(store, "event") == kept + 1


def test_what_every_batch_asks_for_is_found_by_an_index(store: SqlStore) -> None:
    """However many events there are: a scan would make each press slower than the one before."""
    asked = {
        "event": (events_query(3), [b"device", 1] * 3),
        "press": (marks_query(3), [b"device", 1, 0] * 3),
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


def test_readers_do_not_wait_for_a_writer(store: SqlStore) -> None:
    stored.open_incident(store)
    found = []
    with store.transaction() as transaction:
        transaction.note("seen", NOW_MS)
        reader = threading.Thread(target=lambda: found.append(len(store.open_incidents())))
        reader.start()
        reader.join(5)
    assert found == [1]


def test_another_process_may_write_at_the_same_time(tmp_path: Path, store: SqlStore) -> None:
    """As `siaga gateway state` does while the gateway runs."""
    other = SqlStore(store_path(tmp_path), NOW_MS)
    version = store.registry_version()
    with other.transaction() as transaction:
        transaction.set_registration(stored.DEVICE_ID, RegistrationState.STOLEN)
    assert store.registry_version() == version + 1
    assert store.devices_changed(version) == [stored.DEVICE_ID]
    assert store.enrolled([stored.DEVICE_ID])[stored.DEVICE_ID].device.state is RegistrationState.STOLEN
    other.close()


def test_the_quarantine_is_bounded_and_keeps_the_proven_longest(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.quarantine([stranger(n, NOW_MS + n, proven=n < 3) for n in range(6)], 10)
        assert transaction.quarantine([stranger(9, NOW_MS + 9), stranger(9, NOW_MS + 10)], 4) == 3
    assert [one.device_id[-1] for one in store.strangers()] == [9, 2, 1, 0]
    found = store.stranger(stranger(9, 0).device_id)
    assert found is not None
    assert (found.frames, found.first_seen_ms, found.last_seen_ms) == (2, NOW_MS + 9, NOW_MS + 10)


def test_a_proven_enrol_is_not_forgotten_for_a_later_frame(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.quarantine([stranger(1, NOW_MS, proven=True)], 10)
        transaction.quarantine([stranger(1, NOW_MS + 1)], 10)
    (found,) = store.strangers()
    assert found.enrol_frame == b"enrol"


def test_a_notice_keeps_the_incident_as_it_was_and_lists_what_the_output_had_before(store: SqlStore) -> None:
    incident = stored.open_incident(store, outputs=("cad",))
    with store.transaction() as transaction:
        transaction.add_notice(Notice(incident, Change.SEEN, 2, NOW_MS + 1), ["cad", "late"])
        transaction.add_notice(Notice(incident, Change.CLOSED, 3, NOW_MS + 2), ["cad", "late"])
    third = store.pending("cad")[-1]
    assert third.key == f"{incident.identifier}.3.cad"
    notice = store.notice(third)
    assert notice.incident == incident
    assert notice.previous == ((1, NOW_MS), (2, NOW_MS + 1))
    assert store.notice(store.pending("late")[-1]).previous == ((2, NOW_MS + 1),), "it never got the first"


def test_a_kept_notice_holds_no_personal_data(store: SqlStore) -> None:
    incident = stored.open_incident(store, outputs=("cad",))
    assert incident.owner is not None
    ((kept,),) = store.fetch("SELECT incident FROM notice")
    for part in (incident.owner.name, incident.owner.nik, incident.owner.phone, incident.owner.address):
        assert part not in kept


def test_a_person_may_ask_for_another_try(store: SqlStore) -> None:
    incident = stored.open_incident(store, outputs=("cad", "folder"))
    cad, folder = store.pending("cad")[0], store.pending("folder")[0]
    with store.transaction() as transaction:
        transaction.record(
            [
                Attempt(cad.id, NOW_MS, DeliveryState.ABANDONED, "410 Gone"),
                Attempt(folder.id, NOW_MS, DeliveryState.DELIVERED, "written"),
            ]
        )
    assert not store.pending("cad")
    version = store.outbox_version()
    with store.transaction() as transaction:
        assert transaction.ask_again() == {"cad": 1}
    again = store.pending("cad")[0]
    assert (again.key, again.attempts, again.asked) == (f"{incident.identifier}.1.cad", 1, 1)
    assert store.outbox_version() == version + 1
    assert [(a.state, a.detail) for a in store.attempts(cad.id)] == [(DeliveryState.ABANDONED, "410 Gone")]


# Opening and migrating


def test_a_new_store_has_had_every_migration(store: SqlStore) -> None:
    assert applied(store._writer) == len(known_migrations())


def test_a_store_of_the_version_before_commands_keeps_all_and_takes_them(tmp_path: Path) -> None:
    from siaga_gateway.domain.command import Command, CommandState
    from siaga_gateway.domain.frame import CommandCode

    path = store_path(tmp_path)
    old = sqlite3.connect(path, isolation_level=None)
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrate(old, known_migrations()[:1], NOW_MS)
    old.execute("INSERT INTO owner VALUES (1, 'Contoh Wati', '9900000000000001', '+620000000001', 'Jl.', 'id', 0)")
    device = (stored.DEVICE_ID, stored.PUBLIC_XY, 1, "active", "Toko Contoh", 0, None, None, None, 1)
    old.execute("INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", device)
    old.execute("INSERT INTO journal (at_ms, kind, facts) VALUES (1, 'seen', '{}')")
    old.close()
    store = SqlStore(path, NOW_MS)
    assert applied(store._writer) == len(known_migrations())
    assert [one.device.label for one, _ in store.devices()] == ["Toko Contoh"]
    assert (store.last_journal_id(), store.command_version(), store.commands()) == (1, 0, [])
    given = Command(stored.DEVICE_ID, 7, CommandCode.TEST, b"", CommandState.WAITING, "Dewi", 1, 9, 1)
    with store.transaction() as transaction:
        assert transaction.last_down_counter(stored.DEVICE_ID) is None
        transaction.add_command(given)
        assert transaction.last_down_counter(stored.DEVICE_ID) == 7
    assert (list(store.commands()), store.command_version()) == ([given], 1)
    store.close()


def test_a_migration_and_its_record_are_one(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    good = Migration(1, "good", "CREATE TABLE one (a); -- a comment; with a semicolon\nCREATE TABLE two (b);\n")
    bad = Migration(2, "bad", "CREATE TABLE three (c);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (good, bad), NOW_MS)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert applied(connection) == 1
    assert tables == {"migration", "one", "two"}, "of the second nothing stays"
    mended = Migration(2, "mended", "CREATE TABLE three (c);\n")
    assert migrate(connection, (good, mended), NOW_MS) == 1
    assert migrate(connection, (good, mended), NOW_MS) == 0
    connection.close()


def test_statements_are_split_where_sql_ends_them() -> None:
    script = "-- first; not here\nCREATE TABLE a (b TEXT DEFAULT ';');\n\nINSERT INTO a VALUES ('x;y');\n-- last\n"
    assert [" ".join(s.split()) for s in statements(script)] == [
        "-- first; not here CREATE TABLE a (b TEXT DEFAULT ';');",
        "INSERT INTO a VALUES ('x;y');",
    ]
    with pytest.raises(ValueError, match="no end"):
        list(statements("CREATE TABLE a (b)"))


def test_a_store_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    stored.new_store(tmp_path).close()
    newer = sqlite3.connect(store_path(tmp_path))
    newer.execute("INSERT INTO migration VALUES (999, 'future', 0)")
    newer.commit()
    newer.close()
    with pytest.raises(StoreUnusable, match=r"shape of version 999 .* install that version or later"):
        stored.new_store(tmp_path)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(store_path(tmp_path))
    other.execute("CREATE TABLE recipes (name)")
    other.commit()
    other.close()
    before = store_path(tmp_path).read_bytes()
    with pytest.raises(StoreUnusable, match="a database of another program"):
        stored.new_store(tmp_path)
    assert store_path(tmp_path).read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    store_path(tmp_path).write_bytes(b"not a database at all, " * 100)
    with pytest.raises(StoreUnusable, match="not a Siaga store"):
        stored.new_store(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"siaga\.db: the store's files cannot be opened"):
        stored.new_store(tmp_path / "nowhere")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    made = stored.new_store(tmp_path)
    made.close()
    with pytest.raises(StoreFailing, match="closed"), made.transaction():
        pass
    with pytest.raises(StoreFailing, match="closed"):
        made.open_incidents()
