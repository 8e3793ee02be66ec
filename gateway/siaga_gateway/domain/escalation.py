"""Waves and escalation: which rung of the ladder is called when, and when it rests. Pure; time is an argument.

It knows no person. It says which rung is to be called; who is on it is looked up at that moment, so that edits of lists
and duty count from the next contact. What came of it is told as a `Fact`. The table at the end says what a fact does in
each phase.

- A wave calls its first rung at once and climbs by the time since it began. Climbing cancels nothing.
- A desk's acknowledgement rests the ladder; then somebody has to be assigned, and to arrive. Otherwise the same ladder
  once more, as another wave.
- A responder's acceptance moves a wave's climb, once, while the desks go on ringing; his withdrawal takes that back.
- A rung that nobody is on, or that nobody could be reached by, is left at once; the last one is called again soon.
- Each step first accounts for the clock: set back, all times move with it; set forward, or late, everything that is due
  happens, once.
- Closed is final.

A step changes nothing but the value. Whoever calls it commits state and contacts together, and only if nobody else has
changed the row since it was read; else it reads again and steps again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import (
    Escalation,
    Fact,
    FactKind,
    Phase,
    Progress,
    Result,
    Step,
    Why,
    Withdrawal,
)
from siaga_gateway.domain.escalation_step import LONGEST_MS, StepBuilder
from siaga_gateway.domain.value import copied

# A contact that is this late is a fault of the gateway.
LATE_MS: Final = 5_000
_CLIMBING: Final = frozenset({Phase.HELD, Phase.CALLING})


def opened(incident_id: int, now_ms: int, ladder: Ladder, *, held: bool = False) -> Step:
    """Return the beginning of an incident's escalation, with its first contacts."""
    work = StepBuilder(Escalation(incident_id, Phase.CALLING, Why.OPENED, now_ms), now_ms, ladder)
    if held:
        work.hold()
    else:
        work.wave(Why.OPENED)
    work.fire()
    return work.finish(Result.TAKEN)


def reopened(state: Escalation, now_ms: int, ladder: Ladder, *, held: bool = False) -> Step:
    """Return the escalation of a closed incident that a desk has opened again: nobody comes, and somebody has to be
    assigned. It is the desk's acknowledgement as well, except of a held call, which rings."""
    if state.phase is not Phase.CLOSED:
        return Step(state, Result.ALREADY)
    work = StepBuilder(copied(state, assignments=()), now_ms, ladder)
    if held:
        work.hold()
    else:
        work.rest()
    work.fire()
    return work.finish(Result.TAKEN)


def step(state: Escalation, fact: Fact, now_ms: int, ladder: Ladder) -> Step:
    """Return what the fact did, and everything that is due by now."""
    if state.phase is Phase.CLOSED:
        return Step(state, Result.TOO_LATE)
    work = StepBuilder(state, now_ms, ladder)
    result = _TABLE[fact.kind][state.phase](work, fact)
    work.fire()
    return work.finish(result)


def is_due(state: Escalation, now_ms: int) -> bool:
    """Whether to step now: something is due, or the clock was set back to before its last step."""
    return state.next_at_ms is not None and (state.next_at_ms <= now_ms or state.touched_ms > now_ms)


def fault(state: Escalation, now_ms: int) -> str | None:
    """Return what the auditor has to ring for: no_next, late, far; None: all is well."""
    if state.phase is Phase.CLOSED:
        return None
    if state.next_at_ms is None:
        return "no_next"
    if now_ms - state.next_at_ms > LATE_MS:
        return "late"
    soonest = min((at for at in (state.climb_at_ms, state.desk_at_ms) if at is not None), default=None)
    if state.phase in _CLIMBING and (soonest is None or soonest - now_ms > LONGEST_MS):
        return "far"
    return None


def _nothing(work: StepBuilder, fact: Fact) -> Result:
    return Result.TAKEN


def _already(work: StepBuilder, fact: Fact) -> Result:
    return Result.ALREADY


def _acknowledge(work: StepBuilder, fact: Fact) -> Result:
    if 0 < fact.wave < work.state.wave:
        return Result.OVERTAKEN
    work.rest()
    return _note_silence(work, fact)


