"""Several deliveries of one output under way at once: order within an incident, nobody held up, one commit for many."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from test_delivery_worker import change, takes

from databases import Place
from gateway import sample_store
from gateway.delivery.parallel_receiver import ParallelReceiver, incidents, running
from gateway.fake_ports import ManualClock
from gateway.outputs.http_delivery import SECRET, webhook
from gateway.outputs.http_receiver import Handler, answer, never
from gateway.outputs.http_receiver import Receiver as http_receiver
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Delivered, NotDelivered
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import DeliveryState
from waiting import ENDS_S, eventually


def test_one_that_hangs_takes_one_place_and_holds_up_only_its_own_incident(store: SqlStore) -> None:
    hangs = incidents(store, 12)[0]
    hangs = change(store, hangs, Change.SEEN)
    over = threading.Event()

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        if notice.incident.id == hangs.id and notice.change is Change.OPENED:
            assert over.wait(ENDS_S)
        return Delivered("200")

    desk = ParallelReceiver(answer)
    with running(store, desk):
        eventually(lambda: {one.incident_id for one in store.pending("cad")} == {hangs.id}, "the others' calls")
        late = sample_store.open_incident(store, 100, outputs=("cad",))
        eventually(lambda: desk.of(late) == [Change.OPENED], "a call that came later")
        assert desk.of(hangs) == [Change.OPENED], "its update waits"
        over.set()
        eventually(lambda: not store.pending("cad"), "all of it")
    assert desk.of(hangs) == [Change.OPENED, Change.SEEN]
    assert max(desk.busy) <= desk.at_once


def test_over_http_a_receiver_that_never_answers_one_has_the_others(store: SqlStore) -> None:
    """The real webhook and a real receiver: one message hangs to its deadline, again and again."""
    hangs = incidents(store, 10)[3]

    def behave(handler: Handler) -> None:
        mine = str(handler.headers["webhook-id"]).startswith(f"{hangs.identifier}.")
        (never if mine and not healed.is_set() else answer(204))(handler)

    healed = threading.Event()
    with http_receiver(behave) as receiver:
        output = webhook("cad", receiver.url, SECRET, clock=ManualClock(sample_store.NOW_MS), deadline_s=3, at_once=4)
        with running(store, output):
            eventually(lambda: {one.incident_id for one in store.pending("cad")} == {hangs.id}, "the others")
            late = incidents(store, 3, first=50)
            eventually(lambda: {one.incident_id for one in store.pending("cad")} == {hangs.id}, "later ones")
            healed.set()
            eventually(lambda: not store.pending("cad"), "the one that hung")
        output.close()
        told = {request.headers["webhook-id"] for request in receiver.requests}
    assert {f"{one.identifier}.1.cad" for one in late} < told
    assert len(told) == 13


def test_those_that_failed_before_never_take_all_places(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many incidents as there are places fail, and hang when they are tried again: a new press goes by them."""
    monkeypatch.setattr("siaga_gateway.service.delivery.retry_policy.pause_s", lambda *_, **__: 0.0)
    bad = {one.id for one in incidents(store, 4)}
    once: set[int] = set()
    over = threading.Event()

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        if notice.incident.id not in bad or over.is_set():
            return Delivered("200")
        if notice.incident.id in once:
            assert over.wait(ENDS_S)
        once.add(notice.incident.id)
        return NotDelivered("500")

    desk = ParallelReceiver(answer)
    with running(store, desk):
        eventually(lambda: len(desk.asked) >= 5, "all were tried, one again")
        new = sample_store.open_incident(store, 100, outputs=("cad",))
        eventually(lambda: desk.of(new) == [Change.OPENED], "a new press")
        over.set()
        eventually(lambda: not store.pending("cad"), "all of it")


def test_alerts_go_before_what_follows_them(store: SqlStore) -> None:
    old = [change(store, one, Change.SEEN) for one in incidents(store, 5)]
    desk = ParallelReceiver(takes, at_once=1)
    worker = OutboxWorker(store, desk, JournalNotifier(), ManualClock(sample_store.NOW_MS))
    while store.pending("cad"):
        worker.work()
    closed = [change(store, one, Change.CLOSED) for one in old]
    forced = change(store, closed[-1], Change.DURESS)
    new = incidents(store, 3, first=50)
    desk.asked.clear()
    while store.pending("cad"):
        worker.work()
    told = [key.rpartition(".")[0] for key, _ in desk.asked]
    news = {f"{one.identifier}.1" for one in new}
    ahead = {f"{old[-1].identifier}.3", *news}  # a closing with a duress behind it is urgent, too
    assert set(told[:4]) == ahead
    assert f"{forced.identifier}.{forced.sequence}" in told[4:]
    assert len(told) == 9


