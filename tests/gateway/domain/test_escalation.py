"""What a fact does to an escalation (domain/escalation.py), in every situation: `escalation_table.txt`.

It is made by `PYTHONPATH=tests .venv/bin/python tests/gateway/domain/test_escalation.py`; a change of the rules is a
change of that file.
What time does: test_escalation_step.py. Every order of it all: test_escalation_search.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

from gateway.domain.played_escalation import BEGIN_MS, LADDER, Played, told
from siaga_gateway.domain.escalation import fault, is_due, opened, step
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import (
    Assignment,
    ContactKind,
    Fact,
    FactKind,
    Phase,
    Progress,
    Result,
    Why,
)
from siaga_gateway.domain.value import copied

TABLE = Path(__file__).with_name("escalation_table.txt")
K = FactKind
OF_SOMEBODY = (*(K.ACCEPTED, K.DECLINED, K.WITHDREW, K.ASSIGNED, K.ARRIVED, K.ALIVE, K.BACKUP, K.FINISHED, K.UNCLEAR),)


def _after(*facts: tuple[FactKind, str] | int, held: bool = False, wait: float = 5) -> Played:
    """A second before each fact; a number is so many seconds."""
    played = Played(held=held)
    for each in facts:
        if isinstance(each, int):
            played.wait(each)
        else:
            played.wait(1)
            played.tell(*each)
    played.wait(wait)
    return played


SITUATIONS: dict[str, Callable[[], Played]] = {
    "held": lambda: _after(held=True),
    "held, and seen": lambda: _after((K.ACKNOWLEDGED, ""), held=True),
    "calling": lambda: _after(),
    "calling, A is coming": lambda: _after((K.ACCEPTED, "A")),
    "calling, A and B are coming": lambda: _after((K.ACCEPTED, "A"), (K.ACCEPTED, "B")),
    "calling, A is on scene": lambda: _after((K.ARRIVED, "A")),
    "calling, A on scene needs back-up": lambda: _after((K.ARRIVED, "A"), (K.BACKUP, "A")),
    "acknowledged": lambda: _after((K.ACKNOWLEDGED, "")),
    "acknowledged, A is coming": lambda: _after((K.ACKNOWLEDGED, ""), (K.ACCEPTED, "A")),
    "acknowledged, A and B are coming": lambda: _after((K.ACKNOWLEDGED, ""), (K.ACCEPTED, "A"), (K.ACCEPTED, "B")),
    "acknowledged, A is on scene": lambda: _after((K.ACKNOWLEDGED, ""), (K.ARRIVED, "A")),
    "acknowledged, A on scene is silent": lambda: _after((K.ACKNOWLEDGED, ""), (K.ARRIVED, "A"), wait=630),
    "acknowledged, A on scene needs back-up": lambda: _after((K.ARRIVED, "A"), (K.BACKUP, "A"), (K.ACKNOWLEDGED, "")),
    "acknowledged, A has finished": lambda: _after((K.ACKNOWLEDGED, ""), (K.ARRIVED, "A"), (K.FINISHED, "A")),
    "A was late, the second wave is acknowledged": lambda: _after(
        (K.ACCEPTED, "A"), (K.ACKNOWLEDGED, ""), 900, (K.ACKNOWLEDGED, "")
    ),
    "asked": lambda: _after((K.RESTORED, "")),
    "asked, A was coming and B on scene": lambda: _after((K.ACCEPTED, "A"), (K.ARRIVED, "B"), (K.RESTORED, "")),
    "asked, from a held call": lambda: _after((K.RESTORED, ""), held=True),
    "closed": lambda: _after((K.CLOSED, "")),
}


def table() -> str:
    lines = ["What a fact does, 5 s after the last one, on the usual ladder. Made by test_escalation.py.", ""]
    for name, situation in SITUATIONS.items():
        begin = situation()
        lines += [f"== {name}", f"   {begin.summary()}"]
        for kind in K:
            for who in ("A", "C") if kind in OF_SOMEBODY else ("",):
                played = copy(begin)
                did = played.tell(kind, who, call=played.state.top_call)
                what = f"{kind} {who}".strip()
                changed = "" if played.state == begin.state else f" -> {played.summary()}"
                lines.append(f"{what:<14} {played.result:<8}{''.join(f' [{each}]' for each in did)}{changed}".rstrip())
        lines.append("")
    return "\n".join(lines)


def test_the_table_has_what_every_fact_does_in_every_situation() -> None:
    assert table() == TABLE.read_text(encoding="utf-8"), "make the table anew, and read the difference"


# Whose answer counts


def test_an_acknowledgement_of_an_earlier_wave_is_overtaken() -> None:
    """Somebody answers the first wave's call when the only responder has just withdrawn: there is news."""
    played = Played()
    played.tell(K.ACCEPTED, "A")
    played.tell(K.WITHDREW, "A")
    assert played.state.wave == 2
    before = played.state
    assert played.tell(K.ACKNOWLEDGED, wave=1) == []
    assert (played.result, played.state) == (Result.OVERTAKEN, before)
    assert played.tell(K.ACKNOWLEDGED, wave=2) == ["withdraw ladder"]
    assert played.state.phase is Phase.ACKNOWLEDGED


