"""A store of each older version is brought to today's shape and keeps all that was in it, on both engines."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from databases import Place
from gateway import sample_store
from gateway.dispatch.listed_places import AREAS, DISTRICT
from gateway.dispatch.listed_responders import BUDI
from siaga_gateway.adapters.sql import StoreUnusable
from siaga_gateway.adapters.sql import migrate as migrating
from siaga_gateway.adapters.sql.engine import Engine, Insert, Session
from siaga_gateway.adapters.sql.migrate import Migration, applied, known_migrations, migrate, statements
from siaga_gateway.domain.checkin_window import Verdict, judge
from siaga_gateway.domain.device_command import Command, CommandState
from siaga_gateway.domain.escalation import opened
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.supervision import Cause, SupervisionLimits, problems
from siaga_gateway.service.store.audit import REMOVED_UNTIL
from waiting import RUNS_S, eventually

NOW_MS = sample_store.NOW_MS


def version_of(engine: Engine) -> int:
    with engine.migrating() as session:
        return applied(engine, session)


def enrol_as_then(session: Session) -> None:
    """An invented owner and a device, in the tables of versions 1 to 3."""
    session.run("INSERT INTO owner VALUES (1, 'Contoh Wati', '9900000000000001', '+620000000001', 'Jl.', 'id', 0)")
    device = (sample_store.DEVICE_ID, sample_store.PUBLIC_XY, 1, "active", "Toko Contoh", 0, None, None, None, 1)
    session.run("INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", device)


def test_both_engines_have_the_same_steps(tmp_path: Path) -> None:
    def steps(kind: str) -> list[tuple[int, str]]:
        return [(step.number, step.name) for step in known_migrations(Place(kind, tmp_path).engine())]

    assert steps("sqlite") == steps("postgresql")


def test_a_new_store_has_had_every_migration(place: Place) -> None:
    store = sample_store.new_store(place.emptied())
    assert version_of(store.engine) == len(known_migrations(store.engine))
    store.close()


def test_a_store_of_the_version_before_commands_keeps_all_and_takes_them(place: Place) -> None:
    old = place.open_at(1, NOW_MS)
    with old.transaction() as session:
        enrol_as_then(session)
        session.run("INSERT INTO journal (id, at_ms, kind, facts) VALUES (1, 1, 'seen', '{}')")
    old.close()
    store = sample_store.new_store(place)
    assert version_of(store.engine) == len(known_migrations(store.engine))
    assert [one.device.label for one, _ in store.devices()] == ["Toko Contoh"]
    assert (store.last_journal_id(), store.command_version(), store.commands()) == (1, 0, [])
    given = Command(sample_store.DEVICE_ID, 7, CommandCode.TEST, b"", CommandState.WAITING, "Dewi", 1, 9, 1)
    with store.transaction() as transaction:
        assert transaction.last_down_counter(sample_store.DEVICE_ID) is None
        transaction.add_command(given)
        assert transaction.last_down_counter(sample_store.DEVICE_ID) == 7
    assert (list(store.commands()), store.command_version()) == ([given], 1)
    store.close()


def test_a_store_of_the_version_before_maintenance_blames_no_device_for_its_past(place: Place) -> None:
    old = place.open_at(3, NOW_MS)
    with old.transaction() as session:
        session.run("INSERT INTO meta (name, value) VALUES ('store', 'bcdfg')")
        enrol_as_then(session)
        session.run(
            "INSERT INTO device_status (device_id, first_counter, highest_counter, events, last_seen_ms, "
            "battery_counter, low_battery, tamper_open, external_power) VALUES (?, 1, 500, 100, 5, 0, 0, 0, 0)",
            (sample_store.DEVICE_ID,),
        )
    old.close()
    store = sample_store.new_store(place)
    ((enrolled, status),) = store.devices()
    assert enrolled.device.checkin_s is None
    assert status is not None and status.missing == 400 and status.restarts == 17
    assert (status.restarts_until_ms, status.rejected_until_ms, status.tampered_ms) == (0, 0, None)
    assert (status.told_counter, status.told_ms, status.counter_faults, status.clock) == (500, 5, 0, None)
    assert Cause.COUNTER_GAP not in problems(enrolled.device, status, NOW_MS, SupervisionLimits(), [])
    assert store.open_cases() == []
    store.close()


def test_check_ins_of_older_versions_are_neither_new_again_nor_lost_to_a_press(place: Place) -> None:
    old = place.open_at(1, NOW_MS)
    with old.transaction() as session:
        enrol_as_then(session)
        session.run(
            "INSERT INTO device_status VALUES (?, 1, 500, 100, 5, 80, 500, 0, 0, 1, "
            "-54000000, 1052600000, 9, 3, 'gnss', ?, NULL)",
            (sample_store.DEVICE_ID, NOW_MS),
        )
    old.close()
    store = sample_store.new_store(place)
    status = store.status(sample_store.DEVICE_ID)
    assert status is not None and status.position is not None
    assert (status.position.latitude, status.position.accuracy_m, status.external_power) == (-54_000_000, 9, True)
    for counter, verdict in ((500, Verdict.OUTSIDE), (471, Verdict.OUTSIDE), (501, Verdict.NEW)):
        assert judge(status.window, status.first_counter, counter, b"some") is verdict
    assert store.remembered(REMOVED_UNTIL) == "0"
    store.close()


def test_a_store_of_the_version_before_workers_keeps_all_and_goes_on_numbering(place: Place) -> None:
    old = place.open_at(2, NOW_MS)
    with old.transaction() as session:
        session.run("INSERT INTO meta (name, value) VALUES ('store', 'bcdfg')")
        enrol_as_then(session)
        session.run("INSERT INTO journal (id, at_ms, kind, facts) VALUES (41, 1, 'seen', '{}')")
        session.run(
            "INSERT INTO command VALUES (?, 7, 2, ?, 'sent', 'Dewi', 1, 9, 1, 3, 5, NULL)",
            (sample_store.DEVICE_ID, b""),
        )
    old.close()
    store = sample_store.new_store(place)
    assert store.name == "bcdfg"
    assert [(one.down_counter, one.attempts) for one in store.commands()] == [(7, 3)]
    incident = sample_store.open_incident(store, outputs=("cad",), pressed=False)
    assert store.pending("cad")[0].incident_id == incident.id
    with store.transaction() as transaction:
        transaction.note("closed", NOW_MS)
    assert [entry.kind for entry in store.journal_after(0)] == ["seen", "closed"]
    assert [entry.id for entry in store.journal_after(0)] == [1, 2], "the audit chain begins at 1 and has no gaps"
    assert store.lease("outbox cad", "one", 60)
    store.close()


def test_a_migration_and_its_record_are_one(place: Place) -> None:
    engine = place.emptied().engine()
    engine.open()
    words = "CREATE TABLE one (a TEXT); -- a comment; with a semicolon\nCREATE TABLE two (b TEXT);\n"
    good = Migration(1, "good", words)
    bad = Migration(2, "bad", "CREATE TABLE three (c TEXT);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(StoreUnusable, match="nowhere"):
        migrate(engine, (good, bad), NOW_MS)
    with engine.migrating() as session:
        assert applied(engine, session) == 1
        assert [engine.has_table(session, name) for name in ("one", "two", "three")] == [True, True, False]
    mended = Migration(2, "mended", "CREATE TABLE three (c TEXT);\n")
    assert migrate(engine, (good, mended), NOW_MS) == 1
    assert migrate(engine, (good, mended), NOW_MS) == 0
    engine.close()


def test_a_press_goes_between_tries_to_change_a_table_that_somebody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older gateway serves, and somebody dumps the database: who waits for a table keeps everybody else from it."""
    monkeypatch.setattr(migrating, "_PATIENCE_S", 600.0)
    with Place("postgresql", tmp_path) as place:
        known = known_migrations(place.engine())
        old = place.open_at(next(each.number for each in known if each.name == "unsigned_checkins") - 1, NOW_MS)
        new = place.engine()
        new.open()
        dump = psycopg.connect(place.conninfo)
        dump.execute("SELECT count(*) FROM device_status")
        changing = threading.Thread(target=migrate, args=(new, known, NOW_MS))
        changing.start()
        waits = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'device_status'::regclass "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        eventually(lambda: old.fetch(waits) != [(0,)], "the table is waited for")
        with old.transaction() as session:
            session.run("UPDATE device_status SET events = events + 1")
        dump.close()
        changing.join()
        assert version_of(old) == len(known)
        old.close()
        new.close()


