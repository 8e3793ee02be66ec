"""When messages to one person are folded: a few go one by one, then one tells of all, ever more rarely, until calm."""

from __future__ import annotations

from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.rule_values import incident
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import ContactKind, Why
from siaga_gateway.domain.folding import (
    CALM_MS,
    FEW,
    PAUSES_MS,
    WINDOW_MS,
    Choice,
    FoldPace,
    after_failure,
    after_fold,
    after_single,
    choose,
    foldable,
)


def sent(pace: FoldPace, now_ms: int, incident_id: int | None = None) -> tuple[FoldPace, Choice]:
    """Send one if it may go. incident_id: None: of a call of its own."""
    incident_id = now_ms if incident_id is None else incident_id
    choice, _ = choose(pace, incident_id, now_ms)
    if choice is Choice.SINGLE:
        return after_single(pace, incident_id, now_ms), choice
    return (after_fold(pace, now_ms) if choice is Choice.FOLD else pace), choice


def test_a_few_go_one_by_one_and_then_one_tells_of_all() -> None:
    pace, found = FoldPace(), list[Choice]()
    for now_ms in range(0, 1_000, 100):
        pace, choice = sent(pace, now_ms)
        found.append(choice)
    assert found == [Choice.SINGLE] * FEW + [Choice.FOLD] + [Choice.WAIT] * (10 - FEW - 1)


def test_the_pauses_grow_to_a_minute_and_end_with_the_calm() -> None:
    pace = FoldPace()
    for number in range(FEW):
        pace = after_single(pace, -1 - number, 0)
    folds: list[int] = []
    for now_ms in range(0, 300_000, 1_000):
        pace, choice = sent(pace, now_ms)
        if choice is Choice.FOLD:
            folds.append(now_ms)
    assert folds == [0, 15_000, 45_000, 105_000, 165_000, 225_000, 285_000]
    assert choose(pace, 1, folds[-1] + CALM_MS) == (Choice.SINGLE, 0)


def test_what_was_not_taken_may_go_again_at_once_and_the_pause_does_not_grow() -> None:
    pace = after_fold(FoldPace(((1, 0), (2, 0), (3, 0))), 0)
    assert choose(pace, 4, 1_000) == (Choice.WAIT, 14_000)
    pace = after_failure(pace)
    assert choose(pace, 4, 1_000) == (Choice.FOLD, 0)
    pace = after_fold(pace, 1_000)
    assert choose(pace, 4, 2_000) == (Choice.WAIT, 14_000)


def test_somebody_who_is_told_now_and_then_is_told_of_each_by_itself() -> None:
    pace = FoldPace()
    for now_ms in range(0, 3_600_000, WINDOW_MS // FEW + 1):
        pace, choice = sent(pace, now_ms)
        assert choice is Choice.SINGLE


def test_however_often_few_calls_are_told_of_they_are_few() -> None:
    pace = FoldPace()
    for number in range(60):
        pace, choice = sent(pace, 5_000 * number, number % FEW)
        assert choice is Choice.SINGLE
    assert sent(pace, 299_000, FEW)[1] is Choice.FOLD


@example([0] * 7)
@example([0, 0, 0, 0, 15_000, 30_000 - 1, 1, 0])
@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=200))
def test_nobody_waits_longer_than_the_longest_pause_nor_is_sent_many(gaps: list[int]) -> None:
    # Each of a call of its own, also at the same moment: what else is told of a call that went by itself is not many.
    pace, now_ms, went = FoldPace(), 0, list[int]()
    for call, gap in enumerate(gaps):
        now_ms += gap
        choice, wait_ms = choose(pace, call, now_ms)
        assert (wait_ms > 0) == (choice is Choice.WAIT) and wait_ms <= PAUSES_MS[-1]
        pace, choice = sent(pace, now_ms, call)
        if choice is not Choice.WAIT:
            went.append(now_ms)
    for first in went:
        in_a_minute = [each for each in went if first <= each < first + WINDOW_MS]
        assert len(in_a_minute) <= FEW + len(PAUSES_MS)


@given(st.lists(st.integers(0, 20_000), max_size=10), st.integers(-(10**9), 10**9))
def test_a_clock_that_is_set_makes_nobody_wait_longer(gaps: list[int], by_ms: int) -> None:
    pace, now_ms = FoldPace(), 10**10
    for gap in gaps:
        pace, _ = sent(pace, now_ms)
        now_ms += gap
    assert choose(pace, now_ms + by_ms, now_ms + by_ms)[1] <= PAUSES_MS[-1]
    assert by_ms >= 0 or choose(pace, now_ms - 10**9, now_ms - 10**9)[0] is not Choice.WAIT


def test_whatever_asks_for_more_than_the_first_call_did_goes_by_itself() -> None:
    for kind, why, duress, call_back in product(ContactKind, Why, (False, True), (None, *CallBack)):
        forced = duress or call_back is CallBack.DURESS_WORD
        urgent = kind is ContactKind.CALL and why in {Why.BACKUP, Why.MADE_REAL, Why.WITHDRAWN, Why.NOT_ARRIVED}
        may = kind in {ContactKind.CALL, ContactKind.RING_DESK} and not forced and not urgent
        assert foldable(kind, why, incident(duress=duress, call_back=call_back)) is may


def test_a_minute_is_looked_back_on_and_two_without_a_fold_are_calm() -> None:
    few = FoldPace(((1, 0), (2, 0), (3, 0)))
    assert [choose(few, 4, now_ms)[0] for now_ms in (59_999, 60_000)] == [Choice.FOLD, Choice.SINGLE]
    folded = after_fold(FoldPace(), 0)
    assert [choose(folded, 4, now_ms)[0] for now_ms in (119_999, 120_000)] == [Choice.FOLD, Choice.SINGLE]
