"""PostgreSQL: what is written without waiting for each answer, and what sees to references there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from psycopg import Cursor

from databases import Place, rows
from gateway import sample_store
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.postgres.connection import Asked, Link
from siaga_gateway.service.store import StoreConflict


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


def test_a_press_waits_for_few_answers_and_holds_the_lock_of_the_end_for_two(
    shared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All writers wait for that lock in turn, and the server may be another machine."""
    desk = IngestHarness(shared)
    button = desk.button()
    desk.take(button.press(NOW_S))
    sent: list[list[str]] = []
    plain = Link.ask_all

    def counted(link: Link, asked: Sequence[Asked]) -> Cursor[Row]:
        sent.append([each.statement for each in asked])
        return plain(link, asked)

    monkeypatch.setattr(Link, "ask_all", counted)
    desk.take(button.press(NOW_S, again=True))
    monkeypatch.undo()
    first = next(number for number, each in enumerate(sent) if each[0] == "BEGIN")
    (locks,) = [number for number, each in enumerate(sent) if any("advisory_xact_lock" in one for one in each)]
    (commits,) = [number for number, each in enumerate(sent) if each[-1] == "COMMIT"]
    assert commits - first < 10, sent
    assert commits == locks + 1, "one answer for where chain and outbox end, and the next is the commit's"
    assert sum(map(len, sent)) > len(sent) + 6
    desk.close()


def test_an_error_of_a_write_comes_before_the_commit_is_said_to_be_done(store: SqlStore) -> None:
    """Writes are only sent; whoever is told that all is stored must be right, and the link is used again."""
    before = rows(store, "journal")
    for _ in range(12):  # more often than a statement runs before it is prepared
        with pytest.raises(StoreConflict), store.transaction() as transaction:
            transaction.note("seen", NOW_MS, incident_id=4_711)
    with pytest.raises(StoreConflict), store.engine.transaction() as session:
        session.send("INSERT INTO meta (name, value) VALUES ('store', 'another')")
        session.fetch("SELECT 1")
    assert rows(store, "journal") == before
    sample_store.open_incident(store)
    with store.transaction() as transaction:
        transaction.note("seen", NOW_MS, incident_id=1)
    assert rows(store, "journal") == before + 1
    assert len(store.open_incidents()) == 1


def test_what_waits_to_be_sent_does_not_grow_with_the_transaction(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store moves from SQLite in one transaction: all its years would have to fit into memory at once."""
    sizes: list[int] = []
    plain = Link.ask_all

    def weighed(link: Link, asked: Sequence[Asked]) -> Cursor[Row]:
        rows = [row for each in asked for row in (each.parameters, *(each.rows or ()))]
        sizes.append(sum(len(value) for row in rows for value in row if isinstance(value, bytes | str)))
        return plain(link, asked)

    monkeypatch.setattr(Link, "ask_all", weighed)
    day = Insert("device_day", ("day", "device_id", "hours"))
    with store.engine.transaction() as session:
        for number in range(40):
            session.insert(day, [(number, sample_store.DEVICE_ID, bytes(250_000))])
            session.send("UPDATE meta SET value = ? WHERE name = 'nothing'", ("x" * 250_000,))
            session.many("UPDATE meta SET value = ? WHERE name = 'nothing'", [("x" * 250_000,)] * 2)
    assert sum(sizes) > 40_000_000
    assert max(sizes) < 6_000_000
    assert rows(store, "device_day") == 40


_EVENT = "INSERT INTO event (device_id, counter, kind, suite, frame, received_ms, bearer, digest, incident_id) VALUES "
_OF_A_PRESS = "1, 1, 1, '\\x00', 1, 'bench', '\\x00'"


@pytest.mark.parametrize(
    "statement",
    [
        f"{_EVENT}('unknown!', {_OF_A_PRESS}, NULL)",
        f"{_EVENT}((SELECT device_id FROM device), {_OF_A_PRESS}, 99)",
        "INSERT INTO journal (id, at_ms, kind, incident_id, facts) VALUES (99, 0, 'seen', 99, '{}')",
        "INSERT INTO notice VALUES (99, 1, 'opened', 0, '')",
        "INSERT INTO outbox (id, output, incident_id, sequence, state) VALUES (99, 'cad', 1, 99, 'pending')",
        "DELETE FROM notice",
        "DELETE FROM incident",
        "DELETE FROM device",
        "UPDATE incident SET id = 99",
        "UPDATE device SET device_id = 'unknown!'",
        "UPDATE event SET incident_id = 99",
        "UPDATE event SET device_id = 'unknown!'",
        "UPDATE journal SET incident_id = 99 WHERE incident_id = 1",
        "UPDATE notice SET sequence = 99",
        "UPDATE outbox SET sequence = 99",
    ],
)
def test_no_row_refers_to_nothing(store: SqlStore, statement: str) -> None:
    """No foreign key of PostgreSQL sees to that where an event is written: migration 42."""
    sample_store.open_incident(store, outputs=("cad",))
    with store.transaction() as transaction:
        transaction.note("seen", NOW_MS, incident_id=1)
    with pytest.raises(StoreConflict), store.engine.transaction() as session:
        session.run(statement)
