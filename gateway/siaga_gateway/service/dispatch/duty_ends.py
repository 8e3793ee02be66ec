"""Whoever is on his way and leaves the list, or whose time of duty ends before he is there, comes no more."""

from __future__ import annotations

from typing import Final, Protocol

from siaga_gateway.domain.escalation_state import FactKind, Progress
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store

EVERY_S: Final = 10.0


class Answers(Protocol):
    """Takes what becomes of a responder's word."""

    def answer(self, incident_id: int, responder: str, said: FactKind, minutes: int | None = None) -> object: ...
    def leave(self, incident_id: int, responder: str) -> object: ...


class DutyEnds:
    """A periodic job."""

    def __init__(self, store: Store, duty: Duty, answers: Answers, clock: Clock) -> None:
        self._store = store
        self._duty = duty
        self._answers = answers
        self._clock = clock

    def work(self) -> None:
        """Raises: StoreFailing."""
        for escalation in self._store.open_escalations():
            for each in escalation.assignments:
                if each.progress is Progress.COMING and each.who.startswith(RESPONDER):
                    self._look_at(escalation.incident_id, each.who.removeprefix(RESPONDER), each.since_ms)

    def _look_at(self, incident_id: int, key: str, since_ms: int) -> None:
        now = self._duty.standing(key, self._clock.now_ms())
        if now is None:
            self._answers.leave(incident_id, key)
            return
        # Whoever accepted off duty, called by the last rung, is not bound to any shift.
        before = self._duty.standing(key, since_ms)
        if before is not None and before.reachable and not now.reachable:
            self._answers.answer(incident_id, key, FactKind.WITHDREW)