def _note_silence(work: StepBuilder, fact: Fact) -> Result:
    """A desk takes note of officers who do not answer."""
    silent = [each for each in work.state.assignments if each.asked]
    for each in silent:
        work.on_scene(each.who)
    return Result.TAKEN if silent or work.withdrawn is not Withdrawal.NONE else Result.ALREADY


def _acknowledge_held(work: StepBuilder, fact: Fact) -> Result:
    """Somebody looks into it: the climb waits, once, for a minute at most. It is no decision."""
    if not work.pause():
        return Result.ALREADY
    climb_at_ms = work.state.climb_at_ms
    assert climb_at_ms is not None, "whoever is held climbs"
    work.state = copied(work.state, climb_at_ms=min(climb_at_ms, work.now_ms + LONGEST_MS))
    return Result.TAKEN


def _acknowledge_asked(work: StepBuilder, fact: Fact) -> Result:
    work.state = copied(work.state, desk_at_ms=work.now_ms + work.ladder.check_s * 1_000)
    return Result.TAKEN


def _accept(work: StepBuilder, fact: Fact) -> Result:
    return Result.TAKEN if work.coming(fact.who, fact.minutes) else Result.ALREADY


def _accept_calling(work: StepBuilder, fact: Fact) -> Result:
    result = _accept(work, fact)
    if result is Result.TAKEN:
        work.pause()
    return result


def _assign(work: StepBuilder, fact: Fact) -> Result:
    """A desk that assigns has acknowledged, and has decided."""
    if work.state.phase is not Phase.ACKNOWLEDGED:
        work.rest()
    news = work.coming(fact.who, fact.minutes, by_desk=True)
    return Result.TAKEN if news or work.withdrawn is not Withdrawal.NONE else Result.ALREADY


def _withdraw(work: StepBuilder, fact: Fact) -> Result:
    known = work.state.assignment(fact.who)
    if known is None:
        return Result.UNKNOWN
    if known.progress is Progress.FINISHED:
        return Result.ALREADY
    answered = known in work.state.answering
    others = tuple(each for each in work.state.assignments if each is not known)
    work.state = copied(work.state, assignments=others)
    if others and all(each.progress is Progress.FINISHED for each in others):
        # Nobody comes any more: the desk hears at once that those who were there are gone.
        work.assign(copied(others[-1], due_ms=work.now_ms))
    resting = work.state.phase is Phase.ACKNOWLEDGED
    if not work.state.answering and (resting or (answered and work.state.phase is Phase.CALLING)):
        work.wave_again(Why.WITHDRAWN)
    return Result.TAKEN


def _decline(work: StepBuilder, fact: Fact) -> Result:
    """Who had accepted withdraws; from anybody else it is no answer. RUNG_LEFT tells that a whole rung has declined."""
    _withdraw(work, fact)
    return Result.TAKEN


def _arrive(work: StepBuilder, fact: Fact) -> Result:
    work.on_scene(fact.who)
    return Result.TAKEN


def _alive(work: StepBuilder, fact: Fact) -> Result:
    known = work.state.assignment(fact.who)
    if known is None or known.progress is not Progress.ON_SCENE:
        return Result.UNKNOWN
    work.on_scene(fact.who)
    return Result.TAKEN


def _back_up(work: StepBuilder, fact: Fact) -> Result:
    state = work.state
    asked = state.phase is Phase.CALLING and state.why is Why.BACKUP and state.wave == state.needed_wave
    _alive(work, fact)
    if asked and not state.answering:
        return Result.ALREADY
    work.state = copied(work.state, needed_wave=state.wave + 1)
    work.wave_again(Why.BACKUP)
    return Result.TAKEN


def _finish(work: StepBuilder, fact: Fact) -> Result:
    known = work.state.assignment(fact.who)
    if known is None:
        return Result.UNKNOWN
    if known.progress is Progress.FINISHED:
        return Result.ALREADY
    others = [each for each in work.state.assignments if each.who != fact.who]
    last = all(each.progress is Progress.FINISHED for each in others)
    due_ms = work.now_ms if last else work.now_ms + work.ladder.check_s * 1_000
    work.assign(copied(known, progress=Progress.FINISHED, since_ms=work.now_ms, due_ms=due_ms, asked=False))
    return Result.TAKEN


def _unclear(work: StepBuilder, fact: Fact) -> Result:
    """A desk looks: who was sent may need help."""
    known = work.state.assignment(fact.who)
    if known is None or known.progress is Progress.FINISHED:
        return Result.UNKNOWN
    work.ring(Why.UNCLEAR, fact.who)
    return Result.TAKEN


