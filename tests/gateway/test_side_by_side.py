"""Several deliveries of one output under way at once: order within an incident, nobody held up, one commit for many."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import stored
from fakes import ManualClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_deliveries import Answer, Receiver, change, takes

from databases import Place
from outputs.posting import SECRET
from outputs.receiver import Handler, answer, never
from outputs.receiver import Receiver as http_receiver
from siaga_gateway.adapters.http_out import WebhookOutput
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.service import journal
from siaga_gateway.service.lease import Lease
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.outbox import OutboxWorker
from siaga_gateway.service.ports import Delivered, NotDelivered, Output
from siaga_gateway.service.store import DeliveryState, StoreFailing
from system.house import eventually

WAIT_S = 60.0


class Desk(Receiver):
    """A receiver with several hands, that knows how many were busy when each message came."""

    def __init__(self, answer: Answer, at_once: int = 4) -> None:
        super().__init__(answer)
        self.at_once = at_once
        self.busy: list[int] = []
        self._now = 0
        self._lock = threading.Lock()

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        with self._lock:
            self._now += 1
            self.busy.append(self._now)
        try:
            return super().deliver(notice, key)
        finally:
            with self._lock:
                self._now -= 1

    def of(self, incident: Incident) -> list[Change]:
        return [what for key, what in list(self.asked) if key.startswith(f"{incident.identifier}.")]


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    made = stored.new_store(place)
    stored.with_device(made)
    yield made
    made.close()


@contextmanager
def running(store: SqlStore, receiver: Output, lease: Lease | None = None) -> Iterator[OutboxWorker]:
    worker = OutboxWorker(store, receiver, JournalBell(), ManualClock(stored.NOW_MS), lease)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(WAIT_S)


def incidents(store: SqlStore, count: int, first: int = 1) -> list[Incident]:
    return [stored.open_incident(store, first + number, outputs=("cad",)) for number in range(count)]


def test_one_that_hangs_takes_one_place_and_holds_up_only_its_own_incident(store: SqlStore) -> None:
    hangs = incidents(store, 12)[0]
    hangs = change(store, hangs, Change.SEEN)
    over = threading.Event()

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        if notice.incident.id == hangs.id and notice.change is Change.OPENED:
            assert over.wait(WAIT_S)
        return Delivered("200")

    desk = Desk(answer)
    with running(store, desk):
        eventually(lambda: {one.incident_id for one in store.pending("cad")} == {hangs.id}, "the others' calls", WAIT_S)
        late = stored.open_incident(store, 100, outputs=("cad",))
        eventually(lambda: desk.of(late) == [Change.OPENED], "a call that came later", WAIT_S)
        assert desk.of(hangs) == [Change.OPENED], "its update waits"
        over.set()
        eventually(lambda: not store.pending("cad"), "all of it", WAIT_S)
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
        output = WebhookOutput("cad", receiver.url, SECRET, clock=ManualClock(stored.NOW_MS), deadline_s=3, at_once=4)
        with running(store, output):
            eventually(lambda: {one.incident_id for one in store.pending("cad")} == {hangs.id}, "the others", WAIT_S)
            late = incidents(store, 3, first=50)
            eventually(lambda: {one.incident_id for one in store.pending("cad")} == {hangs.id}, "later ones", WAIT_S)
            healed.set()
            eventually(lambda: not store.pending("cad"), "the one that hung", WAIT_S)
        output.close()
        told = {request.headers["webhook-id"] for request in receiver.requests}
    assert {f"{one.identifier}.1.cad" for one in late} < told
    assert len(told) == 13


def test_those_that_failed_before_never_take_all_places(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many incidents as there are places fail, and hang when they are tried again: a new press goes by them."""
    monkeypatch.setattr("siaga_gateway.service.patience.pause_s", lambda *_: 0.0)
    bad = {one.id for one in incidents(store, 4)}
    once: set[int] = set()
    over = threading.Event()

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        if notice.incident.id not in bad or over.is_set():
            return Delivered("200")
        if notice.incident.id in once:
            assert over.wait(WAIT_S)
        once.add(notice.incident.id)
        return NotDelivered("500")

    desk = Desk(answer)
    with running(store, desk):
        eventually(lambda: len(desk.asked) >= 5, "all were tried, one again", WAIT_S)
        new = stored.open_incident(store, 100, outputs=("cad",))
        eventually(lambda: desk.of(new) == [Change.OPENED], "a new press", WAIT_S)
        over.set()
        eventually(lambda: not store.pending("cad"), "all of it", WAIT_S)


