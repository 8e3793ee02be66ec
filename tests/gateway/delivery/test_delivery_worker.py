"""The outbox worker on a real store: every notice arrives, in order within its incident, under one key for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.delivery import make_delivery
from siaga_gateway.bootstrap.outputs import make_output
from siaga_gateway.config import loading
from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.delivery.retry_policy import pause_s
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Delivered, NotDelivered
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import Delivery, DeliveryState, Settled, StoreDamaged, StoreFailing
from waiting import eventually

Answer = Callable[[Notice, str], Delivered | NotDelivered]


class Receiver:
    """ports.Output that answers as it is told and remembers what it was asked."""

    receives_tests = False
    at_once = 1

    def __init__(self, answer: Answer, name: str = "cad") -> None:
        self.name = name
        self.answer = answer
        self.asked: list[tuple[str, Change]] = []

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        self.asked.append((key, notice.change))
        return self.answer(notice, key)

    def close(self) -> None: ...


def takes(_notice: Notice, _key: str) -> Delivered | NotDelivered:
    return Delivered("200")


def worker(store: SqlStore, receiver: Receiver) -> OutboxWorker:
    return OutboxWorker(store, receiver, JournalNotifier(), ManualClock(sample_store.NOW_MS))


def change(store: SqlStore, incident: Incident, what: Change) -> Incident:
    with store.transaction() as transaction:
        after = tell(transaction, incident, what, sample_store.NOW_MS, ["cad"])
        transaction.put_incident(after)
    return after


def work_until(worker: OutboxWorker, done: Callable[[], bool]) -> None:
    def worked() -> bool:
        while not done() and worker.work():
            pass
        return done()

    eventually(worked, "all is delivered")


def test_a_notice_is_delivered_once_and_the_attempt_is_recorded(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad",))
    receiver = Receiver(takes)
    under_test = worker(store, receiver)
    assert under_test.work()
    assert not under_test.work()
    key = f"{incident.identifier}.1.cad"
    assert receiver.asked == [(key, Change.OPENED)]
    (delivery,) = store.deliveries()
    assert (delivery.state, delivery.attempts, delivery.key) == (DeliveryState.DELIVERED, 1, key)
    assert [a.detail for a in store.attempts(delivery.id)] == ["200"]
    (entry,) = store.journal_of_incident(incident.id)
    assert (entry.kind, entry.actor, entry.facts["attempts"]) == (journal.DELIVERED, "cad", 1)


def test_it_is_tried_again_under_the_same_key_until_it_is_taken(store: SqlStore) -> None:
    sample_store.open_incident(store, outputs=("cad",))
    answers = iter([NotDelivered("503"), NotDelivered("503"), Delivered("200")])
    receiver = Receiver(lambda _n, _k: next(answers))
    under_test = worker(store, receiver)
    work_until(under_test, lambda: len(receiver.asked) == 3)
    assert len({key for key, _ in receiver.asked}) == 1
    (delivery,) = store.deliveries()
    assert [a.detail for a in store.attempts(delivery.id)] == ["503", "503", "200"]


def test_order_holds_within_an_incident_and_another_is_not_held_up(store: SqlStore) -> None:
    bad = sample_store.open_incident(store, 1, outputs=("cad",))
    change(store, bad, Change.SEEN)
    good = sample_store.open_incident(store, 50, outputs=("cad",))
    change(store, good, Change.SEEN)
    healed = threading.Event()

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        if notice.incident.id == bad.id and not healed.is_set():
            return NotDelivered("500")
        return Delivered("200")

    receiver = Receiver(answer)
    under_test = worker(store, receiver)
    work_until(under_test, lambda: (f"{good.identifier}.2.cad", Change.SEEN) in receiver.asked)
    assert all(key != f"{bad.identifier}.2.cad" for key, _ in receiver.asked)
    healed.set()
    work_until(under_test, lambda: not store.pending("cad"))
    of_bad = [key for key, _ in receiver.asked if key.startswith(bad.identifier)]
    assert of_bad[-2:] == [f"{bad.identifier}.1.cad", f"{bad.identifier}.2.cad"]


def test_a_refusal_for_good_is_left_for_a_person_who_can_ask_again(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad",))
    receiver = Receiver(lambda _n, _k: NotDelivered("422", permanent=True))
    under_test = worker(store, receiver)
    assert under_test.work()
    assert not under_test.work()
    (delivery,) = store.deliveries(states=[DeliveryState.ABANDONED])
    assert store.journal_of_incident(incident.id)[-1].kind == journal.DELIVERY_ABANDONED
    receiver.answer = takes
    with store.transaction() as transaction:
        assert transaction.ask_again(output="cad") == {"cad": 1}
    assert under_test.work()
    assert store.deliveries()[0].state is DeliveryState.DELIVERED
    assert len({key for key, _ in receiver.asked}) == 1
    assert delivery.id == store.deliveries()[0].id


def test_what_a_receiver_chokes_on_stands_before_no_alert(store: SqlStore) -> None:
    """It refuses each position for ever; the duress behind it goes once the position is recorded as skipped."""
    incident = sample_store.open_incident(store, outputs=("cad",))

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        return NotDelivered("400") if notice.change is Change.POSITION else Delivered("200")

    receiver = Receiver(answer)
    under_test = worker(store, receiver)
    incident = change(store, incident, Change.POSITION)
    change(store, incident, Change.DURESS)
    work_until(under_test, lambda: not store.pending("cad"))
    assert [change for _, change in receiver.asked] == [Change.OPENED, Change.POSITION, Change.DURESS]
    by_change = {row.change: row for row in store.deliveries()}
    skipped = by_change[Change.POSITION]
    assert (skipped.state, skipped.settled) == (DeliveryState.ABANDONED, Settled.SUPERSEDED)
    assert skipped.attempts == 1 and by_change[Change.DURESS].state is DeliveryState.DELIVERED
    kinds = [entry.kind for entry in store.journal_of_incident(incident.id)]
    assert kinds.index(journal.DELIVERY_SUPERSEDED) < len(kinds) - 1 - kinds[::-1].index(journal.DELIVERED)
    with store.transaction() as transaction:
        assert transaction.ask_again(output="cad") == {}
        assert transaction.ask_again(key=skipped.key) == {}, "it would overtake"


def test_a_long_outage_does_not_flood_the_journal(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga_gateway.service.delivery.retry_policy.pause_s", lambda *_, **__: 0.0)
    incident = sample_store.open_incident(store, outputs=("cad",))
    receiver = Receiver(lambda _n, _k: NotDelivered("connection refused"))
    under_test = worker(store, receiver)
    work_until(under_test, lambda: len(receiver.asked) == 40)
    entries = [e.facts["attempts"] for e in store.journal_of_incident(incident.id)]
    assert entries == [1, 2, 4, 8, 16, 32]
    assert store.deliveries()[0].attempts == 40


def test_what_waited_for_a_receiver_that_was_down_goes_at_once_when_it_is_back(store: SqlStore) -> None:
    incidents = [sample_store.open_incident(store, n + 1, outputs=("cad",)) for n in range(6)]
    receiver = Receiver(lambda _n, _k: NotDelivered("connection refused", retry_after_s=250))
    under_test = worker(store, receiver)
    work_until(under_test, lambda: len(receiver.asked) >= 3)
    receiver.answer = takes
    last = sample_store.open_incident(store, 50, outputs=("cad",))
    work_until(under_test, lambda: not store.pending("cad"))
    assert len(store.deliveries()) == len(incidents) + 1
    assert any(key == f"{last.identifier}.1.cad" for key, _ in receiver.asked)


def test_the_thread_delivers_when_woken_and_ends_when_told(store: SqlStore) -> None:
    receiver = Receiver(takes)
    under_test = worker(store, receiver)
    under_test.start()
    try:
        sample_store.open_incident(store, outputs=("cad",))
        under_test.wake()
        eventually(lambda: receiver.asked)
    finally:
        under_test.stop()
    assert not store.pending("cad")


def test_a_fault_of_ours_in_one_delivery_does_not_end_the_others(store: SqlStore) -> None:
    sample_store.open_incident(store, outputs=("cad",))
    calls = 0

    def answer(_notice: Notice, _key: str) -> Delivered | NotDelivered:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError
        return Delivered("200")

    under_test = worker(store, Receiver(answer))
    under_test.start()
    try:
        eventually(lambda: not store.pending("cad"))
    finally:
        under_test.stop()


def test_a_notice_in_a_damaged_part_of_the_store_keeps_back_no_other(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _ = (
        sample_store.open_incident(store, 1, outputs=("cad",)),
        sample_store.open_incident(store, 2, outputs=("cad",)),
    )
    real, met = store.notices, list[StoreFailing]()

    def notices(deliveries: Sequence[Delivery]) -> Mapping[int, Notice]:
        if any(each.incident_id == bad.id for each in deliveries):
            raise StoreDamaged("store.damaged", why="page 77")
        return real(deliveries)

    monkeypatch.setattr(store, "notices", notices)
    receiver = Receiver(takes)
    under_test = worker(store, receiver)
    under_test._on_damage = lambda error, call: met.append(error)
    work_until(under_test, lambda: len(store.pending("cad")) == 1)
    assert [each.incident_id for each in store.pending("cad")] == [bad.id]
    assert met


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_pauses_grow_are_bounded_and_honour_the_receivers_wish(
    attempts: int, chance: float, asked_s: float | None
) -> None:
    pause = pause_s(attempts, chance, asked_s)
    assert 0.8 <= pause <= 300
    assert pause_s(attempts, chance) <= 72.1
    if asked_s is not None:
        assert pause >= min(asked_s, 300)
    assert pause_s(attempts + 1, 0.5) >= pause_s(attempts, 0.5)


def test_what_the_store_did_not_record_is_recorded_later_and_not_sent_again(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_store.open_incident(store, outputs=("cad",))
    receiver = Receiver(takes)
    under_test = worker(store, receiver)
    whole = store.transaction

    def full(*_: object) -> object:
        raise StoreFailing("the disk is full")

    monkeypatch.setattr(store, "transaction", full)
    with pytest.raises(StoreFailing):
        under_test.work()
    monkeypatch.setattr(store, "transaction", whole)
    under_test.work()
    assert len(receiver.asked) == 1
    assert store.deliveries()[0].state is DeliveryState.DELIVERED


def test_a_long_queue_is_read_once_and_emptied(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for counter in range(1, 121):
        sample_store.open_incident(store, counter, outputs=("cad",))
    read = 0
    pending = store.pending

    def counted(output: str, after_id: int = 0) -> object:
        nonlocal read
        rows = pending(output, after_id)
        read += len(rows)
        return rows

    monkeypatch.setattr(store, "pending", counted)
    receiver = Receiver(takes)
    under_test = worker(store, receiver)
    work_until(under_test, lambda: len(receiver.asked) == 120)
    assert read == 120
    assert not pending("cad")


# Several workers


def test_one_of_two_workers_delivers_and_the_other_takes_over_when_it_ends(place: Place) -> None:
    """On SQLite there is one worker, and the lease is always its own."""
    one = sample_store.new_store(place)
    sample_store.with_device(one)
    two = sample_store.new_store(place)
    receiver = Receiver(takes)

    def made(store: SqlStore, holder: str) -> OutboxWorker:
        lease = Lease(store, "outbox cad", holder, 10)
        return OutboxWorker(store, receiver, JournalNotifier(), ManualClock(sample_store.NOW_MS), lease)

    first, second = made(one, "machine-1"), made(two, "machine-2")
    incident = sample_store.open_incident(one, 1, outputs=("cad",))
    work_until(first, lambda: not one.pending("cad"))
    incident = change(one, incident, Change.SEEN)
    if place.kind == "postgresql":
        assert not second.work(), "the first has it"
        assert len(receiver.asked) == 1
    work_until(first, lambda: not one.pending("cad"))
    change(one, incident, Change.CLOSED)
    first.start()
    first.stop()
    work_until(second, lambda: not two.pending("cad"))
    assert [what for _, what in receiver.asked] == [Change.OPENED, Change.SEEN, Change.CLOSED]
    two.close()
    one.close()


def test_a_lease_is_asked_for_again_in_good_time_and_outlasts_a_store_that_fails(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    asked: list[float] = []
    answers: list[object] = []

    class Asked:
        def lease(self, name: str, holder: str, for_s: float) -> bool:
            asked.append(now[0])
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return bool(answer)

    lease = Lease(Asked(), "outbox cad", "machine-1", 10)  # type: ignore[arg-type]
    answers += [False, True]
    assert not lease.held()
    assert not lease.held(), "not asked again within a second"
    now[0] += 1
    assert lease.held()
    now[0] += 4
    assert lease.held()
    assert len(asked) == 2, "enough is left"
    now[0] += 2
    answers += [StoreFailing("away"), StoreFailing("away"), False]
    assert lease.held(), "14 s are left, whatever the store says"
    now[0] += 4
    with pytest.raises(StoreFailing):
        lease.held()
    now[0] += 1
    assert not lease.held(), "another one has it now"


def test_no_delivery_outlasts_the_lease_whatever_its_deadline(store: SqlStore, tmp_path: Path) -> None:
    """Else another worker might send what follows it first."""
    file = tmp_path / "siaga.toml"
    file.write_text(
        'name = "siaga.lampung"\ndata_dir = "data"\n[[outputs]]\nname = "cad"\nkind = "cap_http"\n'
        'url = "http://127.0.0.1:1/"\ndeadline_s = 60\n'
        '[[outputs]]\nname = "share"\nkind = "cap_folder"\nfolder = "/mnt/cap"\n',
        encoding="utf-8",
    )
    settings = loading.load(file, {})
    base: Any = SimpleNamespace(
        store=store,
        outputs=[make_output(output, settings, ManualClock(0)) for output in settings.outputs],
        settings=settings,
        notifier=JournalNotifier(),
        clock=ManualClock(0),
        worker="machine-1",
        guard=SimpleNamespace(met=None),
    )
    for worker, longest_s in zip(make_delivery(base).workers, (60, 15), strict=True):
        lease = worker._lease
        assert lease is not None and lease.held() and lease.sure()
        lease._until = time.monotonic() + longest_s
        assert not lease.sure()
