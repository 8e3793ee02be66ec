"""The contract of service/store/owner_search.py, kept by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.sample_store import DEVICE_ID, NOW_MS
from siaga_gateway.adapters.files.personal_key import KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.owner_index import DEVICES_UNTIL
from siaga_gateway.adapters.sql.store import KEY_FILE
from siaga_gateway.domain.personal_encryption import SEARCH_NUMBERS
from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.registry.search_indexing import REST_S, SearchIndexing

NAMES = ("Contoh Wati", "Wahyuningsih Contoh", "Al Ma'ruf", "Déwi  CONTOH-Sari", "Contoh Wati")


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With owner 1 and a button, and owners of these names as 2 to 6."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    for number, name in enumerate(NAMES, 2):
        add(kept, name, number)
    yield kept
    kept.close()


def add(store: SqlStore, name: str, number: int) -> int:
    with store.transaction() as transaction:
        return transaction.add_owner(Owner(0, name, f"99{number:014d}", f"+62000000{number:04d}", "Jl. C"), NOW_MS)


def named(store: SqlStore, text: str, limit: int = 50) -> list[int]:
    return [owner.id for owner in store.owners_named(text, limit).owners]


def index(store: SqlStore) -> int:
    """Returns how many steps it took."""
    indexing, steps = SearchIndexing(store, lambda: store.key_fault), 0
    while indexing.step():
        steps += 1
        assert steps < 100
    return steps


def test_an_owner_is_found_by_any_words_of_the_name(store: SqlStore) -> None:
    assert named(store, "wati contoh") == [1, 2, 6]
    assert named(store, "ningsih") == [3], "within a word"
    assert named(store, "MARUF al") == [4]
    assert named(store, "a maruf") == [4], "short words begin one"
    assert named(store, "l maruf") == []
    assert named(store, "al") == [4], "and alone they are whole ones"
    assert named(store, "dewi") == [5], "without accents"
    assert named(store, "con") == [1, 2, 3, 5, 6]
    assert named(store, "tiada") == named(store, "contoh tiada") == []
    found = store.owners_named("contoh", 2)
    assert [owner.name for owner in found.owners] == ["Contoh Wati", "Contoh Wati"]
    assert found.more
    assert not store.owners_named("contoh wati", 3).more


def test_a_whole_number_finds_its_owners_and_a_part_nobody(store: SqlStore) -> None:
    assert [owner.id for owner in store.owners_with_phone("+620000000002", 50).owners] == [2]
    assert store.owners_with_phone("+62000000000", 50).owners == []


def test_a_button_is_found_by_its_label_and_the_beginning_of_its_id(store: SqlStore) -> None:
    index(store)
    for found in (
        store.devices_labelled("kasir toko", 50),
        store.devices_beginning(DEVICE_ID.hex()[:3], 50),
        store.devices_beginning(DEVICE_ID.hex(), 50),
    ):
        assert [each.device.device_id for each in found.devices] == [DEVICE_ID]
        assert not found.more
    with store.transaction() as transaction:
        transaction.set_place(DEVICE_ID, "Gudang Contoh", None)
    assert store.labels_wait()
    index(store)
    assert not store.labels_wait()
    assert store.devices_labelled("kasir", 50).devices == []
    assert len(store.devices_labelled("gudang", 50).devices) == 1


def test_what_an_older_gateway_added_or_erased_is_taken_up(store: SqlStore) -> None:
    """It knows nothing of the index: it leaves the new columns as they are."""
    older = (
        "UPDATE owner SET search_key = NULL, search_numbers = NULL, phone_index = NULL WHERE id = 2",
        "DELETE FROM owner_search WHERE owner_id = 2",
        "UPDATE owner SET name = '', nik = '', phone = '', address = '', key_id = '', erased_at_ms = 1 WHERE id = 3",
    )
    with store.engine.transaction() as session:
        for statement in older:
            session.run(statement)
    assert named(store, "wati") == [1, 6]
    assert store.unsearchable(50) == 2
    assert store.unsearchable(1) == 1
    index(store)
    assert store.unsearchable(50) == 0
    assert named(store, "wati") == [1, 2, 6]
    assert store.owners_with_phone("+620000000002", 50).owners
    assert store.fetch("SELECT * FROM owner_search WHERE owner_id = 3") == []


def test_an_erased_owner_leaves_nothing_in_the_index(store: SqlStore) -> None:
    assert store.fetch("SELECT * FROM owner_search WHERE owner_id = 2")
    with store.transaction() as transaction:
        transaction.erase_owner(2, NOW_MS)
    assert store.fetch("SELECT * FROM owner_search WHERE owner_id = 2") == []
    assert store.fetch("SELECT phone_index, search_numbers FROM owner WHERE id = 2") == [(None, None)]
    assert store.unsearchable(50) == 0


def test_the_index_says_nothing_without_the_key(tmp_path: Path) -> None:
    """Two stores with the same owner, each with a key of its own, have nothing in common."""
    held = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        store = sample_store.new_store(tmp_path / folder)
        add(store, "Wahyuningsih Contoh", 1)
        numbers = {number for (number,) in store.fetch("SELECT number FROM owner_search")}
        held.append((numbers, store.fetch("SELECT phone_index FROM owner")))
        assert max(numbers) < SEARCH_NUMBERS
        store.close()
    (one, phone), (other, other_phone) = held
    assert len(one) > 10
    assert len(one & other) < 3, "but for chance"
    assert phone != other_phone


def test_the_index_is_of_the_present_key(tmp_path: Path) -> None:
    """As `siaga gateway personal-key rotate` does it; the first key is gone at the end."""
    store = sample_store.new_store(tmp_path)
    add(store, NAMES[0], 7)
    before = store.fetch("SELECT number FROM owner_search ORDER BY number")
    file = KeyFile(next(tmp_path.rglob(KEY_FILE)))
    after = file.add().id
    store.sealing.has(after)
    store.sealed_by(after)
    add(store, NAMES[1], 8)
    assert len(named(store, "contoh")) == 2, "by either key"
    store.reseal()
    file.retire()
    store.close()
    store = sample_store.new_store(tmp_path)
    assert len(named(store, "contoh")) == 2
    assert store.owners_with_phone("+620000000007", 5).owners
    assert store.fetch("SELECT number FROM owner_search ORDER BY number") != before
    store.close()


def test_an_owner_whose_key_is_away_waits_and_holds_nobody_up(store: SqlStore) -> None:
    with store.engine.transaction() as session:
        session.run("UPDATE owner SET search_key = NULL WHERE id > 1")
        session.run("UPDATE owner SET key_id = 'ffffffff' WHERE id = 2")
    index(store)
    assert store.unsearchable(50) == 1
    assert named(store, "contoh") == [1, 3, 5, 6]


def test_while_those_that_wait_cannot_be_decrypted_nothing_is_written(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, begun, kept = [0.0], [], store.transaction
    monkeypatch.setattr(store, "transaction", lambda: begun.append(now[0]) or kept())
    indexing = SearchIndexing(store, lambda: None, monotonic=lambda: now[0])

    def written() -> int:
        """How often, in a minute of turns."""
        begun.clear()
        for _ in range(60):
            indexing.work()
            now[0] += 1
        return len(begun)

    def away(owner_id: int) -> None:
        with store.engine.transaction() as session:
            session.run("UPDATE owner SET key_id = 'ffffffff' WHERE id = ?", (owner_id,))

    written()
    away(2)
    assert written() == 2, "one pass: the owner, and that there is no other"
    assert written() == 0
    away(3)
    with store.engine.transaction() as session:
        session.run("UPDATE owner SET search_key = NULL WHERE id = 4")
    assert written() > 0, "there is another one"
    assert store.unsearchable(50) == 2
    assert written() == 0
    now[0] += REST_S
    assert written() == 2
    store.sealed_by("0")
    assert written() == 2, "the key has changed"
    assert written() == 0


def test_one_that_cannot_be_decrypted_is_not_locked(tmp_path: Path) -> None:
    with Place("postgresql", tmp_path) as place:
        store = sample_store.new_store(place)
        add(store, NAMES[0], 1)
        with store.engine.transaction() as session:
            session.run("UPDATE owner SET key_id = 'ffffffff'")
        before = store.fetch("SELECT xmin::text, xmax::text FROM owner")
        with store.transaction() as transaction:
            assert transaction.index_owners(0, 9) == (1, 0)
        assert store.fetch("SELECT xmin::text, xmax::text FROM owner") == before
        store.close()


def test_labels_are_taken_up_step_by_step_and_not_twice(store: SqlStore) -> None:
    until = store.remembered(DEVICES_UNTIL)
    index(store)
    assert store.remembered(DEVICES_UNTIL) != until
    assert index(store) == 0
