"""What is PostgreSQL's own: several writers at once, a server that is gone or stands still, plain words for both."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brokers import free_port
from databases import Place, held_keys, own_server, rows, shared_server
from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, commands
from siaga_gateway.adapters.sql.incidents import SELECT as INCIDENTS
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.adapters.sql.postgres import connection as postgres_connection
from siaga_gateway.adapters.sql.postgres.arrays import array, register
from siaga_gateway.adapters.sql.postgres.connection import Link
from siaga_gateway.adapters.sql.postgres.connection_pool import ConnectionPool
from siaga_gateway.adapters.sql.postgres.errors import failing
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.service.downlink.device_commands import CommandIssuer, CommandWorker
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S, eventually

T = TypeVar("T")


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Place]:
    """A database of its own on the shared server."""
    with Place("postgresql", tmp_path) as made:
        yield made


@pytest.fixture
def store(shared: Place) -> Iterator[SqlStore]:
    made = sample_store.new_store(shared)
    sample_store.with_device(made)
    yield made
    made.close()


def waits_for_a_lock(shared: Place) -> bool:
    with psycopg.connect(shared.conninfo) as looking:
        row = looking.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return row is not None and row[0] > 0


def test_a_commit_waits_for_the_disk_and_every_wait_has_an_end(store: SqlStore) -> None:
    asked = (
        "synchronous_commit",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "transaction_isolation",
    )
    with store.engine.transaction() as session:
        found = [session.fetch(f"SHOW {name}")[0][0] for name in asked]
    assert found == ["on", "20s", "15s", "10s", "read committed"]


# Several writers


def test_journal_numbers_become_visible_in_their_order(shared: Place, store: SqlStore) -> None:
    """Whoever reads `after` a number has missed nothing below it, however the writers' commits are mixed."""
    others = [sample_store.new_store(shared) for _ in range(3)]
    end = threading.Event()
    seen: list[int] = []

    first = store.last_journal_id()

    def read() -> None:
        after = first
        while True:
            last_look = end.is_set()
            page = store.journal_after(after)
            seen.extend(entry.id for entry in page)
            after = page[-1].id if page else after
            if last_look and not page:
                return

    def write(which: SqlStore, number: int) -> None:
        for turn in range(40):
            with which.transaction() as transaction:
                for _ in range(1 + (turn + number) % 3):
                    transaction.note("seen", NOW_MS)

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, (store, *others), range(4)))
    end.set()
    reader.join(ENDS_S)
    assert seen == list(range(first + 1, store.last_journal_id() + 1))
    assert len(seen) == sum(1 + (turn + number) % 3 for turn in range(40) for number in range(4))
    for other in others:
        other.close()


def test_two_workers_with_frames_of_the_same_devices_open_one_incident_each(shared: Place) -> None:
    """The broker gives a press to one worker and its repetition, or its next frame, to the other."""
    one = IngestHarness(shared)
    two = IngestHarness(shared, beside=one)
    buttons = [one.button() for _ in range(12)]
    presses = [[button.press(NOW_S) for button in buttons]]
    presses += [[button.press(NOW_S, again=True) for button in buttons] for _ in range(3)]
    first = [frame for round_ in presses for frame in round_]
    with ThreadPoolExecutor(2) as workers:
        for batch in range(0, len(first), 8):
            frames = first[batch : batch + 8]
            both = [workers.submit(one.take, *frames), workers.submit(two.take, *reversed(frames))]
            answers = [each.result(ENDS_S) for each in both]
            assert all({(r.known.device.device_id) for r in each} <= {b.device_id for b in buttons} for each in answers)
    opened = one.store.open_incidents()
    assert sorted(incident.device_id for incident in opened) == sorted(button.device_id for button in buttons)
    assert len({incident.identifier for incident in opened}) == len(buttons)
    assert one.store.fetch("SELECT count(*), count(DISTINCT (device_id, counter)) FROM event") == [(48, 48)]
    assert {incident.presses for incident in opened} == {4}
    assert [status.events for _, status in one.store.devices() if status is not None] == [4] * len(buttons)
    assert sorted(
        sequence for (sequence,) in one.store.fetch("SELECT sequence FROM outbox WHERE output = 'cad'")
    ) == sorted([1, 2, 3, 4] * len(buttons))
    two.close()
    one.close()


def test_a_worker_that_stands_still_in_a_transaction_holds_up_the_others_only_for_a_while(
    shared: Place, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_connection.SESSION, "idle_in_transaction_session_timeout", "4s")
    held = sample_store.new_store(shared)
    with pytest.raises(StoreFailing, match="too slow"), held.transaction() as transaction:
        transaction.lock([sample_store.DEVICE_ID])
        with ThreadPoolExecutor(1) as other:
            waiting = other.submit(sample_store.open_incident, store)
            eventually(lambda: waits_for_a_lock(shared))
            waiting.result(ENDS_S)
        transaction.note("seen", NOW_MS)
    assert len(store.open_incidents()) == 1
    held.close()


