"""When many calls for one person become one message: an earthquake sends no three thousand messages to one chief. Pure.

A few calls a minute go one by one, each with all its messages. What comes beyond is folded: one message tells of all
that waits, and the next one follows after a pause that grows, until it is calm. A station that has to send somebody (a
Polsek, an ambulance, a fire station) is told of each call by itself. Whatever asks for more than the first call did
goes by itself too. Times are the gateway's clock, Unix ms; where it was set, messages go sooner, never later.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import ContactKind, Why
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.places import StationKind
from siaga_gateway.domain.value import copied, record

FEW: Final = 3
WINDOW_MS: Final = 60_000
PAUSES_MS: Final = (15_000, 30_000, 60_000)  # after the first folded message, the second, and each further one
CALM_MS: Final = 2 * PAUSES_MS[-1]  # without a folded message: from then on they go one by one again
_FOLDABLE: Final = frozenset({ContactKind.CALL, ContactKind.RING_DESK})
# Somebody on the way needs help, did not come or turned back, or what was an exercise is none.
BY_THEMSELVES: Final = frozenset({Why.BACKUP, Why.MADE_REAL, Why.WITHDRAWN, Why.NOT_ARRIVED})
FOLDED_STATIONS: Final = frozenset({StationKind.POLRES, StationKind.POLDA})  # they lead; others go


class Choice(StrEnum):
    SINGLE = "single"
    FOLD = "fold"
    WAIT = "wait"


@record
class FoldPace:
    """What one address has been sent lately on one way."""

    singles: tuple[tuple[int, int], ...] = ()  # incident and when, of the last minute; each once
    folded_ms: int | None = None  # the last folded one
    folds: int = 0  # in a row
    again: bool = False  # the last one was not taken: it may be tried again at once


def foldable(kind: ContactKind, why: Why, incident: Incident) -> bool:
    """Whether such a message may be told in one with others. A level is no mark: in an earthquake each call has a high
    one, by its neighbours."""
    if kind not in _FOLDABLE or incident.duress or incident.call_back is CallBack.DURESS_WORD:
        return False
    return kind is not ContactKind.CALL or why not in BY_THEMSELVES


def choose(pace: FoldPace, incident_id: int, now_ms: int) -> tuple[Choice, int]:
    """Return how the next message, of this incident, goes, and in how many milliseconds, if it waits."""
    if pace.folded_ms is None or not 0 <= now_ms - pace.folded_ms < CALM_MS:
        lately = {each for each, _ in _lately(pace, now_ms)}
        few = incident_id in lately or len(lately) < FEW
        return (Choice.SINGLE if few else Choice.FOLD), 0
    wait_ms = pace.folded_ms + PAUSES_MS[min(pace.folds, len(PAUSES_MS)) - 1] - now_ms
    return (Choice.FOLD, 0) if pace.again or wait_ms <= 0 else (Choice.WAIT, wait_ms)


def after_single(pace: FoldPace, incident_id: int, now_ms: int) -> FoldPace:
    others = [one for one in _lately(pace, now_ms) if one[0] != incident_id]
    return FoldPace((*others, (incident_id, now_ms)))


def after_fold(pace: FoldPace, now_ms: int) -> FoldPace:
    in_a_row = pace.folded_ms is not None and 0 <= now_ms - pace.folded_ms < CALM_MS
    folds = pace.folds if pace.again else pace.folds + 1 if in_a_row else 1
    return copied(pace, folded_ms=now_ms, folds=folds, again=False)


def after_failure(pace: FoldPace) -> FoldPace:
    return copied(pace, again=pace.folded_ms is not None)


def _lately(pace: FoldPace, now_ms: int) -> tuple[tuple[int, int], ...]:
    return tuple(one for one in pace.singles if 0 <= now_ms - one[1] < WINDOW_MS)
