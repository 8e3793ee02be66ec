"""Who was shown whose data is in the journal: once for a look, whatever the page does; a full disk loses no note."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.disclosures import AGAIN_MS, DisclosureLog
from siaga_gateway.service.store import StoreFailing


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    made = sample_store.new_store(place)
    sample_store.with_device(made)
    for counter in (1, 2, 3):
        sample_store.open_incident(made, counter)
    yield made
    made.close()


def notes(store: SqlStore) -> list[tuple[str | None, int | None, dict[str, object]]]:
    return [
        (entry.actor, entry.incident_id, dict(entry.facts))
        for entry in store.journal_after(0)
        if entry.kind == journal.PERSONAL_READ
    ]


def test_a_look_is_noted_at_once_and_once_until_it_is_a_new_one(store: SqlStore) -> None:
    clock = ManualClock()
    log = DisclosureLog(store, clock)
    for _ in range(3):
        log.shown("Rina", 1)
    log.shown("Budi", 1)
    log.shown("Rina", 1, "nik")
    assert notes(store) == [
        ("Rina", 1, {"what": "incident"}),
        ("Budi", 1, {"what": "incident"}),
        ("Rina", 1, {"what": "nik"}),
    ]
    clock.at_ms += AGAIN_MS
    log.shown("Rina", 1)
    assert len(notes(store)) == 4


def test_cards_are_noted_together_and_only_those_that_are_new(store: SqlStore) -> None:
    log = DisclosureLog(store, ManualClock())
    log.shown("Rina", 2)
    log.listed("Rina", [1, 2])
    log.listed("Rina", [1, 2, 3])
    log.listed("Budi", [3])
    assert len(notes(store)) == 1, "gathered for a moment"
    log.write()
    log.write()
    assert notes(store)[1:] == [
        ("Rina", None, {"what": "queue", "incidents": [1, 3]}),
        ("Budi", None, {"what": "queue", "incidents": [3]}),
    ]


def test_what_waits_is_noted_at_the_end(store: SqlStore) -> None:
    log = DisclosureLog(store, ManualClock())
    log.start()
    log.listed("Rina", [1])
    log.stop()
    assert notes(store) == [("Rina", None, {"what": "queue", "incidents": [1]})]


def test_a_store_that_fails_hides_nothing_and_is_told_later(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full() -> Iterator[None]:
        raise StoreFailing("the disk is full: make room")
        yield

    log = DisclosureLog(store, ManualClock())
    with monkeypatch.context() as patch:
        patch.setattr(store, "transaction", full)
        log.shown("Rina", 1)
        log.listed("Rina", [2])
        log.write()
    log.write()
    assert notes(store) == [("Rina", None, {"what": "queue", "incidents": [1, 2]})]
