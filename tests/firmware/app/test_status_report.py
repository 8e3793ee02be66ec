"""What is news about a position, and when the battery is kept for the press."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.app.status_report import Reporter
from siaga.core import alarm, frame
from siaga.core.hysteresis import LASTS_MS, BatteryThreshold, FlickerFilter
from siaga.drivers.battery import percent, percent_above

GNSS, NETWORK = frame.SOURCE_GNSS, frame.SOURCE_NETWORK


class ButtonState:
    """Where the button is and how it is powered, as a board tells it."""

    def __init__(self, installed: list[int] | None = None, floor: int = 5) -> None:
        self.place: tuple[int, ...] | None = None
        self.percent: int | None = 50
        self.mains = False
        self.now_ms = 0
        settings = SimpleNamespace(silent=False, installed_position=installed, battery_floor=floor, low_battery=15)
        board = SimpleNamespace(battery=lambda: self.percent, external_power=lambda: self.mains)
        clock = SimpleNamespace(unix=lambda: 1_900_000_000)
        self.reporter = Reporter(board, clock, settings, lambda: self.place)  # type: ignore[arg-type]

    def fix(self, number: int, accuracy: int, age: int = 0, *source: int) -> int:
        """A new fix, and what it is to the incident."""
        self.place = (1, 2, accuracy, age, number, *source)
        return self.reporter.news()

    def live(self, seconds: int, quiet: bool = True) -> int:
        """Time goes by; how often the battery became low or no longer."""
        changes = 0
        for _ in range(seconds):
            self.now_ms += 1000
            changes += self.reporter.look_at_battery(self.now_ms, quiet)
        return changes

    def tell(self, kind: int = frame.PRESS) -> int:
        """Tell it in a frame; the source that this named."""
        return self.reporter.body(kind, 0, 0)[17] << 8 & 0x300


def test_the_first_fix_and_one_that_is_twice_as_good_are_better_and_the_same_one_is_no_news():
    around = ButtonState()
    around.tell()
    assert around.fix(1, 4000) == alarm.BETTER_FIX
    around.tell(frame.UPDATE)
    assert around.reporter.news() == alarm.NO_FIX
    assert around.fix(2, 2001) == alarm.NEW_FIX and around.fix(3, 2000) == alarm.BETTER_FIX
    around.place = None
    assert around.reporter.news() == alarm.NO_FIX


def test_a_check_in_tells_an_incident_nothing():
    around = ButtonState()
    around.fix(1, 10)
    around.tell(frame.CHECKIN)
    assert around.reporter.news() == alarm.BETTER_FIX


def test_an_old_fix_is_an_uncertain_one():
    around = ButtonState()
    around.fix(1, 10, 3600)
    around.tell()
    assert around.fix(2, 60) == alarm.BETTER_FIX, "an hour's way in all directions is worse than 60 m"


@pytest.mark.parametrize(
    ("installed", "told", "source"),
    [
        (None, (1, 2, 900, 0, 1, NETWORK), NETWORK),
        ([5, 6, 20], None, frame.SOURCE_INSTALLED),
        ([5, 6, 20], (1, 2, 900, 0, 1, NETWORK), frame.SOURCE_INSTALLED),
        ([5, 6, 20], (1, 2, 30, 0, 1), GNSS),
        (None, None, frame.SOURCE_NONE),
    ],
)
def test_the_best_source_is_told_and_a_better_one_is_better_news_however_uncertain(installed, told, source):
    around = ButtonState(installed)
    around.place = told
    assert around.tell() == source
    expected = alarm.NEW_FIX if source == GNSS else alarm.BETTER_FIX
    assert around.fix(9, 5000, 0, GNSS) == expected
    around.tell()
    around.fix(10, 10, 0, NETWORK)
    assert around.reporter.news() == (alarm.NO_FIX if installed else alarm.NEW_FIX), "a worse source is no better news"


def test_the_battery_is_kept_for_the_press_below_the_floor_and_not_at_it_nor_with_mains():
    around = ButtonState(floor=5)
    kept = []
    for value, mains in [(6, 0), (5, 0), (4, 0), (6, 0), (9, 0), (5, 0), (3, 1), (3, 0), (None, 0), (5, 0), (0, 0)]:
        around.percent, around.mains = value, bool(mains)
        around.live(61)
        kept.append(around.reporter.at_floor())
    assert kept == [False, False, True, True, False, False, False, True, False, False, True]
    never = ButtonState(floor=0)
    never.percent = 0
    never.live(61)
    assert not never.reporter.at_floor()


def test_readings_around_a_mark_and_a_cell_that_sags_while_sending_move_nothing():
    """The kind: a report that causes what it reports."""
    around = ButtonState(floor=5)
    for millivolts in (3780, 3480, 3780, 3450, 3700, 3300, 3650, 2400) * 20:
        around.percent = percent(millivolts)
        assert not around.live(1) and not around.reporter.at_floor()
    around.percent = 16
    around.live(61)
    changes = 0
    for second in range(600):  # 3660 mV is 15 %: 50 mV less while sending, which it does every ten seconds
        sends = second % 10 < 3
        around.percent = percent(3670 - (50 if sends else 0))
        changes += around.live(1, quiet=not sends)
    assert changes == 0
    for second in range(600):
        sends = second % 10 < 3
        around.percent = percent(3655 - (50 if sends else 0))
        changes += around.live(1, quiet=not sends)
    assert changes == 1 and around.reporter.low.on
    for millivolts in (3700, 3750):  # 100 mV more than the mark
        around.percent = percent(millivolts)
        changes += around.live(600)
    assert changes == 1
    around.percent = percent(3765)
    assert around.live(59) == 0 and around.live(2) == 1 and not around.reporter.low.on


def test_a_radio_that_is_never_quiet_does_not_hide_an_empty_cell():
    around = ButtonState()
    around.percent = 9
    assert around.live(600, quiet=False) == 0
    assert around.live(62, quiet=False) == 1


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans(), st.integers(1, 300)), max_size=60))
def test_the_battery_s_state_changes_at_most_once_a_minute_whatever_is_read(readings: list[tuple[int, bool, int]]):
    mark = BatteryThreshold(15, percent_above(15, 100))
    now_ms, changed_ms = 0, -LASTS_MS
    for value, quiet, seconds in readings:
        for _ in range(seconds):
            now_ms += 1000
            was = mark.on
            mark.look(now_ms, value, quiet)
            if mark.on != was:
                assert now_ms - changed_ms >= LASTS_MS
                assert value <= 15 if mark.on else value >= 36
                changed_ms = now_ms


def test_after_a_sleep_the_rested_cell_decides_at_once_by_what_it_was():
    for value, was, is_low in [
        (16, False, False),
        (16, True, True),
        (35, True, True),
        (40, True, False),
        (15, False, True),
    ]:
        mark = BatteryThreshold(15, percent_above(15, 100))
        mark.begin(value, was)
        assert mark.on == is_low
    mark.begin(None, True)
    assert not mark.on


def test_a_contact_is_told_at_once_and_ever_more_seldom_while_it_flickers():
    contact = FlickerFilter(False, 200, 5000, 600_000)
    told = []
    for now_ms in range(0, 3_600_000, 100):
        if contact.look(now_ms // 1000 % 2 == 1, now_ms):
            told.append(now_ms)
    assert told[0] == 1200 and 8 <= len(told) <= 16
    assert all(later - sooner >= 5000 for sooner, later in pairwise(told))
    last = not contact.value
    assert any(contact.look(last, now_ms) for now_ms in range(3_600_000, 4_300_000, 100)), "the last state is told"
    quiet_ms = 10_000_000
    assert not contact.look(contact.value, quiet_ms)
    contact.look(not contact.value, quiet_ms)
    assert contact.look(not contact.value, quiet_ms + 200), "and after a calm at once again"
