"""More rules of domain/incident_rules.py by themselves: places, what is held or closed, tests, clashes, any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import NOW_MS, basis, changes, differs, event, incident, now, place
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState, Mode
from siaga_gateway.domain.incident_outcome import EventContext, Mark, Outcome, TimelineEntry
from siaga_gateway.domain.incident_rules import contradict, decide, stage_of
from siaga_gateway.domain.registry import RegistrationState

PRESS, UPDATE, CANCEL, CHECKIN, TAMPER = Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER
ACTIVE, PENDING, STOLEN = RegistrationState.ACTIVE, RegistrationState.PENDING, RegistrationState.STOLEN
CLOSED = IncidentState.CLOSED


# Where the holder is


def test_a_move_is_told_with_how_far_and_noise_is_only_kept() -> None:
    before = incident(position=place(), told_place=(place().latitude, place().longitude, 10))

    def moved(metres: int) -> Outcome:
        known = EventContext(open=before, keyed=before, key_arrived=True, battery=70, last_position=place(metres))
        return decide(event(UPDATE, 12, 10), basis(), known)

    far, noise = moved(500), moved(15)
    assert differs(before, now(far)) == {
        "position": place(500),
        "told_place": (place(500).latitude, place(500).longitude, 10),
        "sequence": 5,
    }
    assert far.told is Change.POSITION
    assert far.happened == (
        TimelineEntry(
            Change.POSITION,
            {"counter": 12, "source": "gnss", "accuracy_m": 10, "fix_age_s": 1, "moved_m": 500, "late": False},
        ),
    )
    assert differs(before, now(noise)) == {"position": place(15)}
    assert (noise.told, changes(noise)) == (None, [Change.POSITION])


def test_the_first_place_of_an_incident_is_told_and_has_moved_from_nowhere() -> None:
    before = incident()
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70, last_position=place())
    outcome = decide(event(UPDATE, 12, 10), basis(), known)
    assert (outcome.told, outcome.happened[0].facts["moved_m"]) == (Change.POSITION, None)
    assert now(outcome).position == place()


def test_the_same_fix_at_another_time_is_no_news() -> None:
    before = incident(position=place(), told_place=(place().latitude, place().longitude, 10))
    later = event(UPDATE, 12, 10, happened_ms=NOW_MS + 600_000)
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70, last_position=place())
    assert decide(later, basis(), known) == Outcome(Stage.RECEIVED, before)


def test_what_is_told_of_something_else_tells_the_place_too() -> None:
    before = incident(position=place(), told_place=(place().latitude, place().longitude, 10))
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70, last_position=place(15))
    after = now(decide(event(PRESS, 12, 10), basis(), known))
    assert after.told_place == (place(15).latitude, place(15).longitude, 10)


# Held ones


def test_a_held_one_is_told_to_nobody_and_answered_refused() -> None:
    before = incident(held=True, sequence=0, registration=PENDING)
    known = EventContext(
        open=before, keyed=before, key_arrived=True, battery=70, last_position=place(), counters_doubtful=True
    )
    outcome = decide(event(PRESS, 12, 10, duress=True), basis(PENDING), known)
    after = now(outcome)
    assert (outcome.answer, outcome.told, after.held, after.sequence) == (Stage.REFUSED, None, True, 0)
    assert (after.presses, after.duress, after.key_copied, after.told_place) == (2, True, True, None)
    assert changes(outcome) == [Change.POSITION, Change.KEY_COPIED, Change.PRESSED_AGAIN, Change.DURESS]
    assert not outcome.happened[2].facts["released"]


def test_a_press_of_one_that_is_registered_now_releases_it() -> None:
    before = incident(held=True, sequence=0, registration=PENDING)
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    outcome = decide(event(PRESS, 12, 10), basis(), known)
    assert differs(before, now(outcome)) == {"held": False, "presses": 2, "last_press": 12, "sequence": 1}
    assert (outcome.answer, outcome.told) == (Stage.RECEIVED, Change.OPENED)
    assert outcome.happened[0].facts["released"] is True
    assert now(decide(event(UPDATE, 12, 10), basis(), known)).held, "no press, no release"
    overtaken = decide(event(PRESS, 10, 10), basis(), replace(known, key_arrived=False))
    assert (now(overtaken).presses, overtaken.told) == (1, Change.OPENED), "also by one that is counted already"
    assert changes(overtaken) == [Change.PRESSED_AGAIN]
    free = incident()
    assert decide(event(PRESS, 12, 10), basis(PENDING), EventContext(open=free, keyed=free, key_arrived=True)).told is (
        Change.PRESSED_AGAIN
    ), "what is dispatched is not held again"


# After the closing

OVER = {
    "state": CLOSED,
    "closed_by": "Rani",
    "closed_at_ms": NOW_MS - 30_000,
    "disposition": Disposition.VERIFIED,
    "last_press": 10,
}


def test_a_late_update_joins_what_is_closed_and_is_told_to_nobody() -> None:
    before = incident(**OVER, position=place(accuracy_m=500))
    late = event(UPDATE, 12, 10, latitude=-54_000_000, longitude=1_052_600_000, accuracy=10, fix_age=1, source=1)
    other = place(9_000, accuracy_m=3)
    known = EventContext(keyed=before, key_arrived=True, battery=20, last_position=other, counters_doubtful=True)
    outcome = decide(late, basis(), known)
    assert differs(before, now(outcome)) == {"position": place(), "key_copied": True}, "its own fix, not a newer one"
    assert (outcome.told, outcome.answer, outcome.opened) == (None, Stage.RECEIVED, False)
    assert [one.facts["late"] for one in outcome.happened] == [True, True]
    worse = replace(late, report=replace(late.report, accuracy=900))
    assert now(decide(worse, basis(), known)).position == before.position


def test_a_late_cancel_joins_what_is_closed() -> None:
    before = incident(**OVER)
    outcome = decide(event(CANCEL, 12, 10), basis(), EventContext(keyed=before, key_arrived=True))
    assert differs(before, now(outcome)) == {"cancelled_by_holder": True, "last_cancel": 12}
    assert outcome.happened[0].facts["late"] is True and outcome.told is None


def test_late_news_of_duress_that_is_known_joins_what_is_closed() -> None:
    before = incident(**OVER, duress=True)
    outcome = decide(event(UPDATE, 12, 10, duress=True), basis(), EventContext(keyed=before, key_arrived=True))
    assert now(outcome).id == 5


@pytest.mark.parametrize(
    ("kind", "duress", "known_duress"),
    [(PRESS, False, False), (PRESS, True, True), (CANCEL, True, True), (CANCEL, True, False), (UPDATE, True, False)],
)
def test_news_under_the_name_of_a_closed_one_opens_another_that_takes_the_name_over(
    kind: Kind, duress: bool, known_duress: bool
) -> None:
    before = incident(**OVER, duress=known_duress)
    for arrived in (True, False):
        outcome = decide(event(kind, 12, 10, duress=duress), basis(), EventContext(keyed=before, key_arrived=arrived))
        after = now(outcome)
        assert (after.id, after.opening_counter, after.presses, outcome.opened) == (9, 12, 1, True)
        assert outcome.happened[0].facts["after"] == 5
        assert outcome.marks == (Mark(10, arrived=arrived), Mark(12, arrived=kind is PRESS))


def test_a_press_under_the_very_counter_of_a_closed_one_opens_too() -> None:
    outcome = decide(event(PRESS, 10, 10), basis(), EventContext(keyed=incident(**OVER)))
    assert (now(outcome).opening_counter, outcome.marks) == (10, (Mark(10, arrived=True),))


def test_what_names_a_closed_one_joins_the_open_one_that_came_before_it() -> None:
    closed, later = incident(**OVER), incident(id=6, opening_counter=12, last_press=12)
    known = EventContext(open=later, keyed=closed, key_arrived=True, battery=70)
    joined = decide(event(UPDATE, 13, 10), basis(), known)
    assert joined == Outcome(Stage.RECEIVED, later, marks=(Mark(10, arrived=True),)), "which takes the name over"
    at_once = decide(event(UPDATE, 12, 10), basis(), known)
    assert now(at_once).id == 6
    before = decide(event(UPDATE, 11, 10), basis(), known)
    assert now(before).id == 5, "what happened before belongs to the closed one"
    press = decide(event(PRESS, 11, 10), basis(), replace(known, key_arrived=False))
    assert (now(press).id, now(press).presses, press.marks) == (6, 2, (Mark(10, arrived=False),))
    assert now(press).opening_counter == 12, "a name that is known does not move its opening"
    assert press.told is Change.PRESSED_AGAIN, "late for the closed one only"


def test_what_names_one_that_is_open_joins_that_one() -> None:
    named, other = incident(), incident(id=6, opening_counter=20)
    assert now(decide(event(UPDATE, 25, 10), basis(), EventContext(open=other, keyed=named, key_arrived=True))).id == 5


# Tests


@pytest.mark.parametrize("state", list(RegistrationState))
def test_a_test_press_is_closed_from_its_birth_and_said_to_be_one(state: RegistrationState) -> None:
    active = state is ACTIVE
    outcome = decide(event(PRESS, 12, 12, test=True), basis(state), EventContext(last_position=place()))
    after = now(outcome)
    assert (after.mode, after.state, after.closed_at_ms, after.held) == (Mode.TEST, CLOSED, NOW_MS, False)
    assert (after.presses, after.opening_counter, after.sequence) == (1, 12, int(active))
    assert (outcome.answer, outcome.told) == ((Stage.TEST, Change.OPENED) if active else (Stage.REFUSED, None))
    assert (outcome.opened, outcome.marks, outcome.happened) == (True, (Mark(12, arrived=True),), ())


def test_a_test_never_joins_one_in_earnest_and_a_check_in_that_is_one_opens_nothing() -> None:
    outcome = decide(event(PRESS, 12, 12, test=True), basis(), EventContext(open=incident()))
    assert now(outcome).id == 9
    assert decide(event(CHECKIN, 12, test=True), basis(), EventContext(open=incident())) == Outcome(Stage.RECEIVED)
    assert now(decide(event(PRESS, 12, test=True), basis(), EventContext())).opening_counter == 12


def test_what_follows_a_test_belongs_to_it() -> None:
    test = incident(mode=Mode.TEST, state=CLOSED)
    for kind, counter, key, marks in (
        (UPDATE, 12, 10, ()),
        (PRESS, 12, 10, ()),
        (PRESS, 10, 10, (Mark(10, arrived=True),)),
        (CANCEL, 10, None, ()),
    ):
        outcome = decide(event(kind, counter, key, test=True), basis(), EventContext(keyed=test))
        assert outcome == Outcome(Stage.TEST, test, marks=marks), (kind, counter)
    refused = decide(event(UPDATE, 12, 10, test=True), basis(STOLEN), EventContext(keyed=test))
    assert (refused.answer, refused.told) == (Stage.REFUSED, None)
    first = decide(event(UPDATE, 12, 10, test=True), basis(), EventContext())
    assert (now(first).opening_counter, first.marks) == (10, (Mark(10, arrived=False),))


# A clash, and what the holder is shown


def test_a_clash_marks_the_incident_of_a_call_once() -> None:
    before = incident(position=place(), told_place=None)
    outcome = contradict(before, UPDATE, 12)
    assert differs(before, now(outcome)) == {
        "key_copied": True,
        "sequence": 5,
        "told_place": (place().latitude, place().longitude, 10),
    }
    said = TimelineEntry(Change.KEY_COPIED, {"counter": 12, "kind": "update", "late": False})
    assert (outcome.happened, outcome.told, outcome.answer) == ((said,), Change.KEY_COPIED, Stage.RECEIVED)
    assert contradict(now(outcome), UPDATE, 13) == Outcome(Stage.RECEIVED, now(outcome))


@pytest.mark.parametrize(("before", "late"), [(incident(held=True, sequence=0), False), (incident(**OVER), True)])
def test_a_clash_in_what_is_held_or_closed_is_told_to_nobody(before: Incident, late: bool) -> None:
    outcome = contradict(before, PRESS, 12)
    assert differs(before, now(outcome)) == {"key_copied": True}
    assert (outcome.told, outcome.happened[0].facts["late"]) == (None, late)


def test_the_stage_that_a_holder_is_shown() -> None:
    shown = {state: stage_of(incident(state=state)) for state in IncidentState}
    assert shown == {
        IncidentState.OPEN: Stage.RECEIVED,
        IncidentState.SEEN: Stage.SEEN,
        IncidentState.ASSIGNED: Stage.ASSIGNED,
        IncidentState.ON_SCENE: Stage.ON_SCENE,
        IncidentState.CLOSED: Stage.CLOSED,
    }
    assert stage_of(incident(held=True)) is Stage.REFUSED
    assert stage_of(incident(mode=Mode.TEST, state=CLOSED)) is Stage.TEST
    assert stage_of(incident(mode=Mode.TEST, state=CLOSED, registration=PENDING)) is Stage.REFUSED


# The order does not matter


@given(
    st.lists(
        st.tuples(st.sampled_from([PRESS, UPDATE, CANCEL]), st.integers(1, 6), st.booleans()),
        min_size=1,
        max_size=5,
        unique_by=lambda one: one[1],
    ),
    st.randoms(use_true_random=False),
)
def test_the_same_events_in_any_order_give_the_same_incident(drawn: list[tuple[Kind, int, bool]], random: Any) -> None:
    """All of one call: counter 0 is the PRESS that opens it."""
    sent = [event(PRESS, 0, 0)] + [event(kind, counter, 0, duress=duress) for kind, counter, duress in drawn]
    found = []
    for _ in range(2):
        current, arrived = None, False
        for one in sent:
            outcome = decide(one, basis(), EventContext(open=current, keyed=current, key_arrived=arrived, battery=50))
            current, arrived = now(outcome), arrived or one.counter == 0
        assert current is not None
        found.append(replace(current, sequence=0))
        random.shuffle(sent)
    assert found[0] == found[1]
    assert found[0].presses == sum(one.kind is PRESS for one in sent)


@pytest.mark.parametrize("state", sorted(RegistrationState))
def test_duress_lets_a_suspended_holder_s_call_through_at_once_and_no_other(state: RegistrationState) -> None:
    fix = place()
    outcome = decide(event(Kind.PRESS, 12, 12, duress=True), basis(state), EventContext(last_position=fix))
    free = state in (RegistrationState.SUSPENDED, RegistrationState.ACTIVE)
    after = now(outcome)
    assert (after.held, after.sequence, outcome.told) == (not free, int(free), Change.OPENED if free else None)
    assert outcome.answer is (Stage.RECEIVED if free else Stage.REFUSED)
    assert (after.told_place is not None) is free


@pytest.mark.parametrize("kind", [Kind.PRESS, Kind.CANCEL, Kind.UPDATE, Kind.CHECKIN])
def test_duress_lets_go_what_was_held_for_a_suspension(kind: Kind) -> None:
    suspended = RegistrationState.SUSPENDED
    held = incident(registration=suspended, held=True, sequence=0)
    outcome = decide(event(kind, 14, 10, duress=True), basis(suspended), EventContext(open=held, keyed=held))
    assert (now(outcome).held, now(outcome).duress, outcome.told) == (False, True, Change.OPENED)
    again = decide(event(kind, 14, 10), basis(suspended), EventContext(open=held, keyed=held))
    assert (now(again).held, again.told) == (True, None), "a second press alone is for a person to decide"
    stolen = decide(
        event(kind, 14, 10, duress=True), basis(RegistrationState.STOLEN), EventContext(open=held, keyed=held)
    )
    assert now(stolen).held


def test_duress_that_comes_after_the_closing_lets_nothing_go_that_is_over() -> None:
    over = incident(registration=RegistrationState.SUSPENDED, held=True, duress=True, state=IncidentState.CLOSED)
    outcome = decide(
        event(Kind.UPDATE, 9, 9, duress=True), basis(RegistrationState.SUSPENDED), EventContext(keyed=over)
    )
    assert (now(outcome).held, outcome.told) == (True, None)
