"""Several deliveries of one output under way at once, where the store, the process or a notice fails."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_delivery_worker import change, takes

from gateway import sample_store
from gateway.delivery.parallel_receiver import ParallelReceiver, incidents, running
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Delivered, NotDelivered
from siaga_gateway.service.store import DeliveryState, Settled, StoreFailing
from waiting import ENDS_S, eventually


def test_while_the_store_does_not_record_nothing_more_is_begun_and_nothing_is_sent_again(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = store.transaction
    tries = threading.Semaphore(0)

    def full(*_: object) -> object:
        tries.release()
        raise StoreFailing("the disk is full")

    incidents(store, 40)
    monkeypatch.setattr(store, "transaction", full)
    desk = ParallelReceiver(takes, at_once=3)
    with running(store, desk) as worker:
        for _ in range(3):
            assert tries.acquire(timeout=ENDS_S)
        eventually(lambda: not worker._slots._begun, "what was under way ended")
        asked = len(desk.asked)
        for _ in range(3):
            assert tries.acquire(timeout=ENDS_S)
        assert len(desk.asked) == asked < 40
        monkeypatch.setattr(store, "transaction", whole)
        eventually(lambda: not store.pending("cad"), "recorded, and the rest delivered")
    assert len(desk.asked) == len({key for key, _ in desk.asked}) == 40


def test_what_was_not_recorded_when_the_process_died_comes_again_under_the_same_key(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    incidents(store, 5)
    desk = ParallelReceiver(takes)

    def dead(*_: object) -> object:
        raise StoreFailing("killed")

    with monkeypatch.context() as patched:
        patched.setattr(store, "transaction", dead)
        with running(store, desk):
            eventually(lambda: len(desk.asked) >= 1, "delivered")
    before = {key for key, _ in desk.asked}
    assert len(store.pending("cad")) == 5
    desk.asked.clear()
    with running(store, desk):
        eventually(lambda: not store.pending("cad"), "delivered again")
    again = [key for key, _ in desk.asked]
    assert before <= set(again) and len(again) == len(set(again)) == 5


def test_notices_that_cannot_be_read_hold_up_only_their_own_incidents(store: SqlStore) -> None:
    made = incidents(store, 8)
    broken = {one.id for one in made[:5]}
    with store.engine.transaction() as session:
        for number in broken:
            session.run("UPDATE notice SET incident = 'no JSON' WHERE incident_id = ?", (number,))
    desk = ParallelReceiver(takes)
    with running(store, desk) as worker:
        eventually(lambda: {one.incident_id for one in store.pending("cad")} == broken, "the others")
        eventually(lambda: all(one.attempts for one in store.pending("cad")), "the attempts are recorded")
        assert worker._slots.again_at() == 0.0, "nobody asked the receiver: it is not taken for down"
    assert len(desk.asked) == len(made) - len(broken)


class Script:
    """What the receiver answers to each key, in turn; then it takes it."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self._left: defaultdict[str, list[str]] = defaultdict(self._some)
        self._lock = threading.Lock()

    def _some(self) -> list[str]:
        return [self._answers.pop() for _ in range(2) if self._answers]

    def __call__(self, _notice: Notice, key: str) -> Delivered | NotDelivered:
        with self._lock:
            left = self._left[key]
            what = left.pop() if left else "take"
        if what == "fault":
            raise ZeroDivisionError
        if what == "fail":
            return NotDelivered("503")
        return NotDelivered("422", permanent=True) if what == "refuse" else Delivered("200")


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.integers(0, 4), max_size=15),
    answers=st.lists(st.sampled_from(["take", "fail", "fault", "refuse"]), max_size=30),
    failing=st.sets(st.integers(0, 12)),
    at_once=st.sampled_from([1, 2, 5]),
)
def test_whatever_the_receiver_and_the_store_do_each_comes_in_its_turn_until_it_is_settled(
    changes: list[int], answers: list[str], failing: set[int], at_once: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr("siaga_gateway.service.delivery.retry_policy.pause_s", lambda *_, **__: 0.0)
        patched.setattr("siaga_gateway.service.delivery.worker._LOOK_S", 0.02)
        store = sample_store.new_store(Path(folder))
        sample_store.with_device(store)
        made = incidents(store, 5)
        desk = ParallelReceiver(Script(answers), at_once)
        whole, calls = store.transaction, 0

        @contextmanager
        def sometimes() -> Iterator[Any]:
            nonlocal calls
            calls += 1
            with whole() as transaction:
                yield transaction
                if calls - 1 in failing:
                    raise StoreFailing("the disk is full")

        with running(store, desk) as worker:
            for one in changes:
                made[one] = change(store, made[one], Change.PRESSED_AGAIN)
                worker.wake()
            patched.setattr(store, "transaction", sometimes)
            eventually(lambda: not store.pending("cad"), "all are settled")
            patched.setattr(store, "transaction", whole)
        for incident in made:
            sequences = [int(key.split(".")[-2]) for key, _ in desk.asked if key.startswith(f"{incident.identifier}.")]
            assert sequences == sorted(sequences), "none before an earlier one was settled"
            assert set(sequences) == set(range(1, incident.sequence + 1))
        rows = store.deliveries(limit=100)
        assert len({row.key for row in rows}) == len(rows) == 5 + len(changes)
        for row in rows:
            tries = [one.state for one in store.attempts(row.id)]
            assert len(tries) == row.attempts == sum(key == row.key for key, _ in desk.asked)
            state = DeliveryState.PENDING if row.settled is Settled.SUPERSEDED else row.state
            assert tries[-1] is state and set(tries[:-1]) <= {DeliveryState.PENDING}
        skipped = sum(row.settled is Settled.SUPERSEDED for row in rows)
        settled = [entry.kind for entry in store.journal_after(0) if entry.kind != journal.DELIVERY_FAILED]
        delivered = sum(row.state is DeliveryState.DELIVERED for row in rows)
        assert settled.count(journal.DELIVERED) == delivered == worker.counts.delivered
        assert settled.count(journal.DELIVERY_SUPERSEDED) == skipped
        assert settled.count(journal.DELIVERY_ABANDONED) == len(rows) - delivered - skipped == worker.counts.abandoned
        store.close()
