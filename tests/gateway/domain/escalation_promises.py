"""What every step of an escalation has to keep, whatever the order of things: for the search and for random walks."""

from __future__ import annotations

from siaga_gateway.domain.escalation import fault
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import (
    ContactKind,
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

MINUTE_MS = 60_000
ACKNOWLEDGES = {FactKind.ACKNOWLEDGED, FactKind.ASSIGNED}


def promises_kept(before: Escalation, fact: Fact, did: Step, now_ms: int, ladder: Ladder) -> None:
    """Raises AssertionError for a promise that this step breaks. before: as read, perhaps by another clock."""
    after = did.state
    if before.phase is Phase.CLOSED:
        assert did == Step(before, Result.TOO_LATE)
        return
    _a_next_step_is_due(after, now_ms, ladder)
    _nothing_twice(before, did, ladder)
    _only_a_desk_rests_the_ladder(before, fact, after)
    _nothing_is_put_off(before, fact, did, now_ms, ladder)
    _the_lost_is_called_again(before, fact, did)


def _a_next_step_is_due(after: Escalation, now_ms: int, ladder: Ladder) -> None:
    assert fault(after, now_ms) is None
    if after.phase is Phase.CLOSED:
        assert after.next_at_ms is None
        return
    assert after.next_at_ms is not None and after.next_at_ms > now_ms, "what was due is done"
    assert after.touched_ms <= now_ms
    if after.phase is Phase.CALLING:
        assert after.desk_at_ms is not None and after.desk_at_ms - now_ms <= MINUTE_MS, "desks ring"
        assert after.climb_at_ms is not None
        assert after.climb_at_ms - now_ms <= MINUTE_MS + after.paused * ladder.pause_s * 1_000
        assert min(after.desk_at_ms, after.climb_at_ms) - now_ms <= MINUTE_MS, "a contact is due within a minute"
    if after.phase is Phase.HELD:
        assert after.climb_at_ms is not None and after.climb_at_ms - now_ms <= MINUTE_MS
    if after.phase is Phase.ACKNOWLEDGED:
        assert (after.climb_at_ms, after.desk_at_ms) == (None, None), "the ladder rests"
        if after.answering:
            assert after.assign_by_ms is None
        else:
            assert after.assign_by_ms is not None and after.assign_by_ms - now_ms <= ladder.assign_s * 1_000
    if after.phase is Phase.ASKED:
        assert after.climb_at_ms is None and after.desk_at_ms is not None
    else:
        for each in after.assignments:
            assert (each.due_ms is None) == (each.progress is Progress.LATE), "whoever is assigned is watched"


def _nothing_twice(before: Escalation, did: Step, ladder: Ladder) -> None:
    numbers = [each.number for each in did.contacts]
    assert numbers == list(range(before.number + 1, did.state.number + 1))
    calls = [(each.wave, each.after_s, each.round) for each in did.contacts if each.kind is ContactKind.CALL]
    if before.phase in (Phase.CALLING, Phase.ACKNOWLEDGED):
        calls.insert(0, (before.wave, before.reached_s, before.round))
    assert calls == sorted(set(calls)), "late or not, a rung is called once"
    rings = [(each.why, each.who) for each in did.contacts if each.kind is ContactKind.RING_DESK]
    assert len(rings) == len(set(rings))


def _only_a_desk_rests_the_ladder(before: Escalation, fact: Fact, after: Escalation) -> None:
    if before.phase is not Phase.ACKNOWLEDGED and after.phase is Phase.ACKNOWLEDGED:
        assert fact.kind in ACKNOWLEDGES
    if before.phase is not Phase.ASKED and after.phase is Phase.ASKED:
        assert fact.kind is FactKind.RESTORED
    assert (after.phase is Phase.CLOSED) == (fact.kind is FactKind.CLOSED)


def _nothing_is_put_off(before: Escalation, fact: Fact, did: Step, now_ms: int, ladder: Ladder) -> None:
    """No fact but those of a desk moves a contact away, except an acceptance, once a wave."""
    after = did.state
    if (before.phase, after.phase) != (Phase.CALLING, Phase.CALLING):
        return
    if fact.kind in ACKNOWLEDGES and did.result is not Result.OVERTAKEN:
        return  # and just then somebody's time was up: another wave
    moved_ms = min(0, now_ms - before.touched_ms)
    assert before.desk_at_ms is not None and before.climb_at_ms is not None
    assert after.desk_at_ms is not None and after.climb_at_ms is not None
    if not any(each.why is Why.UNACKNOWLEDGED for each in did.contacts):
        assert after.desk_at_ms == before.desk_at_ms + moved_ms
    if not any(each.kind is ContactKind.CALL for each in did.contacts):
        allowed_ms = ladder.pause_s * 1_000 if after.paused and not before.paused else 0
        assert after.climb_at_ms <= before.climb_at_ms + moved_ms + allowed_ms


def _the_lost_is_called_again(before: Escalation, fact: Fact, did: Step) -> None:
    after = did.state
    first = [each for each in did.contacts if each.kind is ContactKind.CALL and each.after_s == 0]
    if before.phase not in (Phase.CALLING, Phase.ACKNOWLEDGED) or after.phase is Phase.CLOSED:
        return
    if fact.kind in (FactKind.WITHDREW, FactKind.DECLINED):
        lost = before.assignment(fact.who)
        finished = lost is None or lost.progress is Progress.FINISHED
        if not finished and lost in before.answering and not after.answering:
            assert len(first) == 1
    if fact.kind is FactKind.BACKUP and did.result is Result.TAKEN:
        assert len(first) == 1 and not after.answering
        assert first[0].responders
    if after.phase is Phase.CALLING and before.phase is Phase.ACKNOWLEDGED:
        if fact.kind is FactKind.UNDONE:
            assert after.wave - before.wave in (1, 2), "somebody's time may be up just then"
            called = [each.after_s for each in did.contacts if each.kind is ContactKind.CALL]
            assert called and called[0] <= max(0, before.reached_s), "nobody who was withdrawn is left out"
            assert any(each.kind is ContactKind.RING_DESK for each in did.contacts)
        else:
            assert len(first) == 1 and after.wave == before.wave + 1
    if after.phase is Phase.ACKNOWLEDGED:
        assert not any(each.kind is ContactKind.CALL for each in did.contacts)
    if fact.kind is FactKind.CLOSED:
        assert (did.contacts, did.withdrawn) == ((), Withdrawal.ALL)
