"""What happens to the room of rows that go: it is used again, by presses too, and the file does not grow meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.domain.frame import Kind, Suite, event_digest
from siaga_gateway.service.store import NewEvent

EVENTS = 2_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    sample_store.with_device(made)
    yield made
    made.close()


def writer_of(store: SqlStore) -> sqlite3.Connection:
    assert isinstance(store.engine, Sqlite)
    return store.engine.writer


def pages(store: SqlStore) -> tuple[int, int]:
    """All, and the free ones among them."""
    counts = [writer_of(store).execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")]
    return counts[0], counts[1]


def fill(store: SqlStore, first: int) -> None:
    with store.transaction() as transaction:
        for counter in range(first, first + EVENTS):
            transaction.add_event(
                NewEvent(
                    device_id=sample_store.DEVICE_ID,
                    counter=counter,
                    kind=Kind.CHECKIN,
                    suite=Suite.ES256,
                    frame=counter.to_bytes(4, "big") * 25,
                    signature=b"s" * 64,
                    received_ms=sample_store.NOW_MS,
                    bearer="mqtt",
                    incident_id=None,
                    digest=event_digest(Kind.CHECKIN, counter, b"body"),
                )
            )


def test_the_room_of_what_was_removed_is_used_again(store: SqlStore) -> None:
    """As check-ins of older versions go (RECORDS.md). Three times: nothing adds up over the years."""
    start, _ = pages(store)
    fill(store, 0)
    most, _ = pages(store)
    assert most > start + 100, "there is hardly anything to remove"
    for turn in range(1, 4):
        last = store.last_event_id()
        with store.transaction() as transaction:
            transaction.remove_events(range(last - EVENTS + 1, last + 1))
        standing, free = pages(store)
        assert free > (most - start) * 0.9, "the rows' pages are not free"
        assert standing == most, "SQLite itself gives none back"
        fill(store, turn * EVENTS)
        now, _ = pages(store)
        assert now <= most + 2, "the free pages were not used"  # a row of the chain for each transaction
