"""What responders' answers make of an incident: the first who comes is the unit, a desk's choice stands, nothing said
twice counts twice, and no answer of theirs is a desk's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import NOW_MS
from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Answered, Change, Incident, IncidentState, Mode
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.response import (
    AGAIN_MS,
    SAYABLE,
    Response,
    ResponseState,
    after,
    answered,
    incident_after,
    meant,
)
from siaga_gateway.domain.value import copied

STATE = ResponseState
BUDI, WATI = Response(1, "budi"), Response(1, "wati")


OPEN = Incident(
    id=1,
    identifier="siaga.test-1.bcdfg",
    mode=Mode.ACTUAL,
    state=IncidentState.OPEN,
    device_id=b"\1" * 8,
    device_label="Toko Contoh, kasir",
    registration=RegistrationState.ACTIVE,
    owner=None,
    opening_counter=1,
    opened_at_ms=NOW_MS,
    pressed_at_ms=None,
    delayed_s=None,
    position=None,
)


def test_accept_come_and_finish() -> None:
    accepted = after(BUDI, FactKind.ACCEPTED, 7, NOW_MS)
    assert accepted == copied(BUDI, state=STATE.ACCEPTED, minutes=7, since_ms=NOW_MS)
    arrived = after(accepted, FactKind.ARRIVED, None, NOW_MS + 1)
    assert arrived is not None and (arrived.state, arrived.minutes) == (STATE.ARRIVED, 7)
    assert after(arrived, FactKind.ACCEPTED, 3, NOW_MS + 2) is None, "he is there"
    finished = after(arrived, FactKind.FINISHED, None, NOW_MS + 3)
    assert finished is not None and not finished.comes
    assert after(finished, FactKind.WITHDREW, None, NOW_MS + 4) is None
    assert after(finished, FactKind.DECLINED, None, NOW_MS + 4) is None, "called again, he was there all the same"


def test_the_same_minutes_again_are_one_tap_at_once_and_a_new_estimate_later() -> None:
    accepted = copied(BUDI, state=STATE.ACCEPTED, minutes=7, since_ms=NOW_MS)
    assert after(accepted, FactKind.ACCEPTED, 7, NOW_MS + AGAIN_MS - 1) is None
    later = after(accepted, FactKind.ACCEPTED, 7, NOW_MS + AGAIN_MS)
    assert later is not None and later.since_ms == NOW_MS + AGAIN_MS
    sooner = after(accepted, FactKind.ACCEPTED, 5, NOW_MS + 1)
    assert sooner is not None and sooner.minutes == 5
    assert after(accepted, FactKind.ACCEPTED, 7, NOW_MS - 5) is not None, "the clock was set back: no wait"


def test_a_signal_from_the_scene_is_one_at_once_and_another_later() -> None:
    arrived = copied(BUDI, state=STATE.ARRIVED)
    backup = after(arrived, FactKind.BACKUP, None, NOW_MS)
    assert backup is not None and backup.state is STATE.ARRIVED
    assert after(backup, FactKind.BACKUP, None, NOW_MS + 1) is None
    assert after(backup, FactKind.ALIVE, None, NOW_MS + 1) is not None
    assert after(backup, FactKind.BACKUP, None, NOW_MS + AGAIN_MS) is not None


def test_who_had_accepted_and_declines_withdraws() -> None:
    assert meant(BUDI, FactKind.DECLINED) is FactKind.DECLINED
    assert meant(copied(BUDI, state=STATE.ACCEPTED), FactKind.DECLINED) is FactKind.WITHDREW
    assert after(BUDI, FactKind.WITHDREW, None, NOW_MS) is None
    assert after(BUDI, FactKind.FINISHED, None, NOW_MS) is None


@given(st.lists(st.tuples(st.sampled_from(sorted(SAYABLE)), st.none() | st.integers(0, 254)), max_size=8))
def test_whatever_is_said_twice_at_once_changes_nothing_the_second_time(
    said: list[tuple[FactKind, int | None]],
) -> None:
    response, now_ms = BUDI, NOW_MS
    for word, minutes in said:
        now_ms += AGAIN_MS
        response = after(response, meant(response, word), minutes, now_ms) or response
        promised = minutes if word is FactKind.ACCEPTED else None
        assert after(response, meant(response, word), promised, now_ms + 1) is None


def test_the_first_is_the_unit_and_later_ones_do_not_take_his_place() -> None:
    first = copied(BUDI, state=STATE.ACCEPTED, minutes=7, since_ms=NOW_MS)
    made, told = incident_after(OPEN, [first], NOW_MS)
    assert (made.unit, made.eta_minutes, made.answered, told) == ("budi", 7, Answered.COMING, (Change.ASSIGNED,))
    assert made.state is IncidentState.OPEN and made.seen_by == OPEN.seen_by, "no desk has seen it"
    second = copied(WATI, state=STATE.ACCEPTED, minutes=2, since_ms=NOW_MS + 60_000)
    assert incident_after(made, [first, second], NOW_MS + 60_000) == (made, ())
    new = copied(first, minutes=4, since_ms=NOW_MS + 60_000)
    later, told = incident_after(made, [new, second], NOW_MS + 60_000)
    assert (later.unit, later.eta_minutes, told) == ("budi", 4, (Change.ASSIGNED,))


def test_when_he_withdraws_the_next_takes_his_place_with_what_is_left_of_his_minutes() -> None:
    both = copied(OPEN, unit="budi", eta_minutes=7, answered=Answered.COMING)
    gone = copied(BUDI, state=STATE.WITHDREW, since_ms=NOW_MS + 120_000)
    second = copied(WATI, state=STATE.ACCEPTED, minutes=10, since_ms=NOW_MS)
    made, told = incident_after(both, [gone, second], NOW_MS + 120_000)
    assert (made.unit, made.eta_minutes, told) == ("wati", 8, (Change.ASSIGNED,))
    none, told = incident_after(both, [gone], NOW_MS)
    assert (none.unit, none.eta_minutes, none.answered, told) == (None, None, Answered.WITHDRAWN, (Change.UNASSIGNED,))


@pytest.mark.parametrize("state", [IncidentState.ASSIGNED, IncidentState.ON_SCENE])
def test_a_desk_s_unit_stands(state: IncidentState) -> None:
    chosen = copied(OPEN, state=state, unit="Patroli 12", eta_minutes=9)
    made, told = incident_after(chosen, [copied(BUDI, state=STATE.ACCEPTED, minutes=1, since_ms=NOW_MS)], NOW_MS)
    assert (made.unit, made.eta_minutes, told) == ("Patroli 12", 9, ())
    made, told = incident_after(made, [copied(BUDI, state=STATE.ARRIVED, since_ms=NOW_MS)], NOW_MS)
    assert made.unit == "Patroli 12"
    assert told == (() if state is IncidentState.ON_SCENE else (Change.ON_SCENE,))


def test_who_comes_unannounced_is_there_and_who_has_finished_was() -> None:
    arrived = copied(BUDI, state=STATE.ARRIVED, since_ms=NOW_MS)
    made, told = incident_after(OPEN, [arrived], NOW_MS)
    assert (made.unit, made.answered, told) == ("budi", Answered.ON_SCENE, (Change.ASSIGNED, Change.ON_SCENE))
    finished, told = incident_after(made, [copied(arrived, state=STATE.FINISHED)], NOW_MS)
    assert (finished.unit, finished.answered, told) == ("budi", Answered.ON_SCENE, ())


@pytest.mark.parametrize(
    "state, how, stage",
    [
        (IncidentState.OPEN, None, Stage.RECEIVED),
        (IncidentState.OPEN, Answered.COMING, Stage.ASSIGNED),
        (IncidentState.SEEN, Answered.COMING, Stage.ASSIGNED),
        (IncidentState.ASSIGNED, Answered.ON_SCENE, Stage.ON_SCENE),
        (IncidentState.ON_SCENE, Answered.COMING, Stage.ON_SCENE),
        (IncidentState.CLOSED, Answered.ON_SCENE, Stage.CLOSED),
    ],
)
def test_the_holder_is_told_the_furthest(state: IncidentState, how: Answered | None, stage: Stage) -> None:
    assert stage_of(copied(OPEN, state=state, answered=how)) is stage


def test_a_held_call_is_refused_whatever_is_answered() -> None:
    assert stage_of(copied(OPEN, held=True, answered=Answered.COMING)) is Stage.REFUSED


@given(st.lists(st.builds(Response, st.just(1), st.sampled_from("abcd"), st.sampled_from(STATE)), max_size=4))
def test_some_are_on_the_way_just_when_somebody_says_so(responses: list[Response]) -> None:
    states = {each.state for each in responses}
    how = answered(responses)
    assert (how is Answered.COMING) == (STATE.ACCEPTED in states and STATE.ARRIVED not in states)
    assert (how is None) == (not states & {STATE.ACCEPTED, STATE.ARRIVED, STATE.FINISHED})