def test_alerts_go_before_what_follows_them(store: SqlStore) -> None:
    old = [change(store, one, Change.SEEN) for one in incidents(store, 5)]
    desk = Desk(takes, at_once=1)
    worker = OutboxWorker(store, desk, JournalBell(), ManualClock(stored.NOW_MS))
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
    monkeypatch.setattr("siaga_gateway.service.patience._DOWN_S", 0.05)
    incidents(store, 30)
    desk = Desk(lambda _n, _k: NotDelivered("connection refused"), at_once=8)
    with running(store, desk):
        # Three failures tell; eight may have been under way then.
        eventually(lambda: len(desk.asked) >= 14, "it is tried again and again", WAIT_S)
        assert max(desk.busy[11:]) <= 2
        desk.answer = takes
        eventually(lambda: not store.pending("cad"), "all when it is back", WAIT_S)


def test_the_first_result_is_recorded_at_once_and_those_that_end_meanwhile_together(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = incidents(store, 6)
    gates: dict[int, threading.Event] = {one.id: threading.Event() for one in made}

    def answer(notice: Notice, _key: str) -> Delivered | NotDelivered:
        assert gates[notice.incident.id].wait(WAIT_S)
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
            assert go_on.acquire(timeout=WAIT_S)

    monkeypatch.setattr(store, "transaction", slow)
    desk = Desk(answer, at_once=6)
    with running(store, desk) as worker:
        first, *rest = made
        gates[first.id].set()
        assert committing.acquire(timeout=WAIT_S)
        assert groups == [1], "nothing else has ended, and it waits for no timer"
        for one in rest:
            gates[one.id].set()
        eventually(lambda: worker.counts.delivered == 6, "the others end while that commit runs", WAIT_S)
        go_on.release()
        assert committing.acquire(timeout=WAIT_S)
        go_on.release()
        monkeypatch.setattr(store, "transaction", whole)
        eventually(lambda: not store.pending("cad"), "recorded", WAIT_S)
    assert groups == [1, 5]
    entries = [entry for entry in store.journal_after(0) if entry.kind == journal.DELIVERED]
    assert sorted(entry.incident_id or 0 for entry in entries) == sorted(one.id for one in made)
    assert worker.counts.press.count == 6


def test_stopping_waits_for_what_is_under_way_and_begins_nothing_more(place: Place) -> None:
    store = stored.new_store(place)
    stored.with_device(store)
    made = incidents(store, 6)
    over, begun = threading.Event(), threading.Semaphore(0)

    def answer(_notice: Notice, _key: str) -> Delivered | NotDelivered:
        begun.release()
        assert over.wait(WAIT_S)
        return Delivered("200")

    desk = Desk(answer, at_once=2)
    worker = OutboxWorker(
        store, desk, JournalBell(), ManualClock(stored.NOW_MS), Lease(store, "outbox cad", "machine-1")
    )
    worker.start()
    assert begun.acquire(timeout=WAIT_S) and begun.acquire(timeout=WAIT_S)
    worker.end(WAIT_S)
    over.set()
    worker.stop()
    assert len(desk.asked) == 2
    assert {one.state for one in store.deliveries(limit=10)} == {DeliveryState.DELIVERED, DeliveryState.PENDING}
    assert len(store.pending("cad")) == len(made) - 2, "what was delivered is recorded"
    assert Lease(store, "outbox cad", "machine-2").held(), "another worker may go on at once"
    store.close()


def test_nothing_is_begun_while_the_lease_may_end_before_it_does(store: SqlStore) -> None:
    class Short(Lease):
        ends = True

        def held(self) -> bool:
            return True

        def sure(self) -> bool:
            return not self.ends

    lease = Short(store, "outbox cad", "machine-1")
    incidents(store, 3)
    desk = Desk(takes)
    with running(store, desk, lease) as worker:
        eventually(lambda: worker._slots._ready, "they are laid ready", WAIT_S)
        assert not desk.asked
        lease.ends = False
        eventually(lambda: not store.pending("cad"), "delivered", WAIT_S)


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
    desk = Desk(takes, at_once=3)
    with running(store, desk) as worker:
        for _ in range(3):
            assert tries.acquire(timeout=WAIT_S)
        eventually(lambda: not worker._slots._begun, "what was under way ended", WAIT_S)
        asked = len(desk.asked)
        for _ in range(3):
            assert tries.acquire(timeout=WAIT_S)
        assert len(desk.asked) == asked < 40
        monkeypatch.setattr(store, "transaction", whole)
        eventually(lambda: not store.pending("cad"), "recorded, and the rest delivered", WAIT_S)
    assert len(desk.asked) == len({key for key, _ in desk.asked}) == 40


def test_what_was_not_recorded_when_the_process_died_comes_again_under_the_same_key(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    incidents(store, 5)
    desk = Desk(takes)

    def dead(*_: object) -> object:
        raise StoreFailing("killed")

    with monkeypatch.context() as patched:
        patched.setattr(store, "transaction", dead)
        with running(store, desk):
            eventually(lambda: len(desk.asked) >= 1, "delivered", WAIT_S)
    before = {key for key, _ in desk.asked}
    assert len(store.pending("cad")) == 5
    desk.asked.clear()
    with running(store, desk):
        eventually(lambda: not store.pending("cad"), "delivered again", WAIT_S)
    again = [key for key, _ in desk.asked]
    assert before <= set(again) and len(again) == len(set(again)) == 5


def test_notices_that_cannot_be_read_hold_up_only_their_own_incidents(store: SqlStore) -> None:
    made = incidents(store, 8)
    broken = {one.id for one in made[:5]}
    with store.engine.transaction() as session:
        for number in broken:
            session.run("UPDATE notice SET incident = 'no JSON' WHERE incident_id = ?", (number,))
    desk = Desk(takes)
    with running(store, desk) as worker:
        eventually(lambda: {one.incident_id for one in store.pending("cad")} == broken, "the others", WAIT_S)
        eventually(lambda: all(one.attempts for one in store.pending("cad")), "the attempts are recorded", WAIT_S)
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
        patched.setattr("siaga_gateway.service.patience.pause_s", lambda *_: 0.0)
        patched.setattr("siaga_gateway.service.outbox._LOOK_S", 0.02)
        store = stored.new_store(Path(folder))
        stored.with_device(store)
        made = incidents(store, 5)
        desk = Desk(Script(answers), at_once)
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
            eventually(lambda: not store.pending("cad"), "all are settled", WAIT_S)
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
            assert tries[-1] is row.state and set(tries[:-1]) <= {DeliveryState.PENDING}
        settled = [entry.kind for entry in store.journal_after(0) if entry.kind != journal.DELIVERY_FAILED]
        delivered = sum(row.state is DeliveryState.DELIVERED for row in rows)
        assert settled.count(journal.DELIVERED) == delivered == worker.counts.delivered
        assert settled.count(journal.DELIVERY_ABANDONED) == len(rows) - delivered == worker.counts.abandoned
        store.close()


def test_a_press_waits_for_nobody(store: SqlStore) -> None:
    """Between hundreds of updates that wait and are laid ready, an alert is the next to go."""
    old = incidents(store, 20)
    desk = Desk(takes, at_once=2)
    with running(store, desk) as worker:
        eventually(lambda: not store.pending("cad"), "the alerts", WAIT_S)
        under_way, one_more = threading.Semaphore(0), threading.Semaphore(0)

        def slow(_notice: Notice, _key: str) -> Delivered | NotDelivered:
            under_way.release()
            assert one_more.acquire(timeout=WAIT_S)
            return Delivered("200")

        desk.answer = slow
        desk.asked.clear()
        for one in old:
            change(store, one, Change.SEEN)
        for _ in range(2):
            assert under_way.acquire(timeout=WAIT_S)
        new = stored.open_incident(store, 100, outputs=("cad",))
        eventually(lambda: any(one.incident_id == new.id for _, _, one, _ in worker._slots._ready), "known", WAIT_S)
        one_more.release()
        assert under_way.acquire(timeout=WAIT_S)
        assert desk.asked[-1][0].startswith(f"{new.identifier}.")
        one_more.release(100)
        eventually(lambda: not store.pending("cad"), "all of it", WAIT_S)
