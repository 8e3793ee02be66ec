"""Whoever is on his way and leaves the list, or whose time of duty ends before he is there, comes no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from siaga_gateway.domain.escalation_state import Assignment, FactKind, Progress
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.one_of_many import one_of_many
from siaga_gateway.service.store import Store

EVERY_S: Final = 10.0
_LOOKED_AT: Final = frozenset({Progress.COMING, Progress.LATE, Progress.ON_SCENE})
_Accepted = tuple[int, str]  # incident, responder


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
        self._seen: dict[_Accepted, bool] = {}  # whether he was on duty or available when he was first seen to come

    def work(self) -> None:
        """Raises: StoreFailing."""
        seen, self._seen = self._seen, {}
        for escalation in self._store.open_escalations():
            for each in escalation.assignments:
                if each.who.startswith(RESPONDER) and each.progress in _LOOKED_AT:
                    with one_of_many("duty", escalation.incident_id):
                        self._look_at(escalation.incident_id, each, seen)

    def _look_at(self, incident_id: int, each: Assignment, seen: Mapping[_Accepted, bool]) -> None:
        key = each.who.removeprefix(RESPONDER)
        now = self._duty.standing(key, self._clock.now_ms())
        if now is None:
            self._answers.leave(incident_id, key)
        elif each.progress is not Progress.ON_SCENE:
            # As it was seen first, and not looked up for the past: his word of today says nothing of then. Whoever
            # accepted off duty, called by the last rung, is not bound to any shift.
            accepted = incident_id, key
            self._seen[accepted] = seen.get(accepted, now.reachable)
            if self._seen[accepted] and not now.reachable:
                self._answers.answer(incident_id, key, FactKind.WITHDREW)
                del self._seen[accepted]
