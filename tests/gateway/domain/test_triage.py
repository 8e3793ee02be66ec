"""The alarm level of a call (domain/triage.py): which signs change it, and what none of them may do.

`triage_table.txt` has the level of every sign, of every two, and of every three or more that are all needed for it. It
is made by
`PYTHONPATH=tests .venv/bin/python tests/gateway/domain/test_triage.py`; a change of the rules is a change of that file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.catalogue import LANGUAGES, texts
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.triage import LATE_MS, Effect, Reason, Sign, judge, queue_order, wave_order
from siaga_gateway.domain.triage_signs import FixQuality, History, Signs, TriageLimits
from siaga_gateway.domain.value import copied

TABLE = Path(__file__).with_name("triage_table.txt")
NOW_MS = 1_790_000_000_000

# One sign each: the field of Signs that it sets, and to what. Two of one field exclude each other.
ATOMS: dict[str, tuple[str, object]] = {
    "duress": ("duress", True),
    "duress_word": ("call_back", CallBack.DURESS_WORD),
    "neighbour": ("neighbours", 1),
    "neighbours": ("neighbours", 2),
    "confirmed": ("call_back", CallBack.CONFIRMED),
    "unanswered": ("call_back", CallBack.UNANSWERED),
    "cut": ("call_back", CallBack.CUT),
    "no_word": ("call_back", CallBack.NO_WORD),
    "presses": ("presses", 2),
    "tamper": ("tamper", True),
    "fell_silent": ("fell_silent", True),
    "silent": ("silent", True),
    "called_off": ("call_back", CallBack.CALLED_OFF),
    "pressed_since": ("pressed_since", True),
    "suspended": ("registration", RegistrationState.SUSPENDED),
    "stolen": ("registration", RegistrationState.STOLEN),
    "removed": ("registration", RegistrationState.REMOVED),
    "pending": ("registration", RegistrationState.PENDING),
    "expired": ("registration", RegistrationState.EXPIRED),
    "pranks": ("abuse", 3),
    "earlier_need": ("verified", 1),
    "accidents": ("accidental", 9),
    "unfounded": ("unfounded", 9),
    "fix_none": ("fix", FixQuality.NONE),
    "fix_old": ("fix", FixQuality.OLD),
    "fix_coarse": ("fix", FixQuality.COARSE),
    "unwell": ("unwell", True),
    "key_copied": ("key_copied", True),
    "test": ("mode", Mode.TEST),
}
OF_HISTORY = ("verified", "unfounded", "accidental", "abuse")
RAISING = (CallBack.UNANSWERED, CallBack.CUT, CallBack.NO_WORD, CallBack.CONFIRMED)
DANGERS = ("neighbour", "confirmed", "unanswered", "cut", "no_word", "presses", "tamper", "fell_silent", "silent")


def signs(atoms: Iterable[str]) -> Signs | None:
    """None: two of them exclude each other."""
    atoms = list(atoms)
    fields = dict(ATOMS[atom] for atom in atoms)
    if len(fields) < len(atoms):
        return None
    history = History(**{name: fields.pop(name) for name in OF_HISTORY if name in fields})  # type: ignore[arg-type]
    return Signs(history=history, **fields)  # type: ignore[arg-type]


def level(*atoms: str) -> int:
    found = signs(atoms)
    assert found is not None
    return judge(found).level


def needed_together(size: int) -> list[tuple[int, tuple[str, ...]]]:
    """Every combination of so many signs none of which can be left out without another level; no test."""
    found = []
    for atoms in combinations([atom for atom in ATOMS if atom != "test"], size):
        if (made := signs(atoms)) is not None:
            here = judge(made).level
            if all(level(*(other for other in atoms if other != atom)) != here for atom in atoms):
                found.append((here, atoms))
    return found


def table() -> str:
    lines = [
        "The alarm level of a call, as domain/triage.py judges it. Made by test_triage.py.",
        "",
        f"Nothing but a press: {level()}",
        "",
        "One sign alone (on the diagonal), and every two; a dot where two exclude each other:",
        "",
    ]
    names = list(ATOMS)
    lines.append(f"{'':>14}" + "".join(f"{number:>3}" for number in range(1, len(names) + 1)))
    for number, row in enumerate(names, 1):
        cells = []
        for column in names[:number]:
            made = signs({row, column})
            cells.append("." if made is None else str(judge(made).level))
        lines.append(f"{number:>2} {row:<12}" + "".join(f"{cell:>3}" for cell in cells))
    lines += ["", "Three that are all needed for their level:", ""]
    lines += [f"{here}  {' + '.join(atoms)}" for here, atoms in sorted(needed_together(3))]
    return "\n".join(lines) + "\n"


def test_the_table_has_every_combination_that_changes_a_level() -> None:
    assert table() == TABLE.read_text(encoding="utf-8"), "make the table anew, and read the difference"


def test_no_four_signs_are_all_needed_for_a_level() -> None:
    """So the table is whole."""
    assert needed_together(4) == []


# What no rule may do

histories = st.builds(History, *(st.integers(0, 9) for _ in OF_HISTORY))
calls = st.builds(
    Signs,
    registration=st.sampled_from(RegistrationState),
    mode=st.sampled_from([Mode.ACTUAL, Mode.EXERCISE]),
    history=histories,
    presses=st.integers(1, 9),
    duress=st.booleans(),
    silent=st.booleans(),
    fell_silent=st.booleans(),
    neighbours=st.integers(0, 9),
    call_back=st.sampled_from(CallBack),
    pressed_since=st.booleans(),
    fix=st.sampled_from(FixQuality),
    tamper=st.booleans(),
    unwell=st.booleans(),
    key_copied=st.booleans(),
)


@given(calls, st.integers(1, 9))
def test_a_verified_press_is_never_no_call(call: Signs, pranks: int) -> None:
    assert 1 <= judge(call, TriageLimits(pranks=pranks)).level <= 4


@given(calls)
def test_no_sign_of_danger_lowers_a_level(call: Signs) -> None:
    worse = [
        copied(call, duress=True),
        copied(call, silent=True),
        copied(call, fell_silent=True),
        copied(call, tamper=True),
        copied(call, presses=call.presses + 1),
        copied(call, neighbours=call.neighbours + 1),
        copied(call, pressed_since=True),
        copied(call, history=copied(call.history, verified=call.history.verified + 1)),
        copied(call, call_back=CallBack.DURESS_WORD),
    ]
    if call.call_back in (CallBack.NOT_TRIED, CallBack.CALLED_OFF):
        worse += [copied(call, call_back=each) for each in RAISING]
    before = judge(call).level
    assert [judge(each).level for each in worse if judge(each).level < before] == []


@given(calls)
def test_no_uncertainty_lowers_a_level(call: Signs) -> None:
    before = judge(call).level
    for fix in (FixQuality.COARSE, FixQuality.OLD, FixQuality.NONE):
        if call.fix is FixQuality.GOOD:
            assert judge(copied(call, fix=fix)).level >= before
    assert judge(copied(call, unwell=True)).level >= before
    assert judge(copied(call, key_copied=True)).level >= before


@given(calls, histories)
def test_no_record_outweighs_a_sign_of_danger(call: Signs, history: History) -> None:
    dangerous = call.silent or call.tamper or call.duress or call.presses > 1 or call.neighbours > 0
    if dangerous and call.call_back is not CallBack.CALLED_OFF:
        assert judge(copied(call, history=history)).level == judge(call).level >= 3


@given(calls)
def test_a_registration_says_nothing_where_there_is_danger(call: Signs) -> None:
    if call.silent and call.call_back is not CallBack.CALLED_OFF:
        assert len({judge(copied(call, registration=each)).level for each in RegistrationState}) == 1


@given(calls)
def test_every_reason_has_its_effect_and_its_words(call: Signs) -> None:
    alarm = judge(call)
    effects = {reason.effect for reason in alarm.reasons}
    if alarm.level > 2:
        assert Effect.RAISES in effects
    if alarm.level < 2:
        assert Effect.LOWERS in effects
    if alarm.level == 2 and Effect.RAISES not in effects:
        assert Effect.LOWERS not in effects
    order = list(Sign)
    assert sorted(alarm.reasons, key=lambda reason: order.index(reason.sign)) == list(alarm.reasons)
    for said in (alarm.message, *(reason.message for reason in alarm.reasons)):
        for language in LANGUAGES:
            assert said.say(language) != said.key
            assert "{" not in said.say(language)


def test_each_sign_level_and_effect_has_its_text_and_no_text_is_of_nothing() -> None:
    said = {f"dispatch.sign.{sign}" for sign in Sign} | {f"dispatch.level.{each}" for each in range(5)}
    said |= {f"dispatch.effect.{effect}" for effect in Effect}
    assert {key for key in texts("dispatch", "id") if key.split(".")[1] in ("sign", "level", "effect")} == said


# What is told


def test_a_test_is_no_call_whatever_else_is_known() -> None:
    alarm = judge(Signs(mode=Mode.TEST, duress=True, presses=5))
    assert (alarm.level, alarm.reasons) == (0, (Reason(Sign.TEST, Effect.NONE),))
    assert judge(Signs(mode=Mode.EXERCISE, duress=True)).level == 4


def test_the_reasons_say_how_often_and_what_each_did() -> None:
    history = History(verified=0, unfounded=1, accidental=2, abuse=4)
    call = Signs(presses=3, neighbours=7, history=history, registration=RegistrationState.EXPIRED)
    assert judge(call).reasons == (
        Reason(Sign.NEIGHBOURS, Effect.RAISES, 7),
        Reason(Sign.PRESSES, Effect.RAISES, 3),
        Reason(Sign.PRANKS, Effect.NONE, 4),
        Reason(Sign.EXPIRED, Effect.NONE),
        Reason(Sign.ACCIDENTS, Effect.NONE, 2),
        Reason(Sign.UNFOUNDED, Effect.NONE, 1),
    )
    assert judge(Signs(history=history)).reasons[0] == Reason(Sign.PRANKS, Effect.LOWERS, 4)
    assert judge(Signs(history=History(abuse=2))).reasons == (Reason(Sign.PRANKS, Effect.NONE, 2),)
    assert judge(Signs(history=History(abuse=2)), TriageLimits(pranks=2)).level == 1
    held = judge(Signs(history=copied(history, verified=5), fix=FixQuality.OLD))
    assert held.level == 2
    assert held.reasons[:3] == (
        Reason(Sign.PRANKS, Effect.NONE, 4),
        Reason(Sign.FIX_OLD, Effect.HOLDS),
        Reason(Sign.EARLIER_NEED, Effect.HOLDS, 5),
    )
    assert judge(Signs(fix=FixQuality.NONE)).reasons == (Reason(Sign.FIX_NONE, Effect.NONE),)
    assert judge(Signs()).reasons == ()


def test_who_calls_off_with_the_word_answers_for_his_own_signs_alone() -> None:
    off = Signs(call_back=CallBack.CALLED_OFF, presses=4, silent=True)
    assert judge(off).level == 1
    assert judge(off).reasons == (
        Reason(Sign.PRESSES, Effect.NONE, 4),
        Reason(Sign.SILENT, Effect.NONE),
        Reason(Sign.CALLED_OFF, Effect.LOWERS),
    )
    assert judge(copied(off, neighbours=1)).level == 2
    assert judge(copied(off, neighbours=2)).level == 3
    assert judge(copied(off, neighbours=1, tamper=True)).level == 3
    again = judge(copied(off, pressed_since=True))
    assert again.level == 4
    assert again.reasons[-1] == Reason(Sign.CALLED_OFF, Effect.NONE)
    assert judge(copied(off, duress=True)).level == 4, "the word was said under duress"


@pytest.mark.parametrize("one", DANGERS)
@pytest.mark.parametrize("other", DANGERS)
def test_one_sign_of_danger_is_level_three_and_two_are_four(one: str, other: str) -> None:
    if (made := signs({one, other})) is not None:
        assert judge(made).level == (3 if one == other else 4)


# What it orders


def test_the_highest_level_stands_first_and_of_one_level_the_oldest() -> None:
    queue = [(2, 5), (4, 9), (1, 1), (4, 7), (2, 4)]
    assert sorted(queue, key=lambda one: queue_order(*one)) == [(4, 7), (4, 9), (2, 4), (2, 5), (1, 1)]


def test_what_is_late_is_called_before_every_level() -> None:
    due = [(4, NOW_MS), (4, NOW_MS - 5_000), (1, NOW_MS - 5_001), (2, NOW_MS - 7_000), (3, NOW_MS - 1)]
    assert sorted(due, key=lambda one: wave_order(*one, NOW_MS)) == [
        (2, NOW_MS - 7_000),
        (1, NOW_MS - 5_001),
        (4, NOW_MS - 5_000),
        (4, NOW_MS),
        (3, NOW_MS - 1),
    ]


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    sys.stdout.write(table())


def test_what_is_not_counted_is_told_once_and_what_is_counted_from_one_on() -> None:
    counted = {Sign.NEIGHBOURS: 2, Sign.PRESSES: 2, Sign.PRANKS: 3, Sign.ACCIDENTS: 9, Sign.UNFOUNDED: 9}
    for atom in ATOMS:
        made = signs([atom])
        assert made is not None
        for each in judge(made).reasons:
            assert each.count == (1 if atom == "neighbour" else counted.get(each.sign, 1)), each
    told = {each.sign: each.count for each in judge(Signs(history=History(abuse=1, accidental=1, unfounded=1))).reasons}
    assert told == {Sign.PRANKS: 1, Sign.ACCIDENTS: 1, Sign.UNFOUNDED: 1}


def test_the_last_moment_that_is_not_late_goes_by_its_level() -> None:
    assert wave_order(1, NOW_MS - LATE_MS, NOW_MS) > wave_order(4, NOW_MS, NOW_MS)
    assert wave_order(1, NOW_MS - LATE_MS - 1, NOW_MS) < wave_order(4, NOW_MS, NOW_MS)
