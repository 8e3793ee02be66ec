"""What waited is told from a clock that is behind: domain/button_clock.py, and what it does to an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at
from siaga_gateway.domain.button_clock import MOST_PPM, ClockLag, learn, waited_s
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.web.console.incident_views import view

DAY_S = 86_400

# Seconds until the next check-in, how long it is under way, whether its answer sets the clock.
CHECK_INS = st.lists(st.tuples(st.integers(1, 3 * DAY_S), st.integers(0, 120), st.booleans()), min_size=1, max_size=12)


class Ticking:
    """A button's clock that drifts, beside the true time; both in seconds."""

    def __init__(self, behind_s: int, ppm: int) -> None:
        self.true_s, self.behind_s, self._ppm = NOW_S, float(behind_s), ppm

    def sleep(self, seconds: int) -> None:
        self.true_s += seconds
        self.behind_s += seconds * self._ppm / 1e6

    def age_when_arrived(self, under_way_s: int) -> int:
        """By its own clock, of a message that is made now."""
        return self.true_s + under_way_s - int(self.true_s - self.behind_s)


@given(
    behind_s=st.integers(-90_000, 90_000),
    ppm=st.integers(-MOST_PPM // 3, MOST_PPM // 3),
    check_ins=CHECK_INS,
    asleep_s=st.integers(0, 30 * DAY_S),
    wait_s=st.integers(0, 20 * DAY_S),
)
def test_no_message_is_said_to_have_waited_longer_than_it_did(
    behind_s: int, ppm: int, check_ins: Sequence[tuple[int, int, bool]], asleep_s: int, wait_s: int
) -> None:
    clock, lag = Ticking(behind_s, ppm), None
    for pause_s, under_way_s, set_by_answer in check_ins:
        clock.sleep(pause_s)
        lag = learn(lag, clock.age_when_arrived(under_way_s), (clock.true_s + under_way_s) * 1000)
        if set_by_answer:
            clock.behind_s = 0
    assert lag is not None
    clock.sleep(asleep_s)
    age_s = clock.age_when_arrived(wait_s)
    assert waited_s(lag, age_s, (clock.true_s + wait_s) * 1000) <= wait_s + 1


@given(st.integers(0, 30 * DAY_S), st.integers(1, 30 * DAY_S))
def test_what_waited_longer_than_any_clock_can_be_off_is_noticed(asleep_s: int, wait_s: int) -> None:
    lag = learn(None, 2, NOW_MS)
    most_s = (asleep_s + wait_s) * MOST_PPM // 1_000_000 + 4
    assert waited_s(lag, 2 + wait_s, NOW_MS + (asleep_s + wait_s) * 1000) >= wait_s - most_s


def test_a_check_in_that_waited_itself_does_not_stretch_the_bound() -> None:
    lag = learn(None, 1, NOW_MS)
    after = learn(lag, 3_600, NOW_MS + 60_000)
    assert (after.lag_s, after.at_ms) == (1, NOW_MS)


def test_a_clock_that_turns_out_worse_than_was_thought_is_followed() -> None:
    lag = ClockLag(0, NOW_MS, 1_000)
    for day in range(1, 9):
        lag = learn(lag, day * 1_728, NOW_MS + day * DAY_S * 1000)
    assert lag.lag_s == 8 * 1_728


def test_a_clock_that_was_ahead_and_was_set_is_soon_known_as_right() -> None:
    """By an answer; or it was the gateway's own clock that was an hour behind."""
    lag = learn(None, -3_600, NOW_MS)
    for minute in range(1, 11):
        lag = learn(lag, 2, NOW_MS + minute * 60_000)
    assert lag.lag_s == 2
    assert waited_s(lag, -600, NOW_MS + 660_000) < 0, "ten minutes ahead, and fresh"


def test_a_clock_that_was_ahead_and_is_set_makes_nothing_late() -> None:
    lag = learn(None, -3_600, NOW_MS)
    assert waited_s(lag, 5, NOW_MS + 60_000) <= 5
    assert waited_s(lag, -1_800, NOW_MS + 60_000) >= 1_790, "still ahead, so half an hour of it is waiting"


# What is made of it


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    yield made
    made.close()


def slept(desk: IngestHarness, button: PressingButton, days: int, percent: float, every_days: int | None = None) -> int:
    """Days of deep sleep with a slow clock, and check-ins that do not set it. Gives how far it is behind, in s."""
    desk.take(button.follow(Kind.CHECKIN, desk.now_ms // 1000 - 1))
    behind_s = 0
    for day in range(1, days + 1):
        desk.now_ms += DAY_S * 1000
        behind_s = int(day * DAY_S * percent / 100)
        if every_days is not None and day % every_days == 0 and day < days:
            desk.take(button.follow(Kind.CHECKIN, desk.now_ms // 1000 - 1 - behind_s))
    return behind_s


@pytest.mark.parametrize(
    ("days", "percent", "every_days"),
    [
        (1, 0.1, None),
        (1, 0.5, None),
        (7, 1.0, None),
        (20, 1.0, None),
        (20, 1.0, 1),
        (20, 2.5, 1),
        (20, -1.0, 1),
        (30, 0.3, 3),
    ],
)
def test_a_fresh_press_of_a_drifted_clock_is_fresh(
    desk: IngestHarness, days: int, percent: float, every_days: int | None
) -> None:
    button = desk.button()
    behind_s = slept(desk, button, days, percent, every_days)
    desk.take(button.press(desk.now_ms // 1000 - behind_s - 2, **at(fix_age=7)))
    incident = desk.only()
    shown = view(incident, "id", Mode.ACTUAL)
    assert incident.delayed_s is None
    assert "delayed" not in {mark.kind for mark in shown.marks}
    assert abs(shown.pressed_at_ms - desk.now_ms) <= 120_000
    assert shown.position is not None and shown.position.fix_at_ms is not None
    assert abs(desk.now_ms - 7_000 - shown.position.fix_at_ms) <= 120_000


def test_a_press_that_really_waited_is_late_by_what_it_waited(desk: IngestHarness) -> None:
    button = desk.button()
    behind_s = slept(desk, button, 20, 1.0, 1)
    pressed_s = desk.now_ms // 1000
    desk.now_ms += 6 * 3600 * 1000
    desk.take(button.press(pressed_s - behind_s, **at(fix_age=7)))
    incident = desk.only()
    assert incident.delayed_s is not None
    # A day since the last check-in and then six hours: by so much the clock can have drifted.
    assert 6 * 3600 - 2 * (DAY_S + 6 * 3600) * 0.025 <= incident.delayed_s <= 6 * 3600
    assert incident.pressed_at_ms == desk.now_ms - incident.delayed_s * 1000
    assert incident.position is not None and incident.position.at_ms == incident.pressed_at_ms
    (opened,) = desk.journal(journal.INCIDENT_OPENED)
    assert opened.facts["delayed_s"] == incident.delayed_s


def test_the_second_press_in_a_minute_after_an_hour_without_network_is_as_late_as_it_is(desk: IngestHarness) -> None:
    """An installed button: its clock is good, its check-ins came every minute."""
    button = desk.button()
    for _ in range(30):
        desk.now_ms += 60_000
        desk.take(button.follow(Kind.CHECKIN, desk.now_ms // 1000 - 1))
    pressed_s = desk.now_ms // 1000 + 600
    desk.now_ms += 3600 * 1000
    desk.take(button.press(pressed_s))
    delayed_s = desk.only().delayed_s
    assert delayed_s is not None and 3000 - 3600 * MOST_PPM / 1e6 - 2 <= delayed_s <= 3000


def test_without_a_check_in_what_a_clock_says_is_shown_as_a_claim(desk: IngestHarness) -> None:
    """Nobody can know whether it waited."""
    desk.take(desk.button().press(NOW_S - 5_000))
    shown = view(desk.only(), "id", Mode.ACTUAL)
    assert [mark.label for mark in shown.marks if mark.kind in ("delayed", "claimed")] == [
        "MENURUT JAMNYA 1 jam 23 mnt LALU"
    ]
    assert shown.pressed_at_ms == NOW_MS
