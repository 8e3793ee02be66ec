"""A gateway that was not restarted after an update goes on storing presses when its store has been migrated.

A backup's timer or any command migrates; on PostgreSQL another machine does.
"""

from __future__ import annotations

from pathlib import Path

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql.backups import copy_sqlite
from siaga_gateway.adapters.sql.engine import Engine, Insert
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.sqlite.engine import Sqlite
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy

NOW_MS = sample_store.NOW_MS
DEVICE_ID = sample_store.DEVICE_ID
OLDEST = 34  # of the versions that may run beside this one
BEFORE = 38
FIX = (-54_321_987, 1_052_612_345, 9, 3, "gnss")
HOUR_MS = 3_600_000
POLICY = RetentionPolicy(365, 365, 90, 90, 3_650)

# What the version with 38 migrations ran for a press, word for word.
STATUS = Insert(
    "device_status",
    (
        *("device_id", "first_counter", "highest_counter", "events", "last_seen_ms", "battery", "battery_counter"),
        *("low_battery", "tamper_open", "external_power", "latitude", "longitude", "accuracy_m", "fix_age_s"),
        *("position_source", "position_at_ms", "health", "restarts", "restarts_until_ms", "rejected_until_ms"),
        *("tampered_ms", "told_counter", "told_ms", "counter_faults", "counter_fault_ms", "jumped_over", "lag_s"),
        *("lag_at_ms", "drift_ppm"),
    ),
    ("device_id",),
)
EVENT = Insert(
    "event",
    (
        *("device_id", "counter", "kind", "suite", "frame", "signature", "received_ms", "bearer", "incident_id"),
        *("answer", "batch", "digest"),
    ),
)
PRESS = Insert("press", ("device_id", "counter", "test", "incident_id", "arrived"), ("device_id", "counter", "test"))
BATCH = Insert("batch", ("number", "id", "at_ms", "events", "digest", "hash"))
ENTRY = Insert("journal", ("id", "at_ms", "kind", "incident_id", "device_id", "actor", "facts", "frame", "hash"))
NOTICE = Insert("notice", ("incident_id", "sequence", "change", "made_at_ms", "incident"))
OUTBOX = Insert("outbox", ("id", "output", "incident_id", "sequence", "state"))
SEEN = "SELECT latitude, longitude, accuracy_m, fix_age_s, position_source, position_at_ms FROM device_status"


def status(counter: int, at_ms: int) -> tuple[object, ...]:
    head = (DEVICE_ID, 1, counter, counter, at_ms, 80, counter, 0, 0, 1)
    return (*head, *FIX, at_ms, None, 0, 0, 0, None, counter, at_ms, 0, None, 0, None, None, None)


def old_press(old: Engine, counter: int, at_ms: int) -> None:
    """As its transaction is."""
    key = (DEVICE_ID, counter)
    with old.transaction() as session:
        session.run(
            "INSERT INTO incident (id, identifier, mode, state, device_id, device_label, registration, owner_id, "
            "opening_counter, opened_at_ms, presses, silent, duress, cancelled_by_holder, held, sequence, last_press) "
            "VALUES (?, ?, 'actual', 'closed', ?, 'Toko Contoh', 'active', 1, ?, ?, 1, 0, 0, 0, 0, 1, 1)",
            (counter, f"siaga-{counter}.bcdfg", *key, at_ms),
        )
        session.insert(STATUS, [status(counter, at_ms)])
        session.insert(PRESS, [(*key, 0, counter, 1)])
        session.insert(EVENT, [(*key, 1, 2, b"frame", None, at_ms, "mqtt", counter, 1, counter, bytes([counter]) * 32)])
        session.insert(ENTRY, [(2 * counter, at_ms, "press", counter, DEVICE_ID, None, "{}", b"frame", bytes(32))])
        session.insert(BATCH, [(counter, 2 * counter + 1, at_ms, 1, bytes(32), bytes(32))])
        session.run("UPDATE audit_head SET id = ?, hash = ? WHERE one = 1", (2 * counter + 1, bytes(32)))
        session.insert(NOTICE, [(counter, 1, "opened", at_ms, "[]")])
        session.insert(OUTBOX, [(counter, "cad", counter, 1, "pending")])


