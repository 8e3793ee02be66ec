"""What hangs and what is missing, found by those who ask: on a real store that another process holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.fake_ports import ManualClock
from gateway.sample_store import NOW_MS, new_store, open_incident, with_device
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.incident import Notice
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Delivered, NotDelivered
from siaga_gateway.service.scheduling.gateway_health import (
    HANGS_S,
    STUCK_S,
    CachedTally,
    Health,
    StoreProbe,
    outputs_lost,
    stuck_outbox,
)
from siaga_gateway.service.store import Attempt, DeliveryState, StoreFailing, Tally, Waiting


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return new_store(tmp_path)


def test_a_store_that_cannot_be_written_is_found_before_a_press_needs_it(tmp_path: Path, store: SqlStore) -> None:
    probe = StoreProbe(store, ManualClock(NOW_MS))
    probe.work()
    assert probe.problem() == ""
    assert store.remembered("alive_ms") == str(NOW_MS)
    other = sqlite3.connect(store_path(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailing):
        probe.work()
    assert "another process has been writing" in probe.problem()
    other.execute("ROLLBACK")
    other.close()
    probe.work()
    assert probe.problem() == ""


def test_only_what_has_been_silent_for_long_hangs() -> None:
    silence = {"ingest": 0.0, "rounds": HANGS_S - 1}
    health = Health({name: (lambda name=name: silence[name]) for name in silence}, {"broker": lambda: ""})
    assert health.hangs() == "" and health.problems() == {}
    silence["rounds"], silence["ingest"] = 200.0, float("inf")
    assert health.hangs() == "ingest has ended, rounds is silent for 200 s"
    assert health.problems() == {"process": health.hangs()}


def test_what_presses_need_is_named_with_what_is_wrong() -> None:
    health = Health({}, {"broker": lambda: "not connected", "store": lambda: "", "outbox": lambda: "stuck"})
    assert health.problems() == {"broker": "not connected", "outbox": "stuck"}
    assert health.hangs() == ""


class Waits:
    """service.scheduling.gateway_health.CachedTally with given sums."""

    def __init__(self, waiting: Mapping[str, Waiting]) -> None:
        self.waiting = waiting

    def now(self) -> Tally:
        return Tally({}, None, self.waiting, 0, 0)


@pytest.mark.parametrize(
    ("made_s", "tried_s", "here_s", "stuck"),
    [
        (10, None, 500, False),  # it was made a moment ago
        (4000, 20, 4000, False),  # another worker tried it a moment ago
        (4000, None, 20, False),  # this one is trying others
        (4000, 3000, 3000, True),
        (4000, None, 3000, True),
    ],
)
def test_an_outbox_is_stuck_where_nobody_tries(made_s: int, tried_s: int | None, here_s: int, stuck: bool) -> None:
    assert 3000 > STUCK_S > 300
    waiting = Waiting(7, NOW_MS - made_s * 1000, None if tried_s is None else NOW_MS - tried_s * 1000)
    tallies = Waits({"cad": waiting, "of yesterday": waiting})
    found = stuck_outbox(tallies, {"cad": lambda: float(here_s)}, ManualClock(NOW_MS))()  # type: ignore[arg-type]
    assert found == ("nothing was tried at 'cad' for 3000 s" if stuck else "")


@pytest.mark.parametrize(
    ("waits_s", "lost"),
    [
        ({}, ""),
        ({"cad": 61}, ""),
        ({"cad": 61, "portal": 59}, ""),
        ({"cad": 61, "portal": 60}, "cad, portal"),
        ({"cad": 61, "of yesterday": 900}, ""),
    ],
)
def test_outputs_are_lost_where_none_gets_its_messages_through(waits_s: dict[str, int], lost: str) -> None:
    tallies = Waits({name: Waiting(1, NOW_MS - age_s * 1000, NOW_MS) for name, age_s in waits_s.items()})
    clock = ManualClock(NOW_MS)
    assert outputs_lost(tallies, ["cad", "portal"], clock)() == lost  # type: ignore[arg-type]
    assert outputs_lost(tallies, [], clock)() == "", "none is set"  # type: ignore[arg-type]


def test_the_real_outbox_says_that_nobody_tries_and_one_that_is_refused_is_not_stuck(store: SqlStore) -> None:
    """The worker, the store's sums and the watch, none of them a stand-in."""

    class Away:
        name, receives_tests, at_once = "cad", False, 1

        def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
            return NotDelivered("connection refused")

        def close(self) -> None: ...

    clock = ManualClock(NOW_MS)
    with_device(store)
    open_incident(store, 1, outputs=("cad",))
    worker = OutboxWorker(store, Away(), JournalNotifier(), clock)
    problem = stuck_outbox(CachedTally(store, kept_s=0), {worker.name: worker.untried_s}, clock)
    assert problem() == ""
    clock.at_ms += 500_000
    assert problem() == "", "it was started a moment ago"
    worker._slots.tried_at -= 450
    assert problem() == "nothing was tried at 'cad' for 450 s"
    worker.work()
    assert problem() == "", "refused, and tried all the same"
    worker._slots.tried_at -= 450
    assert problem() == "", "as the store says: another worker may be at it"
    clock.at_ms += 500_000
    assert problem() == "nothing was tried at 'cad' for 450 s"


def test_the_store_sums_what_is_open_and_what_waits(store: SqlStore) -> None:
    empty = store.tally()
    assert empty.incidents == {"open": 0, "seen": 0, "assigned": 0, "on_scene": 0}
    assert (empty.unseen_since_ms, empty.waiting, empty.abandoned, empty.strangers) == (None, {}, 0, 0)
    with_device(store)
    open_incident(store, 1, outputs=("cad", "trainer"))
    open_incident(store, 2, outputs=("cad",))
    first = store.pending("cad")[0]
    with store.transaction() as transaction:
        transaction.record([Attempt(first.id, NOW_MS + 5, DeliveryState.PENDING, "away")])
    trainers = store.pending("trainer")[0]
    with store.transaction() as transaction:
        transaction.record([Attempt(trainers.id, NOW_MS + 6, DeliveryState.ABANDONED, "no")])
    tally = CachedTally(store).now()
    assert tally.incidents["open"] == 2 and tally.unseen_since_ms == NOW_MS
    assert tally.waiting == {"cad": Waiting(2, NOW_MS, NOW_MS + 5, "away")}
    assert tally.abandoned == 1


def test_sums_are_counted_anew_only_now_and_then(store: SqlStore) -> None:
    with_device(store)
    tallies = CachedTally(store, kept_s=3600)
    before = tallies.now()
    open_incident(store, 1)
    assert tallies.now() is before
    assert CachedTally(store).now().incidents["open"] == 1
