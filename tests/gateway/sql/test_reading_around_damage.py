"""A page that cannot be read holds up only what lies in it: real SQLite files, one leaf page damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import sqlite_damage
from databases import ENGINES, Place, held_keys
from gateway import sample_store
from gateway.sample_store import NOW_MS
from gateway.sql.stores_to_damage import page_of
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Escalation, Phase, Why
from siaga_gateway.domain.notification import made
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store import StoreDamaged

COUNT = 120  # incidents: several pages of each table
NTFY = ContactWay.NTFY
CALL = Contact(1, ContactKind.CALL, Why.OPENED, 1, "stations")
STATION = "station:polsek-a"


def fill(store: SqlStore, count: int) -> None:
    """Open so many incidents, each with an escalation that is due, and a message that is."""
    sample_store.with_device(store)
    like = sample_store.open_incident(store, 1, pressed=False)
    with store.transaction() as transaction:
        for number in range(1, count + 1):
            later_ms = like.opened_at_ms + number
            name = f"siaga.test-{number}"
            transaction.put_incident(copied(like, id=number, identifier=name, opened_at_ms=later_ms))
        transaction.note("contoh", NOW_MS, {}, incident_id=1)
        for number in range(1, count + 1):
            transaction.put_escalation(
                Escalation(number, Phase.CALLING, Why.OPENED, NOW_MS, NOW_MS - number, NOW_MS - number)
            )
        transaction.add_notifications(
            [made(number, CALL, STATION, NTFY, 0, None, NOW_MS - number) for number in range(1, count + 1)]
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store at rest."""
    store = sample_store.new_store(tmp_path)
    fill(store, COUNT)
    store.close()
    found = tmp_path / "siaga.db"
    sqlite_damage.checkpoint(found)
    return found


def rows_in(path: Path, table: str, number: str = "incident_id") -> set[int]:
    """Return of which incidents the row can still be read, by itself."""
    found = set()
    with closing(sqlite3.connect(path)) as connection:
        for each in range(1, COUNT + 1):
            try:
                found.add(connection.execute(f"SELECT {number}, * FROM {table} WHERE rowid = ?", (each,)).fetchone()[0])
            except sqlite3.DatabaseError:
                continue
    return found


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[str], SqlStore]]:
    stores = []

    def with_damage(table: str) -> SqlStore:
        sqlite_damage.damage(path, page_of(path, table, 1))
        stores.append(SqlStore(path, NOW_MS, held_keys()))
        return stores[-1]

    yield with_damage
    for each in stores:
        each.close()


def test_escalations_that_are_due(path: Path, opened: Callable[[str], SqlStore]) -> None:
    store, met = opened("escalation"), list[StoreDamaged]()
    store.on_damage = met.append
    whole = rows_in(path, "escalation")
    assert 0 < len(whole) < COUNT
    due = store.escalations_due(NOW_MS, "waves", COUNT)
    assert [each.incident_id for each in due] == sorted(whole, reverse=True), "the longest due first"
    assert [each.incident_id for each in store.escalations_due(NOW_MS, "waves", 5)] == sorted(whole)[-1:-6:-1]
    assert [each.incident_id for each in store.open_escalations()] == sorted(whole)
    assert met, "it is told"


def test_open_incidents(path: Path, opened: Callable[[str], SqlStore]) -> None:
    store, met = opened("incident"), list[StoreDamaged]()
    store.on_damage = met.append
    whole = rows_in(path, "incident", "id")
    assert 0 < len(whole) < COUNT
    assert [each.id for each in store.open_incidents()] == sorted(whole), "the oldest first"
    lost = set(range(1, COUNT + 1)) - whole
    assert set(store.incidents(range(1, COUNT + 1))) == whole and store.incidents(lost) == {}
    with pytest.raises(StoreDamaged):
        store.incident(min(lost))
    assert met, "it is told"


def test_messages_that_are_due(path: Path, opened: Callable[[str], SqlStore]) -> None:
    store, met = opened("notification"), list[StoreDamaged]()
    store.on_damage = met.append
    whole = rows_in(path, "notification")
    assert 0 < len(whole) < COUNT
    due = store.notifications_due(NTFY, NOW_MS, limit=COUNT)
    assert [each.incident_id for each in due] == sorted(whole, reverse=True), "the longest due first"
    assert len(store.notifications_due(NTFY, NOW_MS, due[:3], 4)) == 4
    assert store.notifications_due(NTFY, NOW_MS, not_to=[STATION]) == []
    assert store.notifications_due(ContactWay.SMS, NOW_MS) == []
    mine = store.notifications_for(NTFY, STATION, NOW_MS)
    assert [each.incident_id for each in mine] == sorted(whole, reverse=True), "the oldest first"
    assert met, "it is told"


@pytest.mark.parametrize("engine", ENGINES)
def test_around_damage_both_engines_find_what_they_find_otherwise(
    engine: str, lend: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sample_store.new_store(lend(engine))
    fill(store, 3)
    whole, read = found_in(store), store.fetch

    def damaged(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if "incident_id IN" not in statement and " ANY(" not in statement and "incident.id IN" not in statement:
            if statement.startswith(("SELECT incident_id FROM escalation", "SELECT DISTINCT")):
                return read(statement, parameters)
            raise StoreDamaged("store.damaged", why="page 77")
        return read(statement, parameters)

    monkeypatch.setattr(store, "fetch", damaged)
    assert found_in(store) == whole and all(whole)
    store.close()


def found_in(store: SqlStore) -> list[Sequence[Any]]:
    return [
        store.open_incidents(),
        store.escalations_due(NOW_MS, "waves"),
        store.open_escalations(),
        store.notifications_due(NTFY, NOW_MS),
        store.notifications_for(NTFY, STATION, NOW_MS),
    ]


def test_where_nothing_can_be_read_that_is_said(path: Path, opened: Callable[[str], SqlStore]) -> None:
    sqlite_damage.damage(path, sqlite_damage.roots(path)["notification"])
    store = SqlStore(path, NOW_MS, held_keys())
    with pytest.raises(StoreDamaged):
        store.notifications_due(NTFY, NOW_MS)
    store.close()
