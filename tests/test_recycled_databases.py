"""A database that is used again is as good as new, or it is not used again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from databases import held_keys, shared_server
from gateway import sample_store
from recycled_databases import RecycledDatabases, objects
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.postgres import Postgres


@pytest.fixture(scope="module")
def lender() -> RecycledDatabases:
    return RecycledDatabases()


@pytest.fixture(scope="module")
def store(lender: RecycledDatabases) -> Iterator[str]:
    yield _store(lender)


def _store(lender: RecycledDatabases) -> str:
    return lender.lend("store", shared_server().new_store)


def _contents(conninfo: str) -> list[tuple[str, str, int | None]]:
    """Every row of every table, and how far each sequence is."""
    with psycopg.connect(conninfo) as connection:
        names = connection.execute(
            "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'S') ORDER BY relname"
        ).fetchall()
        found = []
        for name, kind in names:
            what = "last_value, is_called" if kind == "S" else "*"
            rows = connection.execute(f"SELECT {what} FROM {name}").fetchall()  # type: ignore[call-overload]
            found.append((name, str(sorted(map(str, rows))), len(rows)))
        return found


def test_a_store_that_was_worked_with_is_as_it_was_when_it_was_new(lender: RecycledDatabases) -> None:
    conninfo = _store(lender)
    new = _contents(conninfo)
    store = SqlStore(Postgres(conninfo), sample_store.NOW_MS, held_keys())
    sample_store.with_device(store)
    incident = sample_store.open_incident(store, outputs=("cad",))
    assert store.incident(incident.id) is not None and _contents(conninfo) != new
    store.close()
    assert lender.give_back(conninfo)
    assert _store(lender) == conninfo and _contents(conninfo) == new
    store = SqlStore(Postgres(conninfo), sample_store.NOW_MS, held_keys())
    sample_store.with_device(store)
    assert sample_store.open_incident(store).id == incident.id == 1, "numbers begin anew"
    store.close()
    assert lender.give_back(conninfo)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (a integer)",
        "ALTER TABLE owner ADD COLUMN more integer",
        "ALTER TABLE event ALTER COLUMN frame DROP NOT NULL",
        "CREATE INDEX more ON event (received_ms)",
        "CREATE OR REPLACE VIEW more AS SELECT 1",
        "ALTER SEQUENCE incident_id_seq INCREMENT 7",
        "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA other",
        "CREATE TYPE mood AS ENUM ('glad')",
        "GRANT SELECT ON event TO PUBLIC",
        "ALTER DATABASE {database} SET default_transaction_read_only TO on",
        "ALTER TABLE event ENABLE ROW LEVEL SECURITY",
        "CREATE RULE nothing AS ON DELETE TO event DO INSTEAD NOTHING",
        "SELECT lo_create(0)",
    ],
)
def test_any_change_of_its_objects_is_seen(change: str, store: str) -> None:
    with psycopg.connect(store) as connection:
        before = objects(connection)
        connection.execute(change.format(database=store.rpartition("/")[2]))  # type: ignore[call-overload]
        assert objects(connection) != before
        connection.rollback()
        assert objects(connection) == before


def test_one_that_was_changed_or_is_in_use_is_not_used_again(lender: RecycledDatabases) -> None:
    changed, used = _store(lender), _store(lender)
    with psycopg.connect(changed) as connection:
        connection.execute("CREATE TABLE more (a integer)")
    with psycopg.connect(used):
        assert not lender.give_back(changed) and not lender.give_back(used)
    assert _store(lender) not in (changed, used)


def test_an_empty_one_is_empty_again(lender: RecycledDatabases) -> None:
    conninfo = lender.lend("empty", shared_server().new_database)
    store = SqlStore(Postgres(conninfo), sample_store.NOW_MS, held_keys())
    store.close()
    assert lender.give_back(conninfo)
    assert lender.lend("empty", shared_server().new_database) == conninfo and _contents(conninfo) == []
