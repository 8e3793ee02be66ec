"""Check-ins that older versions stored as evidence go while the gateway works, and an audit passes at every moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pytest

from databases import Place
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from gateway.journal.audited_ingest import broken, tamper
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.frame import Kind, Stage, Suite, digest_of
from siaga_gateway.service.journal import audit_events
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.checkin_removal import CheckinRemoval
from siaga_gateway.service.store import NewEvent, StoreFailing, Transaction

LATER_MS = NOW_MS + 2 * 3_600_000
_REST = "SELECT kind, incident_id FROM event ORDER BY id"


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


def stored_as_then(desk: IngestHarness, *frames: bytes, at_ms: int = NOW_MS) -> None:
    """One batch as older versions stored it."""
    with desk.store.transaction() as transaction:
        for frame in frames:
            signed = frame[0] & 15 == Suite.ES256
            transaction.add_event(
                NewEvent(
                    device_id=frame[2:10],
                    counter=int.from_bytes(frame[10:14], "big"),
                    kind=Kind(frame[1]),
                    suite=Suite(frame[0] & 15),
                    frame=frame,
                    signature=frame[-64:] if signed else None,
                    received_ms=at_ms,
                    bearer="mqtt",
                    incident_id=None,
                    digest=digest_of(frame),
                )
            )


def old_store(desk: IngestHarness) -> PressingButton:
    """Six batches: check-ins alone, beside a press and a tamper, none, one in an incident, one signed later."""
    button = desk.button()

    def check_in(counter: int, suite: Suite = Suite.ES256) -> bytes:
        return button.frame(Kind.CHECKIN, counter, report_body(NOW_S, **at()), suite)

    stored_as_then(desk, check_in(1), check_in(2), check_in(3))
    stored_as_then(desk, check_in(4), button.frame(Kind.TAMPER, 5, report_body(NOW_S)), check_in(6))
    stored_as_then(desk, button.frame(Kind.RECEIPT, 7, b"\0\0\0\1\0"))
    stored_as_then(desk, check_in(8, Suite.HS256_64))
    with desk.store.transaction() as transaction:
        long = check_in(8)
        transaction.add_signature((button.device_id, 8), digest_of(long), long[-64:], NOW_MS)
    button.counter = 8
    desk.take(button.press(NOW_S))
    desk.take(button.follow(Kind.CHECKIN, NOW_S, battery=50))
    return button


def removal(desk: IngestHarness) -> CheckinRemoval:
    return CheckinRemoval(desk.store, ManualClock(LATER_MS))


def run(desk: IngestHarness, limit: int) -> int:
    """Step until nothing is left to do, with an audit after each. Returns how many check-ins went."""
    job, before = removal(desk), verify(desk.store).removed
    removed = 0
    for _ in range(30):
        taken = job.step(limit)
        removed += taken.removed
        assert verify(desk.store).removed == before + removed
        if not taken.more:
            return removed
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_they_go_step_by_step_and_the_rest_stays(desk: IngestHarness, limit: int) -> None:
    old_store(desk)
    assert run(desk, limit) == 6
    rest = [(int(Kind.TAMPER), None), (int(Kind.RECEIPT), None), (int(Kind.PRESS), 1), (int(Kind.CHECKIN), 1)]
    assert desk.store.fetch(_REST) == rest, "what belongs to an incident is evidence"
    (head, *_) = desk.journal(journal.CHECKINS_REMOVED)
    assert head.facts["removed"] and set(head.facts) >= {"removal", "first", "last", "digest", "signatures"}
    assert run(desk, limit) == 0
    verify(desk.store)


def test_it_can_be_killed_at_any_moment(desk: IngestHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    old_store(desk)
    real = desk.store.transaction

    @contextlib.contextmanager
    def killed() -> Iterator[Transaction]:
        with real() as transaction:
            yield transaction
            raise StoreFailing("killed before the commit")

    job = removal(desk)
    for _ in range(10):
        before = desk.store.fetch(_REST)
        with monkeypatch.context() as patched, contextlib.suppress(StoreFailing):
            patched.setattr(desk.store, "transaction", killed)
            job.step(3)
        assert desk.store.fetch(_REST) == before
        verify(desk.store)
        job = removal(desk)  # a new process
        job.step(3)
        verify(desk.store)
    assert len(desk.store.fetch(_REST)) == 4


def test_an_audit_beside_it_passes(desk: IngestHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each page of an audit one more batch loses its check-ins."""
    old_store(desk)
    monkeypatch.setattr(audit_events, "PAGE", 2)
    for start in range(4):
        verify(desk.store, progress=Beside(removal(desk), start))
        stored_as_then(desk, *(_more(desk, start)))
    run(desk, 3)


