"""Assembles the delivery of incidents to the outputs: a worker for each output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.outputs import warn_of_orphans
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.service.delivery.worker import OutboxWorker, wake_all
from siaga_gateway.service.scheduling.lease import Lease


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery workers."""

    workers: Sequence[OutboxWorker]
    wake: Callable[[], None]  # call when the outbox may have grown; from any thread

    def pieces(self) -> list[Piece]:
        # The last piece is stopped first: all workers are told to end before the first is waited for.
        each = [Piece(f"output {worker.name}", worker.start, worker.stop) for worker in self.workers]
        return [*each, Piece("beginning of deliveries", stop=self._begin_no_more)]

    def _begin_no_more(self) -> None:
        for worker in self.workers:
            worker.end()


def make_delivery(base: Foundation) -> Delivery:
    """Make the workers, and log what waits for outputs that no longer exist. Raises: StoreFailing."""
    longest_s = {output.name: output.longest_s for output in base.settings.outputs}
    workers = [
        OutboxWorker(
            base.store,
            output,
            base.notifier,
            base.clock,
            Lease(base.store, f"outbox {output.name}", base.worker, longest_s[output.name]),
            base.guard.met,
        )
        for output in base.outputs
    ]
    warn_of_orphans(base.store, base.outputs)
    return Delivery(workers, wake_all(workers))
