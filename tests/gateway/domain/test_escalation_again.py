"""What calls again, and what is left as it was: several things in one step (domain/escalation_step.py)."""

from __future__ import annotations

from gateway.domain.played_escalation import Played
from siaga_gateway.domain.escalation_state import FactKind

K = FactKind


def test_of_two_who_are_late_together_the_first_rings_and_the_last_one_s_absence_calls_again() -> None:
    played = Played()
    for who in ("A", "B"):
        played.tell(K.ACCEPTED, who, 5)
    at_once = [what for at, what in played.wait(460) if at == 450]
    assert at_once.count("ring not_arrived A") == 1 and at_once.count("call stations") == 1


def test_a_first_rung_that_is_called_again_is_the_one_that_is_left_when_its_ways_fail() -> None:
    played = Played()
    played.tell(K.ACCEPTED, "A", 5)
    assert "call stations" in played.tell(K.WITHDREW, "A")
    assert played.tell(K.RUNG_LEFT, call=played.state.number) == ["call chief"]


def test_whoever_is_on_scene_is_there_since_he_first_said_so() -> None:
    played = Played()
    played.tell(K.ARRIVED, "A")
    since_ms = played.now_ms
    played.wait(100)
    played.tell(K.ALIVE, "A")
    (there,) = played.state.assignments
    assert there.since_ms == since_ms


def test_a_unit_that_left_and_is_sent_again_is_awaited_again() -> None:
    def sent_again() -> Played:
        played = Played()
        played.tell(K.ASSIGNED, "A", 4)
        played.tell(K.ARRIVED, "A")
        assert played.tell(K.FINISHED, "A") == ["ring finished A"]
        played.wait(30)
        played.tell(K.ASSIGNED, "A", 4)
        return played

    assert sent_again().wait(361) == [(360, "call stations")], "it does not arrive"
    assert sent_again().tell(K.WITHDREW, "A") == ["call stations"], "it is taken back"
    finished = sent_again()
    finished.tell(K.ARRIVED, "A")
    finished.tell(K.FINISHED, "A")
    finished.tell(K.ACCEPTED, "A", 4)
    assert finished.state.assignments[0].progress == "finished", "a responder's own word changes nothing"


def test_a_new_estimate_of_the_same_minutes_is_one_and_a_form_sent_twice_is_none() -> None:
    played = Played()
    played.tell(K.ASSIGNED, "A", 4)  # until 360
    played.wait(5)
    played.tell(K.ASSIGNED, "A", 4)
    assert played.state.assignments[0].due_ms == played.now_ms - 5_000 + 360_000
    played.wait(120)
    played.tell(K.ASSIGNED, "A", 4)
    assert played.state.assignments[0].due_ms == played.now_ms + 360_000
    played.tell(K.ASSIGNED, "A", None)
    assert played.state.assignments[0].due_ms == played.now_ms + 360_000, "no minutes are no estimate"


def test_when_who_was_coming_is_taken_back_the_desk_hears_that_those_who_were_there_are_gone() -> None:
    played = Played()
    for who in "AB":
        played.tell(K.ASSIGNED, who, 4)
    played.tell(K.ARRIVED, "A")
    assert played.tell(K.FINISHED, "A") == []
    assert played.tell(K.WITHDREW, "B") == ["ring finished A"]


def test_an_acknowledgement_taken_back_rings_again_and_the_ladder_goes_on_where_it_was() -> None:
    played = Played()
    assert [what for _, what in played.wait(12)] == ["call chief"]
    assert played.tell(K.ACKNOWLEDGED) == ["withdraw ladder"]
    played.wait(3)
    again = played.tell(K.UNDONE)
    assert again == ["call chief", "ring unacknowledged"], "what was withdrawn of the chief's is made up for"
    assert played.wait(5) == [(5, "call region")], "20 s after the press, as if nobody had acknowledged"
    assert played.state.wave == 2, "who answers the first wave has not seen this one"
    assert (20, "call everyone") in played.wait(30)


def test_a_minute_after_the_acknowledgement_the_rungs_that_are_due_are_called_at_once() -> None:
    played = Played()
    played.tell(K.ACKNOWLEDGED)
    played.sleep(55)
    assert played.tell(K.UNDONE) == [
        "call stations",
        "call chief",
        "call region",
        "call everyone",
        "ring unacknowledged",
    ]


def test_of_a_held_call_the_supervisor_is_rung_at_once_and_who_rings_already_goes_on() -> None:
    held = Played(held=True)
    held.tell(K.ACKNOWLEDGED)
    assert held.tell(K.UNDONE) == ["call supervisor"]
    calling = Played()
    before = calling.state
    assert calling.tell(K.UNDONE) == [] and calling.state == before
