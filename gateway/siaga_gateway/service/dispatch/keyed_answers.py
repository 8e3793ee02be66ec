"""What a key pressed in a call does: a desk has acknowledged, a responder comes or does not. Committed before it is
confirmed to whoever pressed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, Protocol

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import ContactKind, FactKind, Phase, Why
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.keyed_answer import Question, Said, Standing, Taken
from siaga_gateway.domain.limits import LONGEST_ACTOR
from siaga_gateway.domain.notification import RESPONDER, Notification, NotificationState, whose
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.response import ResponseState
from siaga_gateway.service.operator_port import OperateError, OperatorActions
from siaga_gateway.service.ports import ResponderRefused, StepResult
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_MEANT: Final = {
    (Question.RESPONDER, Said.YES): FactKind.ACCEPTED,
    (Question.RESPONDER, Said.NO): FactKind.DECLINED,
    (Question.WELL, Said.YES): FactKind.ALIVE,
    (Question.WELL, Said.NO): FactKind.BACKUP,
}


class Answers(Protocol):
    """Takes a responder's word that came by a key. It commits before it returns. Raises: ResponderRefused."""

    def answer(
        self,
        incident_id: int,
        responder: str,
        said: FactKind,
        minutes: int | None = None,
        *,
        way: ContactWay | None = None,
    ) -> StepResult: ...


class KeyedAnswers:
    """Takes the keys of all calls; thread-safe."""

    def __init__(self, store: Store, desk: OperatorActions, people: Answers, language: str) -> None:
        """language: of the site, in which a desk that acknowledged is named."""
        self._store = store
        self._desk = desk
        self._people = people
        self._language = language

    def talk(
        self, notification: Notification, question: Question, name: str, others: Sequence[Notification] = ()
    ) -> IncidentTalk:
        """Return what a call about a notification talks about. name: of a desk; empty: of a person, who has a key.
        others: what it tells of besides."""
        return IncidentTalk(self, notification, question, name, others)

    def standing(self, notification: Notification, question: Question) -> Standing:
        """Return whether it still has to be told. What cannot be looked up is told."""
        try:
            return self._standing(notification, question)
        except Exception:
            log.exception(Localized("log.fault.output", output=notification.way))
            return Standing.WANTED

    def _standing(self, notification: Notification, question: Question) -> Standing:
        incident_id, who = notification.incident_id, whose(notification.recipient)
        if self._closed(incident_id):
            return Standing.OVER
        # Its own row, or that of a later wave which took its place while the telephone rang.
        asked_ms = [
            each.made_at_ms
            for each in self._store.notifications_of(incident_id)
            if _address(each) == _address(notification)
            and each.number >= notification.number
            and each.state is NotificationState.PENDING
        ]
        if not asked_ms:
            return Standing.OVER
        if question is Question.RESPONDER:
            said = next(
                (each for each in self._store.responses_of(incident_id) if f"{RESPONDER}{each.responder}" == who), None
            )
            answered = said is not None and said.state is not ResponseState.OPENED
            # Since he was called: a later call for help asks him again.
            if answered and said is not None and said.since_ms >= max(notification.made_at_ms, *asked_ms):
                return Standing.ANSWERED
            return Standing.WANTED
        known = self._store.escalation_of(incident_id)
        if known is not None and question is Question.DESK and known.phase is Phase.ACKNOWLEDGED:
            return Standing.ANSWERED
        if known is not None and question is Question.WELL:
            assigned = known.assignment(who)
            return Standing.WANTED if assigned is not None and assigned.asked else Standing.ANSWERED
        return Standing.WANTED

    def take(self, notification: Notification, question: Question, name: str, said: Said) -> Taken:
        """Take an answer. Never raises."""
        try:
            return self._take(notification, question, name, said)
        except StoreFailing as error:
            log.error(Localized("log.dispatch.not_recorded", way=notification.way, why=error))
        except Exception:
            log.exception(Localized("log.fault.output", output=notification.way))
        return Taken.UNSTORED

    def _take(self, notification: Notification, question: Question, name: str, said: Said) -> Taken:
        key, incident_id = whose(notification.recipient), notification.incident_id
        if question is Question.DESK:
            if said is Said.NO:
                return Taken.OVER if self._closed(incident_id) else Taken.TAKEN
            by = text("calls.spoken.by_phone", self._language, name=name or key.partition(":")[2])
            try:
                self._desk.acknowledge(incident_id, by[-LONGEST_ACTOR:], notification.wave)
            except OperateError:
                return Taken.OVER if self._closed(incident_id) else Taken.ANEW
            return Taken.TAKEN
        meant = _MEANT.get((question, said))
        if meant is None or not key.startswith(RESPONDER):
            return Taken.TAKEN  # it is enough that a person has heard it
        if question is Question.RESPONDER and self._was_exercise(notification):
            return Taken.OVER if self._closed(incident_id) else Taken.ANEW
        try:
            result = self._people.answer(incident_id, key.removeprefix(RESPONDER), meant, way=notification.way)
        except ResponderRefused:
            return Taken.OVER if self._closed(incident_id) else Taken.ANEW
        return Taken.OVER if result is StepResult.OVER else Taken.TAKEN

    def _was_exercise(self, notification: Notification) -> bool:
        """Whether it called to an exercise that is a call in earnest now: who answers it knows of nothing else."""
        incident = self._store.incident(notification.incident_id)
        if incident is None or incident.drill is None or is_exercise(incident):
            return False
        sent = self._store.notifications_of(incident.id)
        return any(each.why is Why.MADE_REAL and notification.number < each.number for each in sent)

    def _closed(self, incident_id: int) -> bool:
        incident = self._store.incident(incident_id)
        return incident is None or incident.state is IncidentState.CLOSED


class IncidentTalk:
    """Implements service.dispatch.ways.Talk for one call."""

    def __init__(
        self,
        answers: KeyedAnswers,
        notification: Notification,
        question: Question,
        name: str,
        others: Sequence[Notification],
    ) -> None:
        self._answers = answers
        self._others = others
        self._notification = notification
        self._question = question
        self._name = name

    def standing(self) -> Standing:
        standing = self._answers.standing(self._notification, self._question)
        if standing is Standing.OVER:  # of several calls the others are not, though that one may be
            rest = (self._answers.standing(each, self._question) for each in self._others)
            standing = next((each for each in rest if each is not Standing.OVER), standing)
        return standing

    def take(self, said: Said) -> Taken:
        return self._answers.take(self._notification, self._question, self._name, said)


def _address(each: Notification) -> tuple[str, ContactWay, ContactKind]:
    return each.recipient, each.way, each.kind
