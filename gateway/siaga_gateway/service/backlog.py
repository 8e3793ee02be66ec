"""What one output still has to be sent, in memory: read once, then only what is new, however long the queue.

Of each incident one delivery at a time is given out, the oldest; the next one only once it is settled. Whatever else
waits comes in this order: incidents with an alert among what waits before the others, the oldest delivery first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import Final

from siaga_gateway.domain.incident import Change
from siaga_gateway.service.store import Delivery

# What no receiver knows yet and must act upon. A second press is none: help is under way for the first.
ALERTS: Final = frozenset({Change.OPENED, Change.DURESS})


@dataclass(slots=True)
class _Line:
    """What waits of one incident. With an alert in it all of it is urgent: order holds, and the alert stands last."""

    waiting: deque[Delivery] = field(default_factory=deque)
    alerts: int = 0
    due_at: float = 0.0  # monotonic: not before then, after a failure; 0: now

    @property
    def rank(self) -> int:
        return 0 if self.alerts else 1


class Backlog:
    """Pending deliveries by incident. For one thread."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._out: dict[int, Delivery] = {}  # given out and not settled, by incident
        # Incidents to give out, as (rank, number of the delivery, incident), those that failed before apart. An entry
        # that no longer holds is passed over when it comes up.
        self._fresh: list[tuple[int, int, int]] = []
        self._again: list[tuple[int, int, int]] = []
        self._paused: list[tuple[float, int]] = []  # (due_at, incident)
        self._out_again = 0
        self.last_id = 0  # of the deliveries added so far

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """More of them, ascending by id, all above last_id."""
        for delivery in deliveries:
            self.last_id = delivery.id
            line = self._lines.get(delivery.incident_id)
            if line is None:
                line = self._lines[delivery.incident_id] = _Line()
            before = line.rank
            line.waiting.append(delivery)
            line.alerts += delivery.change in ALERTS
            if len(line.waiting) == 1 or line.rank != before:
                self._offer(delivery.incident_id, line)

    def read_anew(self, deliveries: Sequence[Delivery]) -> None:
        """All that the store has now, in place of what is known. Pauses stay, and what is out is out."""
        pauses = {incident_id: line.due_at for incident_id, line in self._lines.items() if line.due_at}
        self._lines.clear()
        self._fresh.clear()
        self._again.clear()
        self._paused.clear()
        for incident_id, due_at in pauses.items():
            self._lines[incident_id] = _Line(due_at=due_at)
            self._paused.append((due_at, incident_id))
        heapify(self._paused)
        self.last_id = 0
        self.add(deliveries)
        for incident_id in pauses:
            if not self._lines[incident_id].waiting:
                del self._lines[incident_id]

    def give_out(self, count: int, again: int, now: float, *, urgent: bool = False) -> list[Delivery]:
        """Up to `count` that may be tried now, the most urgent first, or only what is urgent. Of those that failed
        before at most `again` are out at once. Each is out until it is put back, failed or done."""
        while self._paused and self._paused[0][0] <= now:
            due_at, incident_id = heappop(self._paused)
            line = self._lines.get(incident_id)
            if line is not None and line.due_at == due_at:
                line.due_at = 0.0
                self._offer(incident_id, line)
        given: list[Delivery] = []
        while len(given) < count:
            self._drop_what_no_longer_holds(self._fresh)
            self._drop_what_no_longer_holds(self._again)
            heaps = [heap for heap in (self._fresh, self._again if self._out_again < again else []) if heap]
            if not heaps:
                break
            heap = min(heaps, key=lambda one: one[0])
            if urgent and heap[0][0]:
                break
            incident_id = heappop(heap)[2]
            delivery = self._lines[incident_id].waiting[0]
            self._out[incident_id] = delivery
            self._out_again += bool(delivery.attempts)
            given.append(delivery)
        return given

    def rank(self, delivery: Delivery) -> int:
        """0: urgent, it is an alert or stands before one of its incident."""
        return self._lines[delivery.incident_id].rank

    def put_back(self, delivery: Delivery) -> None:
        """It was not tried."""
        self._settle(delivery)
        line = self._lines.get(delivery.incident_id)
        if line is not None:
            self._offer(delivery.incident_id, line)

    def failed(self, delivery: Delivery, detail: str, due_at: float) -> None:
        """One more attempt; it keeps its place and is due at that moment (monotonic)."""
        self._settle(delivery)
        line = self._lines.get(delivery.incident_id)
        if line is None:
            return
        if line.waiting[0].id == delivery.id:
            line.waiting[0] = replace(delivery, attempts=delivery.attempts + 1, detail=detail)
        line.due_at = due_at
        heappush(self._paused, (due_at, delivery.incident_id))

    def done(self, delivery: Delivery) -> None:
        """Delivered, or given up: the next one of its incident is first now."""
        self._settle(delivery)
        line = self._lines.get(delivery.incident_id)
        if line is None:
            return
        if line.waiting[0].id == delivery.id:
            line.alerts -= line.waiting.popleft().change in ALERTS
        line.due_at = 0.0
        if line.waiting:
            self._offer(delivery.incident_id, line)
        else:
            del self._lines[delivery.incident_id]

    def all_due(self) -> None:
        """End every pause."""
        self._paused.clear()
        for incident_id, line in self._lines.items():
            if line.due_at:
                line.due_at = 0.0
                self._offer(incident_id, line)

    def next_due(self) -> float:
        """When the next pause ends (monotonic); infinite where there is none."""
        return self._paused[0][0] if self._paused else float("inf")

    def _offer(self, incident_id: int, line: _Line) -> None:
        if incident_id not in self._out and not line.due_at:
            first = line.waiting[0]
            heappush(self._again if first.attempts else self._fresh, (line.rank, first.id, incident_id))

    def _drop_what_no_longer_holds(self, heap: list[tuple[int, int, int]]) -> None:
        while heap:
            rank, number, incident_id = heap[0]
            line = self._lines.get(incident_id)
            if (
                line is not None
                and incident_id not in self._out
                and not line.due_at
                and line.waiting[0].id == number
                and line.rank == rank
            ):
                return
            heappop(heap)

    def _settle(self, delivery: Delivery) -> None:
        out = self._out.pop(delivery.incident_id)
        if out.id != delivery.id:
            raise ValueError(f"delivery {delivery.id} is settled and {out.id} of its incident is out")
        self._out_again -= bool(out.attempts)
