"""A promised time that passes: when the holder is told, and what (domain/promise.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import NOW_MS, incident
from siaga_gateway.domain.escalation_state import Assignment, Progress
from siaga_gateway.domain.frame import LONGEST_ETA, Stage
from siaga_gateway.domain.incident import Answered, IncidentState
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.promise import due_ms, estimate, is_news, later, promised, set_back

MINUTE = 60_000


@pytest.mark.parametrize("answered", [None, *Answered])
@pytest.mark.parametrize("state", IncidentState)
def test_it_is_due_when_the_time_has_passed_and_only_while_somebody_is_under_way(
    state: IncidentState, answered: Answered | None
) -> None:
    one = incident(state=state, answered=answered)
    said = promised(one, "Patroli 12", 7, NOW_MS)
    assert due_ms(said) == (NOW_MS + 7 * MINUTE if stage_of(one) is Stage.ASSIGNED else None)
    assert due_ms(promised(said, "Patroli 12", None, NOW_MS)) is None, "nobody has promised anything"


@given(st.none() | st.integers(1, 254), st.integers(0, 10**9))
def test_it_is_not_said_more_often_than_every_few_minutes(minutes: int | None, waited_ms: int) -> None:
    said = promised(incident(state=IncidentState.ASSIGNED), "P", 4, NOW_MS)
    told = later(said, minutes, NOW_MS + waited_ms)
    again = due_ms(told)
    assert again is not None and again - (NOW_MS + waited_ms) >= 3 * MINUTE
    assert told.told_minutes == minutes and told.eta_minutes == 4, "only a person changes a promise"
    assert promised(told, "P", 6, NOW_MS).told_minutes == 6


@given(st.integers(0, 120 * MINUTE), st.none() | st.integers(0, 10**9), st.none() | st.integers(1, 254))
def test_after_a_clock_was_set_back_nothing_is_due_later_than_it_was_promised(
    ahead_ms: int, waited_ms: int | None, minutes: int | None
) -> None:
    said = promised(incident(state=IncidentState.ASSIGNED), "P", 4, NOW_MS + ahead_ms)
    if waited_ms is not None:
        said = later(said, minutes, NOW_MS + ahead_ms + waited_ms)
    at_ms = due_ms(set_back(said, NOW_MS))
    longest = 4 if waited_ms is None else 5 if minutes is None else max(3, minutes)
    assert at_ms is not None and at_ms <= NOW_MS + longest * MINUTE
    assert set_back(said, NOW_MS + ahead_ms + (waited_ms or 0)) is said, "the same, where the clock is right"


@pytest.mark.parametrize(
    ("minutes", "progress", "travel_s", "said"),
    [
        (5, Progress.COMING, None, None),  # all have passed
        (12, Progress.COMING, None, 2),
        (12, Progress.COMING, 30, 1),  # never: he is there
        (12, Progress.COMING, 700, 2),
        (5, Progress.LATE, 0, 1),
        (5, Progress.LATE, 61, 2),
        (None, Progress.COMING, None, None),
        (60, Progress.FINISHED, None, None),
        (60, Progress.LATE, None, None),
        (5, Progress.LATE, 10**6, LONGEST_ETA),
    ],
)
def test_the_estimate_is_from_who_is_soonest(
    minutes: int | None, progress: Progress, travel_s: int | None, said: int | None
) -> None:
    one = Assignment("responder:budi", progress, 1, NOW_MS - 10 * MINUTE, minutes)
    assert estimate([one], travel_s, NOW_MS) == said


def test_that_nobody_knows_is_told_once_and_a_place_that_becomes_known_is_news() -> None:
    said = promised(incident(), "P", 4, NOW_MS)
    assert is_news(said, None) and is_news(said, 3)
    unknown = later(said, None, NOW_MS)
    assert not is_news(unknown, None) and is_news(unknown, 3)
    assert is_news(later(said, 3, NOW_MS), None)


def test_at_the_promised_moment_itself_nobody_knows_when() -> None:
    coming = Assignment("A", Progress.COMING, 1, NOW_MS, 5, None)
    at_ms = NOW_MS + 5 * MINUTE
    assert [estimate([coming], None, moment) for moment in (at_ms - 1, at_ms, at_ms + 1)] == [1, None, None]