@pytest.mark.parametrize("minutes", [None, 0, 7])
def test_a_promise_is_the_minutes_and_half_as_much_again(minutes: int | None) -> None:
    played = Played()
    played.tell(K.ACCEPTED, "A", minutes)
    (assignment,) = played.state.assignments
    seconds = {None: 900, 0: 90, 7: 630}[minutes]
    due_ms = BEGIN_MS + seconds * 1000
    assert assignment == Assignment("A", Progress.COMING, 1, BEGIN_MS, minutes, due_ms)


def test_a_new_estimate_is_a_new_promise_and_the_same_one_is_not() -> None:
    played = Played()
    played.tell(K.ACCEPTED, "A", 4)
    played.wait(5)
    before = played.state
    for minutes in (4, None):
        assert played.tell(K.ACCEPTED, "A", minutes) == []
        assert (played.result, played.state) == (Result.ALREADY, before)
    played.tell(K.ACCEPTED, "A", 6)
    assert played.result is Result.TAKEN
    assert played.state.assignments[0].due_ms == played.now_ms + 540_000
    assert played.state.climb_at_ms == before.climb_at_ms, "he is not another one"


def test_the_last_of_enough_responders_tells_the_others_and_one_more_tells_nobody() -> None:
    played = Played()
    assert played.tell(K.ACCEPTED, "A") == []
    assert played.tell(K.ACCEPTED, "B") == ["not needed"]
    assert played.tell(K.ACCEPTED, "C") == []
    assert played.result is Result.TAKEN, "who comes is coming"
    assert played.wait(75) == [
        (20, "ring unacknowledged"),
        (40, "ring unacknowledged"),
        (60, "ring unacknowledged"),
        (70, "call chief (no responders)"),
    ]
    played.tell(K.WITHDREW, "A")
    played.tell(K.WITHDREW, "C")
    assert "call region" in [each for _, each in played.wait(10)]
    assert played.tell(K.ACCEPTED, "D") == ["not needed"]
    one = Played(copied(LADDER, enough=1))
    assert one.tell(K.ACCEPTED, "A") == ["not needed"]


def test_status_is_the_assignments_and_changes_no_other() -> None:
    played = Played()
    for who in "AB":
        played.tell(K.ACCEPTED, who, 4)
    played.wait(5)
    other = played.state.assignment("B")
    for kind in (K.ARRIVED, K.ALIVE, K.FINISHED):
        played.tell(kind, "A")
        assert played.state.assignment("B") == other
    played.tell(K.ARRIVED, "A")
    assert played.state.assignments == (other, played.state.assignment("A"))