class Beside:
    """An audit's progress, which has the removal go on from the page `start` on."""

    def __init__(self, job: CheckinRemoval, start: int) -> None:
        self._job = job
        self._pages_left = start

    def __call__(self, what: str, done: int, of: int) -> None:
        self._pages_left -= 1
        if self._pages_left < 0:
            self._job.step(3)


def _more(desk: IngestHarness, start: int) -> Sequence[bytes]:
    button = desk.button()
    return [button.frame(kind, n, report_body(NOW_S)) for n, kind in enumerate((Kind.CHECKIN, Kind.TAMPER) * 2, start)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE event SET received_ms = received_ms + 1 WHERE kind = 5", "batch 2 "),
        ("DELETE FROM event WHERE kind = 5", "batch 2 "),
        ("UPDATE batch SET kept_events = 0 WHERE number = 2", "is not what entry"),
        ("UPDATE batch SET removal = 9 WHERE number = 1", "batch "),
        ("DELETE FROM journal WHERE kind = 'checkins_removed'", "entr"),
    ],
)
def test_what_is_left_is_covered_as_before(desk: IngestHarness, change: str, said: str) -> None:
    old_store(desk)
    run(desk, 100)
    tamper(desk.store, change)
    assert said in broken(desk.store)


def test_a_check_in_slipped_into_a_batch_that_lost_its_own_is_found(desk: IngestHarness) -> None:
    old_store(desk)
    names = "device_id, counter, digest, kind, suite, frame, signature, received_ms, bearer, incident_id, answer, batch"
    rows = desk.store.fetch(f"SELECT {names} FROM event ORDER BY id LIMIT 1")
    run(desk, 100)
    marks = ", ".join("?" * 12)
    with desk.store.engine.transaction() as session:
        session.run(f"INSERT INTO event ({names}) VALUES ({marks})", rows[0])
    assert "slipped in" in broken(desk.store)


def test_a_batch_that_is_not_as_it_was_written_is_left_for_the_audit(
    desk: IngestHarness, caplog: pytest.LogCaptureFixture
) -> None:
    old_store(desk)
    tamper(desk.store, "UPDATE event SET bearer = 'sms' WHERE counter = 1")
    job = removal(desk)
    while job.step(100).more:
        pass
    assert "batch 1 " in broken(desk.store)
    assert desk.store.fetch("SELECT count(*) FROM event WHERE batch = 1") == [(3,)]
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1, "told once"


def test_old_check_ins_are_repetitions_before_and_after(desk: IngestHarness) -> None:
    button = old_store(desk)
    # As a migration leaves it.
    tamper(desk.store, "UPDATE device_status SET checkins = NULL, first_counter = 1, events = 10")
    old = button.frame(Kind.CHECKIN, 3, report_body(NOW_S, **at()))
    before = desk.store.status(button.device_id)
    for step in range(2):
        again = IngestHarness.again(desk)
        assert again.stages(old) == [(3, Stage.RECEIVED)]
        assert desk.store.status(button.device_id) == before, "no sign of life"
        if not step:
            run(desk, 100)


def test_what_may_come_from_an_older_gateway_beside_it_waits_for_an_hour(desk: IngestHarness, place: Place) -> None:
    button = desk.button()
    stored_as_then(desk, button.frame(Kind.CHECKIN, 1, report_body(NOW_S)))
    clock = ManualClock(NOW_MS + 1)
    job = CheckinRemoval(desk.store, clock)
    assert job.step(100).looked_at == 0
    clock.at_ms += 3_600_000
    assert job.step(100).removed == 1
    if place.kind == "postgresql":  # several gateways, and rows whose numbers are never used again
        stored_as_then(desk, button.frame(Kind.CHECKIN, 2, report_body(NOW_S)))
        job.work()
    assert desk.store.fetch(_REST) == []
    verify(desk.store)


def test_the_engine_s_log_is_not_emptied_for_each_that_becomes_old_enough(
    desk: IngestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    button, clock = desk.button(), ManualClock()
    emptied: list[int] = []
    monkeypatch.setattr(desk.store, "scrub", lambda: emptied.append(clock.at_ms))
    job = CheckinRemoval(desk.store, clock)
    for number in range(5):
        at_ms = NOW_MS + number * 1_000
        stored_as_then(desk, button.frame(Kind.CHECKIN, number + 1, report_body(NOW_S)), at_ms=at_ms)
    for number in range(5):
        clock.at_ms = NOW_MS + 3_600_000 + number * 1_000
        job.work()
    assert desk.store.fetch(_REST) == []
    assert len(emptied) == 1, "presses wait for it"
    job._quiet_until = 0.0
    job.work()
    assert len(emptied) == 2, "what has been removed since is in it"
    job.work()
    assert len(emptied) == 2
