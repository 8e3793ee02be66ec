"""A shortened day of an installed button: what it is asked to do in one, and its heap at the end of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from firmware.boards.button_day import Day
from siaga_gateway.domain.frame import Stage
from siaga_tools.simulate.clock import SimClock
from waiting import eventually

pytestmark = pytest.mark.side_by_side

# Shifts are alike, so their medians are compared. A single look, and so the least of a shift, catches what happens to
# be under way (a ping, a line of the console): some hundred bytes more or less. Half of all calm looks lie within 640
# bytes of each other, and no median leaves that half unless something was kept: once an hour, or once a press.
SLACK_BYTES = 768


@pytest.mark.timeout(600)
def test_a_day_with_everything_in_it_leaves_the_heap_as_it_was(tmp_path: Path):
    day = Day(tmp_path, "esp32_devkit", hours=1.2, quiet_s=0.1).run()
    assert not day.memory_errors, day.memory_errors
    assert not day.deaths, day.deaths
    assert day.restarts == 0
    assert not day.unseen
    assert len(day.pressed) == 18 + day.half_seen
    assert set(day.pressed) <= day.received, "a press was lost"
    assert sorted(day.acknowledged[-len(day.pressed) :]) == day.pressed, "each is answered, once"
    assert day.waiting <= 1, "only the check-in that tells it waits"
    assert day.rejected >= 3, "forged and oversized messages are counted"
    assert day.calm_usual(2, 3) >= day.calm_usual(0, 3) - SLACK_BYTES, [sample.free for sample in day.samples]
    assert day.skipped_s > day.simulated_s / 3


class _HalfSeen(Day):
    """An incident that is taken back by a hold of which the chip saw two fifths less at first, as under a stalled
    host."""

    def _shift(self, shift: int) -> None:
        if shift:
            return
        self._until(0.2)
        opening = self._press()
        self._go_through(opening, minutes=5, last=Stage.SEEN)
        holds = iter((3.0, 6.5))
        newest = self._take_back(opening, lambda: self._button.holder.cancel(next(holds)))
        self._operate(newest, Stage.CLOSED, "")


@pytest.mark.timeout(300)
def test_a_hold_that_the_chip_saw_half_of_is_a_press_and_the_hand_tries_again(tmp_path: Path):
    day = _HalfSeen(tmp_path, "esp32_devkit", hours=0.3, quiet_s=0.1).run()
    assert not day.unseen
    assert day.half_seen == 1
    assert len(day.pressed) == 2
    assert set(day.pressed) <= day.received


def test_time_is_skipped_only_while_nobody_is_at_work_and_nobody_is_passed_over():
    clock = SimClock()
    clock.set_skips(True)
    far_us = clock.now_us() + 3600_000_000
    with clock.held():
        assert not clock.skip_to(far_us)
    with clock.paced():
        assert not clock.skip_to(far_us)
    asleep_us = clock.now_us() + 60_000_000
    woke: list[int] = []

    def work() -> None:
        with clock.held():
            clock.until(asleep_us)
            woke.append(clock.now_us())
            worked.wait(30)

    worked = threading.Event()
    worker = threading.Thread(target=work)
    worker.start()
    eventually(lambda: clock.sleepers)
    assert clock.skip_to(far_us)
    eventually(lambda: woke)
    assert asleep_us <= woke[0] < far_us
    assert not clock.skip_to(far_us), "what it woke for comes first"
    worked.set()
    worker.join(30)
    assert clock.skip_to(far_us)
    assert clock.now_us() >= far_us
    clock.set_skips(False)
    assert not clock.skip_to(far_us + 3600_000_000)
