"""What a registration means at a moment (domain/registry.py)."""

from __future__ import annotations

import pytest

from gateway.rule_values import NOW_MS, OWNER, device
from siaga_gateway.domain.registry import ADMITTED, LONGEST_SUSPENSION_MS, RegistrationState, state_at

ACTIVE, EXPIRED = RegistrationState.ACTIVE, RegistrationState.EXPIRED
SUSPENDED = RegistrationState.SUSPENDED


def test_an_active_one_ends_at_its_date() -> None:
    assert state_at(device(), NOW_MS) is ACTIVE, "without a date never"
    dated = device(valid_until_ms=NOW_MS)
    assert [state_at(dated, NOW_MS + ms) for ms in (-1, 0, 1)] == [ACTIVE, EXPIRED, EXPIRED]


@pytest.mark.parametrize("state", sorted(set(RegistrationState) - {ACTIVE}))
def test_a_date_makes_no_other_of_one_that_is_not_active(state: RegistrationState) -> None:
    for valid_until_ms in (None, NOW_MS - 1, NOW_MS + 1):
        assert state_at(device(state=state, valid_until_ms=valid_until_ms), NOW_MS) is state


def test_all_but_a_removed_one_are_let_in_at_the_broker() -> None:
    """A press of one that is suspended or stolen is still to be held and shown."""
    assert frozenset(RegistrationState) - ADMITTED == {RegistrationState.REMOVED}


def test_an_owner_can_be_read_unless_it_is_said_otherwise() -> None:
    assert (OWNER.unreadable, OWNER.language) == (False, "id")


def test_a_suspension_ends_by_itself_at_its_date_and_a_wrong_clock_ends_it_too() -> None:
    until = device(state=SUSPENDED, suspended_until_ms=NOW_MS)
    assert [state_at(until, NOW_MS + ms) for ms in (-1, 0, 1)] == [SUSPENDED, ACTIVE, ACTIVE]
    assert state_at(until, NOW_MS - LONGEST_SUSPENSION_MS) is SUSPENDED
    assert state_at(until, NOW_MS - LONGEST_SUSPENSION_MS - 1) is ACTIVE, "no suspension lasts so long: a wrong clock"
    assert state_at(until, 0) is ACTIVE
    assert LONGEST_SUSPENSION_MS == 31_708_800_000
    assert state_at(device(state=SUSPENDED), 10**15) is SUSPENDED, "without a date somebody has to lift it"
    over = device(state=SUSPENDED, suspended_until_ms=NOW_MS - 2, valid_until_ms=NOW_MS - 1)
    assert [state_at(over, NOW_MS - ms) for ms in (3, 2, 1)] == [SUSPENDED, ACTIVE, EXPIRED]


@pytest.mark.parametrize("state", sorted(set(RegistrationState) - {ACTIVE, SUSPENDED}))
def test_an_end_of_a_suspension_says_nothing_of_another_state(state: RegistrationState) -> None:
    assert state_at(device(state=state, suspended_until_ms=NOW_MS - 1), NOW_MS) is state
