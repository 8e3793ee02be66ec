"""The units of an incident: whatever is sent, arrives and is stood down, the holder is told of the soonest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import incident as one
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.promise import due_ms
from siaga_gateway.domain.sent_units import arrived, is_there, sent_units, stood_down, under_way, with_unit
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress

MINUTE = 60_000
NAMES = st.sampled_from(["Raimas 1", "Raimas 2", "Polsek 3"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["beside", "instead", "arrived", "stood_down"]),
        NAMES,
        st.none() | st.integers(0, 30),
        st.integers(0, 12 * MINUTE),
    ),
    max_size=12,
)


def taken(incident: Incident, step: str, name: str, minutes: int | None, now_ms: int) -> Incident | None:
    if step == "arrived":
        return arrived(incident, name, now_ms)
    if step == "stood_down":
        return stood_down(incident, name, now_ms)
    if step == "instead" and incident.state is IncidentState.ON_SCENE:
        return None  # nobody takes the place of who is there: operator_actions refuses it
    return with_unit(incident, name, minutes, now_ms, beside=step == "beside")


@given(STEPS)
def test_the_holder_is_told_of_who_is_there_else_of_the_soonest(steps: list[tuple[str, str, int | None, int]]) -> None:
    incident = replace(one(), state=IncidentState.SEEN, unit=None, eta_minutes=None)
    now_ms = incident.opened_at_ms
    for step, name, minutes, pause_ms in steps:
        now_ms += pause_ms
        before = incident
        after = taken(before, step, name, minutes, now_ms)
        if after is None:
            continue
        incident = after
        units = sent_units(incident)
        coming = [each for each in units if each.progress is UnitProgress.COMING]
        if not units:
            assert (incident.state, incident.unit, incident.promised_ms) == (IncidentState.SEEN, None, None)
            assert stage_of(incident) is Stage.SEEN
            continue
        assert incident.unit in {each.name for each in units}
        assert len({each.name for each in units}) == len(units)
        there = [each for each in units if each.progress is UnitProgress.THERE]
        assert (incident.state is IncidentState.ASSIGNED) == bool(coming and not there)
        assert (stage_of(incident) is Stage.ON_SCENE) == (not coming or bool(there))
        if there:
            assert is_there(incident, incident.unit or "")
        elif coming:
            known = [each for each in coming if each.eta_minutes is not None]
            if known:
                soonest = min(each.since_ms + (each.eta_minutes or 0) * MINUTE for each in known)
                at_ms = due_ms(incident)
                assert at_ms is not None and 0 <= at_ms - max(soonest, incident.promised_ms or 0) < MINUTE
            else:
                assert due_ms(incident) is None
        if step == "beside" and is_there(before, name):
            assert incident is before
        assert step != "stood_down" or before.progress != incident.progress, "two desks see one picture"
        others = {each for each in sent_units(before) if each.name != name}
        assert step == "instead" or others <= set(units), "a step on one unit changes no other"


def test_what_an_older_gateway_says_of_its_one_unit_holds() -> None:
    two = replace(
        one(),
        state=IncidentState.ASSIGNED,
        unit="Polsek 3",
        eta_minutes=5,
        promised_ms=7,
        units=(UnitOnCall("Raimas 1", 4, 1), UnitOnCall("Raimas 2", 4, 2)),
    )
    assert sent_units(two) == (UnitOnCall("Polsek 3", 5, 7),)
    on_the_list = replace(two, unit="Raimas 2", eta_minutes=5)
    assert sent_units(on_the_list) == (UnitOnCall("Raimas 2", 5, 7),), "it took the place of the one that led"
    arrived_there = replace(two, unit="Raimas 1", state=IncidentState.ON_SCENE)
    assert [each.progress for each in sent_units(arrived_there)] == [UnitProgress.THERE, UnitProgress.COMING]
    assert sent_units(replace(two, state=IncidentState.SEEN)) == ()
    assert under_way(replace(two, state=IncidentState.CLOSED)) == ()


def test_who_took_a_call_before_a_desk_saw_it_can_arrive() -> None:
    taken = replace(one(), state=IncidentState.SEEN, unit="patroli", eta_minutes=4)
    there = arrived(taken, "patroli", 3 * MINUTE)
    assert there is not None and there.state is IncidentState.ON_SCENE and is_there(there, "patroli")
    assert arrived(taken, "Raimas 1", 3 * MINUTE) is None


def test_a_lone_unit_that_leaves_is_news_for_another_desk() -> None:
    there = arrived(with_unit(one(), "Raimas 1", 4, 1, beside=False), "Raimas 1", 2)
    assert there is not None
    left = stood_down(there, "Raimas 1", 3)
    assert left is not None and left.progress != there.progress


def test_with_the_last_who_was_there_gone_the_holder_waits_for_who_is_coming() -> None:
    """He is not told that somebody is there who is not; nor, when that one is stood down too, that anybody comes."""
    sent = with_unit(with_unit(one(), "Raimas 1", 4, 1, beside=False), "Raimas 2", 9, 2, beside=True)
    there = arrived(sent, "Raimas 1", 3 * MINUTE)
    assert there is not None and stage_of(there) is Stage.ON_SCENE
    left = stood_down(there, "Raimas 1", 4 * MINUTE)
    assert left is not None
    assert (left.state, stage_of(left), left.unit) == (IncidentState.ASSIGNED, Stage.ASSIGNED, "Raimas 2")
    assert (left.eta_minutes, due_ms(left)) == (6, 4 * MINUTE + 6 * MINUTE)
    nobody = stood_down(left, "Raimas 2", 5 * MINUTE)
    assert nobody is not None and (nobody.state, nobody.unit) == (IncidentState.SEEN, None)


@given(st.booleans())
def test_who_left_and_is_sent_again_is_awaited_as_any_other(others: bool) -> None:
    there = arrived(with_unit(one(), "Raimas 1", 4, 1, beside=False), "Raimas 1", 2)
    assert there is not None
    if others:
        there = with_unit(there, "Raimas 2", 9, 3, beside=True)
    left = stood_down(there, "Raimas 1", 3)
    assert left is not None
    again = with_unit(left, "Raimas 1", 5, 4, beside=True)
    assert (again.state, again.unit, stage_of(again)) == (IncidentState.ASSIGNED, "Raimas 1", Stage.ASSIGNED)