def test_a_step_that_ends_a_ring_of_waiting_is_tried_again(tmp_path: Path) -> None:
    """A step of an operator reads the call, then locks its button; a migration takes both tables in another order."""
    both = "ALTER TABLE device ADD COLUMN one TEXT;\nALTER TABLE incident ADD COLUMN two TEXT;\n"
    with Place("postgresql", tmp_path) as place, ThreadPoolExecutor(1) as aside:
        engine = place.engine()
        engine.open()
        known = known_migrations(engine)
        step = psycopg.connect(place.conninfo, options="-c deadlock_timeout=1h")  # it is not the one to end
        step.execute("SELECT count(*) FROM incident")
        changing = aside.submit(migrate, engine, (*known, Migration(len(known) + 1, "both", both)), NOW_MS)
        waits = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'incident'::regclass "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        eventually(lambda: engine.fetch(waits) != [(0,)], "the table is waited for")
        step.execute("SELECT 1 FROM device FOR NO KEY UPDATE")
        step.close()
        assert changing.result(RUNS_S) == 1
        engine.close()


def test_statements_are_split_where_sql_ends_them() -> None:
    script = "-- first; not here\nCREATE TABLE a (b TEXT DEFAULT ';');\n\nINSERT INTO a VALUES ('x;y');\n-- last\n"
    assert [" ".join(s.split()) for s in statements(script)] == [
        "-- first; not here CREATE TABLE a (b TEXT DEFAULT ';');",
        "INSERT INTO a VALUES ('x;y');",
    ]
    with pytest.raises(ValueError, match="no end"):
        list(statements("CREATE TABLE a (b)"))


