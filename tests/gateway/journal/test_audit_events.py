"""Every change of an event and its signature behind the gateway's back is found, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from gateway.ingest_harness import NOW_S, IngestHarness
from gateway.journal.audited_ingest import broken, tamper
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.sql.engine import Session
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.store.audit import EventRow
from spoiling import spoilt


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("received_ms", "received_ms + 1"),
        ("bearer", "'sms'"),
        ("incident_id", "NULL"),
        ("answer", "2"),
        ("kind", "kind + 1"),
        ("counter", "counter + 70"),
    ],
)
def test_a_changed_event_is_found_with_its_batch(desk: IngestHarness, column: str, value: str) -> None:
    event = desk.store.event_rows_after(0, 9)[1]
    tamper(desk.store, f"UPDATE event SET {column} = {value} WHERE id = {event.id}")
    assert f"batch {event.batch} " in broken(desk.store)


def test_a_changed_digest_is_found(desk: IngestHarness) -> None:
    """By it a repetition is told from another message under the same counter."""
    event = desk.store.event_rows_after(0, 9)[1]
    with desk.store.engine.transaction() as session:
        session.run("UPDATE event SET digest = ? WHERE id = ?", (bytes(32), event.id))
    assert broken(desk.store) == f"{event.name} was changed: its digest is not that of its frame"


def _of_another(session: Session, event: EventRow) -> None:
    session.run("UPDATE event SET frame = ? WHERE id = ?", (spoilt(event.frame), event.id))


def _gone(session: Session, event: EventRow) -> None:
    session.run("DELETE FROM event WHERE id = ?", (event.id,))


def _all_gone(session: Session, event: EventRow) -> None:
    session.run("DELETE FROM event WHERE batch = ?", (event.batch,))


def _slipped_in(session: Session, event: EventRow) -> None:
    copied = "device_id, counter + 70, digest, kind, suite, frame, signature, received_ms, bearer, incident_id, answer"
    names = "device_id, counter, digest, kind, suite, frame, signature, received_ms, bearer, incident_id, answer"
    session.run(f"INSERT INTO event ({names}, batch) SELECT {copied}, batch FROM event WHERE id = ?", (event.id,))


def _slipped_in_alone(session: Session, event: EventRow) -> None:
    _slipped_in(session, event)
    session.run("UPDATE event SET batch = NULL WHERE counter = ?", (event.counter + 70,))


def _of_another_batch(session: Session, event: EventRow) -> None:
    session.run("UPDATE event SET batch = batch + 1 WHERE id = ?", (event.id,))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_of_another, "signature of event {id} (device {device}, counter {counter}) was changed"),
        (_gone, "of batch {batch} (entry {entry}) 1 events are there and 2 were stored: some are gone"),
        (_all_gone, "all 2 events of batch {batch} (entry {entry}) are gone"),
        (_slipped_in, "was slipped in: batch {batch} is whole without it"),
        (_slipped_in_alone, "was slipped in: it belongs to no batch"),
        (_of_another_batch, "batch"),
    ],
)
def test_events_removed_added_or_moved_are_found(
    desk: IngestHarness, change: Callable[[Session, EventRow], None], said: str
) -> None:
    event = desk.store.event_rows_after(0, 9)[0]
    row = next(row for row in desk.store.batches_from(0, 9) if row.number == event.batch)
    with desk.store.engine.transaction() as session:
        change(session, event)
    expected = said.format(
        id=event.id, device=event.device_id.hex(), counter=event.counter, batch=row.number, entry=row.entry
    )
    assert expected in broken(desk.store)


def short_then_signed(desk: IngestHarness) -> PressingButton:
    """A press that came without its signature, and then with it."""
    button = desk.button()
    button.press(NOW_S)
    desk.take(button.frame(Kind.PRESS, button.counter, report_body(NOW_S), Suite.HS256_64))
    verify(desk.store)
    desk.take(button.frame(Kind.PRESS, button.counter, report_body(NOW_S)))
    return button


def test_a_signature_that_came_later_is_an_entry(desk: IngestHarness) -> None:
    button = short_then_signed(desk)
    verify(desk.store)
    (entry,) = desk.journal(journal.SIGNATURE_ADDED)
    ((digest, signature),) = desk.store.event_signatures(button.device_id, button.counter)
    expected = {"counter": button.counter, "digest": digest.hex(), "sha256": sha256(signature).hexdigest()}
    assert entry.facts == expected


@pytest.mark.parametrize(("value", "said"), [("NULL", "is gone"), ("?", "was changed")])
def test_a_later_signature_that_is_taken_or_changed_is_found(desk: IngestHarness, value: str, said: str) -> None:
    button = short_then_signed(desk)
    with desk.store.engine.transaction() as session:
        parameters = [b"s" * 64] if value == "?" else []
        session.run(f"UPDATE event SET signature = {value} WHERE device_id = ?", [*parameters, button.device_id])
    assert broken(desk.store).endswith(f"{button.device_id.hex()}, counter {button.counter}, {said}")


def test_a_signature_slipped_in_is_found(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.frame(Kind.PRESS, 1, report_body(NOW_S), Suite.HS256_64))
    with desk.store.engine.transaction() as session:
        session.run("UPDATE event SET signature = ? WHERE device_id = ?", (b"s" * 64, button.device_id))
    assert broken(desk.store) == "1 events have a signature that came later and 0 were noted: one was slipped in"


def test_two_messages_under_one_counter_are_each_in_the_chain_with_their_own_signature(desk: IngestHarness) -> None:
    button = desk.button()
    bodies = [report_body(NOW_S, battery=battery) for battery in (10, 20)]
    desk.take(*(button.frame(Kind.PRESS, 7, body, Suite.HS256_64) for body in bodies))
    desk.take(*(button.frame(Kind.PRESS, 7, body) for body in bodies))
    assert len(desk.journal(journal.SIGNATURE_ADDED)) == 2
    verify(desk.store)
    (one, first), (other, second) = desk.store.event_signatures(button.device_id, 7)
    with desk.store.engine.transaction() as session:
        for digest, signature in ((one, second), (other, first)):  # exchanged
            session.run("UPDATE event SET signature = ? WHERE digest = ?", (signature, digest))
    assert broken(desk.store).endswith(f"event {button.device_id.hex()}, counter 7, was changed")