def test_a_lease_is_one_holders_until_it_ends_or_is_given_back(shared: Place, store: SqlStore) -> None:
    other = sample_store.new_store(shared)
    assert store.lease("outbox cad", "one", 60)
    assert not other.lease("outbox cad", "two", 60)
    assert other.lease("outbox folder", "two", 60)
    assert store.lease("outbox cad", "one", 0.2), "who has it may go on"
    eventually(lambda: other.lease("outbox cad", "two", 60))
    assert not store.lease("outbox cad", "one", 60)
    other.release_lease("outbox cad", "two")
    assert store.lease("outbox cad", "one", 60)
    other.close()


def test_a_commit_of_one_is_told_to_the_other(shared: Place, store: SqlStore) -> None:
    other = sample_store.new_store(shared)
    other.await_change(60)  # begins to listen, and says so by returning
    heard = threading.Event()

    def listen() -> None:
        other.await_change(60)
        heard.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert not heard.wait(0.2)
    with store.transaction() as transaction:
        transaction.note("seen", NOW_MS)
    assert heard.wait(ENDS_S)
    thread.join()
    other.close()


# A server that is gone


def test_a_server_that_is_killed_is_an_error_in_a_sentence_and_its_return_is_enough(tmp_path: Path) -> None:
    with own_server() as server:
        store = SqlStore(Postgres(server.new_database()), NOW_MS, held_keys())
        sample_store.with_device(store)
        sample_store.open_incident(store)
        store.await_change(1)
        server.kill()
        with pytest.raises(StoreFailing, match="the database: "), store.transaction() as transaction:
            transaction.note("seen", NOW_MS)
        with pytest.raises(StoreFailing):
            store.open_incidents()
        with pytest.raises(StoreFailing):
            store.await_change(1)
        server.start()
        assert len(store.open_incidents()) == 1, "what was committed is there"
        with store.transaction() as transaction:
            transaction.note("seen", NOW_MS)
        store.await_change(1)
        store.close()


def test_links_that_died_while_they_were_idle_are_replaced_without_a_word(shared: Place, store: SqlStore) -> None:
    """As after a restart of the server between two presses."""
    with store.transaction() as transaction:
        transaction.note("seen", NOW_MS)
    end = (
        "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(shared.conninfo, autocommit=True) as other:
        other.execute(end)
        with store.transaction() as transaction:
            transaction.note("seen", NOW_MS)
        other.execute(end)
        assert store.last_journal_id() == 2


def test_a_server_that_stands_still_is_given_up_and_used_again_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_server() as server:
        store = SqlStore(Postgres(server.new_database()), NOW_MS, held_keys())
        sample_store.with_device(store)
        server.hold()
        monkeypatch.setattr(postgres_connection, "ANSWER_S", 1.0)
        try:
            with pytest.raises(StoreFailing), store.transaction() as transaction:
                transaction.note("seen", NOW_MS)
            with pytest.raises(StoreFailing):
                store.last_journal_id()
        finally:
            server.go_on()
            monkeypatch.undo()
        with store.transaction() as transaction:
            transaction.note("seen", NOW_MS)
        assert rows(store, "journal") == 1
        store.close()


# Opening


def test_whoever_needs_a_connection_waits_for_a_stalled_look_only_shortly(store: SqlStore, shared: Place) -> None:
    looked: list[float] = []

    def stalls(link: Link) -> bool:
        looked.append(link.answer_s)
        with failing():
            link.ask("SELECT pg_sleep(?)", (15.0 if len(looked) == 1 else 0.0,))
        return False

    pool = ConnectionPool(postgres_connection.read_conninfo(shared.conninfo)[0], 2, stalls)
    pool.open()
    since = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        look = threads.submit(pool.look)
        eventually(lambda: looked)
        assert pool.fetch("SELECT 1") == [(1,)]
        took_s = time.monotonic() - since
        with pytest.raises(StoreFailing):
            look.result()
    pool.close()
    assert took_s < 12, "not until the look had its answer"
    assert looked[0] < looked[1] == postgres_connection.ANSWER_S


def test_a_server_that_is_not_there_is_named_with_how_to_mend_it() -> None:
    port = free_port()
    with pytest.raises(StoreUnusable) as caught:
        SqlStore(Postgres(f"postgresql://siaga:secret-word@127.0.0.1:{port}/siaga"), NOW_MS)
    said = str(caught.value)
    assert f"PostgreSQL at 127.0.0.1:{port}, database siaga: cannot be used: " in said
    assert "refused" in said
    assert "[store]" in said
    assert "secret-word" not in said
    assert "\n" not in said


def test_a_database_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreUnusable, match=r'database nowhere: .*"nowhere" does not exist.*\[store\]'):
        SqlStore(Postgres(shared_server().conninfo("nowhere")), NOW_MS)