def running_at(place: Place, version: int) -> Engine:
    old = place.open_at(version, NOW_MS)
    with old.transaction() as session:
        session.run(
            "INSERT INTO owner (id, name, nik, nik_index, phone, address, language, created_at_ms) "
            "VALUES (1, '', '', 'n', '', '', 'id', 0)"
        )
        session.run(
            "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
            "VALUES (?, ?, 1, 'active', 'Toko Contoh', 0, 1)",
            (DEVICE_ID, sample_store.PUBLIC_XY),
        )
    return old


def columns_of(engine: Engine) -> dict[tuple[str, str], bool]:
    """Whether a row may be written without it, for each table's columns."""
    if engine.kind == "sqlite":
        found = engine.fetch(
            'SELECT m.name, c.name, c."notnull" = 0 OR c.dflt_value IS NOT NULL OR c.pk > 0 '
            "FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        )
    else:
        found = engine.fetch(
            "SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' "
            "FROM information_schema.columns WHERE table_schema = 'public'"
        )
    return {(table, name): bool(free) for table, name, free in found}


def test_presses_of_a_gateway_that_was_not_restarted_are_stored(place: Place) -> None:
    old = running_at(place, BEFORE)
    old_press(old, 1, NOW_MS)
    store = sample_store.new_store(place)
    for counter in (2, 3):
        old_press(old, counter, NOW_MS + counter)
    assert store.fetch("SELECT count(*) FROM event") == [(3,)]
    assert old.fetch(SEEN) == [(*FIX, NOW_MS + 3)], "it reads what it wrote"
    old.close()
    store.close()


def test_its_last_positions_are_taken_over_and_expire(place: Place, tmp_path: Path) -> None:
    old = running_at(place, BEFORE)
    old_press(old, 1, NOW_MS)
    store = sample_store.new_store(place)
    clock = ManualClock(NOW_MS + HOUR_MS)
    retention = Retention(store, clock, POLICY)

    def known_ms() -> int | None:
        found = store.status(DEVICE_ID)
        return None if found is None or found.position is None else found.position.at_ms

    assert known_ms() == NOW_MS
    for at_ms, expected in ((NOW_MS + HOUR_MS, NOW_MS + HOUR_MS), (NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)):
        with old.transaction() as session:
            session.insert(STATUS, [status(5, at_ms)])
        if isinstance(old, Sqlite):
            copy = tmp_path / f"{at_ms}.copy"
            copy_sqlite(tmp_path / "siaga.db", copy)
            assert FIX[0].to_bytes(4, "big", signed=True) not in copy.read_bytes(), "a backup has no last position"
        retention.forget_last_positions()
        assert known_ms() == expected, "the younger stays"
        assert old.fetch(SEEN) == [(None,) * 6]
    with old.transaction() as session:
        session.insert(STATUS, [status(6, NOW_MS + HOUR_MS)])
    clock.at_ms = NOW_MS + 26 * HOUR_MS
    retention.forget_last_positions()
    assert known_ms() is None
    with old.transaction() as session:
        session.insert(STATUS, [status(7, NOW_MS)])
    with store.transaction() as transaction:
        transaction.lock([DEVICE_ID])
        transaction.erase_owner(1, NOW_MS)
    assert old.fetch(SEEN) == [(None,) * 6]
    assert known_ms() is None
    old.close()
    store.close()


def test_no_step_takes_a_column_away_or_asks_older_programs_for_one(place: Place) -> None:
    engine = place.open_at(OLDEST, NOW_MS)
    steps = known_migrations(engine)
    before = columns_of(engine)
    for step in steps[OLDEST:]:
        migrate(engine, steps[: step.number], NOW_MS)
        after = columns_of(engine)
        tables = {table for table, _ in before}
        assert before.keys() - after.keys() == set(), step.name
        assert {key for key in after.keys() - before.keys() if key[0] in tables and not after[key]} == set(), step.name
        assert {key for key in before if before[key] and not after[key]} == set(), step.name
        before = after
    engine.close()
