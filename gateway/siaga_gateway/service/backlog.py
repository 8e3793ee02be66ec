"""What one output still has to be sent, in memory: read once, then only what is new, however long the queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from siaga_gateway.service.store import Delivery


class Backlog:
    """Pending deliveries by incident, incidents in the order of their oldest delivery."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Delivery]] = {}
        self.last_id = 0  # of the deliveries added so far

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """More of them, ascending by id, all above last_id."""
        for delivery in deliveries:
            self._waiting.setdefault(delivery.incident_id, deque()).append(delivery)
            self.last_id = delivery.id

    def first_of_each_incident(self) -> list[Delivery]:
        """Those that no earlier one of the same incident stands before."""
        return [waiting[0] for waiting in self._waiting.values()]

    def failed(self, delivery: Delivery, detail: str) -> None:
        """One more attempt; it keeps its place."""
        self._waiting[delivery.incident_id][0] = replace(delivery, attempts=delivery.attempts + 1, detail=detail)

    def done(self, delivery: Delivery) -> None:
        """Delivered, or given up: the next one of its incident is first now."""
        waiting = self._waiting[delivery.incident_id]
        waiting.popleft()
        if not waiting:
            del self._waiting[delivery.incident_id]

    def clear(self) -> None:
        """Know nothing, to read everything anew."""
        self._waiting.clear()
        self.last_id = 0
