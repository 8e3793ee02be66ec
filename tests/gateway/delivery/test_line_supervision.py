"""Supervision of a receiver's line: when it is silent that is told, once, and when it answers again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fake_ports import ManualClock
from gateway.outputs.alarm_receiver import AlarmReceiver, frame
from gateway.outputs.dc09_delivery import sia
from gateway.outputs.sample_incidents import SENT_MS, opened
from siaga_gateway.adapters.outputs.dc09 import Dc09Output
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.delivery.line_supervision import LineSupervision
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import SupervisedOutput
from waiting import eventually


class Watched:
    def __init__(self, store: SqlStore, output: Dc09Output) -> None:
        self.store = store
        self.output = output
        self.ours = True
        self.line = LineSupervision(store, output, JournalNotifier(), ManualClock(SENT_MS), lambda: self.ours)

    def told(self) -> list[tuple[str, Any]]:
        return [(entry.kind, entry.facts.get("why")) for entry in self.store.journal_last(50)]


@pytest.fixture
def receiver() -> Iterator[AlarmReceiver]:
    with AlarmReceiver(ManualClock(SENT_MS)) as running:
        yield running


@pytest.fixture
def watched(tmp_path: Path, receiver: AlarmReceiver) -> Iterator[Watched]:
    store = SqlStore(tmp_path / "store.db", SENT_MS)
    # Due at once again: each turn is an interval.
    yield Watched(store, sia(receiver.port, deadline_s=60, supervision_s=0.000001))
    store.close()


def test_only_an_output_with_such_a_message_is_supervised(receiver: AlarmReceiver) -> None:
    assert isinstance(sia(receiver.port), SupervisedOutput)


def test_a_silent_receiver_is_told_once_and_then_that_it_is_back(watched: Watched, receiver: AlarmReceiver) -> None:
    watched.line.turn()
    assert [event.token for event in receiver.events] == ["NULL"] and watched.told() == []
    receiver.answer = lambda *_: None
    watched.output._deadline_s = 1
    watched.line.turn()
    assert watched.told() == []  # one lost packet is no fault
    for _ in range(3):
        watched.line.turn()
    ((kind, why),) = watched.told()
    assert kind == "line_fault" and "did not answer within 1 s" in why
    receiver.answer = None
    watched.output._deadline_s = 60
    watched.line.turn()
    watched.line.turn()
    assert [kind for kind, _ in watched.told()] == ["line_fault", "line_restored"]
    (entry,) = [each for each in watched.store.journal_last(50) if each.kind == "line_restored"]
    assert entry.actor == "cad" and entry.facts["output"] == "cad" and entry.facts["seconds"] >= 0


def test_another_reason_is_told_and_a_refusal_at_once(watched: Watched, receiver: AlarmReceiver) -> None:
    receiver.answer = lambda _receiver, who, number, _token: frame(f'"DUH"{number:04d}{who}[]')
    watched.line.turn()
    receiver.answer = lambda *_: b'"NAK"'
    watched.line.turn()
    assert [("(DUH)" in why, "account" in why) for _, why in watched.told()] == [(True, True), (False, True)]


def test_any_message_that_was_acknowledged_counts_and_ends_a_fault(
    tmp_path: Path, receiver: AlarmReceiver, watched: Watched
) -> None:
    output = sia(receiver.port, deadline_s=60, supervision_s=60)
    watched.line = LineSupervision(watched.store, output, JournalNotifier(), ManualClock(SENT_MS), lambda: True)
    receiver.broken = True
    watched.line.turn()
    watched.line.turn()
    receiver.broken = False
    output.deliver(opened(), "k-1")
    watched.line.turn()
    assert [event.token for event in receiver.events] == ["SIA-DCS"]
    assert [kind for kind, _ in watched.told()] == ["line_fault", "line_restored"]


def test_only_the_worker_that_delivers_supervises(watched: Watched, receiver: AlarmReceiver) -> None:
    watched.ours = False
    watched.line.turn()
    watched.ours = True
    watched.line.turn()
    assert len(receiver.sequences) == 1


def test_what_the_store_did_not_take_is_told_later(watched: Watched, receiver: AlarmReceiver, tmp_path: Path) -> None:
    receiver.broken = True
    watched.store.close()
    for _ in range(3):
        watched.line.turn()
    watched.store = watched.line._store = SqlStore(tmp_path / "other.db", SENT_MS)  # type: ignore[assignment]
    watched.line.turn()
    assert [kind for kind, _ in watched.told()] == ["line_fault"]
    watched.store.close()


def test_it_runs_in_a_thread_of_its_own(watched: Watched, receiver: AlarmReceiver) -> None:
    watched.line.start()
    eventually(lambda: receiver.events, "a supervision message")
    watched.line.stop()


def test_without_an_interval_there_is_none(watched: Watched, receiver: AlarmReceiver) -> None:
    quiet = LineSupervision(watched.store, sia(receiver.port), JournalNotifier(), ManualClock(SENT_MS), lambda: True)
    quiet.start()
    assert quiet.turn() > 60
    quiet.stop()
    assert receiver.sequences == []
