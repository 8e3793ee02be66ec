"""The second machine's absence: told once each time, at every place where somebody looks."""

from __future__ import annotations

import pytest

from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.standby_progress import StandbyFault
from siaga_gateway.service.installation.standby_watch import SHIPPED, StandbyWatch, absence, copy_fault
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier


def test_its_absence_and_its_return_are_journalled_once_and_remembered_for_every_console(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    fault: list[StandbyFault | None] = [None]
    clock = ManualClock()
    watch = StandbyWatch(store, clock, JournalNotifier(), lambda: fault[0])
    beside = StandbyWatch(store, clock, JournalNotifier(), lambda: fault[0])
    since_ms = clock.now_ms()
    for now in (None, StandbyFault.GONE, StandbyFault.GONE):
        fault[0] = now
        watch.work()
        beside.work()  # another machine that has taken over the job
        assert (absence(store) is not None) == (now is not None) == ("standby" in watch.warnings())
    known = absence(store)
    assert known is not None and (known.fault, known.since_ms) == (StandbyFault.GONE, since_ms)
    with store.transaction() as transaction:
        transaction.note(journal.GATEWAY_STARTED, clock.now_ms(), {})
    clock.at_ms += 90_000
    fault[0] = None
    watch.work()
    beside.work()
    assert absence(store) is None and watch.warnings() == {}
    told = [(entry.kind, dict(entry.facts)) for entry in store.journal_after(0) if entry.kind.startswith("standby")]
    # Two entries were on one machine only: that of the loss, and the one after it.
    assert told == [(journal.STANDBY_LOST, {"why": "gone"}), (journal.STANDBY_BACK, {"seconds": 90, "entries": 2})]
    assert len([line for line in caplog.messages if "second machine" in line]) == 2


def test_another_reason_is_told_and_the_beginning_stays(store: SqlStore) -> None:
    clock = ManualClock()
    fault = [StandbyFault.GONE]
    watch = StandbyWatch(store, clock, JournalNotifier(), lambda: fault[0])
    watch.work()
    before = absence(store)
    clock.at_ms += 60_000
    fault[0] = StandbyFault.UNSEEN
    watch.work()
    after = absence(store)
    assert before is not None and after is not None
    assert (after.fault, after.since_ms, after.entry) == (StandbyFault.UNSEEN, before.since_ms, before.entry)


def test_where_none_is_expected_nothing_is_said_and_an_old_absence_ends(store: SqlStore) -> None:
    clock = ManualClock()
    StandbyWatch(store, clock, JournalNotifier(), lambda: StandbyFault.GONE).work()
    quiet = StandbyWatch(store, clock, JournalNotifier(), None)
    assert not quiet.expected and quiet.warnings() == {}
    quiet.work()
    assert absence(store) is None


def test_a_copy_is_missed_before_the_first_and_once_it_is_older_than_allowed(store: SqlStore) -> None:
    clock = ManualClock()
    fault = copy_fault(store, clock, 180)
    assert fault() is StandbyFault.OLD_COPY
    with store.transaction() as transaction:
        transaction.remember(SHIPPED, str(clock.now_ms()))
    assert fault() is None
    clock.at_ms += 180_000
    assert fault() is None
    clock.at_ms += 1
    assert fault() is StandbyFault.OLD_COPY
