"""Whether commits may wait for the standby, by what it confirms and nothing else."""

from __future__ import annotations

from siaga_gateway.domain.standby_progress import LATE_S, StandbyProgress


def test_a_standby_that_keeps_up_is_waited_for() -> None:
    progress = StandbyProgress()
    assert all(progress.look(second, 100 * second, 100 * second - 50) for second in range(1, 60))


def test_one_that_is_idle_with_everything_is_there() -> None:
    progress = StandbyProgress()
    assert all(progress.look(second, 500, 500) for second in range(3600))


def test_one_that_confirms_nothing_is_gone_after_a_moment_though_its_connection_stands() -> None:
    progress = StandbyProgress()
    assert progress.look(0.0, 500, 500)
    assert progress.look(0.5, 600, 500)
    assert progress.look(0.5 + LATE_S - 0.1, 600, 500)
    assert not progress.look(0.5 + LATE_S, 600, 500)


def test_one_without_a_connection_is_gone_at_once_and_back_once_it_has_what_was_written_a_look_ago() -> None:
    progress = StandbyProgress()
    assert progress.look(0.0, 500, 500)
    assert not progress.look(0.5, 600, None)
    assert not progress.look(1.0, 700, 550), "it is catching up"
    assert not progress.look(1.5, 800, 650)
    assert progress.look(2.0, 900, 850)


def test_a_stalled_one_is_not_back_by_standing_still() -> None:
    progress = StandbyProgress()
    progress.look(0.0, 500, 500)
    progress.look(0.5, 600, 500)
    assert not any(progress.look(second, 600, 500) for second in range(4, 400))
    assert progress.look(401, 600, 600)


def test_a_slow_one_that_goes_on_is_not_taken_for_gone() -> None:
    """It has each byte two seconds later, for ever."""
    progress = StandbyProgress()
    for half in range(400):
        assert progress.look(half / 2, half * 1000, max(0, half - 4) * 1000)
