"""Every order of what can happen to a call, on a ladder whose times are few: for test_escalation_search.py.

Time is counted in ticks of half a minute. A world is the row as the store has it, by a clock that reads NOW_MS. Of all
worlds that differ only by what no rule looks at (how many contacts there were, which of two responders is which) one is
kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from siaga_gateway.domain.escalation import is_due, step
from siaga_gateway.domain.escalation_settings import CallList, Ladder, Rung, checked
from siaga_gateway.domain.escalation_state import Escalation, Fact, FactKind, Phase, Step, Why
from siaga_gateway.domain.value import copied

TICK_MS = 30_000
NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
LADDER = checked(
    Ladder(
        "Contoh",
        rungs=(
            Rung("stations", 0, (CallList.STATIONS,)),
            Rung("chief", 30, (CallList.CHIEF,)),
            Rung("everyone", 60, (CallList.EVERYONE,)),
        ),
        held=(Rung("operator", 0, (CallList.OPERATOR,)), Rung("supervisor", 30, (CallList.SUPERVISOR,))),
        again_s=(60,),
        empty_s=30,
        desk_s=30,
        pause_s=60,
        assign_s=60,
        minutes=1,
        check_s=60,
        answer_s=30,
        enough=2,
    )
)
OF_SOMEBODY = (
    FactKind.ACCEPTED,
    FactKind.DECLINED,
    FactKind.WITHDREW,
    FactKind.ASSIGNED,
    FactKind.ARRIVED,
    FactKind.ALIVE,
    FactKind.BACKUP,
    FactKind.FINISHED,
    FactKind.UNCLEAR,
)


@dataclass(frozen=True)
class Trip:
    """What may happen."""

    people: str = ""  # a letter each
    kinds: tuple[FactKind, ...] = tuple(FactKind)
    jumps: bool = False  # of the clock, by an hour, forth and back
    dead_ticks: int = 0  # for how long nobody may look for what is due: a worker hangs, or is started again


@dataclass(frozen=True)
class Passage:
    """What happened in a world, by a clock that reads NOW_MS. told, did: None where only time passed."""

    name: str
    before: Escalation
    told: Fact | None
    did: Step | None


def whole(row: Escalation, now_ms: int, trip: Trip) -> Escalation:
    """The row as a clock that reads NOW_MS sees it, without what no rule looks at."""
    by_ms = NOW_MS - now_ms

    def moved(at_ms: int | None) -> int | None:
        return None if at_ms is None else at_ms + by_ms

    def due(at_ms: int | None) -> int | None:
        """While nothing but a question is open, these do not count: long overdue or due is the same."""
        return None if at_ms is None else max(at_ms + by_ms, NOW_MS) if row.phase is Phase.ASKED else at_ms + by_ms

    rungs = LADDER.held if row.phase is Phase.HELD else LADDER.rungs
    on_ladder = row.climb_at_ms is not None
    climbs = on_ladder and row.reached_s < rungs[-1].after_s
    # An acknowledgement that is taken back goes on where it was; long ago is as good as due.
    rests = row.phase is Phase.ACKNOWLEDGED and FactKind.UNDONE in trip.kinds
    waves = {row.wave: 3} if row.wave else {}
    needed = 3 if row.needed_wave == row.wave else 2
    assignments = sorted(
        (
            copied(
                each,
                wave=waves.get(each.wave, 2 if each.wave >= row.needed_wave else 1) if row.wave else each.wave,
                since_ms=NOW_MS,
                due_ms=due(each.due_ms),
            )
            for each in row.assignments
        ),
        key=lambda each: (each.progress, each.wave, each.minutes or 0, each.due_ms or 0, each.asked),
    )
    return copied(
        row,
        why=Why.BACKUP if on_ladder and row.why is Why.BACKUP else Why.OPENED,
        touched_ms=row.touched_ms + by_ms if trip.jumps else NOW_MS,
        next_at_ms=moved(row.next_at_ms),
        started_ms=max(row.started_ms + by_ms, NOW_MS - 3 * TICK_MS)
        if rests
        else row.started_ms + by_ms
        if climbs
        else NOW_MS,
        climb_at_ms=moved(row.climb_at_ms),
        desk_at_ms=moved(row.desk_at_ms),
        assign_by_ms=moved(row.assign_by_ms),
        wave=3 if row.wave else 0,
        needed_wave=needed if row.wave else row.needed_wave,
        rung="",
        reached_s=row.reached_s if on_ladder or rests else -1,
        round=0,
        number=1,
        top_call=min(row.top_call, 1),
        assignments=tuple(copied(each, who=name) for each, name in zip(assignments, "AB", strict=False)),
    )


def facts(row: Escalation, trip: Trip) -> Iterator[Fact]:
    for kind in trip.kinds:
        for who in trip.people if kind in OF_SOMEBODY else ("",):
            yield Fact(kind, who=who, call=row.top_call)


def passages(row: Escalation, trip: Trip) -> Iterator[tuple[Passage, Escalation]]:
    """Everything that can happen next, and the world after it."""
    if row.phase is Phase.CLOSED:
        return
    displaced = abs(row.touched_ms - NOW_MS) > HOUR_MS // 2
    overdue = row.next_at_ms is not None and row.next_at_ms <= NOW_MS - trip.dead_ticks * TICK_MS
    if not overdue and not displaced:
        yield Passage("time passes", row, None, None), whole(row, NOW_MS + TICK_MS, trip)
    if trip.jumps and not displaced:
        for by_ms in (-HOUR_MS, HOUR_MS):
            yield Passage(f"the clock jumps by {by_ms} ms", row, None, None), whole(row, NOW_MS + by_ms, trip)
    for fact in facts(row, trip):
        if fact.kind is not FactKind.TICK or is_due(row, NOW_MS):
            did = step(row, fact, NOW_MS, LADDER)
            yield Passage(fact.kind, row, fact, did), whole(did.state, NOW_MS, trip)


def explore(first: Escalation, trip: Trip, check: Callable[[Passage], Any]) -> set[Escalation]:
    """Every world that can be reached, breadth first; `check` sees every passage."""
    start = whole(first, NOW_MS, trip)
    seen, waiting = {start}, deque([start])
    while waiting:
        for passage, world in passages(waiting.popleft(), trip):
            check(passage)
            if world not in seen:
                seen.add(world)
                waiting.append(world)
    return seen
