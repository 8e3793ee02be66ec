"""What time does to an escalation (domain/escalation_step.py): the ladder second by second, promises, and the clock."""

from __future__ import annotations

import pytest

from gateway.domain.played_escalation import BEGIN_MS, LADDER, Played, words
from siaga_gateway.domain.escalation_settings import CallList, Ladder, Rung
from siaga_gateway.domain.escalation_state import ContactKind, FactKind, Phase, Progress, Result
from siaga_gateway.domain.value import copied

K = FactKind
HOUR_S = 3_600


def calls(done: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Without the desks that ring."""
    return [(at, what) for at, what in done if not what.startswith("ring")]


# The ladder


def test_nobody_answers_and_everybody_is_called_again_and_again() -> None:
    played = Played()
    assert played.begun == ["call stations"]
    assert played.wait(230) == [
        (10, "call chief"),
        (20, "call region"),
        (20, "ring unacknowledged"),
        (40, "call everyone"),
        (40, "ring unacknowledged"),
        (60, "call everyone, 1"),
        (60, "ring unacknowledged"),
        (80, "ring unacknowledged"),
        (100, "call everyone, 2"),
        (100, "ring unacknowledged"),
        (120, "ring unacknowledged"),
        (140, "ring unacknowledged"),
        (160, "call everyone, 3"),
        (160, "ring unacknowledged"),
        (180, "ring unacknowledged"),
        (200, "ring unacknowledged"),
        (220, "call everyone, 4"),
        (220, "ring unacknowledged"),
    ]
    hours = played.wait(5 * HOUR_S)
    assert len(calls(hours)) == 5 * 60 and len(hours) == 5 * 60 + 5 * 180


def test_the_state_says_on_which_rung_the_call_is_and_when_the_next_comes() -> None:
    played = Played()
    assert (played.state.rung, played.state.reached_s, played.seconds(played.state.climb_at_ms)) == (
        "stations",
        0,
        "+10",
    )
    played.wait(25)
    assert (played.state.rung, played.state.reached_s, played.seconds(played.state.climb_at_ms)) == (
        "region",
        20,
        "+15",
    )
    played.wait(40)
    assert (played.state.rung, played.state.round, played.seconds(played.state.climb_at_ms)) == ("everyone", 1, "+35")


def test_a_desk_rests_the_ladder_and_somebody_has_to_be_assigned() -> None:
    played = Played()
    played.wait(9.999)
    assert played.tell(K.ACKNOWLEDGED) == ["withdraw ladder"]
    assert played.wait(59.999) == []
    assert played.wait(20) == [(0.001, "call stations"), (10.001, "call chief")], "the same ladder once more"
    assert (played.state.phase, played.state.why, played.state.wave) == (Phase.CALLING, "unassigned", 2)
    played.tell(K.ACKNOWLEDGED)
    played.tell(K.ASSIGNED, "A", 4)
    assert played.wait(359.999) == []
    assert played.wait(1) == [(0.001, "call stations")], "four minutes and half as much again"
    assert (played.state.why, played.state.assignments[0].progress) == ("not_arrived", Progress.LATE)


def test_who_arrives_in_time_is_asked_every_ten_minutes_and_his_silence_rings_the_desk() -> None:
    played = Played()
    played.tell(K.ASSIGNED, "A", 4)
    played.wait(300)
    played.tell(K.ARRIVED, "A")
    assert played.wait(780) == [(600, "ask A"), (660, "ring scene_silent A"), (720, "ring scene_silent A"),
                                (780, "ring scene_silent A")]  # fmt: skip
    played.tell(K.ALIVE, "A")
    assert played.wait(650) == [(600, "ask A")]
    played.tell(K.ARRIVED, "A")
    assert played.wait(600) == [(600, "ask A")], "every press of a key is a sign of life"


def test_when_all_have_finished_the_desk_is_told_until_it_closes() -> None:
    played = Played()
    for who in "AB":
        played.tell(K.ASSIGNED, who)
        played.tell(K.ARRIVED, who)
    assert played.tell(K.FINISHED, "A") == []
    assert played.wait(1) == []
    assert played.tell(K.FINISHED, "B") == ["ring finished B"]
    assert played.wait(1_200) == [
        (599, "ring finished A"),
        (600, "ring finished B"),
        (1199, "ring finished A"),
        (1200, "ring finished B"),
    ]
    assert played.tell(K.CLOSED) == ["withdraw all"]
    assert played.wait(HOUR_S) == []
    assert played.state.next_at_ms is None


def test_a_second_late_responder_is_news_for_the_desk_where_somebody_is_there() -> None:
    played = Played()
    played.tell(K.ASSIGNED, "A", 2)
    played.tell(K.ASSIGNED, "B", 4)
    played.wait(60)
    played.tell(K.ARRIVED, "A")
    assert played.wait(301) == [(300, "ring not_arrived B")]
    assert played.state.phase is Phase.ACKNOWLEDGED
    assert played.state.assignments[-1].progress is Progress.LATE
    played.tell(K.FINISHED, "A")
    played.tell(K.ACCEPTED, "B", 2)
    assert played.wait(181) == [(180, "ring not_arrived B")], "who has finished was there"


def test_the_first_broken_promise_calls_again_though_another_is_still_coming() -> None:
    played = Played()
    played.tell(K.ASSIGNED, "A", 2)
    played.tell(K.ASSIGNED, "B", 20)
    assert played.wait(181) == [(180, "call stations")]
    played.tell(K.ACKNOWLEDGED)
    assert played.state.assign_by_ms is None, "B is still an answer"
    assert played.wait(HOUR_S)[0] == (20 * 60 * 1.5 - 181, "call stations")


def test_while_desks_ring_only_the_last_one_coming_is_missed() -> None:
    played = Played()
    played.tell(K.ACCEPTED, "A", 1)
    played.tell(K.ACCEPTED, "B", 2)
    done = [each for each in played.wait(181) if "unacknowledged" not in each[1]]
    assert done == [
        (70, "call chief (no responders)"),
        (80, "call region (no responders)"),
        (90, "ring not_arrived A"),
        (100, "call everyone"),
        (120, "call everyone, 1"),
        (160, "call everyone, 2"),
        (180, "call stations"),
    ]
    assert played.state.wave == 2


def test_back_up_needs_somebody_new() -> None:
    played = Played()
    played.tell(K.ASSIGNED, "A")
    played.tell(K.ARRIVED, "A")
    played.wait(5)
    assert played.tell(K.BACKUP, "A") == ["call stations"]
    played.wait(5)
    assert played.tell(K.BACKUP, "A") == [], "a key pressed twice"
    played.tell(K.ACKNOWLEDGED)
    assert played.wait(60) == [(60, "call stations")], "acknowledged, and nobody but A"
    played.tell(K.ACCEPTED, "B")
    played.tell(K.ACKNOWLEDGED)
    assert played.wait(500) == []
    played.tell(K.ARRIVED, "B")
    assert played.tell(K.BACKUP, "B") == ["call stations"]
    assert played.state.answering == ()
    played.tell(K.ACCEPTED, "C")
    assert played.tell(K.BACKUP, "B") == ["call stations"], "one has come forward, and one more is needed"


def test_a_held_call_rings_operator_and_supervisor_until_a_person_decides() -> None:
    played = Played(held=True)
    assert played.begun == ["call operator"]
    assert played.wait(150) == [
        (20, "call supervisor"),
        (40, "call supervisor, 1"),
        (80, "call supervisor, 2"),
        (140, "call supervisor, 3"),
    ]
    played.tell(K.ACKNOWLEDGED)
    assert played.wait(60) == [(60, "call supervisor, 4")], "seen is not decided"
    played.tell(K.ACKNOWLEDGED)
    assert (played.result, played.wait(60)) == (Result.ALREADY, [(60, "call supervisor, 5")])
    assert played.tell(K.RELEASED) == ["call stations"]
    assert played.wait(10) == [(10, "call chief")]


def test_a_press_of_a_suspended_button_again_rings_no_louder() -> None:
    played = Played(held=True)
    before = played.state
    assert (played.tell(K.PRESSED_AGAIN), played.state) == ([], before)


# Rungs that reach nobody


def test_a_rung_that_reaches_nobody_is_left_at_once_and_the_next_keep_their_time() -> None:
    played = Played()
    assert played.tell(K.RUNG_LEFT, call=played.contacts[0].number) == ["call chief"]
    assert played.wait(45) == [
        (20, "call region"),
        (20, "ring unacknowledged"),
        (40, "call everyone"),
        (40, "ring unacknowledged"),
    ]
    assert played.tell(K.RUNG_LEFT, call=1) == []
    assert played.result is Result.UNKNOWN, "it has been left"


def test_a_ladder_on_which_nobody_is_reached_looks_again_every_ten_seconds_and_says_so() -> None:
    played = Played()
    done = []
    for _ in range(4):
        done += played.tell(K.RUNG_LEFT, call=played.state.top_call)
    assert done == ["call chief", "call region", "call everyone", "ring unreached"]
    assert played.tell(K.RUNG_LEFT, call=played.contacts[3].number) == [], "once"
    for again in (1, 2):
        assert calls(played.wait(10)) == [(10, f"call everyone, {again}")], "somebody may have been put on the list"
        assert played.tell(K.RUNG_LEFT, call=played.state.top_call) == ["ring unreached"]


def test_a_last_rung_that_fails_late_is_not_put_off() -> None:
    played = Played()
    played.wait(155)
    assert played.seconds(played.state.climb_at_ms) == "+5"
    played.tell(K.RUNG_LEFT, call=played.state.top_call)
    assert played.seconds(played.state.climb_at_ms) == "+5"


def test_after_an_empty_rung_the_next_contact_is_never_more_than_a_minute_away() -> None:
    rungs = tuple(Rung(f"r{number}", 60 * number, (CallList.DESK,)) for number in range(4))
    played = Played(Ladder("Contoh", rungs=rungs))
    assert played.tell(K.RUNG_LEFT, call=1) == ["call r1"]
    assert calls(played.wait(180)) == [(60, "call r2"), (120, "call r3"), (140, "call r3, 1"), (180, "call r3, 2")]


def test_a_held_call_that_reaches_no_operator_rings_the_supervisor() -> None:
    played = Played(held=True)
    assert played.tell(K.RUNG_LEFT, call=1) == ["call supervisor"]
    assert played.tell(K.RUNG_LEFT, call=2) == ["ring unreached"]
    assert played.wait(10) == [(10, "call supervisor, 1")]


# Edits of the ladder count from the next contact


def edited(rungs: tuple[Rung, ...], at_s: float) -> list[tuple[float, str]]:
    """What is called after the usual ladder was edited."""
    played = Played()
    played.wait(at_s)
    played.ladder = copied(LADDER, rungs=rungs)
    return calls(played.wait(60))


def test_a_rung_taken_out_put_in_or_moved_counts_from_the_next_contact() -> None:
    stations, chief, region, everyone = LADDER.rungs
    assert edited((stations, region, everyone), 15) == [(5, "call region"), (25, "call everyone"),
                                                        (45, "call everyone, 1")]  # fmt: skip
    assert edited((stations, region, everyone), 5) == [(5, "call region"), (35, "call everyone"),
                                                       (55, "call everyone, 1")]  # fmt: skip
    between = Rung("between", 30, (CallList.STATIONS,))
    assert edited((stations, chief, region, between, everyone), 15) == [
        (5, "call region"),
        (15, "call between"),
        (25, "call everyone"),
        (45, "call everyone, 1"),
    ]
    swapped = (stations, copied(region, after_s=10), copied(chief, after_s=20), everyone)
    assert edited(swapped, 15)[0] == (5, "call chief")
    assert edited((stations,), 15) == [(5, "call stations, 1"), (45, "call stations, 2")]
    longer = (*LADDER.rungs, Rung("province", 90, (CallList.REGION,)))
    assert edited(longer, 45) == [(15, "call province"), (35, "call province, 1")]


# The clock


def test_a_late_worker_calls_every_rung_that_is_due_once() -> None:
    assert Played().sleep(25) == ["call chief", "call region", "ring unacknowledged"]
    late = Played()
    assert late.sleep(HOUR_S) == [
        "call chief",
        "call region",
        "call everyone",
        "ring unacknowledged",
    ]
    assert calls(late.wait(60)) == [(20, "call everyone, 1"), (60, "call everyone, 2")]


def test_a_clock_that_jumps_forth_loses_and_doubles_nothing() -> None:
    played = Played()
    played.tell(K.ASSIGNED, "A", 4)
    played.tell(K.ARRIVED, "A")
    assert played.sleep(24 * HOUR_S) == ["ask A"]
    assert played.wait(60) == [(60, "ring scene_silent A")]


@pytest.mark.parametrize("back_s", [0.001, 1, 9, HOUR_S, 365 * 24 * HOUR_S])
def test_a_clock_that_is_set_back_puts_no_contact_off(back_s: float) -> None:
    played = Played()
    assert played.sleep(-back_s) == []
    assert played.wait(40) == [
        (10, "call chief"),
        (20, "call region"),
        (20, "ring unacknowledged"),
        (40, "call everyone"),
        (40, "ring unacknowledged"),
    ]


def test_a_clock_that_is_set_back_takes_every_time_along() -> None:
    played = Played()
    played.wait(5)
    played.tell(K.ACCEPTED, "A", 4)
    played.tell(K.ARRIVED, "B")
    before = played.summary()
    since = [played.now_ms - each.since_ms for each in played.state.assignments]
    played.sleep(-500)
    assert played.summary() == before
    assert [played.now_ms - each.since_ms for each in played.state.assignments] == since
    assert played.state.touched_ms == played.now_ms
    played.tell(K.ACKNOWLEDGED)
    played.tell(K.WITHDREW, "B")
    played.tell(K.BACKUP, "A")
    played.tell(K.ACKNOWLEDGED)
    before = played.summary()
    assert "assign +60" in before
    played.sleep(-500)
    assert played.summary() == before


def test_forth_and_back_again_is_as_if_it_had_stood() -> None:
    played = Played()
    played.wait(45)
    before = played.summary()
    played.sleep(HOUR_S)
    played.sleep(-HOUR_S)
    assert played.state.phase is Phase.CALLING
    assert calls(played.wait(41)) == [(40, "call everyone, 2")], "the first was made at the jump"
    back = Played()
    back.tell(K.ACCEPTED, "A", 200)
    back.sleep(HOUR_S)
    assert back.state.rung == "everyone"
    assert back.tell(K.WITHDREW, "A") == ["call stations"], "the pause is over"
    assert calls(back.wait(20)) == [(20, "call everyone, 1")]
    assert before.startswith("calling opened 1 at everyone")


# A restored backup


def test_what_a_backup_brings_back_is_asked_about_and_not_called() -> None:
    played = Played()
    played.wait(15)
    played.tell(K.ACCEPTED, "A", 4)
    played.now_ms += 30 * 24 * HOUR_S * 1000
    assert played.tell(K.RESTORED) == ["withdraw all", "ring restored"]
    assert played.wait(150) == [(60, "ring restored"), (120, "ring restored")]
    played.tell(K.ACKNOWLEDGED)
    assert played.wait(610) == [(600, "ring restored")]
    assert played.tell(K.RESUMED) == ["call stations"]
    assert played.wait(10) == [(10, "call chief")]


def test_who_reports_while_a_desk_is_asked_is_watched_once_it_is_resumed() -> None:
    played = Played()
    played.tell(K.RESTORED)
    played.tell(K.ACCEPTED, "A", 4)
    played.tell(K.ARRIVED, "B")
    assert [what for _, what in played.wait(400)] == ["ring restored"] * 6
    played.tell(K.RESUMED)
    played.tell(K.ACKNOWLEDGED)
    assert played.state.assignment("A").progress is Progress.LATE  # type: ignore[union-attr]
    assert played.wait(250) == [(200, "ask B")]


# Words


def test_a_contact_says_what_it_is_of() -> None:
    played = Played()
    (first,) = played.contacts
    assert (first.number, first.kind, first.why, first.wave) == (1, ContactKind.CALL, "opened", 1)
    assert (first.rung, first.after_s, first.round, first.responders, first.who) == ("stations", 0, 0, True, "")
    played.wait(65)
    again = [each for each in played.contacts if each.kind is ContactKind.CALL][-1]
    assert (again.wave, again.rung, again.after_s, again.round) == (1, "everyone", 40, 1)
    assert words(played.contacts[-1]) == "ring unacknowledged"
    assert played.state.started_ms == BEGIN_MS
