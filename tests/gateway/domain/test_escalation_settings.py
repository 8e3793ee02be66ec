"""Ladders that are refused, by name, and those that would reach nobody (domain/escalation_settings.py)."""

from __future__ import annotations

import pytest

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.escalation_settings import (
    USUAL_HELD,
    USUAL_RUNGS,
    CallList,
    Ladder,
    Rung,
    checked,
    faults,
    unmanned,
)
from siaga_gateway.domain.value import copied

USUAL = Ladder("Polres Contoh")
DESK = (CallList.DESK,)


def test_the_usual_ladder_is_that_of_the_programmes() -> None:
    assert checked(USUAL) is USUAL
    assert [(rung.name, rung.after_s) for rung in USUAL.rungs] == [
        ("stations", 0),
        ("chief", 10),
        ("region", 20),
        ("everyone", 40),
    ]
    assert [(rung.name, rung.after_s) for rung in USUAL.held] == [("operator", 0), ("supervisor", 20)]
    first = USUAL.rungs[0]
    assert first.lists == (CallList.STATIONS, CallList.DESK, CallList.RESPONDERS)
    assert Ladder("Polres Contoh", USUAL_RUNGS, USUAL_HELD, (20, 40, 60), 10, 20, 60, 60, 10, 50, 600, 60, 2) == USUAL


def said(ladder: Ladder) -> list[str]:
    return [fault.key for fault in faults(ladder)]


@pytest.mark.parametrize("side", ["rungs", "held"])
@pytest.mark.parametrize(
    ("rungs", "keys"),
    [
        ((), ["ladder.ends_with_nobody"]),
        ((Rung("a", 0, DESK), Rung("b", 10, ())), ["ladder.ends_with_nobody"]),
        ((Rung("a", 0, ()), Rung("b", 10, DESK)), ["ladder.calls_nobody"]),
        ((Rung("a", 1, DESK),), ["ladder.begins_late"]),
        ((Rung("a", -1, DESK),), ["ladder.begins_late"]),
        ((Rung("a", 0, DESK), Rung("b", 0, DESK)), ["ladder.interval"]),
        ((Rung("a", 0, DESK), Rung("b", 61, DESK)), ["ladder.interval"]),
        ((Rung("a", 0, DESK), Rung("b", 20, DESK), Rung("c", 10, DESK)), ["ladder.interval"]),
        ((Rung("a", 0, DESK), Rung("b", 1, DESK), Rung("c", 61, DESK)), []),
        ((Rung("a", 0, DESK), Rung("b", 5, DESK), Rung("a", 9, DESK)), ["ladder.twice"]),
        ((Rung("a", 0, DESK),), []),
        ((Rung("a", 3, ()), Rung("a", 3, ())), ["ladder.ends_with_nobody", "ladder.begins_late", "ladder.calls_nobody",
                                               "ladder.interval", "ladder.twice"]),
    ],
)  # fmt: skip
def test_a_ladder_with_a_fault_is_refused_by_name(side: str, rungs: tuple[Rung, ...], keys: list[str]) -> None:
    ladder = copied(USUAL, **{side: rungs})
    assert said(ladder) == keys
    if keys:
        with pytest.raises(SettingError) as refused:
            checked(ladder)
        assert refused.value.key == keys[0]
        assert "Polres Contoh" in str(refused.value)


def test_a_fault_says_what_stands_there_and_what_should() -> None:
    late = copied(USUAL, rungs=(Rung("a", 0, DESK), Rung("b", 5, DESK), Rung("c", 70, DESK)))
    (fault,) = faults(late)
    assert fault.values == {
        "jurisdiction": "Polres Contoh",
        "rung": "c",
        "after_s": 70,
        "below": "b",
        "below_s": 5,
        "most": 60,
    }
    (begins,) = faults(copied(USUAL, rungs=(Rung("a", 7, DESK),)))
    assert begins.values == {"jurisdiction": "Polres Contoh", "rung": "a", "after_s": 7}
    (range_fault,) = faults(copied(USUAL, minutes=0))
    assert range_fault.values == {
        "jurisdiction": "Polres Contoh",
        "name": "minutes",
        "value": 0,
        "least": 1,
        "most": 240,
    }


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("empty_s", 60),
        ("desk_s", 60),
        ("pause_s", 60),
        ("assign_s", 60),
        ("minutes", 240),
        ("grace_percent", 100),
        ("check_s", 3_600),
        ("answer_s", 60),
        ("enough", 100),
    ],
)
def test_no_setting_is_out_of_its_range(name: str, most: int) -> None:
    for value, keys in ((0, ["ladder.out_of_range"]), (1, []), (most, []), (most + 1, ["ladder.out_of_range"])):
        assert said(copied(USUAL, **{name: value})) == keys


def test_everyone_is_called_again_at_least_once_a_minute() -> None:
    for pauses, wrong in (((), 1), ((0,), 1), ((1,), 0), ((60,), 0), ((61,), 1), ((20, 90, 0), 2)):
        assert said(copied(USUAL, again_s=pauses)) == ["ladder.out_of_range"] * wrong


def test_a_ladder_that_reaches_nobody_now_is_shown_before_the_first_press() -> None:
    everybody = dict.fromkeys(CallList, 1)
    assert unmanned(USUAL, everybody) == ()
    assert unmanned(USUAL, {**everybody, CallList.STATIONS: 0, CallList.DESK: 0}) == ()
    (chief,) = unmanned(USUAL, {**everybody, CallList.CHIEF: 0})
    assert (chief.key, chief.values) == ("ladder.unmanned", {"jurisdiction": "Polres Contoh", "rung": "chief"})
    (last,) = unmanned(USUAL, {**everybody, CallList.EVERYONE: 0})
    assert (last.key, last.values) == ("ladder.ends_with_nobody", {"jurisdiction": "Polres Contoh"})
    assert [each.key for each in unmanned(USUAL, {})] == [
        *("ladder.unmanned", "ladder.unmanned", "ladder.unmanned", "ladder.ends_with_nobody"),
        *("ladder.unmanned", "ladder.ends_with_nobody"),
    ]
