"""How far a button's clock is thought to be behind, in numbers: domain/button_clock.py at its borders."""

from __future__ import annotations

import pytest

from gateway.ingest_harness import NOW_MS
from siaga_gateway.domain.button_clock import MOST_PPM, ClockLag, learn, waited_s

DAY_S = 86_400
DAY_MS = DAY_S * 1000


def test_nothing_known_is_thought_to_drift_by_three_percent() -> None:
    assert MOST_PPM == 30_000
    assert learn(None, 7, NOW_MS) == ClockLag(7, NOW_MS, 30_000)
    before = ClockLag(3, NOW_MS, 1_000)
    assert learn(before, 7, NOW_MS - 1) == ClockLag(7, NOW_MS - 1, 30_000), "the gateway's own clock was set back"
    assert learn(before, 3, NOW_MS) == ClockLag(3, NOW_MS, 1_000), "in the same moment"


@pytest.mark.parametrize(
    ("lag", "age_s", "after_s", "waited"),
    [
        (ClockLag(10, NOW_MS, 1_000), 10, 0, 0),
        (ClockLag(10, NOW_MS, 1_000), 500, 0, 490),
        (ClockLag(10, NOW_MS, 1_000), 500, 1_000, 489),  # a second of drift
        (ClockLag(10, NOW_MS, 1_000), 500, 1_001, 488),  # begun seconds count
        (ClockLag(10, NOW_MS, 1_000), 500, 2_000, 488),
        (ClockLag(10, NOW_MS, 1_000), 500, -5_000, 490),  # it drifts in no past
        (ClockLag(-300, NOW_MS, 1_000), 500, 0, 500),  # it was ahead, and may have been set right since
        (ClockLag(-300, NOW_MS, 1_000), 0, 0, 0),
        (ClockLag(-300, NOW_MS, 1_000), -1, 0, 299),  # further ahead than it can have drifted: it was not
        (ClockLag(-300, NOW_MS, 1_000), -2, 2_000, -4),  # within what it can have drifted
        (ClockLag(-300, NOW_MS, 1_000), -3, 2_000, 295),
        (ClockLag(0, NOW_MS, 1_000), 5, 0, 5),
    ],
)
def test_how_long_it_waited_at_least(lag: ClockLag, age_s: int, after_s: int, waited: int) -> None:
    assert waited_s(lag, age_s, NOW_MS + after_s * 1000) == waited


def test_a_check_in_that_waited_doubles_what_the_clock_may_drift_up_to_the_most() -> None:
    before = ClockLag(1, NOW_MS, 2_000)
    assert learn(before, 3_600, NOW_MS + 60_000) == ClockLag(1, NOW_MS, 4_000)
    assert learn(ClockLag(1, NOW_MS, 20_000), 3_600, NOW_MS + 60_000) == ClockLag(1, NOW_MS, 30_000)
    assert learn(ClockLag(10, NOW_MS, 2_000), 11, NOW_MS) == ClockLag(10, NOW_MS, 4_000), "by a second"


@pytest.mark.parametrize(
    ("lag_s", "age_s", "after_s", "drift_ppm"),
    [
        (0, 0, 120, 5_000),  # too soon to tell: as before
        (0, 0, 121, 30_000),
        (0, 0, DAY_S, 1_000 + 2 * 120 * 1_000_000 // DAY_S),
        (0, 100, DAY_S, 1_000 + 2 * 220 * 1_000_000 // DAY_S),
        (0, -100, DAY_S, 1_000 + 2 * 220 * 1_000_000 // DAY_S),
        (500, 100, DAY_S, 1_000 + 2 * 520 * 1_000_000 // DAY_S),  # its answer did not set it
        (50, 100, DAY_S, 1_000 + 2 * 220 * 1_000_000 // DAY_S),  # or did
        (0, 0, 10 * DAY_S, 1_000 + 2 * 120 * 1_000_000 // (10 * DAY_S)),
    ],
)
def test_twice_what_was_seen_is_what_it_may_drift(lag_s: int, age_s: int, after_s: int, drift_ppm: int) -> None:
    at_ms = NOW_MS + after_s * 1000
    assert learn(ClockLag(lag_s, NOW_MS, 5_000), age_s, at_ms) == ClockLag(age_s, at_ms, drift_ppm)