def test_a_database_of_another_program_is_refused_and_left_alone() -> None:
    conninfo = shared_server().new_database()
    with psycopg.connect(conninfo, autocommit=True) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
        with pytest.raises(StoreUnusable, match="a database of another program"):
            SqlStore(Postgres(conninfo), NOW_MS)
        tables = other.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname = 'meta'").fetchone()
    assert tables == (0,)


def test_another_encoding_is_refused() -> None:
    conninfo = shared_server().new_database("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(StoreUnusable, match=r"its encoding is SQL_ASCII; .*-E UTF8"):
        SqlStore(Postgres(conninfo), NOW_MS)


def test_many_processes_may_open_a_new_store_at_once(shared: Place) -> None:
    with ThreadPoolExecutor(4) as openers:
        stores = list(openers.map(lambda _: sample_store.new_store(shared), range(4)))
    assert len({store.name for store in stores}) == 1
    for store in stores:
        store.close()


def _columns(values: st.SearchStrategy[T]) -> st.SearchStrategy[list[T | None]]:
    """As a batch has them: all the same, none missing, some missing."""
    same = st.tuples(st.none() | values, st.integers(0, 9)).map(lambda pair: [pair[0]] * pair[1])
    return same | st.lists(values) | st.lists(st.none() | values)


@given(
    _columns(st.integers(-(2**63), 2**63 - 1)), _columns(st.binary(max_size=200) | st.binary(min_size=8, max_size=8))
)
@example([1, 2, 3], [b"12345678", b"abcdefgh"])
@example([0, -1, -(2**63)], [b"", b"1", b""])
def test_arrays_arrive_as_they_were_sent(numbers: list[int | None], frames: list[bytes | None]) -> None:
    texts = [None if frame is None else frame.hex() + "°ł🚨" for frame in frames]
    with psycopg.connect(shared_server().conninfo("postgres")) as connection:
        register(connection)
        for kind, values in (("int8", numbers), ("bytea", frames), ("text", texts)):
            row = connection.execute(f"SELECT %s::{kind}[]", (array(kind, values),)).fetchone()
            assert row == (values,)


def test_what_every_batch_asks_for_is_found_by_an_index(store: SqlStore) -> None:
    """With small tables the planner reads all of them; here it may not, if there is another way."""
    device_ids = [sample_store.DEVICE_ID, b"another!"]
    writing = store.writing
    among, parameters = writing.among("incident", "device_id", device_ids)
    asked = {
        "event": writing.by_keys("frame", "event", ("device_id", "counter"), [(one, 1) for one in device_ids]),
        "press": writing.by_keys(
            "arrived", "press", ("device_id", "counter", "test"), [(one, 1, 0) for one in device_ids]
        ),
        "incident": (f"{INCIDENTS} WHERE incident.state <> 'closed' AND {among}", parameters),
        "device_status": _where("device_status", writing.among("device_status", "device_id", device_ids)),
        "device": _where("device", writing.among("device", "device_id", device_ids)),
        "outbox": ("SELECT * FROM outbox WHERE state = 'pending' AND output = ? AND id > ? ORDER BY id", ["cad", 0]),
        "journal": ("SELECT * FROM journal WHERE id > ? ORDER BY id LIMIT 500", [0]),
        "command": (commands.DUE, [NOW_MS, 9]),
    }
    with store.engine.transaction() as session:
        session.run("SET LOCAL enable_seqscan = off")
        for table, (query, values) in asked.items():
            plan = "\n".join(row[0] for row in session.fetch(f"EXPLAIN {query}", values))
            assert f"Seq Scan on {table} " not in plan, plan
            assert "Index" in plan, plan


def _where(table: str, condition: tuple[str, list[object]]) -> tuple[str, list[object]]:
    return f"SELECT * FROM {table} WHERE {condition[0]}", condition[1]


def test_a_command_is_sent_by_one_of_two_workers(shared: Place) -> None:
    """Both see that it is due; whoever locks its device first sends it."""
    one = IngestHarness(shared)
    two = IngestHarness(shared, beside=one)
    buttons = [one.button() for _ in range(10)]
    clock = ManualClock(NOW_MS)
    commander = CommandIssuer(one.store, clock)
    for button in buttons:
        commander.ask(button.device_id, CommandCode.TEST, None, actor="admin")
    sent: list[bytes] = []

    class Sender:
        def send_command(self, device_id: bytes, frame: bytes) -> None:
            sent.append(device_id)

    workers = [CommandWorker(desk.store, desk.keyring, Sender(), JournalNotifier(), clock) for desk in (one, two)]
    for turn in range(1, 4):
        together = threading.Barrier(2)

        def work(worker: CommandWorker, together: threading.Barrier = together) -> None:
            together.wait(ENDS_S)
            worker.work()

        with ThreadPoolExecutor(2) as both:
            list(both.map(work, workers))
        assert sorted(sent) == sorted([button.device_id for button in buttons] * turn)
        assert {command.attempts for command in one.store.commands()} == {turn}
        clock.at_ms += 3_600_000
    two.close()
    one.close()
