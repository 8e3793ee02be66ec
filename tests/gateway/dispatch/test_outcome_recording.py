"""Outcomes that two senders record at once: real transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from databases import Place
from gateway.dispatch.called_district import NTFY, CalledDistrict
from siaga_gateway.domain.notification import Notification, without_way
from siaga_gateway.service.dispatch.outcome_recording import OutcomeRecorder
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import Store, Transaction
from waiting import ENDS_S, eventually


class SlowCommits:
    """A store whose transactions are complete, and wait with their commit until they may."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.complete, self.may_commit = threading.Event(), threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._store.transaction() as inner:
            yield inner
            self.complete.set()
            assert self.may_commit.wait(ENDS_S)


def test_of_two_that_fail_a_calls_last_messages_at_once_one_tells_that_the_call_has_failed(tmp_path: Path) -> None:
    district = CalledDistrict(Place("postgresql", tmp_path))
    incident = district.press()
    district.go_on()
    *first, last = [without_way(each, "404") for each in district.told(incident)]
    slow = SlowCommits(district.store)

    def put(store: Any, rows: Sequence[Notification]) -> threading.Thread:
        recorder = OutcomeRecorder(store, district.clock, NTFY)
        thread = threading.Thread(target=recorder.put, args=(rows,))
        thread.start()
        return thread

    def waits() -> bool:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(district.store.fetch(asked)[0][0])

    threads = [put(slow, first)]
    assert slow.complete.wait(ENDS_S)
    threads.append(put(district.store, [last]))
    eventually(lambda: waits() or not threads[1].is_alive())
    slow.may_commit.set()
    for each in threads:
        each.join(ENDS_S)
    kinds = [entry.kind for entry in district.store.journal_of_incident(incident.id)]
    assert kinds.count(journal.CALL_FAILED) == 1
    district.close()
