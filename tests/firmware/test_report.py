"""What is news about a position, and when the battery is kept for the press."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from siaga.app.report import Reporter
from siaga.core import alarm, frame

GNSS, NETWORK = frame.SOURCE_GNSS, frame.SOURCE_NETWORK


class Surroundings:
    """Where the button is and how it is powered, as a board tells it."""

    def __init__(self, installed: list[int] | None = None, floor: int = 5) -> None:
        self.place: tuple[int, ...] | None = None
        self.percent: int | None = 50
        self.mains = False
        settings = SimpleNamespace(silent=False, installed_position=installed, battery_floor=floor)
        board = SimpleNamespace(battery=lambda: self.percent, external_power=lambda: self.mains)
        clock = SimpleNamespace(unix=lambda: 1_900_000_000)
        self.reporter = Reporter(board, clock, settings, lambda: self.place)  # type: ignore[arg-type]

    def fix(self, number: int, accuracy: int, age: int = 0, *source: int) -> int:
        """A new fix, and what it is to the incident."""
        self.place = (1, 2, accuracy, age, number, *source)
        return self.reporter.news()

    def tell(self, kind: int = frame.PRESS) -> int:
        """Tell it in a frame; the source that this named."""
        return self.reporter.body(kind, 0, 0)[17] << 8 & 0x300


def test_the_first_fix_and_one_that_is_twice_as_good_are_better_and_the_same_one_is_no_news():
    around = Surroundings()
    around.tell()
    assert around.fix(1, 4000) == alarm.BETTER_FIX
    around.tell(frame.UPDATE)
    assert around.reporter.news() == alarm.NO_FIX
    assert around.fix(2, 2001) == alarm.NEW_FIX and around.fix(3, 2000) == alarm.BETTER_FIX
    around.place = None
    assert around.reporter.news() == alarm.NO_FIX


def test_a_check_in_tells_an_incident_nothing():
    around = Surroundings()
    around.fix(1, 10)
    around.tell(frame.CHECKIN)
    assert around.reporter.news() == alarm.BETTER_FIX


def test_an_old_fix_is_an_uncertain_one():
    around = Surroundings()
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
    around = Surroundings(installed)
    around.place = told
    assert around.tell() == source
    expected = alarm.NEW_FIX if source == GNSS else alarm.BETTER_FIX
    assert around.fix(9, 5000, 0, GNSS) == expected
    around.tell()
    around.fix(10, 10, 0, NETWORK)
    assert around.reporter.news() == (alarm.NO_FIX if installed else alarm.NEW_FIX), "a worse source is no better news"


def test_the_battery_is_kept_for_the_press_below_the_floor_and_not_at_it_nor_with_mains():
    around = Surroundings(floor=5)
    kept = []
    for percent, mains in [(6, 0), (5, 0), (4, 0), (8, 0), (9, 0), (5, 0), (3, 1), (3, 0), (None, 0), (5, 0), (0, 0)]:
        around.percent, around.mains = percent, bool(mains)
        kept.append(around.reporter.at_floor())
    assert kept == [False, False, True, True, False, False, False, True, False, False, True]
    never = Surroundings(floor=0)
    never.percent = 0
    assert not never.reporter.at_floor()
