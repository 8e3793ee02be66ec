"""Every change, removal, reordering and insertion in the journal that was made behind the gateway's back is found."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from databases import Place
from gateway.ingest_harness import NOW_S, IngestHarness, checking_in
from gateway.journal.audited_ingest import broken, tamper
from pressing_button import PressingButton
from siaga_gateway.domain.audit_hashing import FIRST, next_hash
from siaga_gateway.domain.frame import Kind, event_digest
from siaga_gateway.service.journal import audit_events as auditing
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.audit_events import chain


def test_what_was_written_is_whole(desk: IngestHarness) -> None:
    told: list[tuple[str, int, int]] = []
    found = verify(desk.store, progress=lambda *what: told.append(what))
    assert (found.head, found.batches, found.events) == (desk.store.chain_head(), 3, 4)
    assert [what for what, done, of in told if done == of] == ["entries", "events"]
    assert verify(desk.store, found.head) == found
    numbers = [entry.id for entry in chain(desk.store)]
    assert numbers == list(range(1, found.head.id + 1)), "one number for each, journal and batches together"


def test_a_new_store_is_whole(place: Place) -> None:
    store = place.open(0)
    assert verify(store).head == FIRST
    store.close()


def test_each_event_is_kept_with_the_stage_that_it_was_answered_with(desk: IngestHarness) -> None:
    suspended = desk.button()
    with desk.store.transaction() as transaction:
        from siaga_gateway.domain.registry import RegistrationState

        transaction.set_registration(suspended.device_id, RegistrationState.SUSPENDED, 0)
    replies = desk.take(suspended.press(NOW_S), suspended.press(NOW_S, test=True))
    kept = {(e.device_id, e.counter): e.answer for e in desk.store.event_rows_after(0, 99)}
    for reply in replies:
        assert kept[reply.known.key.device_id, reply.counter] == reply.stage
    verify(desk.store)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at_ms", "at_ms + 1"),
        ("kind", "'seen '"),
        ("incident_id", "2"),
        ("device_id", "NULL"),
        ("actor", "'Budi'"),
        ("facts", "'{\"counter\":9}'"),
        ("frame", "NULL"),
        ("hash", "NULL"),
    ],
)
def test_a_changed_entry_is_found_and_named(desk: IngestHarness, column: str, value: str) -> None:
    found = [entry for entry in desk.journal() if entry.frame is not None and entry.device_id is not None][-1]
    tamper(desk.store, f"UPDATE journal SET {column} = {value} WHERE id = {found.id}")
    assert broken(desk.store).startswith(f"entry {found.id} (")


def test_a_removed_entry_is_found(desk: IngestHarness) -> None:
    victim = desk.journal(journal.FORGED)[0].id
    tamper(desk.store, f"DELETE FROM journal WHERE id = {victim}")
    assert broken(desk.store) == f"entry {victim} is gone"


def test_the_newest_entries_removed_are_found_and_stay_found(desk: IngestHarness) -> None:
    head = desk.store.chain_head()
    tamper(desk.store, f"DELETE FROM journal WHERE id = {head.id}")
    assert broken(desk.store) == f"entry {head.id} is gone: the chain ends at {head.id - 1}, the store says {head.id}"
    desk.take(desk.button().press(NOW_S))
    assert broken(desk.store) == f"entry {head.id} is gone"


def test_a_chain_that_was_cut_with_its_head_is_found_by_a_head_kept_elsewhere(desk: IngestHarness) -> None:
    head = desk.store.chain_head()
    before = chain(desk.store)[-2]
    with desk.store.engine.transaction() as session:
        session.run("DELETE FROM journal WHERE id = ?", (head.id,))
        session.run("UPDATE audit_head SET id = ?, hash = ?", (before.id, before.hash))
    verify(desk.store)
    assert (
        broken(desk.store, head)
        == f"entry {head.id} was noted as the head and the chain ends at {before.id}: the rest is gone"
    )


def test_a_chain_that_was_rewritten_whole_is_found_by_a_head_kept_elsewhere(desk: IngestHarness) -> None:
    head = desk.store.chain_head()
    with desk.store.engine.transaction() as session:
        session.run("UPDATE journal SET actor = 'Budi' WHERE id = ?", (head.id,))
    before, last = chain(desk.store)[-2:]
    with desk.store.engine.transaction() as session:
        new = next_hash(before.hash, last.text)
        session.run("UPDATE journal SET hash = ? WHERE id = ?", (new, head.id))
        session.run("UPDATE audit_head SET hash = ?", (new,))
    verify(desk.store)
    assert (
        broken(desk.store, head)
        == f"entry {head.id} is not the one that was noted as the head: the chain was rewritten"
    )


def test_a_chain_that_was_computed_anew_from_its_middle_is_found_by_a_head_kept_elsewhere(desk: IngestHarness) -> None:
    head = desk.store.chain_head()
    with desk.store.engine.transaction() as session:
        session.run("UPDATE journal SET actor = 'Budi' WHERE id = ?", (head.id - 2,))
    entries = list(chain(desk.store))
    link = entries[-4].hash
    with desk.store.engine.transaction() as session:
        for entry in entries[-3:]:
            link = next_hash(link, entry.text)
            session.run("UPDATE journal SET hash = ? WHERE id = ?", (link, entry.id))
        session.run("UPDATE audit_head SET hash = ?", (link,))
    verify(desk.store)
    assert "the chain was rewritten" in broken(desk.store, head)


def test_two_entries_that_changed_places_are_found(desk: IngestHarness) -> None:
    one, other = [entry.id for entry in desk.journal(journal.INCIDENT_OPENED)]
    tamper(
        desk.store,
        f"UPDATE journal SET id = 9000 WHERE id = {one}",
        f"UPDATE journal SET id = {one} WHERE id = {other}",
        f"UPDATE journal SET id = {other} WHERE id = 9000",
    )
    assert broken(desk.store) == f"entry {one} (incident_opened) was changed, or put in another's place"


def test_an_entry_slipped_in_is_found(desk: IngestHarness) -> None:
    head = desk.store.chain_head().id
    batch = next(entry.id for entry in chain(desk.store) if entry.kind == "stored")
    row = "INSERT INTO journal (id, at_ms, kind, facts) VALUES ({}, 1, 'seen', '{{}}')"
    tamper(desk.store, row.format(batch))
    assert broken(desk.store) in (
        f"entry {batch} is there twice",
        f"entry {batch} (seen) was changed, or put in another's place",
    )
    tamper(desk.store, f"DELETE FROM journal WHERE id = {batch}", row.format(head + 1))
    assert broken(desk.store) == f"entry {head + 1} was slipped in behind the head"


def test_a_batch_whose_entry_was_changed_is_found(desk: IngestHarness) -> None:
    row = desk.store.batches_from(0, 9)[1]
    tamper(desk.store, f"UPDATE batch SET events = 7 WHERE number = {row.number}")
    assert broken(desk.store) == f"entry {row.entry} (stored) was changed, or put in another's place"


def test_a_page_of_the_chain_costs_the_same_however_long_it_is(tmp_path: Path) -> None:
    """Each half by its index; else ten million entries would be read for every page."""
    from siaga_gateway.adapters.sql.audit import _CHAIN_AFTER

    store = Place("sqlite", tmp_path).open(0)
    steps = [row[3] for row in store.fetch(f"EXPLAIN QUERY PLAN {_CHAIN_AFTER}", (5, 9, 5, 9, 9))]
    store.close()
    assert [step for step in steps if step.startswith(("SEARCH journal", "SEARCH batch"))] != []
    assert not [step for step in steps if step in ("SCAN journal", "SCAN batch")]


def test_it_verifies_while_others_write(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes meanwhile is left for the next time, and is no fault. Pages of two show every seam."""
    monkeypatch.setattr(auditing, "PAGE", 2)
    desk = IngestHarness(place)
    buttons = [desk.button() for _ in range(4)]
    desk.take(*(button.press(NOW_S) for button in buttons))
    with checking_in(desk, buttons):
        heads = [verify(desk.store).head.id for _ in range(5)]
    assert heads == sorted(heads)
    assert verify(desk.store).events == len(desk.store.event_rows_after(0, 10**6))
    desk.close()


