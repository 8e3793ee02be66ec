"""One output's pending deliveries, in memory: read once, then only what is new, however long the queue.

Of each incident one delivery at a time is handed out, the oldest; the next one only once that is settled. One that
failed and is no alert is skipped once a later one waits, which shows the incident as it is now: nothing that a receiver
chokes on stands before an alert. Across incidents the order is: those with a pending alert first; among these what was
never tried before repeats; then the oldest delivery first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import Final

from siaga_gateway.domain.incident import Change
from siaga_gateway.service.store import Delivery

# News that no receiver has yet and must act on. A repeated press is not: help is under way for the first.
ALERTS: Final = frozenset({Change.OPENED, Change.DURESS, Change.MADE_REAL})

_OTHERS: Final = 2  # ranks from here on are not urgent


@dataclass(slots=True)
class _Line:
    """One incident's pending deliveries. If any is an alert all are urgent: they go in order, and the alert is last."""

    waiting: deque[Delivery] = field(default_factory=deque)
    alerts: int = 0
    due_at: float = 0.0  # monotonic: not before then, after a failure; 0: now
    tries_before: int = 0  # of the first, when the newest alert behind it came

    @property
    def rank(self) -> int:
        return (0 if self.alerts else _OTHERS) + (1 if self.waiting and self.waiting[0].attempts else 0)


def is_urgent(rank: int) -> bool:
    """Whether a rank is that of an alert, or of what stands before an alert of its incident."""
    return rank < _OTHERS


class Backlog:
    """Pending deliveries by incident. For one thread."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._out: dict[int, Delivery] = {}  # handed out and not settled, by incident
        # Incidents to hand out, as (rank, delivery id, incident), those that failed before apart. Stale entries are
        # skipped when they come up.
        self._fresh: list[tuple[int, int, int]] = []
        self._again: list[tuple[int, int, int]] = []
        self._paused: list[tuple[float, int]] = []  # (due_at, incident)
        self._out_again = 0
        self._superseded: list[Delivery] = []
        self.last_id = 0  # highest delivery id added so far
        self._known = 0  # the same, whatever was read anew since

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """Add deliveries, ascending by id, all above last_id."""
        for delivery in deliveries:
            self.last_id = delivery.id
            line = self._lines.get(delivery.incident_id)
            if line is None:
                line = self._lines[delivery.incident_id] = _Line()
            before, pressing = line.rank, False
            if delivery.change in ALERTS:
                line.alerts += 1
                pressing = bool(line.waiting) and delivery.id > self._known
                if pressing:  # what stands before it may have failed for hours, and pause for a minute
                    line.tries_before, line.due_at = line.waiting[0].attempts, 0.0
            line.waiting.append(delivery)
            self._known = max(self._known, delivery.id)
            if self._skip(delivery.incident_id, line) or pressing or len(line.waiting) == 1 or line.rank != before:
                self._offer(delivery.incident_id, line)

    def read_anew(self, deliveries: Sequence[Delivery]) -> None:
        """Replace what is known by everything now in the store. Pauses are kept, and so is what is handed out."""
        kept = {
            incident_id: _Line(due_at=line.due_at, tries_before=line.tries_before)
            for incident_id, line in self._lines.items()
            if line.due_at or line.tries_before
        }
        self._lines.clear()
        self._fresh.clear()
        self._again.clear()
        self._paused.clear()
        self._lines.update(kept)
        self._paused += [(line.due_at, incident_id) for incident_id, line in kept.items() if line.due_at]
        heapify(self._paused)
        self.last_id = 0
        self.add(deliveries)
        for incident_id in kept:
            if not self._lines[incident_id].waiting:
                del self._lines[incident_id]

    def give_out(self, count: int, again: int, now: float, *, urgent: bool = False) -> list[Delivery]:
        """Hand out up to `count` deliveries that may be tried now, the most urgent first; with `urgent` only urgent
        ones.

        At most `again` that failed before are out at once. Each one is out until put_back, failed or done.
        """
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
            if urgent and not is_urgent(heap[0][0]):
                break
            incident_id = heappop(heap)[2]
            delivery = self._lines[incident_id].waiting[0]
            self._out[incident_id] = delivery
            self._out_again += bool(delivery.attempts)
            given.append(delivery)
        return given

    def rank(self, delivery: Delivery) -> int:
        """Return its place among others: the lowest goes first, see is_urgent."""
        return self._lines[delivery.incident_id].rank

    def is_urgent(self, delivery: Delivery) -> bool:
        """Whether it is out for an alert of its incident, or is one; not if that is gone meanwhile."""
        line = self._lines.get(delivery.incident_id)
        return line is not None and line.alerts > 0

    def tries(self, delivery: Delivery) -> int:
        """Return how often it has failed since the newest alert of its incident came: from then on it is pressing."""
        line = self._lines.get(delivery.incident_id)
        return delivery.attempts if line is None else max(0, delivery.attempts - line.tries_before)

    def put_back(self, delivery: Delivery) -> None:
        """Return a delivery that was not tried."""
        self._settle(delivery)
        line = self._lines.get(delivery.incident_id)
        if line is not None:
            self._skip(delivery.incident_id, line)
            self._offer(delivery.incident_id, line)

    def failed(self, delivery: Delivery, detail: str, due_at: float) -> None:
        """Count a failed attempt; the delivery keeps its place and is due at `due_at` (monotonic)."""
        self._settle(delivery)
        line = self._lines.get(delivery.incident_id)
        if line is None:
            return
        place = _place(line, delivery)
        if place is not None:
            line.waiting[place] = replace(delivery, attempts=delivery.attempts + 1, detail=detail)
        line.due_at = due_at
        if self._skip(delivery.incident_id, line):
            self._offer(delivery.incident_id, line)
        else:
            heappush(self._paused, (due_at, delivery.incident_id))

    def superseded(self) -> list[Delivery]:
        """Return what was skipped since the last call: record it before anything later of its incident is sent."""
        superseded, self._superseded = self._superseded, []
        return superseded

    def done(self, delivery: Delivery) -> None:
        """Remove a delivered or abandoned one: the incident's next is first now."""
        self._settle(delivery)
        line = self._lines.get(delivery.incident_id)
        if line is None:
            return
        place = _place(line, delivery)
        if place is not None:
            line.alerts -= delivery.change in ALERTS
            del line.waiting[place]
        line.due_at, line.tries_before = 0.0, 0
        if line.waiting:
            self._skip(delivery.incident_id, line)  # another worker may have tried it before us
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
        """Return when the next pause ends (monotonic); infinity if there is none."""
        return self._paused[0][0] if self._paused else float("inf")

    def _skip(self, incident_id: int, line: _Line) -> bool:
        """Drop from the front what failed and is no alert, while a later one waits. Returns whether anything was."""
        before = len(line.waiting)
        while incident_id not in self._out and len(line.waiting) > 1:
            first = line.waiting[0]
            if not first.attempts or first.change in ALERTS:
                break
            self._superseded.append(line.waiting.popleft())
            line.due_at, line.tries_before = 0.0, 0
        return len(line.waiting) != before

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


def _place(line: _Line, delivery: Delivery) -> int | None:
    """Where a delivery stands: first, unless a person has had an earlier one sent again; None: another worker settled
    it."""
    return next((place for place, one in enumerate(line.waiting) if one.id == delivery.id), None)
