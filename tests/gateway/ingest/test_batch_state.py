"""What ingest remembers from batch to batch is the store's own word, or is read anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from databases import Place
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.store import StoreFailing, Transaction


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


def close_by(store: SqlStore, desk: IngestHarness) -> None:
    incident = desk.only()
    closed = replace(incident, state=IncidentState.CLOSED, closed_by="Dewi", closed_at_ms=NOW_MS)
    with store.transaction() as transaction:
        transaction.lock([incident.device_id])
        transaction.put_incident(closed)


def test_what_an_operator_did_between_two_batches_counts(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    close_by(desk.store, desk)
    desk.now_ms += 60_000
    desk.take(button.press(NOW_S + 60, again=True))
    assert desk.only().id == 2, "a press after the closing opens another"


def test_what_another_process_did_between_two_batches_counts(desk: IngestHarness, place: Place) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    other = place.open(NOW_MS)
    close_by(other, desk)
    other.close()
    desk.now_ms += 60_000
    desk.take(button.press(NOW_S + 60, again=True))
    assert desk.only().id == 2


def test_a_batch_that_was_not_committed_has_taught_nothing(
    desk: IngestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    again = button.press(NOW_S, again=True)
    real = desk.store.transaction

    @contextlib.contextmanager
    def failing() -> Iterator[Transaction]:
        with real() as transaction:
            yield transaction
            raise StoreFailing("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "transaction", failing)
        with pytest.raises(StoreFailing):
            desk.take(again)
    assert desk.only().presses == 1
    assert desk.stages(again) == [(2, Stage.RECEIVED)]
    assert desk.only().presses == 2
    assert desk.store.fetch("SELECT count(*) FROM event") == [(2,)]


def test_of_devices_that_are_known_nothing_is_read_again(desk: IngestHarness, place: Place) -> None:
    buttons = [desk.button() for _ in range(3)]
    desk.take(*(button.press(NOW_S) for button in buttons))
    read: list[str] = []
    with desk.store.transaction() as transaction:
        session = type(transaction._session)
    real = session.fetch

    def noted(self: object, statement: str, parameters: object = ()) -> object:
        read.append(statement)
        return real(self, statement, parameters)  # type: ignore[arg-type]

    session.fetch = noted  # type: ignore[assignment, method-assign]
    try:
        desk.take(*(button.press(NOW_S, again=True) for button in buttons))
        desk.take(*(button.follow(Kind.UPDATE, NOW_S) for button in buttons))
    finally:
        session.fetch = real  # type: ignore[method-assign]
    asked = [statement for statement in read if "FROM incident " in statement or "FROM device_status" in statement]
    assert bool(asked) == (place.engine().kind == "postgresql"), "where several may write, it is asked each time"
    assert all(incident.presses == 2 for incident in desk.store.open_incidents())
