"""Where the call for help of an incident is, for card and detail: who rings, why, what comes next. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import UnknownText, text
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import Assignment, Escalation, Phase, Progress, Why
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.service.dispatch.call_directory import key_alone

# How urgently each rung rings. One with a name of its own goes by the time without an answer.
_LEVELS: Final = {"stations": 0, "operator": 0, "chief": 1, "supervisor": 1, "region": 2, "everyone": 3}
_LEVEL_FROM_S: Final = ((40, 3), (20, 2), (1, 1))
# A question rings each minute. Whoever looks into it has longer.
_ASKED_ANEW_MS: Final = 60_000
# Whoever forces the holder listens to the operator's telephone: after the duress word what it began rings later.
_UNHEARD_MS: Final = 60_000
_BEGUN_BY_WORD: Final = frozenset({Why.OPENED, Why.MADE_REAL, Why.PRESSED_AGAIN})


@dataclass(frozen=True, slots=True)
class Ringing:
    """How the console rings for an incident."""

    sound: str = ""  # first, again, held, asked: see sounds.js; empty: it is silent
    level: int = 0  # 0 to 3: the higher, the more urgent


@dataclass(frozen=True, slots=True)
class AssigneeView:
    """Somebody who was sent, or accepted."""

    name: str
    progress: str  # in words
    kind: str  # coming, late, on_scene, finished: also its CSS class
    since_ms: int
    due_ms: int | None  # of one who is coming: when he is late
    silent: bool  # he was asked for a sign from the scene, and has given none


@dataclass(frozen=True, slots=True)
class LadderView:
    """The call for help of one incident. Times are Unix ms."""

    ringing: Ringing
    phase: str = ""  # empty: there is none
    wave: int = 0
    again: bool = False  # another wave: the first was answered, and nothing came of it
    heading: str = ""
    rung: str = ""  # which rung is being called, in words
    why: str = ""  # why it rings again, in words
    since_ms: int | None = None  # since when nobody has answered
    next_key: str = ""  # ladder.next_*: what comes next
    next_ms: int | None = None
    unreached: bool = False  # nobody on the highest rung that was called could be reached
    acknowledge: bool = False  # the button 'acknowledge' does something that no other does
    asked: bool = False
    assignees: tuple[AssigneeView, ...] = ()

    @property
    def signature(self) -> str:
        """Changes whenever the operator's buttons do."""
        return f"{self.wave}{self.acknowledge:d}{self.asked:d}"


def ladder_view(
    incident: Incident, known: Escalation | None, language: str, name: Callable[[str], str] = key_alone
) -> LadderView:
    """Return it, worded. name: of an assignee, by his key."""
    ringing = ringing_of(incident, known)
    if known is None or known.phase is Phase.CLOSED or incident.state is IncidentState.CLOSED:
        return LadderView(ringing)

    def say(key: str, **values: object) -> str:
        return text(f"console.ladder.{key}", language, **values)

    climbing = known.phase in (Phase.HELD, Phase.CALLING)
    again = known.phase is Phase.CALLING and is_again(known)
    silent = any(each.asked for each in known.assignments)
    next_key, next_ms = _next(known)
    return LadderView(
        ringing=ringing,
        phase=str(known.phase),
        wave=known.wave,
        again=again,
        heading=say("again" if again else str(Phase.CALLING) if _is_undone(incident, known) else _heading(known)),
        rung=rung_text(known.rung, language) if climbing and known.rung else "",
        why=_why(known, language) if again else "",
        since_ms=_began_ms(known) if climbing else None,
        next_key=next_key,
        next_ms=next_ms,
        unreached=climbing and bool(known.rung) and not known.top_call,
        acknowledge=_needs_acknowledging(incident, known, ringing, silent),
        asked=known.phase is Phase.ASKED,
        assignees=tuple(_assignee(each, say, name) for each in known.assignments),
    )


def is_again(known: Escalation) -> bool:
    """Whether it is another wave, and not the first call."""
    return known.wave > 1 or known.why not in (Why.OPENED, Why.HELD)


