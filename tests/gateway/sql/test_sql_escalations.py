"""The contract of service/store/escalations.py, kept by both engines and by the fake."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.kept_escalations import KeptEscalations
from gateway.domain.escalation_worlds import LADDER, NOW_MS, Trip, explore
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.escalations import DUE, LAYOUT, NEXT, SET_BACK, TOUCHED
from siaga_gateway.domain.escalation import opened, step
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import Assignment, Escalation, Fact, FactKind, Phase, Progress, Why
from siaga_gateway.domain.value import copied
from waiting import ENDS_S

K = FactKind
USUAL = Ladder("Contoh")
ME, OTHER = "worker 1", "worker 2"


@pytest.fixture(params=[*ENGINES, "fake"])
def kept(request: pytest.FixtureRequest, lend: Callable[[str], Place]) -> Any:
    """With open incidents 1 to 4, and incident 5, which is closed."""
    if request.param == "fake":
        return KeptEscalations([1, 2, 3, 4])
    made = sample_store.new_store(lend(request.param))
    sample_store.with_device(made)
    incidents = [sample_store.open_incident(made, counter) for counter in range(1, 6)]
    assert [each.id for each in incidents] == [1, 2, 3, 4, 5]
    with made.transaction() as transaction:
        transaction.put_incident(copied(incidents[-1], state=type(incidents[-1].state).CLOSED))
    request.addfinalizer(made.close)
    return made


FULL = Escalation(
    incident_id=3,
    phase=Phase.CALLING,
    why=Why.BACKUP,
    touched_ms=NOW_MS,
    next_at_ms=NOW_MS + 1,
    started_ms=NOW_MS - 2,
    wave=4,
    rung="chief",
    reached_s=10,
    round=5,
    number=6,
    top_call=7,
    paused=True,
    pause_ms=8,
    climb_at_ms=NOW_MS + 9,
    desk_at_ms=NOW_MS + 10,
    assign_by_ms=NOW_MS + 11,
    needed_wave=3,
    held=True,
    assignments=(
        Assignment("responder.12", Progress.ON_SCENE, 2, NOW_MS - 12, None, NOW_MS + 13, True),
        Assignment('Unit "Ä"', Progress.LATE, 1, NOW_MS - 14, 15, None),
    ),
)


def put(kept: Any, *escalations: Escalation) -> list[bool]:
    with kept.transaction() as transaction:
        return [transaction.put_escalation(each) for each in escalations]


def test_every_field_comes_back_as_it_was_put(kept: Any) -> None:
    empty = Escalation(1, Phase.CLOSED, Why.OPENED, NOW_MS)
    assert put(kept, FULL, empty) == [True, True]
    assert kept.escalation_of(3) == copied(FULL, revision=1)
    assert kept.escalation_of(1) == copied(empty, revision=1)
    assert kept.escalation_of(2) is None
    with kept.transaction() as transaction:
        assert transaction.escalation(3) == copied(FULL, revision=1)
        assert transaction.escalation(2) is None


def test_only_who_has_read_the_newest_row_changes_it(kept: Any) -> None:
    """Two workers step the same row; the second of them reads it again. Closed is never overwritten."""
    put(kept, opened(1, NOW_MS, USUAL).state)
    read = kept.escalation_of(1)
    closed = step(read, Fact(K.CLOSED), NOW_MS, USUAL).state
    accepted = step(read, Fact(K.ACCEPTED, "A"), NOW_MS, USUAL).state
    assert (read.revision, accepted.revision) == (1, 1)
    assert put(kept, closed) == [True]
    assert put(kept, accepted) == [False]
    assert kept.escalation_of(1) == copied(closed, revision=2)
    assert put(kept, opened(1, NOW_MS, USUAL).state) == [False], "it is there already"
    assert kept.escalation_of(1).phase is Phase.CLOSED


def test_a_worker_that_dies_before_the_commit_has_changed_nothing(kept: Any) -> None:
    put(kept, opened(1, NOW_MS, USUAL).state)
    before = kept.escalation_of(1)
    now_ms = NOW_MS + 12_000
    first = step(before, Fact(K.TICK), now_ms, USUAL)
    with pytest.raises(RuntimeError), kept.transaction() as transaction:
        assert transaction.put_escalation(first.state)
        raise RuntimeError("in the middle")
    assert kept.escalation_of(1) == before
    assert [each.incident_id for each in kept.escalations_due(now_ms, OTHER)] == [1]
    assert step(kept.escalation_of(1), Fact(K.TICK), now_ms, USUAL) == first, "the same contacts, the same numbers"


def test_what_is_due_is_found_the_longest_due_first(kept: Any) -> None:
    rows = [
        copied(FULL, incident_id=number, next_at_ms=NOW_MS + at) for number, at in ((1, 5), (2, 0), (3, -7), (4, 1))
    ]
    put(kept, *rows, Escalation(5, Phase.CLOSED, Why.OPENED, NOW_MS))

    def due(now_ms: int, limit: int = 200) -> list[int]:
        return [each.incident_id for each in kept.escalations_due(now_ms, ME, limit)]

    assert due(NOW_MS) == [3, 2]
    assert due(NOW_MS + 4) == [3, 2, 4]
    assert due(NOW_MS + 5) == [3, 2, 4, 1]
    assert due(NOW_MS + 5, 2) == [3, 2]
    assert kept.escalations_due(NOW_MS, ME)[0] == copied(rows[2], revision=1)
    assert kept.next_escalation_ms() == NOW_MS - 7


def test_a_console_reads_what_is_open_and_what_has_changed_since(kept: Any) -> None:
    put(
        kept,
        copied(FULL, incident_id=2, touched_ms=NOW_MS - 5),
        copied(FULL, incident_id=1, touched_ms=NOW_MS),
        Escalation(5, Phase.CLOSED, Why.OPENED, NOW_MS),
    )
    assert [each.incident_id for each in kept.open_escalations()] == [1, 2]
    assert kept.open_escalations()[1] == kept.escalation_of(2)
    assert kept.escalations_touched(NOW_MS - 6) == {1: 1, 2: 1}
    put(kept, kept.escalation_of(1))
    assert kept.escalations_touched(NOW_MS - 5) == {1: 2}
    assert kept.escalations_touched(NOW_MS) == {}


def test_what_the_clock_left_in_the_future_is_due(kept: Any) -> None:
    put(kept, copied(FULL, incident_id=1, touched_ms=NOW_MS + 2), copied(FULL, incident_id=2, touched_ms=NOW_MS + 1))
    put(
        kept,
        copied(FULL, incident_id=3, next_at_ms=NOW_MS - 9_000_000),
        Escalation(5, Phase.CLOSED, Why.OPENED, NOW_MS),
    )
    back = [each.incident_id for each in kept.escalations_due(NOW_MS - 8_000_000, ME)]
    assert back[0] == 3 and set(back) == {1, 2, 3}
    assert [each.incident_id for each in kept.escalations_due(NOW_MS - 8_000_000, ME, 2)] == [3, 2]
    put(kept, copied(kept.escalation_of(3), next_at_ms=NOW_MS + 9))
    assert [each.incident_id for each in kept.escalations_due(NOW_MS, ME)] == [2, 1]


def test_nothing_is_due_in_an_empty_store(kept: Any) -> None:
    assert (list(kept.escalations_due(NOW_MS, ME)), kept.next_escalation_ms()) == ([], None)


def test_one_worker_claims_until_it_puts_dies_or_the_clock_is_set_back(kept: Any) -> None:
    put(kept, FULL)

    def claim(worker: str, now_ms: int) -> bool:
        with kept.transaction() as transaction:
            claimed: bool = transaction.claim_escalation(3, worker, now_ms, now_ms + 100)
        return claimed

    def due(worker: str, now_ms: int) -> bool:
        return [each.incident_id for each in kept.escalations_due(now_ms, worker)] == [3]

    now_ms = NOW_MS + 1_000
    assert claim(ME, now_ms) and claim(ME, now_ms)
    assert not claim(OTHER, now_ms + 99)
    assert due(ME, now_ms + 99) and not due(OTHER, now_ms + 99)
    assert due(OTHER, now_ms + 100) and claim(OTHER, now_ms + 100), "it has not come back"
    assert not claim(ME, now_ms + 100)
    assert due(ME, now_ms + 99) and claim(ME, now_ms + 99), "claimed in the future: the clock was set back"
    put(kept, kept.escalation_of(3))
    assert due(OTHER, now_ms + 99) and claim(OTHER, now_ms + 99)
    with kept.transaction() as transaction:
        assert not transaction.claim_escalation(4, ME, now_ms, now_ms + 100), "there is none"


def test_an_open_incident_for_which_nothing_is_due_is_found(kept: Any) -> None:
    assert list(kept.unescalated()) == [1, 2, 3, 4]
    put(kept, FULL, copied(FULL, incident_id=1), Escalation(4, Phase.CLOSED, Why.OPENED, NOW_MS))
    assert list(kept.unescalated()) == [2, 4]
    assert list(kept.unescalated(1)) == [2]


@pytest.mark.parametrize("kind", ENGINES)
def test_of_many_who_accept_at_once_each_is_assigned_and_none_calls_twice(kind: str, tmp_path: Path) -> None:
    place = Place(kind, tmp_path)
    store = sample_store.new_store(place)
    sample_store.with_device(store)
    incident = sample_store.open_incident(store)
    put(store, opened(incident.id, NOW_MS, USUAL).state)
    numbers: list[int] = []

    def accept(who: str) -> None:
        while True:
            with store.transaction() as transaction:
                read = transaction.escalation(incident.id)
                assert read is not None
                did = step(read, Fact(K.ACCEPTED, who), NOW_MS, USUAL)
                if transaction.put_escalation(did.state):
                    break
        numbers.extend(each.number for each in did.contacts)

    threads = [threading.Thread(target=accept, args=(f"responder.{number}",)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(ENDS_S)
    after = store.escalation_of(incident.id)
    assert after is not None
    assert len(after.assignments) == 8
    assert numbers == [2], "enough are coming is said once"
    store.close()


def test_what_is_due_is_looked_up_by_indexes(tmp_path: Path) -> None:
    store: SqlStore = sample_store.new_store(tmp_path)
    parameters = {DUE: (1, ME, 1, 1, 9), SET_BACK: (1, 1, ME, 1, 1, 9), NEXT: (), TOUCHED: (1,)}
    for statement, index in (
        (DUE, "escalation_due"),
        (SET_BACK, "escalation_touched"),
        (NEXT, "escalation_due"),
        (TOUCHED, "escalation_touched"),
    ):
        steps = [row[3] for row in store.fetch(f"EXPLAIN QUERY PLAN {statement}", parameters[statement])]
        assert any(index in each for each in steps), steps
        assert not any("TEMP B-TREE" in each for each in steps), steps
    store.close()


def test_a_restart_is_a_row_and_back_from_every_state() -> None:
    """The search may leave restarts out: every world that it reaches is the same from its row."""
    worlds = explore(opened(1, NOW_MS, LADDER, held=True).state, Trip("A"), lambda passage: None)
    assert len(worlds) > 1_000
    assert [world for world in worlds if LAYOUT.value(LAYOUT.row(world)) != world] == []