def test_two_workers_batches_may_lie_mixed(place: Place) -> None:
    if place.kind != "postgresql":
        return  # one process writes to SQLite
    one = IngestHarness(place)
    other = IngestHarness(place, beside=one)
    buttons = [[desk_button(one) for _ in range(3)] for _ in range(2)]

    def write(desk: IngestHarness, mine: list[PressingButton]) -> None:
        for _ in range(20):
            desk.take(*(button.follow(Kind.TAMPER, NOW_S) for button in mine))

    threads = [threading.Thread(target=write, args=pair) for pair in zip((one, other), buttons, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(one.store).events == 120
    one.close()
    other.close()


def desk_button(desk: IngestHarness) -> PressingButton:
    return desk.button()


def test_an_older_store_is_linked_from_its_first_entry_on(place: Place) -> None:
    old = place.open_at(3, 0)
    with old.transaction() as session:
        session.run("INSERT INTO meta (name, value) VALUES ('store', 'bcdfg')")
        session.run("INSERT INTO owner VALUES (1, 'Contoh Wati', '9900000000000001', '+620000000001', 'Jl.', 'id', 0)")
        session.run(
            "INSERT INTO device VALUES (?, ?, 1, 'active', 'Toko', 0, NULL, NULL, NULL, 1)", (b"d" * 8, b"k" * 64)
        )
        for number in range(1, 2_501):
            session.run("INSERT INTO journal (id, at_ms, kind, facts) VALUES (?, ?, 'seen', '{}')", (number, number))
            suite, signature = ((2, None), (2, b"s" * 64), (1, b"f" * 64))[number % 3]
            frame = bytes([0x10 | suite, 1]) + b"d" * 8 + number.to_bytes(4, "big") + bytes(21)
            frame += b"f" * (8 if suite == 2 else 64)
            session.run(
                "INSERT INTO event (device_id, counter, kind, suite, frame, signature, received_ms, bearer) "
                "VALUES (?, ?, 1, ?, ?, ?, ?, 'mqtt')",
                (b"d" * 8, number, suite, frame, signature, number),
            )
    old.close()
    store = place.open(5)
    found = verify(store)
    later = sum(1 for number in range(1, 2_501) if number % 3 == 1)
    assert (found.batches, found.events, found.head.id) == (3, 2_500, 2_500 + 3 + later)
    for event in store.event_rows_of(b"d" * 8, (0, 0), 9):
        assert event.digest == event_digest(Kind.PRESS, event.counter, bytes(21))
    with store.transaction() as transaction:
        transaction.note(journal.CLOSED, 7)
    assert verify(store).head.id == found.head.id + 1
    tamper(store, "UPDATE event SET received_ms = 1 WHERE counter = 7")
    assert "events 1 to 1000 was changed" in broken(store)
    store.close()


def test_an_exported_chain_can_be_followed_by_anybody(desk: IngestHarness) -> None:
    """With nothing of ours: as gateway/README.md says."""
    from siaga_gateway.domain.audit_hashing import exported

    hash_ = bytes(32)
    for entry in chain(desk.store):
        line = exported(entry.text, entry.hash)
        told = json.loads(line)["hash"]
        text = line.replace(f',"hash":"{told}"', "")
        hash_ = sha256(hash_ + text.encode()).digest()
        assert hash_.hex() == told
    assert hash_ == desk.store.chain_head().hash