def ringing_of(incident: Incident, known: Escalation | None) -> Ringing:
    """Return how the console rings. Without an escalation it rings until somebody has seen it."""
    if incident.state is IncidentState.CLOSED:
        return Ringing()
    if known is None:
        return Ringing("first") if incident.state is IncidentState.OPEN else Ringing()
    level = _level(known)
    if _begun_by_word(incident, known):
        return Ringing()
    if _is_undone(incident, known):
        return Ringing("again" if is_again(known) else "first", level)
    match known.phase:
        case Phase.CALLING if not _just_seen(incident, known):
            return Ringing("again" if is_again(known) else "first", level)
        case Phase.HELD if not _put_off(incident, known):
            return Ringing("held", level)
        case Phase.ASKED if known.desk_at_ms is not None and known.desk_at_ms - known.touched_ms <= _ASKED_ANEW_MS:
            return Ringing("asked")
    return Ringing()


def rung_text(rung: str, language: str) -> str:
    """Return the rung's name in words; one of the settings is shown as it is there."""
    try:
        return text(f"console.rung.{rung}", language)
    except UnknownText:
        return rung


def _is_undone(incident: Incident, known: Escalation) -> bool:
    """Whether the acknowledgement on which the ladder rests was taken back: an older gateway, or one that hangs, does
    not climb on by itself. Whoever acknowledges has seen the call, so there is no other way to this."""
    return known.phase is Phase.ACKNOWLEDGED and incident.state is IncidentState.OPEN


def _level(known: Escalation) -> int:
    if known.rung in _LEVELS:
        return _LEVELS[known.rung]
    return next((level for from_s, level in _LEVEL_FROM_S if known.reached_s >= from_s), 0)


def _began_ms(known: Escalation) -> int:
    """Return when the wave began: a responder's acceptance moves the climb, not the waiting."""
    return known.started_ms - known.pause_ms


def _just_seen(incident: Incident, known: Escalation) -> bool:
    """Whether somebody has seen this wave: the escalation hears of it within a second."""
    if incident.state is IncidentState.OPEN or incident.seen_at_ms is None:
        return False
    return incident.seen_at_ms >= _began_ms(known)


def _put_off(incident: Incident, known: Escalation) -> bool:
    """Whether an operator looks into a held call: that silences it for a minute, once."""
    return known.pause_ms > 0 if known.paused else _just_seen(incident, known)


def _begun_by_word(incident: Incident, known: Escalation) -> bool:
    """Whether the duress word has begun this wave a moment ago, or is about to."""
    if incident.call_back is not CallBack.DURESS_WORD:
        return False
    if known.phase is Phase.HELD:
        return not incident.held
    young = known.touched_ms - _began_ms(known) < _UNHEARD_MS
    return known.phase is Phase.CALLING and known.why in _BEGUN_BY_WORD and young


def _needs_acknowledging(incident: Incident, known: Escalation, ringing: Ringing, silent: bool) -> bool:
    """A new call is acknowledged by seeing it."""
    if known.phase is Phase.ACKNOWLEDGED:
        return silent
    rings = bool(ringing.sound) or _begun_by_word(incident, known)
    return rings and (incident.state is not IncidentState.OPEN or known.phase is Phase.ASKED)


def _heading(known: Escalation) -> str:
    if known.phase is Phase.ACKNOWLEDGED and known.answering:
        return "on_the_way" if all(each.progress is Progress.COMING for each in known.answering) else "answered"
    return str(known.phase)


def _why(known: Escalation, language: str) -> str:
    return text(f"console.why.{known.why}", language)


def _next(known: Escalation) -> tuple[str, int | None]:
    match known.phase:
        case Phase.HELD | Phase.CALLING:
            return "next_contact", known.climb_at_ms
        case Phase.ACKNOWLEDGED if known.assign_by_ms is not None:
            return "next_assign", known.assign_by_ms
        case Phase.ASKED:
            return "next_question", known.desk_at_ms
    return "", None


def _assignee(each: Assignment, say: Callable[..., str], name: Callable[[str], str]) -> AssigneeView:
    promised = each.progress is Progress.COMING and each.minutes is not None
    progress = say("coming_in", n=each.minutes) if promised else say(str(each.progress))
    return AssigneeView(
        name=name(each.who),
        progress=say("silent") if each.asked else progress,
        kind=str(each.progress),
        since_ms=each.since_ms,
        due_ms=each.due_ms if each.progress is Progress.COMING else None,
        silent=each.asked,
    )