def test_a_store_of_the_version_before_removal_keeps_all_and_lets_a_button_be_removed(place: Place) -> None:
    old = place.open_at(5, NOW_MS)
    with old.transaction() as session:
        session.run(
            "INSERT INTO owner (id, name, nik, phone, address, language, created_at_ms) "
            "VALUES (1, 'Contoh Wati', '9900000000000001', '+620000000001', 'Jl.', 'id', 0)"
        )
        device = (sample_store.DEVICE_ID, sample_store.PUBLIC_XY, 1, "stolen", "Toko Contoh", 0, 1)
        session.run(
            "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            device,
        )
    old.close()
    store = sample_store.new_store(place)
    assert store.registrations() == {sample_store.DEVICE_ID: RegistrationState.STOLEN}
    with store.transaction() as transaction:
        transaction.set_registration(sample_store.DEVICE_ID, RegistrationState.REMOVED, NOW_MS)
    assert store.registrations() == {sample_store.DEVICE_ID: RegistrationState.REMOVED}
    store.close()


def test_notices_of_the_version_before_they_lay_in_order_are_delivered_and_forgotten(place: Place) -> None:
    old = place.open_at(8, NOW_MS)
    incident = {
        "id": 3,
        "identifier": "siaga.test-3.bcdfg",
        "mode": "actual",
        "state": "closed",
        "device_id": sample_store.DEVICE_ID,
        "device_label": "Toko Contoh",
        "registration": "active",
        "owner_id": 1,
        "opening_counter": 1,
        "opened_at_ms": NOW_MS,
        "latitude": -54292000,
        "longitude": 1052610000,
        "position_source": "gnss",
        "position_at_ms": NOW_MS,
        "presses": 1,
        "silent": 0,
        "duress": 0,
        "cancelled_by_holder": 0,
        "held": 0,
        "closed_at_ms": NOW_MS,
        "sequence": 2,
        "last_press": 1,
    }
    kept = json.dumps({**incident, "state": "open", "device_id": sample_store.DEVICE_ID.hex()})
    with old.transaction() as session:
        session.run(
            "INSERT INTO owner (id, name, nik_index, phone, address, language, created_at_ms) "
            "VALUES (1, 'Contoh Wati', '9900000000000001', '+620000000001', 'Jl.', 'id', 0)"
        )
        session.run(
            "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
            "VALUES (?, ?, 1, 'active', 'Toko Contoh', 0, 1)",
            (sample_store.DEVICE_ID, sample_store.PUBLIC_XY),
        )
        session.insert(Insert("incident", tuple(incident)), [tuple(incident.values())])
        session.many("INSERT INTO notice VALUES (3, ?, ?, ?, ?)", [(1, "opened", 7, kept), (2, "closed", 8, kept)])
        session.many(
            "INSERT INTO outbox (id, output, incident_id, sequence, state) VALUES (?, 'cad', 3, ?, ?)",
            [(5, 1, "delivered"), (6, 2, "pending")],
        )
        session.run("INSERT INTO attempt (outbox_id, at_ms, state, detail) VALUES (5, 9, 'delivered', '200')")
    old.close()
    store = sample_store.new_store(place)
    (waits,) = store.pending("cad")
    notice = store.notice(waits)
    assert (notice.sequence, notice.previous, notice.incident.state) == (2, ((1, 7),), IncidentState.OPEN)
    assert notice.incident.position is not None and notice.incident.position.latitude == -54292000
    assert len(store.attempts(5)) == 1
    with store.transaction() as transaction:
        transaction.lock([sample_store.DEVICE_ID])
        assert transaction.forget_incidents([3], NOW_MS + 1, 0) == (1, 0)
    forgotten = store.notice(waits).incident
    assert forgotten.position is None
    assert (forgotten.identifier, forgotten.state) == (notice.incident.identifier, IncidentState.OPEN)
    store.close()


