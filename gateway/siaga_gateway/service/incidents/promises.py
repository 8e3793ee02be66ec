"""Whoever is later than the holder was told: he hears of it, with an estimate from where they are, if that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.promise import due_ms, estimate, is_news, later, set_back, under_way
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.one_of_many import one_of_many
from siaga_gateway.service.store import Store

EVERY_S: Final = 10.0
LIVE_S: Final = 300  # an older position says nothing of somebody who drives


class Travel(Protocol):
    """Tells how far people are."""

    def travel_s(self, responders: Sequence[str], place: Point, now_ms: int, within_s: int) -> int | None: ...


class Promises:
    """A periodic job."""

    def __init__(self, store: Store, travel: Travel, after: AfterStep, clock: Clock) -> None:
        self._store = store
        self._travel = travel
        self._after = after
        self._clock = clock

    def work(self) -> None:
        """Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        for escalation in self._store.open_escalations():
            if any(each.minutes is not None for each in under_way(escalation.assignments)):
                with one_of_many("promises", escalation.incident_id):
                    self._look_at(escalation, now_ms)

    def _look_at(self, escalation: Escalation, now_ms: int) -> None:
        incident = self._store.incident(escalation.incident_id)
        if incident is None:
            return
        if set_back(incident, now_ms) is not incident:
            self._set_back(incident, now_ms)
        if not _is_due(due_ms(incident), now_ms):
            return
        minutes = estimate(escalation.assignments, self._travel_s(escalation, incident.place, now_ms), now_ms)
        if not is_news(incident, minutes):
            return
        with self._store.transaction() as transaction:
            transaction.lock([incident.device_id])
            incident = transaction.incident(incident.id)
            if incident is None or not _is_due(due_ms(incident), now_ms):
                return  # somebody has promised another time, or is there
            now_ms = self._clock.now_ms()
            after = later(incident, minutes, now_ms)
            transaction.put_incident(after)
            transaction.note(
                journal.PROMISE_PASSED,
                now_ms,
                {"minutes": minutes},
                incident_id=after.id,
                device_id=after.device_id,
            )
            named = transaction.named_calls(after.id, after.key_copied)
        self._after.tell(after, named, now_ms)

    def _set_back(self, known: Incident, now_ms: int) -> None:
        with self._store.transaction() as transaction:
            transaction.lock([known.device_id])
            if (incident := transaction.incident(known.id)) is not None:
                transaction.put_incident(set_back(incident, now_ms))

    def _travel_s(self, escalation: Escalation, place: tuple[int, int, int | None] | None, now_ms: int) -> int | None:
        keys = [
            each.who.removeprefix(RESPONDER)
            for each in under_way(escalation.assignments)
            if each.who.startswith(RESPONDER)
        ]
        if place is None or not keys:
            return None
        return self._travel.travel_s(keys, place[:2], now_ms, LIVE_S)


def _is_due(at_ms: int | None, now_ms: int) -> bool:
    return at_ms is not None and at_ms <= now_ms