def _leave_rung(work: StepBuilder, fact: Fact) -> Result:
    state = work.state
    if fact.call != state.top_call or not fact.call:
        return Result.UNKNOWN
    rungs = work.ladder.held if state.phase is Phase.HELD else work.ladder.rungs
    at_ms = work.now_ms
    if rungs[-1].after_s <= state.reached_s:
        work.ring(Why.UNREACHED)
        at_ms = min(at_ms + work.ladder.empty_s * 1_000, state.climb_at_ms or at_ms)
    work.state = copied(work.state, climb_at_ms=at_ms, top_call=0)
    return Result.TAKEN


def _release(work: StepBuilder, fact: Fact) -> Result:
    work.wave(Why.OPENED)
    return Result.TAKEN


def _pressed_again(work: StepBuilder, fact: Fact) -> Result:
    """The desk has seen one call; this is another."""
    work.ring(Why.PRESSED_AGAIN)
    return Result.TAKEN


def _resume(work: StepBuilder, fact: Fact) -> Result:
    if work.state.held:
        work.hold()
    else:
        work.wave(Why.PRESSED_AGAIN if fact.kind is FactKind.PRESSED_AGAIN else Why.RESTORED)
    return Result.TAKEN


def _undo_held(work: StepBuilder, fact: Fact) -> Result:
    """The climb that was put off by the acknowledgement goes on now."""
    work.state = copied(work.state, climb_at_ms=work.now_ms, paused=False, pause_ms=0)
    return Result.TAKEN


def _undo(work: StepBuilder, fact: Fact) -> Result:
    work.resume()
    return Result.TAKEN


def _undo_asked(work: StepBuilder, fact: Fact) -> Result:
    work.state = copied(work.state, desk_at_ms=work.now_ms)
    return Result.TAKEN


def _restore(work: StepBuilder, fact: Fact) -> Result:
    work.ask()
    return Result.TAKEN


def _made_real(work: StepBuilder, fact: Fact) -> Result:
    work.wave_in_earnest()
    return Result.TAKEN


def _close(work: StepBuilder, fact: Fact) -> Result:
    work.close()
    return Result.TAKEN


_Rule = Callable[[StepBuilder, Fact], Result]
_PHASES: Final = (Phase.HELD, Phase.CALLING, Phase.ACKNOWLEDGED, Phase.ASKED)


def _row(*rules: _Rule) -> Mapping[Phase, _Rule]:
    """One rule for each of _PHASES, or one for all."""
    return dict(zip(_PHASES, rules if len(rules) > 1 else rules * len(_PHASES), strict=True))


# Closed: too late for every fact.
# fmt: off
_TABLE: Final[Mapping[FactKind, Mapping[Phase, _Rule]]] = {
    #                           held               calling          acknowledged    asked
    FactKind.TICK:          _row(_nothing),
    FactKind.ACKNOWLEDGED:  _row(_acknowledge_held, _acknowledge,    _note_silence,  _acknowledge_asked),
    FactKind.ACCEPTED:      _row(_accept,           _accept_calling, _accept,        _accept),
    FactKind.DECLINED:      _row(_decline),
    FactKind.WITHDREW:      _row(_withdraw),
    FactKind.ASSIGNED:      _row(_assign),
    FactKind.ARRIVED:       _row(_arrive),
    FactKind.ALIVE:         _row(_alive),
    FactKind.BACKUP:        _row(_back_up),
    FactKind.FINISHED:      _row(_finish),
    FactKind.UNCLEAR:       _row(_unclear),
    FactKind.RUNG_LEFT:     _row(_leave_rung),
    FactKind.RELEASED:      _row(_release,          _already,        _already,       _already),
    FactKind.PRESSED_AGAIN: _row(_nothing,          _nothing,        _pressed_again, _resume),
    FactKind.RESTORED:      _row(_restore,          _restore,        _restore,       _already),
    FactKind.RESUMED:       _row(_already,          _already,        _already,       _resume),
    FactKind.MADE_REAL:     _row(_made_real),
    FactKind.UNDONE:        _row(_undo_held,        _already,        _undo,          _undo_asked),
    FactKind.CLOSED:        _row(_close),
}
# fmt: on
