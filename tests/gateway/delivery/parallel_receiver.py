"""A receiver with several hands, and the worker that delivers to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from test_delivery_worker import Answer, Receiver

from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Delivered, NotDelivered, Output
from siaga_gateway.service.scheduling.lease import Lease
from waiting import ENDS_S


class ParallelReceiver(Receiver):
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


@contextmanager
def running(store: SqlStore, receiver: Output, lease: Lease | None = None) -> Iterator[OutboxWorker]:
    worker = OutboxWorker(store, receiver, JournalNotifier(), ManualClock(sample_store.NOW_MS), lease)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(ENDS_S)


def incidents(store: SqlStore, count: int, first: int = 1) -> list[Incident]:
    return [sample_store.open_incident(store, first + number, outputs=("cad",)) for number in range(count)]