def test_a_store_of_a_newer_program_is_refused(place: Place) -> None:
    made = sample_store.new_store(place)
    with made.engine.transaction() as session:
        session.run("INSERT INTO migration VALUES (999, 'future', 0)")
    made.close()
    with pytest.raises(StoreUnusable, match=r"shape of version 999 .* install that version or later"):
        sample_store.new_store(place)


def test_a_store_of_the_version_before_places_keeps_all_and_takes_them(place: Place) -> None:
    old = place.open_at(15, NOW_MS)
    with old.transaction() as session:
        session.run(
            "INSERT INTO owner (id, name, nik, nik_index, phone, address, language, created_at_ms) "
            "VALUES (1, '', '', 'erased.1', '', '', 'id', 0)"
        )
        session.run(
            "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed, "
            "installed_latitude, installed_longitude) VALUES (?, ?, 1, 'active', 'Toko Contoh', 0, 1, -1, 2)",
            (sample_store.DEVICE_ID, sample_store.PUBLIC_XY),
        )
    old.close()
    store = sample_store.new_store(place)
    assert store.installed_places() == [(-1, 2)]
    assert (store.places_version(), store.stations(), store.areas(), store.home_station(1)) == (0, [], [], None)
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)
        transaction.set_home_station(1, "polres")
    store.close()
    again = sample_store.new_store(place)
    assert (again.places_version(), len(again.stations()), len(again.areas())) == (1, len(DISTRICT), len(AREAS))
    assert again.home_station(1) == "polres"
    again.close()


def test_a_store_of_the_version_before_escalation_keeps_its_incidents_and_takes_escalations(place: Place) -> None:
    old = place.open_at(17, NOW_MS)
    with old.transaction() as session:
        session.run(
            "INSERT INTO owner (id, name, nik, nik_index, phone, address, language, created_at_ms) "
            "VALUES (1, '', '', 'erased.1', '', '', 'id', 0)"
        )
        session.run(
            "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
            "VALUES (?, ?, 1, 'active', 'Toko Contoh', 0, 1)",
            (sample_store.DEVICE_ID, sample_store.PUBLIC_XY),
        )
        incident = ("siaga-1.bcdfg", "actual", "open", sample_store.DEVICE_ID, "Toko Contoh", "active", 1)
        session.run(
            "INSERT INTO incident (id, identifier, mode, state, device_id, device_label, registration, "
            "opening_counter, opened_at_ms, presses, silent, duress, cancelled_by_holder, held, sequence, last_press) "
            "VALUES (1, ?, ?, ?, ?, ?, ?, ?, 5, 1, 0, 0, 0, 0, 1, 1)",
            incident,
        )
    old.close()
    store = sample_store.new_store(place)
    assert [each.id for each in store.open_incidents()] == [1]
    assert (store.escalation_of(1), store.unescalated(), store.next_escalation_ms()) == (None, [1], None)
    begun = opened(1, NOW_MS, Ladder("Contoh")).state
    with store.transaction() as transaction:
        assert transaction.put_escalation(begun)
    assert (store.unescalated(), store.next_escalation_ms()) == ([], NOW_MS + 10_000)
    store.close()


def test_a_store_of_the_version_before_responders_keeps_its_stations_and_takes_people(place: Place) -> None:
    old = place.open_at(18, NOW_MS)
    with old.transaction() as session:
        session.run("UPDATE meta SET value = '7' WHERE name = 'places'")
    old.close()
    store = sample_store.new_store(place)
    assert (store.places_version(), store.responders_version(), list(store.responders())) == (7, 0, [])
    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    assert list(store.responders()) == [BUDI]
    store.close()