def test_a_receiver_that_is_down_is_asked_by_few(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga_gateway.service.delivery.retry_policy._DOWN_S", 0.05)
    incidents(store, 30)
    desk = ParallelReceiver(lambda _n, _k: NotDelivered("connection refused"), at_once=8)
    with running(store, desk):
        # Three failures tell; eight may have been under way then.
        eventually(lambda: len(desk.asked) >= 14, "it is tried again and again")
        assert max(desk.busy[11:]) <= 2
        desk.answer = takes
        eventually(lambda: not store.pending("cad"), "all when it is back")


def test_the_first_result_is_recorded_at_once_and_those_that_end_meanwhile_together(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = incidents(store, 6)
    gates: dict[int, threading.Event] = {one.id: threading.Event() for one in made}

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        assert gates[notice.incident.id].wait(ENDS_S)
        return Delivered("200")

    committing, go_on = threading.Semaphore(0), threading.Semaphore(0)
    groups: list[int] = []
    whole = store.transaction

    @contextmanager
    def slow() -> Iterator[Any]:
        with whole() as transaction:
            record = transaction.record

            def counted(attempts: Sequence[Any]) -> None:
                groups.append(len(attempts))
                record(attempts)

            monkeypatch.setattr(transaction, "record", counted)
            yield transaction
            committing.release()
            assert go_on.acquire(timeout=ENDS_S)

    monkeypatch.setattr(store, "transaction", slow)
    desk = ParallelReceiver(answer, at_once=6)
    with running(store, desk) as worker:
        first, *rest = made
        gates[first.id].set()
        assert committing.acquire(timeout=ENDS_S)
        assert groups == [1], "nothing else has ended, and it waits for no timer"
        for one in rest:
            gates[one.id].set()
        eventually(lambda: worker.counts.delivered == 6, "the others end while that commit runs")
        go_on.release()
        assert committing.acquire(timeout=ENDS_S)
        go_on.release()
        monkeypatch.setattr(store, "transaction", whole)
        eventually(lambda: not store.pending("cad"), "recorded")
    assert groups == [1, 5]
    entries = [entry for entry in store.journal_after(0) if entry.kind == journal.DELIVERED]
    assert sorted(entry.incident_id or 0 for entry in entries) == sorted(one.id for one in made)
    assert worker.counts.press.count == 6


def test_stopping_waits_for_what_is_under_way_and_begins_nothing_more(place: Place) -> None:
    store = sample_store.new_store(place)
    sample_store.with_device(store)
    made = incidents(store, 6)
    over, begun = threading.Event(), threading.Semaphore(0)

    def answer(_notice: Notice, _key: str) -> Delivered | NotDelivered:
        begun.release()
        assert over.wait(ENDS_S)
        return Delivered("200")

    desk = ParallelReceiver(answer, at_once=2)
    worker = OutboxWorker(
        store, desk, JournalNotifier(), ManualClock(sample_store.NOW_MS), Lease(store, "outbox cad", "machine-1", 10)
    )
    worker.start()
    assert begun.acquire(timeout=ENDS_S) and begun.acquire(timeout=ENDS_S)
    worker.end(ENDS_S)
    over.set()
    worker.stop()
    assert len(desk.asked) == 2
    assert {one.state for one in store.deliveries(limit=10)} == {DeliveryState.DELIVERED, DeliveryState.PENDING}
    assert len(store.pending("cad")) == len(made) - 2, "what was delivered is recorded"
    assert Lease(store, "outbox cad", "machine-2", 10).held(), "another worker may go on at once"
    store.close()


def test_nothing_is_begun_while_the_lease_may_end_before_it_does(store: SqlStore) -> None:
    class Short(Lease):
        ends = True

        def held(self) -> bool:
            return True

        def sure(self) -> bool:
            return not self.ends

    lease = Short(store, "outbox cad", "machine-1", 10)
    incidents(store, 3)
    desk = ParallelReceiver(takes)
    with running(store, desk, lease) as worker:
        eventually(lambda: worker._slots._ready, "they are laid ready")
        assert not desk.asked
        lease.ends = False
        eventually(lambda: not store.pending("cad"), "delivered")


def test_a_press_waits_for_nobody(store: SqlStore) -> None:
    """Between hundreds of updates that wait and are laid ready, an alert is the next to go."""
    old = incidents(store, 20)
    desk = ParallelReceiver(takes, at_once=2)
    with running(store, desk) as worker:
        eventually(lambda: not store.pending("cad"), "the alerts")
        under_way, one_more = threading.Semaphore(0), threading.Semaphore(0)

        def slow(_notice: Notice, _key: str) -> Delivered | NotDelivered:
            under_way.release()
            assert one_more.acquire(timeout=ENDS_S)
            return Delivered("200")

        desk.answer = slow
        desk.asked.clear()
        for one in old:
            change(store, one, Change.SEEN)
        for _ in range(2):
            assert under_way.acquire(timeout=ENDS_S)
        new = sample_store.open_incident(store, 100, outputs=("cad",))
        eventually(lambda: any(one.incident_id == new.id for _, _, one, _ in worker._slots._ready), "known")
        one_more.release()
        assert under_way.acquire(timeout=ENDS_S)
        assert desk.asked[-1][0].startswith(f"{new.identifier}.")
        one_more.release(100)
        eventually(lambda: not store.pending("cad"), "all of it")


def test_no_other_worker_goes_on_while_something_is_under_way_at_the_end(place: Place) -> None:
    """The next message of that incident, from there, might arrive before this one."""

    class Noted(Lease):
        given_back = False

        def give_back(self) -> None:
            self.given_back = True
            super().give_back()

    store = sample_store.new_store(place)
    sample_store.with_device(store)
    incidents(store, 1)
    over, begun = threading.Event(), threading.Event()

    def answer(_notice: Notice, _key: str) -> Delivered | NotDelivered:
        begun.set()
        assert over.wait(ENDS_S)
        return Delivered("200")

    lease = Noted(store, "outbox cad", "machine-1", 10)
    desk = ParallelReceiver(answer, at_once=2)
    worker = OutboxWorker(store, desk, JournalNotifier(), ManualClock(sample_store.NOW_MS), lease)
    worker.start()
    assert begun.wait(ENDS_S)
    worker.stop(0.2)
    eventually(lambda: worker.silent_s() == float("inf"), "its end")
    assert not lease.given_back, "it ends by itself, later than the request"
    over.set()
    store.close()