def test_a_withdrawal_takes_the_pause_back_and_keeps_the_height() -> None:
    """Whoever accepts and withdraws again and again holds up nobody."""
    played = Played()
    played.wait(5)
    played.tell(K.ACCEPTED, "A")
    assert played.seconds(played.state.climb_at_ms) == "+65"
    played.wait(4)
    assert played.tell(K.WITHDREW, "A") == ["call stations"]
    assert played.wait(2) == [(1, "call chief")], "10 s after the beginning, as without him"
    played.tell(K.ACCEPTED, "A")
    assert played.seconds(played.state.climb_at_ms) == "+69"
    played.wait(30)
    assert played.tell(K.WITHDREW, "A") == ["call stations", "call region", "call everyone"]
    assert played.state.wave == 3


def test_a_second_withdrawal_leaves_the_first_rungs_failure_without_effect_on_the_height() -> None:
    played = Played()
    played.wait(15)
    top = played.state.top_call
    played.tell(K.ACCEPTED, "A")
    played.tell(K.WITHDREW, "A")
    first = played.contacts[-1]
    assert (first.kind, first.rung, played.state.rung, played.state.top_call) == (
        *(ContactKind.CALL, "stations", "chief"),
        top,
    )
    assert played.tell(K.RUNG_LEFT, call=first.number) == []
    assert played.result is Result.UNKNOWN
    assert played.tell(K.RUNG_LEFT, call=top) == ["call region"]


def test_a_step_that_changes_nothing_is_no_change_of_the_row() -> None:
    played = Played()
    played.wait(5)
    for kind, who in ((K.TICK, ""), (K.DECLINED, "C"), (K.ALIVE, "C"), (K.RESUMED, ""), (K.RUNG_LEFT, "")):
        before = played.state
        assert step(before, Fact(kind, who), played.now_ms, LADDER).state is not None
        assert played.tell(kind, who) == []
        assert played.state == before


def test_what_opens_it_is_a_contact_at_once() -> None:
    did = opened(7, BEGIN_MS, LADDER)
    assert told(did) == ["call stations"]
    assert (did.state.incident_id, did.result, did.state.touched_ms) == (7, Result.TAKEN, BEGIN_MS)
    assert told(opened(7, BEGIN_MS, LADDER, held=True)) == ["call operator"]


# What the store and the auditor look at


def test_it_is_due_when_its_time_has_come_or_the_clock_was_set_back() -> None:
    state = opened(1, BEGIN_MS, LADDER).state
    assert [is_due(state, BEGIN_MS + ms) for ms in (-1, 0, 9_999, 10_000, 99_000)] == [True, False, False, True, True]
    closed = step(state, Fact(K.CLOSED), BEGIN_MS, LADDER).state
    assert not is_due(closed, BEGIN_MS - 1) and not is_due(closed, BEGIN_MS + 99_000)


def test_the_auditor_hears_of_what_is_late_or_not_due_at_all() -> None:
    state = opened(1, BEGIN_MS, LADDER).state
    assert [fault(state, BEGIN_MS + ms) for ms in (0, 15_000, 15_001)] == [None, None, "late"]
    assert fault(copied(state, next_at_ms=None), BEGIN_MS) == "no_next"
    far = copied(state, climb_at_ms=BEGIN_MS + 60_001, desk_at_ms=None)
    assert [fault(far, BEGIN_MS + ms) for ms in (0, 1)] == ["far", None]
    assert fault(copied(far, climb_at_ms=None), BEGIN_MS) == "far"
    assert fault(copied(far, desk_at_ms=BEGIN_MS + 60_000), BEGIN_MS) is None
    assert fault(copied(far, phase=Phase.HELD), BEGIN_MS) == "far"
    assert fault(copied(far, phase=Phase.ACKNOWLEDGED), BEGIN_MS) is None
    assert fault(copied(state, phase=Phase.CLOSED, next_at_ms=None), BEGIN_MS) is None


def test_numbers_are_never_used_twice_whatever_happens() -> None:
    played = Played(Ladder("Contoh"))
    for _ in range(3):
        played.wait(130)
        played.tell(K.ACCEPTED, "A", 1)
        played.tell(K.ACKNOWLEDGED)
        played.wait(200)
    numbers = [each.number for each in played.contacts]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 20
    assert {each.why for each in played.contacts if each.kind is ContactKind.CALL} == {Why.OPENED, Why.NOT_ARRIVED}


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    sys.stdout.write(table())
