"""Exercises: what makes a press one, and what makes an exercise real. Every doubt is for a call in earnest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import ID, NOW_MS, any_of, basis, changes, event, incident, now
from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.drill import Drill, DrillState, drill_of, is_exercise, made_real
from siaga_gateway.domain.event import ButtonClock, Event
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Answered, Change, Incident, IncidentState, Mode
from siaga_gateway.domain.incident_outcome import EventContext, IncidentBasis, Outcome
from siaga_gateway.domain.incident_rules import contradict, decide, stage_of
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.value import copied

HOUR_MS = 3_600_000
PROVEN = ClockLag(0, NOW_MS - 3_600_000)
DRILL = Drill(
    id=7,
    name="Latihan contoh",
    ordered_by="Siti",
    buttons=(b"contoh-0", ID),
    contacts=("station:polsek-sw",),
    ordered_ms=NOW_MS - 600_000,
    begins_ms=NOW_MS - 300_000,
    ends_ms=NOW_MS + 300_000,
)


def within(given_event: Event, drill: Drill = DRILL, registration: Any = RegistrationState.ACTIVE) -> IncidentBasis:
    return copied(basis(registration), drill=drill_of(given_event, [drill], PROVEN))


def pressed(given_event: Event, known: EventContext = EventContext(), drill: Drill = DRILL) -> Outcome:  # noqa: B008
    return decide(given_event, within(given_event, drill), known)


def exercise(**more: Any) -> Incident:
    given_one: dict[str, Any] = {
        "mode": Mode.EXERCISE,
        "drill": 7,
        "state": IncidentState.ON_SCENE,
        "unit": "Patroli 1",
    }
    done = {"seen_by": "Siti", "seen_at_ms": NOW_MS, "eta_minutes": 4, "answered": Answered.ON_SCENE}
    return incident(**{**given_one, **done, **more})


def test_the_first_press_of_a_named_button_within_the_drill_is_an_exercise() -> None:
    outcome = pressed(event(Kind.PRESS, 10, 10))
    opened = now(outcome)
    assert (opened.mode, opened.drill, opened.state) == (Mode.EXERCISE, 7, IncidentState.OPEN)
    assert outcome.told is Change.OPENED and outcome.answer is Stage.RECEIVED
    assert outcome.happened[0].facts["drill"] == 7 and is_exercise(opened)


@pytest.mark.parametrize(
    ("changed", "drill"),
    [
        ({"duress": True}, DRILL),
        ({"device_id": b"contoh-9"}, DRILL),
        ({"clock": ButtonClock.UNSET, "happened_ms": None}, DRILL),
        ({"clock": ButtonClock.UNPROVEN, "happened_ms": NOW_MS}, DRILL),
        ({"clock": ButtonClock.AHEAD, "happened_ms": None}, DRILL),
        ({"happened_ms": DRILL.begins_ms - 1}, DRILL),
        ({"happened_ms": DRILL.ends_ms}, DRILL),
        ({"received_ms": DRILL.ends_ms, "happened_ms": DRILL.ends_ms - 1}, DRILL),
        ({"received_ms": DRILL.begins_ms - 1, "happened_ms": DRILL.begins_ms}, DRILL),
        ({}, copied(DRILL, ended_ms=NOW_MS - 1, ended_by="Siti")),
        ({}, copied(DRILL, ended_ms=NOW_MS - 1)),
    ],
    ids=str,
)
def test_every_other_press_is_real(changed: dict[str, Any], drill: Drill) -> None:
    given_event = event(Kind.PRESS, 10, 10, **changed)
    opened = now(pressed(given_event, drill=drill))
    assert (opened.mode, opened.drill) == (Mode.ACTUAL, None)


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.CANCEL])
def test_what_overtakes_its_press_is_real_for_nobody_knows_when_that_was_made(kind: Kind) -> None:
    assert now(pressed(event(kind, 12, 10))).mode is Mode.ACTUAL


def test_a_clock_that_no_check_in_has_proven_makes_a_press_real() -> None:
    assert drill_of(event(Kind.PRESS, 10, 10), [DRILL], None) is None


@pytest.mark.parametrize(("ahead_s", "found"), [(-100, 7), (0, 7), (60, 7), (61, None), (100, None)])
def test_a_press_before_the_drill_by_a_clock_that_is_ahead_is_real(ahead_s: int, found: int | None) -> None:
    given_event = event(Kind.PRESS, 10, 10, happened_ms=DRILL.begins_ms + 60_000)
    assert drill_of(given_event, [DRILL], ClockLag(-ahead_s, NOW_MS - HOUR_MS)) == found


@pytest.mark.parametrize(
    ("registration", "known"),
    [
        (RegistrationState.SUSPENDED, EventContext()),
        (RegistrationState.ACTIVE, EventContext(counters_doubtful=True)),
        (RegistrationState.ACTIVE, EventContext(keyed=exercise(state=IncidentState.CLOSED, duress=False))),
    ],
    ids=["held", "counters in doubt", "the button has not heard that the exercise is over"],
)
def test_a_doubt_about_the_button_makes_its_press_real(registration: Any, known: EventContext) -> None:
    given_event = event(Kind.PRESS, 12, 10)
    opened = now(decide(given_event, within(given_event, registration=registration), known))
    assert (opened.mode, opened.drill) == (Mode.ACTUAL, None)


def test_a_press_that_names_one_that_has_not_arrived_is_the_second() -> None:
    assert now(pressed(event(Kind.PRESS, 12, 10))).mode is Mode.ACTUAL


@pytest.mark.parametrize(
    ("second", "known", "why"),
    [
        (event(Kind.PRESS, 12, 10), {"key_arrived": True}, "pressed_again"),
        (event(Kind.PRESS, 12, 10, duress=True), {"key_arrived": True}, "duress"),
        (event(Kind.PRESS, 10, 10), {"key_arrived": True}, "pressed_again"),
        (event(Kind.UPDATE, 12, 10, duress=True), {"key_arrived": True}, "duress"),
        (event(Kind.CANCEL, 12, 10, duress=True), {"key_arrived": True}, "duress"),
        (event(Kind.UPDATE, 12, 10), {"key_arrived": True, "counters_doubtful": True}, "key_copied"),
        (event(Kind.PRESS, 10, 10, happened_ms=DRILL.begins_ms - 1), {"key_arrived": False}, "not_planned"),
    ],
)
def test_an_exercise_becomes_real_and_nothing_of_it_stays(second: Event, known: dict[str, Any], why: str) -> None:
    before = exercise()
    outcome = pressed(second, EventContext(open=before, keyed=before, **known))
    after = now(outcome)
    assert (after.mode, after.drill, is_exercise(after)) == (Mode.ACTUAL, 7, False)
    assert (after.state, after.unit, after.seen_by) == (IncidentState.OPEN, None, None)
    # Only a newer press resets what the button shows; else the stage has to say that nobody comes any more.
    assert stage_of(after) is (Stage.RECEIVED if second.counter == 12 and second.kind is Kind.PRESS else Stage.SEEN)
    assert outcome.told is Change.MADE_REAL and after.sequence == before.sequence + 1
    (said,) = [each.facts for each in outcome.happened if each.change is Change.MADE_REAL]
    assert said["why"] == why


def test_what_is_no_press_leaves_an_exercise_one() -> None:
    before = exercise()
    for later in (
        event(Kind.UPDATE, 11, 10),
        event(Kind.CANCEL, 12, 10),
        event(Kind.CHECKIN, 13),
        event(Kind.TAMPER, 14),
    ):
        outcome = pressed(later, EventContext(open=before, keyed=before if later.key else None, key_arrived=True))
        assert outcome.incident is None or is_exercise(outcome.incident)
        assert Change.MADE_REAL not in changes(outcome)


def test_a_press_after_the_end_makes_the_open_exercise_real() -> None:
    before, over = exercise(), copied(DRILL, ended_ms=NOW_MS - 1)
    after = now(pressed(event(Kind.PRESS, 20, 20), EventContext(open=before), over))
    assert after.mode is Mode.ACTUAL and after.id == before.id


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.TAMPER]),
            st.integers(0, 6),
            st.none() | st.integers(0, 6),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=6,
    ),
    any_of(Incident, opening_counter=st.integers(0, 6), last_press=st.integers(0, 6), position=st.none()),
)
def test_what_is_real_never_becomes_an_exercise(steps: list[Any], first: Incident) -> None:
    state = copied(first, mode=Mode.ACTUAL, state=IncidentState.OPEN, told_place=None)
    for kind, counter, key, duress, arrived, keyed in steps:
        given_event = event(kind, counter, key if kind is not Kind.TAMPER else None, duress=duress)
        known = EventContext(open=state, keyed=state if keyed else None, key_arrived=arrived)
        outcome = decide(given_event, within(given_event), known)
        state = outcome.incident or state
        assert state.mode is Mode.ACTUAL


def test_a_contradiction_alone_forgets_nothing_of_an_exercise() -> None:
    before = exercise()
    assert is_exercise(now(contradict(before, Kind.UPDATE, 12)))  # the event that contradicts makes it real, see above


def test_a_drill_is_over_at_its_time_and_where_the_clock_was_set_back_to_before_it() -> None:
    assert not DRILL.is_over(NOW_MS) and DRILL.is_over(DRILL.ends_ms)
    assert DRILL.is_over(DRILL.ordered_ms - HOUR_MS) and not DRILL.runs_at(DRILL.ordered_ms)


def test_made_real_keeps_who_pressed_and_where() -> None:
    before = exercise(presses=3, duress=True, note="catatan")
    after = made_real(before)
    assert (after.presses, after.duress, after.note, after.id) == (3, True, "catatan", before.id)
    assert after.answered is Answered.WITHDRAWN and made_real(before, pressed=True).answered is None
    unanswered = exercise(state=IncidentState.SEEN, unit=None, answered=Answered.WITHDRAWN)
    assert made_real(unanswered).answered is None, "seen is no promise"


BEGINS_MS, ENDS_MS = DRILL.begins_ms, DRILL.ends_ms


@pytest.mark.parametrize(
    ("ended_ms", "states", "last_ms"),
    [
        (None, (DrillState.PLANNED, DrillState.RUNNING, DrillState.RUNNING, DrillState.ENDED), ENDS_MS),
        (BEGINS_MS - 1, (DrillState.CANCELLED,) * 4, ENDS_MS),
        (BEGINS_MS, (DrillState.ENDED,) * 4, BEGINS_MS),
        (NOW_MS, (DrillState.ENDED,) * 4, NOW_MS),
    ],
)
def test_what_it_is_called_before_its_beginning_and_to_its_end(
    ended_ms: int | None, states: tuple[DrillState, ...], last_ms: int
) -> None:
    drill = copied(DRILL, ended_ms=ended_ms)
    found = [drill.state_at(at_ms) for at_ms in (BEGINS_MS - 1, BEGINS_MS, ENDS_MS - 1, ENDS_MS)]
    assert (*found,) == states and drill.last_ms == last_ms
    assert [drill.runs_at(at_ms) for at_ms in (BEGINS_MS, ENDS_MS - 1)] == [ended_ms is None] * 2


def test_it_is_over_at_its_end_or_when_the_clock_was_set_back_by_more_than_a_minute() -> None:
    set_back_ms = DRILL.ordered_ms - 60_000
    moments = (set_back_ms - 1, set_back_ms, ENDS_MS - 1, ENDS_MS)
    assert [DRILL.is_over(at_ms) for at_ms in moments] == [True, False, False, True]


@pytest.mark.parametrize(
    "doubted",
    [
        event(Kind.UPDATE, 10, 10),
        event(Kind.CANCEL, 10, 10),
        event(Kind.PRESS, 10, 9),
        event(Kind.PRESS, 10, 10, duress=True),
    ],
    ids=str,
)
def test_one_reason_is_enough_against_it(doubted: Event) -> None:
    assert drill_of(event(Kind.PRESS, 10, 10), [DRILL], PROVEN) == DRILL.id
    assert drill_of(doubted, [DRILL], PROVEN) is None


@pytest.mark.parametrize("lag_s", [0, 5, 3_600])
def test_a_clock_that_is_behind_moves_no_press_into_a_drill(lag_s: int) -> None:
    lag = ClockLag(lag_s, NOW_MS)
    assert drill_of(event(Kind.PRESS, 10, 10, happened_ms=BEGINS_MS), [DRILL], lag) == DRILL.id
    assert drill_of(event(Kind.PRESS, 10, 10, happened_ms=BEGINS_MS - 500), [DRILL], lag) is None


@pytest.mark.parametrize(
    ("shown", "after"),
    [
        ({"answered": Answered.COMING, "state": IncidentState.SEEN}, Answered.WITHDRAWN),
        ({"answered": None, "state": IncidentState.ASSIGNED}, Answered.WITHDRAWN),
        ({"answered": None, "state": IncidentState.SEEN}, None),
    ],
    ids=str,
)
def test_whoever_was_told_that_somebody_comes_to_an_exercise_is_told_that_nobody_does(
    shown: dict[str, Any], after: Answered | None
) -> None:
    assert made_real(exercise(**shown)).answered is after
