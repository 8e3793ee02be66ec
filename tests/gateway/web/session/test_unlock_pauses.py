"""The pauses between wrong passwords at the lock: they grow, end, and are never long."""

from __future__ import annotations

from siaga_gateway.web.session.unlock_pauses import FIRST_MS, FREE, LONGEST_MS, UnlockPauses


def test_a_few_are_free_and_then_each_waits_twice_as_long_up_to_the_longest() -> None:
    pauses, now_ms, waits = UnlockPauses(), 1_000, []
    assert [pauses.take("rina", now_ms) for _ in range(FREE)] == [0] * FREE
    for _ in range(40):
        waits.append(pauses.take("rina", now_ms))
        now_ms += waits[-1]
        assert pauses.take("rina", now_ms) == 0
    assert waits[:5] == [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS, 8 * FIRST_MS, LONGEST_MS]
    assert set(waits[4:]) == {LONGEST_MS}
    assert pauses.take("budi", now_ms) == 0, "of that session alone"


def test_the_right_one_forgets_them_and_one_that_was_not_checked_counts_for_nothing() -> None:
    pauses = UnlockPauses()
    for _ in range(FREE):
        assert pauses.take("rina", 0) == 0
    pauses.give_back("rina")
    assert pauses.take("rina", 0) == 0
    assert pauses.take("rina", 0) == FIRST_MS
    pauses.forget("rina")
    assert pauses.take("rina", 0) == 0


def test_a_clock_that_is_set_back_keeps_nobody_waiting() -> None:
    pauses = UnlockPauses()
    for _ in range(FREE):
        pauses.take("rina", 9_000_000)
    assert pauses.take("rina", 9_000_000) == FIRST_MS
    assert pauses.take("rina", 1_000) == 0
