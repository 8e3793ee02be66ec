"""The contract of service/store/photographs.py, kept by both engines: sealed, in order, and erased with the notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store.photographs import Photograph

JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 40
FIRST, SECOND = Photograph(1, 1, "budi", NOW_MS), Photograph(1, 2, "wati", NOW_MS + 1)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With the open incidents 1 and 2; 1 has two photographs."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    for counter in (1, 2):
        sample_store.open_incident(kept, counter)
    with kept.transaction() as transaction:
        transaction.add_photograph(FIRST, JPEG)
        transaction.add_photograph(SECOND, JPEG[:-1])
    yield kept
    kept.close()


def test_each_comes_back_and_is_stored_sealed(store: SqlStore) -> None:
    assert store.photographs_of(1) == [FIRST, SECOND] and store.photographs_of(2) == []
    with store.transaction() as transaction:
        assert transaction.photographs(1) == [FIRST, SECOND]
    assert (store.picture(1, 1), store.picture(1, 2)) == (JPEG, JPEG[:-1])
    assert store.picture(1, 3) is store.picture(2, 1) is None
    rows = store.fetch("SELECT image FROM photograph")
    assert not any("/9j/" in image for (image,) in rows), "a JPEG in base64 begins so"


def test_one_that_was_moved_or_cannot_be_decrypted_is_none(store: SqlStore) -> None:
    with store.engine.transaction() as session:
        session.run("UPDATE photograph SET image = (SELECT image FROM photograph WHERE number = 2) WHERE number = 1")
    assert (store.picture(1, 1), store.picture(1, 2)) == (None, JPEG[:-1])


def test_those_under_an_older_key_are_sealed_again_and_what_cannot_be_stays(store: SqlStore) -> None:
    with store.engine.transaction() as session:
        session.run("UPDATE photograph SET image = ? WHERE number = 1", ("0000ffff.lost",))
    store.reseal()
    assert store.fetch("SELECT image FROM photograph WHERE number = 1") == [("0000ffff.lost",)]
    assert store.picture(1, 2) == JPEG[:-1]


def test_they_are_erased_with_the_notes_also_where_there_is_none(store: SqlStore) -> None:
    with store.transaction() as transaction:
        closed = copied(transaction.incidents([1])[1], state=IncidentState.CLOSED, closed_at_ms=NOW_MS, note=None)
        transaction.put_incident(closed)
    assert store.expired_incidents(0, NOW_MS, 0, 10) == []
    (found,) = store.expired_incidents(0, NOW_MS + 1, 0, 10)
    assert found[0] == 1
    with store.transaction() as transaction:
        transaction.forget_incidents([1], 0, NOW_MS)
    assert store.photographs_of(1) == [FIRST, SECOND], "not yet"
    with store.transaction() as transaction:
        transaction.forget_incidents([1], 0, NOW_MS + 1)
    assert store.photographs_of(1) == [] and store.expired_incidents(0, NOW_MS + 1, 0, 10) == []


def test_they_are_erased_with_the_person_who_called(store: SqlStore) -> None:
    owner = store.incident(1)
    assert owner is not None and owner.owner is not None
    with store.transaction() as transaction:
        transaction.erase_owner(owner.owner.id, NOW_MS)
    assert store.photographs_of(1) == [] and store.picture(1, 1) is None
