"""One step of an escalation in the making: waves, the climb, assignments, and what is due. The rules that use it:
`escalation.py`. Pure.
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.escalation_settings import LONGEST_INTERVAL_S, Ladder, Rung
from siaga_gateway.domain.escalation_state import (
    Assignment,
    Contact,
    ContactKind,
    Escalation,
    Phase,
    Progress,
    Result,
    Step,
    Why,
    Withdrawal,
)
from siaga_gateway.domain.value import copied

LONGEST_MS: Final = LONGEST_INTERVAL_S * 1_000
AGAIN_MS: Final = 10_000  # the same within this time is one tap made twice, or a form sent again


class StepBuilder:
    """A step in the making."""

    def __init__(self, state: Escalation, now_ms: int, ladder: Ladder) -> None:
        self.before = state
        self.state = _moved(state, min(0, now_ms - state.touched_ms))
        self.now_ms = now_ms
        self.ladder = ladder
        self.contacts: list[Contact] = []
        self.withdrawn = Withdrawal.NONE

    def finish(self, result: Result) -> Step:
        state = copied(self.state, next_at_ms=_next_at(self.state))
        if state != self.before:
            state = copied(state, touched_ms=self.now_ms)
        return Step(state, result, tuple(self.contacts), self.withdrawn)

    # Contacts

    def ring(self, why: Why, who: str = "") -> None:
        self._contact(ContactKind.RING_DESK, why, who=who)

    def call(self, rung: Rung, *, again: int = 0, top: bool = True) -> None:
        enough = len(self.state.answering) >= self.ladder.enough
        self._contact(
            ContactKind.CALL,
            self.state.why,
            rung=rung.name,
            after_s=rung.after_s,
            round=again,
            responders=not enough,
        )
        if top:
            self.state = copied(
                self.state, rung=rung.name, reached_s=rung.after_s, round=again, top_call=self.state.number
            )

    def _contact(
        self,
        kind: ContactKind,
        why: Why,
        *,
        rung: str = "",
        after_s: int = 0,
        round: int = 0,
        responders: bool = True,
        who: str = "",
    ) -> None:
        number = self.state.number + 1
        self.contacts.append(
            Contact(number, kind, why, self.state.wave, rung, after_s, round, responders, who),
        )
        self.state = copied(self.state, number=number)

    # Phases

    def hold(self) -> None:
        self._climb_anew(Phase.HELD, Why.HELD)
        self.state = copied(self.state, held=True)

    def wave(self, why: Why) -> None:
        """Begin another wave, from the first rung."""
        self.state = copied(self.state, wave=self.state.wave + 1, held=False)
        self._climb_anew(Phase.CALLING, why)
        self.state = copied(self.state, desk_at_ms=self.now_ms + self.ladder.desk_s * 1_000)

    def wave_in_earnest(self) -> None:
        """Begin anew: what was asked of people, and what they answered, was for an exercise. Ringing goes on."""
        rings_ms = self.state.desk_at_ms if self.state.phase is Phase.CALLING else None
        self.withdrawn = Withdrawal.ALL
        self.state = copied(self.state, assignments=())
        self.wave(Why.MADE_REAL)
        if rings_ms is not None:
            self.state = copied(self.state, desk_at_ms=rings_ms)

    def _climb_anew(self, phase: Phase, why: Why) -> None:
        self._leave_asked()
        self.state = copied(
            self.state,
            phase=phase,
            why=why,
            started_ms=self.now_ms,
            climb_at_ms=self.now_ms,
            desk_at_ms=None,
            assign_by_ms=None,
            rung="",
            reached_s=-1,
            round=0,
            top_call=0,
            paused=False,
            pause_ms=0,
        )

    def wave_again(self, why: Why) -> None:
        """Call the first rung once more at once. A climb that is under way keeps its height, and loses no time."""
        if self.state.phase is not Phase.CALLING:
            self.wave(why)
            return
        if self.state.reached_s < 0 or any(each.kind is ContactKind.CALL for each in self.contacts):
            return  # another reason has called it in this very step
        self._move_climb(-self.state.pause_ms)
        self.state = copied(self.state, why=why, wave=self.state.wave + 1, paused=False, pause_ms=0)
        first = self.ladder.rungs[0]
        self.call(first, top=self.state.reached_s <= first.after_s)

    def pause(self) -> bool:
        """Move the climb, once a wave. Returns whether it did."""
        if self.state.paused:
            return False
        pause_ms = self.ladder.pause_s * 1_000
        self._move_climb(pause_ms)
        self.state = copied(self.state, paused=True, pause_ms=pause_ms)
        return True

    def _move_climb(self, by_ms: int) -> None:
        self.state = copied(
            self.state, started_ms=self.state.started_ms + by_ms, climb_at_ms=_later(self.state.climb_at_ms, by_ms)
        )

    def rest(self) -> None:
        """A desk has acknowledged."""
        self._leave_asked()
        self.withdrawn = Withdrawal.LADDER
        self.state = copied(
            self.state,
            phase=Phase.ACKNOWLEDGED,
            climb_at_ms=None,
            desk_at_ms=None,
            paused=False,
            pause_ms=0,
            top_call=0,
            held=False,
            wave=max(1, self.state.wave),
        )

    def resume(self) -> None:
        """A desk has not acknowledged after all: go on where it was. What the acknowledgement withdrew is made up for:
        the rung that was reached is called again, and by now higher ones may be due."""
        reached_s = max(0, self.state.reached_s)
        below = [rung.after_s for rung in self.ladder.rungs if rung.after_s < reached_s]
        self.state = copied(
            self.state,
            phase=Phase.CALLING,
            wave=self.state.wave + 1,
            # No pause is taken twice: it is at least as late as its height says.
            started_ms=min(self.state.started_ms, self.now_ms - reached_s * 1_000),
            climb_at_ms=self.now_ms,
            desk_at_ms=self.now_ms,
            assign_by_ms=None,
            reached_s=max(below, default=-1),
        )

    def ask(self) -> None:
        """Ring the desk with a question, and call nobody."""
        self.state = copied(
            self.state,
            phase=Phase.ASKED,
            climb_at_ms=None,
            desk_at_ms=self.now_ms,
            assign_by_ms=None,
            top_call=0,
            paused=False,
            pause_ms=0,
        )
        # What was promised before the backup was made is no promise any more.
        for each in self.state.assignments:
            late = each.progress is Progress.COMING
            self.assign(copied(each, progress=Progress.LATE if late else each.progress, due_ms=None, asked=False))
        self.withdrawn = Withdrawal.ALL

    def _leave_asked(self) -> None:
        if self.state.phase is Phase.ASKED:
            for each in self.state.assignments:
                if each.due_ms is None and each.progress is not Progress.LATE:
                    self.assign(copied(each, due_ms=self.now_ms + self.ladder.check_s * 1_000))

    def close(self) -> None:
        self.withdrawn = Withdrawal.ALL
        self.state = copied(
            self.state,
            phase=Phase.CLOSED,
            climb_at_ms=None,
            desk_at_ms=None,
            assign_by_ms=None,
            top_call=0,
            assignments=tuple(copied(each, due_ms=None) for each in self.state.assignments),
        )

    # Assignments

    def assign(self, assignment: Assignment) -> None:
        """Add an assignment, or replace the one of the same person."""
        others = [each for each in self.state.assignments if each.who != assignment.who]
        self.state = copied(self.state, assignments=(*others, assignment))

    def coming(self, who: str, minutes: int | None, *, by_desk: bool = False) -> bool:
        """Assign somebody who is on the way. Returns whether that is news.

        minutes: the same as before are a new estimate, unless they come again at once; None is none. by_desk: a desk
        sends him: also who has finished is to arrive again.
        """
        known = self.state.assignment(who)
        wave = max(1, self.state.wave)
        if known is not None and known.progress is Progress.ON_SCENE:
            return False
        if known is not None and known.wave == wave:
            if known.progress is Progress.FINISHED and not by_desk:
                return False
            at_once = self.now_ms - known.since_ms < AGAIN_MS
            if known.progress is Progress.COMING and (minutes is None or (minutes == known.minutes and at_once)):
                return False
        travel_ms = max(1, self.ladder.minutes if minutes is None else minutes) * 60_000
        due_ms = self.now_ms + travel_ms + travel_ms * self.ladder.grace_percent // 100
        before = len(self.state.answering)
        self.assign(Assignment(who, Progress.COMING, wave, self.now_ms, minutes, due_ms))
        enough = before < self.ladder.enough <= len(self.state.answering)
        if enough and self.state.phase is not Phase.ASKED:
            self._contact(ContactKind.NOT_NEEDED, self.state.why)
        return True

    def on_scene(self, who: str) -> None:
        known = self.state.assignment(who)
        wave = max(1, self.state.wave) if known is None else known.wave
        since_ms = known.since_ms if known is not None and known.progress is Progress.ON_SCENE else self.now_ms
        minutes = None if known is None else known.minutes
        due_ms = self.now_ms + self.ladder.check_s * 1_000
        self.assign(Assignment(who, Progress.ON_SCENE, wave, since_ms, minutes, due_ms))

    # Time

    def fire(self) -> None:
        """Do everything that is due, once, and settle when the next things are."""
        if self.state.phase is Phase.CLOSED:
            return
        if self.state.phase is not Phase.ASKED:
            for each in self.state.assignments:
                if each.due_ms is not None and each.due_ms <= self.now_ms:
                    self._fire_assignment(each)
        if self.state.phase is Phase.ACKNOWLEDGED:
            self._fire_unassigned()
        while self.state.climb_at_ms is not None and self.state.climb_at_ms <= self.now_ms:
            self._climb()
        if self.state.desk_at_ms is not None and self.state.desk_at_ms <= self.now_ms:
            asked = self.state.phase is Phase.ASKED
            self.ring(Why.RESTORED if asked else Why.UNACKNOWLEDGED)
            pause_s = LONGEST_INTERVAL_S if asked else self.ladder.desk_s
            self.state = copied(self.state, desk_at_ms=self.now_ms + pause_s * 1_000)

    def _climb(self) -> None:
        """Call the next rung, or the last one again."""
        rungs = self.ladder.held if self.state.phase is Phase.HELD else self.ladder.rungs
        above = [rung for rung in rungs if rung.after_s > self.state.reached_s]
        if above:
            self.call(above[0])
        else:
            self.call(rungs[-1], again=self.state.round + 1)
        if len(above) > 1:
            at_ms = min(self.state.started_ms + above[1].after_s * 1_000, self.now_ms + LONGEST_MS)
        else:
            # Counted from now: what was missed is not made up for by calling twice.
            pauses = self.ladder.again_s
            at_ms = self.now_ms + pauses[min(self.state.round, len(pauses) - 1)] * 1_000
            self.state = copied(self.state, pause_ms=0)
        self.state = copied(self.state, climb_at_ms=at_ms)

    def _fire_unassigned(self) -> None:
        by_ms = self.state.assign_by_ms
        if self.state.answering:
            self.state = copied(self.state, assign_by_ms=None)
        elif by_ms is None:
            self.state = copied(self.state, assign_by_ms=self.now_ms + self.ladder.assign_s * 1_000)
        elif by_ms <= self.now_ms:
            self.wave(Why.UNASSIGNED)

    def _is_missed(self, answered: bool) -> bool:
        """Whether the late one is a reason to call again: nobody has arrived, or while desks ring nobody is coming.

        answered: he was an answer to the present call for help.
        """
        answering = self.state.answering
        if self.state.phase is Phase.ACKNOWLEDGED:
            return all(each.progress is Progress.COMING for each in answering)
        return self.state.phase is Phase.CALLING and answered and not answering

    def _fire_assignment(self, each: Assignment) -> None:
        match each.progress:
            case Progress.COMING:
                answered = each in self.state.answering
                self.assign(copied(each, progress=Progress.LATE, since_ms=self.now_ms, due_ms=None))
                if self._is_missed(answered):
                    self.wave_again(Why.NOT_ARRIVED)
                else:
                    self.ring(Why.NOT_ARRIVED, each.who)
            case Progress.ON_SCENE if not each.asked:
                self._contact(ContactKind.ASK, Why.SCENE_SILENT, who=each.who)
                self.assign(copied(each, asked=True, due_ms=self.now_ms + self.ladder.answer_s * 1_000))
            case Progress.ON_SCENE:
                self.ring(Why.SCENE_SILENT, each.who)
                self.assign(copied(each, due_ms=self.now_ms + self.ladder.answer_s * 1_000))
            case _:
                self.ring(Why.FINISHED, each.who)
                self.assign(copied(each, due_ms=self.now_ms + self.ladder.check_s * 1_000))


def _moved(state: Escalation, by_ms: int) -> Escalation:
    """Return the state with all its times moved: a promise is so long from its last step, whatever the clock says."""
    if by_ms == 0:
        return state
    return copied(
        state,
        touched_ms=state.touched_ms + by_ms,
        started_ms=state.started_ms + by_ms,
        climb_at_ms=_later(state.climb_at_ms, by_ms),
        desk_at_ms=_later(state.desk_at_ms, by_ms),
        assign_by_ms=_later(state.assign_by_ms, by_ms),
        assignments=tuple(
            copied(each, since_ms=each.since_ms + by_ms, due_ms=_later(each.due_ms, by_ms))
            for each in state.assignments
        ),
    )


def _later(at_ms: int | None, by_ms: int) -> int | None:
    return None if at_ms is None else at_ms + by_ms


def _next_at(state: Escalation) -> int | None:
    times = [state.climb_at_ms, state.desk_at_ms, state.assign_by_ms]
    if state.phase is not Phase.ASKED:
        times += [each.due_ms for each in state.assignments]
    return min((at for at in times if at is not None), default=None)
