"""What an event says of its time and its call (domain/event.py), at every border."""

from __future__ import annotations

import pytest

from gateway.rule_values import NOW_MS, event
from pressing_button import report_body
from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.device_report import Report
from siaga_gateway.domain.event import CALLS, ButtonClock, Event, Timing, asks_for_help, event_of, key_of
from siaga_gateway.domain.frame import Flags, Kind, Suite, Uplink

NOW_S = NOW_MS // 1000
SET, UNSET, BEHIND = ButtonClock.SET, ButtonClock.UNSET, ButtonClock.BEHIND
UNPROVEN, AHEAD = ButtonClock.UNPROVEN, ButtonClock.AHEAD
LAG = ClockLag(0, NOW_MS, 1_000)  # a clock that was right a moment ago


def uplink(
    kind: Kind = Kind.PRESS, counter: int = 30, *, age_s: int | None = 0, flags: int = 0, opening: int = 0
) -> Uplink:
    """age_s: by the button's clock; None: it is not set."""
    report = Report.from_body(report_body(0 if age_s is None else NOW_S - age_s, flags=flags, opening=opening))
    return Uplink(Suite.ES256, kind, b"contoh-1", counter, b"", b"", b"", report=report)


def of(age_s: int | None, lag: ClockLag | None = None, timing: Timing | None = None) -> Event:
    return event_of(uplink(age_s=age_s), NOW_MS + 700, Timing(60, 30) if timing is None else timing, lag)


def said(one: Event) -> tuple[ButtonClock, int | None, int | None, int | None]:
    """Clock, seconds since it happened, delayed_s, claimed_s."""
    ago = None if one.happened_ms is None else NOW_S - one.happened_ms // 1000
    return one.clock, ago, one.delayed_s, one.claimed_s


@pytest.mark.parametrize(
    ("age_s", "lag", "expected"),
    [
        (0, None, (SET, 0, None, None)),
        (60, None, (SET, 60, None, None)),
        (61, None, (UNPROVEN, None, None, 61)),
        (-30, None, (SET, -30, None, None)),
        (-31, None, (AHEAD, None, None, None)),
        (None, None, (UNSET, None, None, None)),
        (None, LAG, (UNSET, None, None, None)),
        (60, LAG, (SET, 60, None, None)),
        (61, LAG, (SET, 61, 61, None)),  # the clock was right: all of it was waiting
        (500, LAG, (SET, 500, 500, None)),
        (500, ClockLag(400, NOW_MS, 1_000), (BEHIND, 100, 100, None)),
        (500, ClockLag(440, NOW_MS, 1_000), (BEHIND, 60, None, None)),  # as late as is usual
        (500, ClockLag(439, NOW_MS, 1_000), (BEHIND, 61, 61, None)),
        (500, ClockLag(500, NOW_MS, 1_000), (BEHIND, 0, None, None)),
        (500, ClockLag(900, NOW_MS, 1_000), (BEHIND, 0, None, None)),  # it waited no negative time
        (-31, LAG, (AHEAD, None, None, None)),
        (-31, ClockLag(-300, NOW_MS, 1_000), (AHEAD, 269, 269, None)),  # known to be further ahead: it waited
        (-31, ClockLag(-90, NOW_MS, 1_000), (AHEAD, None, None, None)),
    ],
)
def test_what_the_button_s_clock_says(
    age_s: int | None, lag: ClockLag | None, expected: tuple[ButtonClock, int | None, int | None, int | None]
) -> None:
    assert said(of(age_s, lag)) == expected


def test_where_nothing_may_be_late_a_clock_that_nobody_knows_is_still_only_claimed() -> None:
    assert said(of(1, None, Timing(0, 0))) == (UNPROVEN, None, None, 1)
    assert said(of(0, None, Timing(0, 0))) == (SET, 0, None, None)


def test_when_it_happened_is_in_milliseconds_of_the_clock_that_says_so() -> None:
    assert of(5).happened_ms == (NOW_S - 5) * 1000, "its own, which knows no less than seconds"
    assert of(500, ClockLag(400, NOW_MS, 1_000)).happened_ms == NOW_MS + 700 - 100_000, "the gateway's, less the wait"


def test_late_and_ahead_are_two_minutes_where_nothing_else_is_set() -> None:
    assert [of(age, None, Timing()).clock for age in (120, 121, -120, -121)] == [SET, UNPROVEN, SET, AHEAD]


def test_an_event_carries_its_frame_and_dates_itself_by_its_arrival_where_it_must() -> None:
    frame = uplink(Kind.UPDATE, 31, age_s=None, flags=Flags.TEST, opening=4)
    assert event_of(frame, NOW_MS, Timing()) == Event(
        device_id=b"contoh-1",
        counter=31,
        kind=Kind.UPDATE,
        report=frame.report,  # type: ignore[arg-type]
        received_ms=NOW_MS,
        clock=UNSET,
        happened_ms=None,
        delayed_s=None,
        claimed_s=None,
        key=27,
        test=True,
        duress=False,
    )
    assert event_of(frame, NOW_MS, Timing()).at_ms == NOW_MS
    assert of(5).at_ms == (NOW_S - 5) * 1000
    forced = event_of(uplink(flags=Flags.DURESS | Flags.TEST), NOW_MS, Timing())
    assert (forced.duress, forced.test) == (True, False)


def test_a_frame_without_a_report_is_no_event() -> None:
    with pytest.raises(ValueError, match="RECEIPT reports nothing"):
        event_of(Uplink(Suite.ES256, Kind.RECEIPT, b"contoh-1", 1, b"", b"", b""), NOW_MS, Timing())


@pytest.mark.parametrize(
    ("counter", "opening", "press", "follow"),
    [
        (30, 0, 30, None),  # it does not say
        (30, 1, 29, 29),
        (30, 30, 0, 0),  # the first counter there is
        (30, 31, 30, None),  # before it: no counter
        (90_000, 65_534, 24_466, 24_466),
        (90_000, 65_535, 90_000, None),  # that or more
    ],
)
def test_which_press_a_frame_names(counter: int, opening: int, press: int, follow: int | None) -> None:
    report = Report.from_body(report_body(opening=opening))
    assert key_of(Kind.PRESS, counter, report) == press
    assert [key_of(kind, counter, report) for kind in (Kind.UPDATE, Kind.CANCEL)] == [follow, follow]
    assert [key_of(kind, counter, report) for kind in (Kind.CHECKIN, Kind.TAMPER)] == [None, None]


def test_who_asks_for_help() -> None:
    assert {Kind.PRESS, Kind.UPDATE, Kind.CANCEL} == CALLS
    for kind in Kind:
        assert asks_for_help(kind, False) is (kind in CALLS)
        assert asks_for_help(kind, True)
        assert event(kind, 1).is_call is (kind in CALLS)
