"""An owner's record (domain/owner_cases.py): when a case opens, and that none hides a press."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import ID, NOW_MS, OWNER, basis, event
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Disposition, IncidentState
from siaga_gateway.domain.incident_outcome import EventContext
from siaga_gateway.domain.incident_rules import decide
from siaga_gateway.domain.owner_cases import (
    COUNTED,
    DAY_MS,
    OwnerCase,
    OwnerCaseKind,
    OwnerCaseLimits,
    OwnerCaseState,
    as_its_owner,
    counted_since,
    reviewed,
)
from siaga_gateway.domain.registry import Device, RegistrationState, state_at
from siaga_gateway.domain.triage import CALL, DOUBTED, judge
from siaga_gateway.domain.triage_signs import Signs, history_of
from siaga_gateway.domain.value import copied

PRANKS, ACCIDENTS = OwnerCaseKind.PRANKS, OwnerCaseKind.ACCIDENTS
LIMITS = OwnerCaseLimits(pranks=3, accidents=2, days=10)
OPEN = OwnerCase(7, 3, PRANKS, OwnerCaseState.OPEN, NOW_MS - DAY_MS, 3)


def pranks(*days_ago: int) -> list[tuple[Disposition, int]]:
    return [(Disposition.ABUSE, NOW_MS - days * DAY_MS) for days in days_ago]


def test_a_case_opens_with_the_third_prank_within_the_days_and_never_with_anything_else() -> None:
    other = [(each, NOW_MS) for each in Disposition if each is not Disposition.ABUSE] * 5
    assert reviewed(PRANKS, 3, None, [*pranks(0, 1), *other], NOW_MS, LIMITS) is None
    assert reviewed(PRANKS, 3, None, pranks(0, 1, 11), NOW_MS, LIMITS) is None, "one is too old"
    found = reviewed(PRANKS, 3, None, pranks(0, 1, 10), NOW_MS, LIMITS)
    assert found == OwnerCase(0, 3, PRANKS, OwnerCaseState.OPEN, NOW_MS, 3)
    assert reviewed(PRANKS, 3, None, pranks(-1, 0, 1), NOW_MS, LIMITS) is not None, "by a clock that was set back"
    twice = [(Disposition.ACCIDENTAL, NOW_MS)] * 2
    assert reviewed(PRANKS, 3, None, twice * 5, NOW_MS, LIMITS) is None
    advice = reviewed(ACCIDENTS, 3, None, twice, NOW_MS, LIMITS)
    assert advice is not None and (advice.kind, advice.count) == (ACCIDENTS, 2)


def test_an_open_case_follows_the_corrections_and_keeps_the_days_that_it_was_opened_with() -> None:
    assert reviewed(PRANKS, 3, OPEN, pranks(1, 2, 3), NOW_MS, LIMITS) is None
    more = reviewed(PRANKS, 3, OPEN, pranks(0, 1, 2, 3), NOW_MS, LIMITS)
    assert more == copied(OPEN, count=4)
    withdrawn = reviewed(PRANKS, 3, OPEN, pranks(1, 2), NOW_MS, LIMITS)
    assert withdrawn is not None and withdrawn.state is OwnerCaseState.WITHDRAWN and withdrawn.ended_ms == NOW_MS
    later_ms = NOW_MS + 30 * DAY_MS
    assert reviewed(PRANKS, 3, OPEN, pranks(1, 2, 11), later_ms, LIMITS) is None, "nobody has decided yet"


@pytest.mark.parametrize("state", sorted(set(OwnerCaseState) - {OwnerCaseState.OPEN, OwnerCaseState.WITHDRAWN}))
def test_what_a_decision_rested_on_counts_for_no_other_case(state: OwnerCaseState) -> None:
    decided = copied(OPEN, state=state, decided_ms=NOW_MS - 2 * DAY_MS)
    assert reviewed(PRANKS, 3, decided, pranks(2, 3, 4, 5), NOW_MS, LIMITS) is None
    assert reviewed(PRANKS, 3, decided, pranks(0, 1, 1, 2, 3), NOW_MS, LIMITS) == OwnerCase(
        0, 3, PRANKS, OwnerCaseState.OPEN, NOW_MS, 3
    )


def test_calls_count_from_after_the_decision_and_within_the_days() -> None:
    decided = copied(OPEN, state=OwnerCaseState.DISMISSED, decided_ms=NOW_MS - DAY_MS)
    assert counted_since(decided, NOW_MS, LIMITS) == NOW_MS - DAY_MS + 1
    assert counted_since(decided, NOW_MS + 30 * DAY_MS, LIMITS) == NOW_MS + 20 * DAY_MS
    assert counted_since(None, 5, LIMITS) == 0
    assert OwnerCaseLimits() == OwnerCaseLimits(pranks=3, accidents=3, days=180, longest_days=90)


def test_a_suspension_is_in_force_until_its_date_and_only_a_suspension_is() -> None:
    case = copied(OPEN, state=OwnerCaseState.SUSPENDED, until_ms=NOW_MS)
    assert [case.in_force(NOW_MS + ms) for ms in (-1, 0)] == [True, False]
    for state in set(OwnerCaseState) - {OwnerCaseState.SUSPENDED}:
        assert not copied(case, state=state).in_force(NOW_MS - 1)


def test_a_new_button_is_suspended_with_its_owner_and_for_as_long() -> None:
    new = Device(ID, bytes(64), 3, RegistrationState.ACTIVE, "Toko", NOW_MS)
    shorter = copied(OPEN, state=OwnerCaseState.SUSPENDED, until_ms=NOW_MS + 1)
    longer = copied(shorter, until_ms=NOW_MS + 2)
    assert as_its_owner(new, [OPEN, copied(shorter, until_ms=NOW_MS)], NOW_MS) == new
    made = as_its_owner(new, [shorter, longer, OPEN], NOW_MS)
    assert (made.state, made.suspended_until_ms) == (RegistrationState.SUSPENDED, NOW_MS + 2)
    pending = replace(new, state=RegistrationState.PENDING)
    assert as_its_owner(pending, [longer], NOW_MS) == pending, "nobody has let it serve yet"


ENDED = st.lists(st.tuples(st.sampled_from(Disposition), st.integers(NOW_MS - 20 * DAY_MS, NOW_MS + DAY_MS)))
DECISIONS = st.sampled_from([None, *sorted(OwnerCaseState)])


@given(
    ended=ENDED,
    decisions=st.lists(DECISIONS, max_size=6),
    until_ms=st.none() | st.integers(NOW_MS - DAY_MS, NOW_MS + 400 * DAY_MS),
    duress=st.booleans(),
)
def test_no_sequence_of_dispositions_and_decisions_makes_a_press_unseen(
    ended: list[tuple[Disposition, int]],
    decisions: list[OwnerCaseState | None],
    until_ms: int | None,
    duress: bool,
) -> None:
    """Whatever was found of an owner's calls and decided of him: his press opens an incident that is open, answered
    and at least a call that is doubted; and under duress, or once a suspension is over, it is held by nobody."""
    case: OwnerCase | None = None
    for count, decision in enumerate(decisions, 1):
        case = reviewed(PRANKS, 3, case, ended[: count * 3], NOW_MS, LIMITS) or case
        if case is not None and decision is not None:
            case = copied(case, state=decision, decided_ms=NOW_MS, until_ms=until_ms)
    suspended = case is not None and case.state is OwnerCaseState.SUSPENDED
    state = RegistrationState.SUSPENDED if suspended else RegistrationState.ACTIVE
    button = Device(ID, bytes(64), OWNER.id, state, "Toko", 0, suspended_until_ms=until_ms if suspended else None)
    registration = state_at(button, NOW_MS)

    outcome = decide(event(Kind.PRESS, 14, 14, duress=duress), basis(registration), EventContext())

    incident = outcome.incident
    assert incident is not None and outcome.opened and incident.state is IncidentState.OPEN
    assert outcome.answer is (Stage.REFUSED if incident.held else Stage.RECEIVED)
    assert incident.held is (registration is RegistrationState.SUSPENDED and not duress)
    level = judge(Signs(registration, history=history_of(ended, NOW_MS), duress=duress)).level
    assert level >= (CALL if duress else DOUBTED)


@given(ended=ENDED)
def test_a_case_counts_what_is_within_its_days_and_nothing_is_counted_that_was_found_otherwise(
    ended: list[tuple[Disposition, int]],
) -> None:
    for kind in OwnerCaseKind:
        since_ms = counted_since(None, NOW_MS, LIMITS)
        count = len([at_ms for found, at_ms in ended if found is COUNTED[kind] and at_ms >= since_ms])
        case = reviewed(kind, 3, None, ended, NOW_MS, LIMITS)
        assert (case is not None) is (count >= LIMITS.of(kind))
        assert case is None or case.count == count
