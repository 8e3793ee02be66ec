"""Assembles the delivery of incidents to the outputs: a worker for each output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.outputs import warn_of_orphans
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.service.delivery.line_supervision import LineSupervision
from siaga_gateway.service.delivery.worker import OutboxWorker, wake_all
from siaga_gateway.service.ports import SupervisedOutput
from siaga_gateway.service.scheduling.lease import Lease


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery workers, and what supervises the lines of those outputs that have it."""

    workers: Sequence[OutboxWorker]
    lines: Sequence[LineSupervision]
    wake: Callable[[], None]  # call when the outbox may have grown; from any thread

    def pieces(self) -> list[Piece]:
        # The last piece is stopped first: all workers are told to end before the first is waited for.
        each = [Piece(f"output {worker.name}", worker.start, worker.stop) for worker in self.workers]
        each += [Piece("supervision of a line", line.start, line.stop) for line in self.lines]
        return [*each, Piece("beginning of deliveries", stop=self._begin_no_more)]

    def _begin_no_more(self) -> None:
        for worker in self.workers:
            worker.end()


def make_delivery(base: Foundation) -> Delivery:
    """Make the workers, and log what waits for outputs that no longer exist. Raises: StoreFailing."""
    longest_s = {output.name: output.longest_s for output in base.settings.outputs}
    leases = [Lease(base.store, f"outbox {each.name}", base.worker, longest_s[each.name]) for each in base.outputs]
    workers = [
        OutboxWorker(base.store, output, base.notifier, base.clock, lease, base.guard.met)
        for output, lease in zip(base.outputs, leases, strict=True)
    ]
    lines = [
        LineSupervision(base.store, output, base.notifier, base.clock, lease.sure)
        for output, lease in zip(base.outputs, leases, strict=True)
        if isinstance(output, SupervisedOutput)
    ]
    warn_of_orphans(base.store, base.outputs)
    return Delivery(workers, lines, wake_all(workers))
