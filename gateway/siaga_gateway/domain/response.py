"""What one responder has answered to one incident, and what the answers together make of the incident. Pure.

A desk's `IncidentState` is not touched: that a responder comes says nothing of whether a desk has seen it. The unit of
an incident that no desk has assigned is a responder's key.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.escalation_step import AGAIN_MS
from siaga_gateway.domain.incident import Answered, Change, Incident, IncidentState
from siaga_gateway.domain.promise import promised
from siaga_gateway.domain.value import copied, record


class ResponseState(StrEnum):
    OPENED = "opened"  # has looked, and said nothing yet
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDREW = "withdrew"
    ARRIVED = "arrived"
    FINISHED = "finished"


@record
class Response:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    incident_id: int
    responder: str  # a key
    state: ResponseState = ResponseState.OPENED
    minutes: int | None = None  # promised
    since_ms: int = 0  # when the state was said, or the minutes
    signal: FactKind | None = None  # the last word from the scene: alive, backup
    signal_ms: int = 0
    browser_hash: str | None = None  # of the browser that may show who called; None: no link was used

    @property
    def comes(self) -> bool:
        return self.state in (ResponseState.ACCEPTED, ResponseState.ARRIVED)


_STATES: Final = {
    FactKind.ACCEPTED: ResponseState.ACCEPTED,
    FactKind.DECLINED: ResponseState.DECLINED,
    FactKind.WITHDREW: ResponseState.WITHDREW,
    FactKind.ARRIVED: ResponseState.ARRIVED,
    FactKind.FINISHED: ResponseState.FINISHED,
}
_SIGNALS: Final = frozenset({FactKind.ALIVE, FactKind.BACKUP})
SAYABLE: Final = frozenset(_STATES) | _SIGNALS


def meant(before: Response, said: FactKind) -> FactKind:
    """Return what a responder's word means after what he said before: who had accepted and declines, withdraws."""
    return FactKind.WITHDREW if said is FactKind.DECLINED and before.comes else said


def written(before: Response, said: FactKind, *, asked: bool) -> FactKind:
    """Return what a digit means that came in writing after what he said before. On scene 2 calls help, as in a call by
    telephone; 4 always takes back that he comes.

    asked: he was asked whether he is well, and has not answered; else a second 3 may be the first, delivered twice.
    """
    if said is FactKind.WITHDREW and not before.comes:
        return FactKind.DECLINED
    if before.state is ResponseState.ARRIVED:
        if said is FactKind.DECLINED:
            return FactKind.BACKUP
        if said is FactKind.ARRIVED and asked:
            return FactKind.ALIVE
    return said


def after(before: Response, said: FactKind, minutes: int | None, now_ms: int) -> Response | None:
    """Return the response after a word of the responder's; None: it changes nothing, which is no error.

    said: one of SAYABLE, as `meant` has it. minutes: with ACCEPTED, until he is there.
    """
    if said in _SIGNALS:
        again = before.signal is said and 0 <= now_ms - before.signal_ms < AGAIN_MS
        return None if again else copied(before, signal=said, signal_ms=now_ms)
    state = _STATES[said]
    if state is before.state:
        # The same minutes later are a new estimate.
        again = 0 <= now_ms - before.since_ms < AGAIN_MS and minutes == before.minutes
        if again or state is not ResponseState.ACCEPTED:
            return None
    if state is ResponseState.ACCEPTED and before.state is ResponseState.ARRIVED:
        return None
    if state is ResponseState.DECLINED and before.state in (ResponseState.WITHDREW, ResponseState.FINISHED):
        return None  # who was there was there
    if state in (ResponseState.WITHDREW, ResponseState.FINISHED) and not before.comes:
        return None
    promised = minutes if state is ResponseState.ACCEPTED else before.minutes
    return copied(before, state=state, minutes=promised, since_ms=now_ms)


def answered(responses: Collection[Response]) -> Answered | None:
    """Return how far those who answered are together. Who has finished was there."""
    states = {each.state for each in responses}
    if ResponseState.ARRIVED in states:
        return Answered.ON_SCENE
    if ResponseState.ACCEPTED in states:
        return Answered.COMING
    return Answered.ON_SCENE if ResponseState.FINISHED in states else None


def incident_after(
    incident: Incident, responses: Collection[Response], now_ms: int
) -> tuple[Incident, tuple[Change, ...]]:
    """Return an open incident as these responses, all of it, make it, and what the outputs are told.

    Who comes first is the unit, until a desk assigns one; when he withdraws, the next takes his place.
    """
    how = answered(responses) or (None if incident.answered is None else Answered.WITHDRAWN)
    made = copied(incident, answered=how)
    told: list[Change] = []
    if incident.state in (IncidentState.OPEN, IncidentState.SEEN):
        unit, eta_minutes, anew = _unit(incident, responses, now_ms)
        if anew:
            made = promised(made, unit, eta_minutes, now_ms)
        if (unit, eta_minutes) != (incident.unit, incident.eta_minutes):
            told.append(Change.UNASSIGNED if unit is None else Change.ASSIGNED)
    if made.reached and not incident.reached:
        told.append(Change.ON_SCENE)
    return made, tuple(told)


def _unit(incident: Incident, responses: Collection[Response], now_ms: int) -> tuple[str | None, int | None, bool]:
    """Return whose key is the incident's unit, in how many minutes he is there, and whether that was said now."""
    as_it_was = incident.unit, incident.eta_minutes, False
    named = {each.responder: each for each in responses}
    one = named.get(incident.unit or "")
    if one is None or not one.comes:
        coming = sorted((each for each in responses if each.comes), key=lambda each: (each.since_ms, each.responder))
        if not coming:
            was_there = one is not None and one.state is ResponseState.FINISHED
            return as_it_was if was_there else (None, None, incident.unit is not None)
        one = coming[0]
    elif one.state is ResponseState.ARRIVED:
        return as_it_was
    if one.responder == incident.unit and one.since_ms != now_ms:
        return as_it_was  # somebody else's word changes no estimate of his
    if one.minutes is None:
        return one.responder, None, True
    return one.responder, max(0, one.minutes - max(0, now_ms - one.since_ms) // 60_000), True
