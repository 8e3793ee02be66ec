"""Who came to the console is in the journal; guesses do not fill it; no store keeps an operator out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.sampling import EACH, WINDOW_MS
from siaga_gateway.service.journal.sign_in_log import SignInLog
from siaga_gateway.service.store import StoreFailing


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    made = sample_store.new_store(place)
    yield made
    made.close()


def notes(store: SqlStore) -> list[tuple[str, str | None, dict[str, object]]]:
    return [(entry.kind, entry.actor, dict(entry.facts)) for entry in store.journal_after(0)]


def test_who_came_and_went_is_noted(store: SqlStore) -> None:
    log = SignInLog(store, ManualClock())
    log.signed_in("Rina", by_password=True)
    log.signed_out("Rina")
    assert notes(store) == [
        (journal.SIGNED_IN, "Rina", {"by_password": True}),
        (journal.SIGNED_OUT, "Rina", {}),
    ]


@pytest.mark.parametrize("why", ["wrong", "wait", "busy"])
def test_the_log_says_why_in_the_settings_language(store: SqlStore, caplog: pytest.LogCaptureFixture, why: str) -> None:
    SignInLog(store, ManualClock()).refused("Rina", why)
    (record,) = caplog.records
    said = record.msg.say("id")  # type: ignore[attr-defined]
    assert why not in said and "turned_away" not in said
    assert record.code == why, "what a collector goes by"  # type: ignore[attr-defined]


def test_guesses_are_noted_as_a_sample_and_each_of_them_is_counted(store: SqlStore) -> None:
    clock = ManualClock()
    log = SignInLog(store, clock)
    for _ in range(40):
        log.refused("Rina", "wrong")
    assert notes(store) == [(journal.SIGN_IN_REFUSED, "Rina", {"why": "wrong", "count": 1})] * EACH
    clock.at_ms += WINDOW_MS
    log.signed_in("Rina", by_password=True)
    log.refused(None, "wrong")
    log.stop()
    assert notes(store)[EACH:] == [
        (journal.SIGN_IN_REFUSED, "Rina", {"why": "wrong", "count": 40 - EACH}),
        (journal.SIGNED_IN, "Rina", {"by_password": True}),
        (journal.SIGN_IN_REFUSED, None, {"why": "wrong", "count": 1}),
    ]


def test_what_was_held_back_is_noted_at_the_end(store: SqlStore) -> None:
    log = SignInLog(store, ManualClock())
    for _ in range(EACH + 2):
        log.refused(None, "wait")
    log.stop()
    log.stop()
    assert [facts["count"] for _, _, facts in notes(store)] == [1] * EACH + [2]


def test_a_store_that_fails_keeps_nobody_out_and_the_log_has_it(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @contextmanager
    def full() -> Iterator[None]:
        raise StoreFailing("the disk is full: make room")
        yield

    monkeypatch.setattr(store, "transaction", full)
    log = SignInLog(store, ManualClock())
    with caplog.at_level(logging.ERROR):
        log.refused("Rina", "wrong")
        log.signed_in("Rina", by_password=True)
    assert [record.getMessage() for record in caplog.records] == [
        "not noted: Sign-in refused at the console, 1 times: the disk is full: make room",
        "not noted: Operator signed in by Rina: the disk is full: make room",
    ]
