"""What is known of a device after a frame (domain/device_status.py), field by field and at every border."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import ID, NOW_MS, place
from pressing_button import LAMPUNG, at, report_body
from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.device_report import Report, Status
from siaga_gateway.domain.device_status import DeviceStatus, Step, clock_after, step
from siaga_gateway.domain.frame import Flags, Kind, Suite, Uplink

HOUR_MS = 3_600_000
CHECKIN, PRESS, TAMPER = Kind.CHECKIN, Kind.PRESS, Kind.TAMPER
WELL = Status((1, 2, 0), -80, 1, 0, 5, 0, 0)
# After its frames 10 to 20, the last of them a minute ago.
KNOWN = DeviceStatus(
    ID,
    first_counter=10,
    highest_counter=20,
    events=11,
    last_seen_ms=NOW_MS - 60_000,
    battery=80,
    battery_counter=20,
    told_counter=20,
    told_ms=NOW_MS - 60_000,
)


def uplink(counter: int, kind: Kind = PRESS, status: Status | None = None, **report: int) -> Uplink:
    made = Report.from_body(report_body(report.pop("time", 0), **report))
    return Uplink(Suite.ES256, kind, ID, counter, b"", b"", b"", report=made, status=status)


def bare(counter: int) -> Uplink:
    """A frame that reports nothing."""
    return Uplink(Suite.ES256, Kind.RECEIPT, ID, counter, b"", b"", b"")


def after(before: DeviceStatus | None, frame: Uplink, now_ms: int = NOW_MS, **more: Any) -> Step:
    return step(before, frame, now_ms, now_ms - 4_000, **more)


def differs(before: DeviceStatus, now: DeviceStatus) -> dict[str, Any]:
    return {
        field.name: getattr(now, field.name)
        for field in fields(DeviceStatus)
        # The window and the history have tests of their own.
        if field.name not in ("checkins", "day", "hours") and getattr(now, field.name) != getattr(before, field.name)
    }


def test_the_first_frame_of_a_device() -> None:
    first = after(None, uplink(7, battery=64, **at()))
    assert replace(first, status=replace(first.status, checkins=None)) == Step(
        DeviceStatus(
            ID,
            first_counter=7,
            highest_counter=7,
            events=1,
            last_seen_ms=NOW_MS,
            battery=64,
            battery_counter=7,
            position=place(),
            told_counter=7,
            told_ms=NOW_MS,
        )
    )
    assert after(None, uplink(0, battery=64)).status.battery == 64
    fresh = DeviceStatus(ID, 1, 0, 0, 0)
    assert (fresh.restarts, fresh.restarts_until_ms, fresh.rejected_until_ms, fresh.counter_faults) == (0, 0, 0, 0)
    assert (fresh.battery_counter, fresh.told_counter, fresh.told_ms, fresh.jumped_over) == (-1, -1, 0, 0)
    assert not (fresh.low_battery or fresh.tamper_open or fresh.external_power)


def test_a_usual_check_in_moves_on_and_nothing_else() -> None:
    status = replace(WELL, waiting=3)
    made = after(KNOWN, uplink(21, CHECKIN, status, battery=79))
    assert differs(KNOWN, made.status) == {
        "highest_counter": 21,
        "events": 12,
        "last_seen_ms": NOW_MS,
        "battery": 79,
        "battery_counter": 21,
        "health": status,
        "told_counter": 21,
        "told_ms": NOW_MS,
    }
    assert (made.gap_after, made.battery_fell_low, made.jumped_over) == (None, False, 0)
    kept = after(made.status, uplink(22)).status
    assert (kept.battery, kept.battery_counter, kept.health) == (79, 21, status), "what is not said stays as it was"


def test_a_frame_that_reports_nothing_only_counts() -> None:
    assert differs(KNOWN, after(KNOWN, bare(21)).status) == {
        "highest_counter": 21,
        "events": 12,
        "last_seen_ms": NOW_MS,
    }


def test_a_clock_of_the_gateway_that_is_set_back_makes_no_device_unseen() -> None:
    made = after(KNOWN, bare(21), KNOWN.last_seen_ms - 5_000)
    assert made.status.last_seen_ms == KNOWN.last_seen_ms


# Which word counts


def test_the_flags_are_those_of_the_newest_frame() -> None:
    flags = Flags.LOW_BATTERY | Flags.TAMPER_OPEN | Flags.EXTERNAL_POWER
    made = after(KNOWN, uplink(21, flags=flags))
    assert (made.status.low_battery, made.status.tamper_open, made.status.external_power) == (True, True, True)
    assert made.battery_fell_low
    again = after(made.status, uplink(22, flags=flags))
    assert not again.battery_fell_low, "it was low before"
    well = after(made.status, uplink(22))
    assert (well.status.low_battery, well.status.tamper_open, well.status.external_power) == (False, False, False)
    assert not well.battery_fell_low
    overtaken = after(made.status, uplink(19, CHECKIN, WELL, battery=90))
    assert differs(made.status, overtaken.status) == {"events": 13}
    assert not after(KNOWN, uplink(19, flags=flags)).battery_fell_low


@pytest.mark.parametrize(
    ("counter", "later_ms", "believed"),
    [
        (1_000 - 256, 0, False),
        (1_000 - 257, 0, True),  # so many cannot have overtaken it
        (999, HOUR_MS, False),
        (999, HOUR_MS + 1, True),  # nor for so long
        (1_000, HOUR_MS, False),  # the very counter
        (1_000, HOUR_MS + 1, True),
    ],
)
def test_a_frame_that_cannot_have_been_overtaken_is_believed_whatever_its_counter(
    counter: int, later_ms: int, believed: bool
) -> None:
    """Else whoever has a copy of the key could freeze all of this by one counter from the future."""
    known = replace(KNOWN, highest_counter=1_000, told_counter=1_000, battery_counter=1_000, told_ms=NOW_MS - later_ms)
    made = after(known, uplink(counter, CHECKIN, WELL, battery=33, flags=Flags.LOW_BATTERY))
    assert (made.status.low_battery, made.status.health is WELL, made.status.battery == 33) == (believed,) * 3
    assert made.status.told_counter == (counter if believed else 1_000)
    assert made.status.battery_counter == (counter if believed else 1_000)
    assert made.battery_fell_low is believed


def test_the_battery_is_that_of_the_newest_frame_that_said_one() -> None:
    known = replace(KNOWN, battery_counter=15)
    assert after(known, uplink(18, battery=44)).status.battery == 44, "newer than what said it, though overtaken"
    assert after(known, uplink(15, battery=44)).status.battery == 80
    assert after(known, uplink(21, battery=255)).status.battery_counter == 15
    assert after(known, uplink(21, battery=0)).status.battery == 0


def test_the_best_place_it_ever_reported_is_kept() -> None:
    known = replace(KNOWN, position=place())
    coarse = uplink(21, latitude=LAMPUNG[0] + 900, longitude=LAMPUNG[1], accuracy=5_000, fix_age=1, source=2)
    assert after(known, coarse).status.position == place()
    moved = after(known, uplink(21, latitude=LAMPUNG[0] + 900, longitude=LAMPUNG[1], accuracy=5, fix_age=0, source=1))
    assert moved.status.position == place(10, accuracy_m=5, fix_age_s=0)


def test_an_opening_of_the_case_is_kept_until_somebody_looks_into_it() -> None:
    opened = after(KNOWN, uplink(21, TAMPER, flags=Flags.TAMPER_OPEN)).status
    assert opened.tampered_ms == NOW_MS
    assert after(opened, uplink(22, TAMPER)).status.tampered_ms == NOW_MS
    earlier = after(opened, uplink(23, TAMPER, flags=Flags.TAMPER_OPEN), NOW_MS - 9).status
    assert earlier.tampered_ms == NOW_MS
    assert after(KNOWN, uplink(21, TAMPER)).status.tampered_ms is None, "closed again, says the TAMPER"
    assert after(KNOWN, uplink(21, CHECKIN, flags=Flags.TAMPER_OPEN)).status.tampered_ms is None
    at_zero = step(KNOWN, uplink(21, TAMPER, flags=Flags.TAMPER_OPEN), 0, 0).status
    assert at_zero.tampered_ms == 0


# Restarts and refused inputs are remembered for a while


def test_each_restart_is_remembered_for_six_hours_more_up_to_three_days() -> None:
    one = after(KNOWN, uplink(21, flags=Flags.RESTARTED)).status
    assert (one.restarts, one.restarts_until_ms) == (1, NOW_MS + 6 * HOUR_MS)
    two = after(one, uplink(22, flags=Flags.RESTARTED), NOW_MS + HOUR_MS).status
    assert (two.restarts, two.restarts_until_ms) == (2, NOW_MS + 12 * HOUR_MS)
    forgotten = after(one, uplink(22, flags=Flags.RESTARTED), NOW_MS + 10 * HOUR_MS).status
    assert forgotten.restarts_until_ms == NOW_MS + 16 * HOUR_MS
    many = replace(KNOWN, restarts=90, restarts_until_ms=NOW_MS + 70 * HOUR_MS)
    assert after(many, uplink(21, flags=Flags.RESTARTED)).status.restarts_until_ms == NOW_MS + 72 * HOUR_MS


def test_each_refused_input_is_remembered_for_an_hour_more_up_to_three_days() -> None:
    five = after(KNOWN, uplink(21, CHECKIN, replace(WELL, rejected=5))).status
    assert five.rejected_until_ms == NOW_MS + 5 * HOUR_MS
    assert after(five, uplink(22, CHECKIN, WELL)).status.rejected_until_ms == five.rejected_until_ms
    more = after(five, uplink(22, CHECKIN, replace(WELL, rejected=1))).status
    assert more.rejected_until_ms == NOW_MS + 6 * HOUR_MS
    assert (
        after(five, uplink(22, CHECKIN, replace(WELL, rejected=255))).status.rejected_until_ms == NOW_MS + 72 * HOUR_MS
    )
    assert (five.restarts, five.restarts_until_ms) == (0, 0)


# Counters that are left out, jump or clash


@pytest.mark.parametrize(
    ("counter", "asleep_s", "gap", "jumped", "first"),
    [
        (21, 0, None, 0, 10),
        (22, 0, 20, 0, 10),
        (21 + 1_000, 0, 20, 0, 10),
        (21 + 1_001, 0, None, 1_001, 10),  # more than any button leaves out at once
        (21 + 1_001, 5, 20, 0, 10),  # it may use one each five seconds
        (21 + 1_001, 4, None, 1_001, 10),
        (21 + 1_720, 3_600, 20, 0, 10),
        (21 + 1_721, 3_600, None, 1_721, 10),
        (21 + 1_001, -500, None, 1_001, 10),  # the gateway's clock was set back
        (15, 0, None, 0, 10),
        (9, 0, None, 0, 9),
    ],
)
def test_what_lies_between_the_counters(counter: int, asleep_s: int, gap: int | None, jumped: int, first: int) -> None:
    made = after(KNOWN, bare(counter), KNOWN.last_seen_ms + asleep_s * 1_000)
    assert (made.gap_after, made.jumped_over, made.status.jumped_over) == (gap, jumped, jumped)
    assert (made.status.first_counter, made.status.highest_counter) == (first, max(20, counter))
    faults = (made.status.counter_faults, made.status.counter_fault_ms)
    assert faults == ((1, KNOWN.last_seen_ms + asleep_s * 1_000) if jumped else (0, None))


@pytest.mark.parametrize(("counter", "jumped"), [(5_000 - 1_001, 0), (5_000 - 1_002, 1_001), (0, 4_999)])
def test_a_counter_far_below_the_first_jumps_too(counter: int, jumped: int) -> None:
    known = replace(KNOWN, first_counter=5_000, highest_counter=5_010)
    for asleep_s in (0, 86_400):
        made = after(known, bare(counter), KNOWN.last_seen_ms + asleep_s * 1_000)
        assert (made.jumped_over, made.gap_after) == (jumped, None)


def test_one_more_fault_counts_and_an_old_one_stays() -> None:
    known = replace(KNOWN, counter_faults=2, counter_fault_ms=NOW_MS - 9, jumped_over=40)
    assert differs(known, after(known, bare(21)).status).keys() == {"highest_counter", "events", "last_seen_ms"}
    jumped = after(known, bare(21 + 5_000)).status
    assert (jumped.counter_faults, jumped.counter_fault_ms, jumped.jumped_over) == (3, NOW_MS, 5_040)


def test_another_message_under_a_counter_is_a_fault_and_no_further_event() -> None:
    made = after(KNOWN, bare(20), contradicted=True)
    assert differs(KNOWN, made.status) == {
        "last_seen_ms": NOW_MS,
        "counter_faults": 1,
        "counter_fault_ms": NOW_MS,
    }


def test_a_device_of_which_nothing_is_stored_left_nothing_out() -> None:
    kept = replace(KNOWN, events=0)
    made = after(kept, bare(9_000))
    assert (made.gap_after, made.jumped_over) == (None, 0)
    assert after(replace(KNOWN, events=1), bare(22)).gap_after == 20


def test_how_many_are_missing() -> None:
    assert KNOWN.missing == 0
    assert replace(KNOWN, events=9).missing == 2
    assert replace(KNOWN, highest_counter=120, events=11, jumped_over=90).missing == 10
    assert replace(KNOWN, events=30).missing == 0


@given(st.lists(st.integers(0, 900), min_size=1, max_size=12, unique=True))
def test_in_whatever_order_they_come_those_that_do_not_are_missing(counters: list[int]) -> None:
    status = None
    for counter in counters:
        status = after(status, bare(counter)).status
    assert status is not None
    assert (status.first_counter, status.highest_counter) == (min(counters), max(counters))
    assert status.missing == max(counters) - min(counters) + 1 - len(counters)


# Its clock


def test_only_a_check_in_with_its_clock_set_tells_of_the_clock() -> None:
    seconds = NOW_MS // 1_000
    known = replace(KNOWN, clock=ClockLag(3, NOW_MS - 60_000, 1_000))
    told = uplink(21, CHECKIN, time=seconds - 7)
    assert clock_after(None, told, NOW_MS + 900) == ClockLag(7, NOW_MS + 900)
    assert after(KNOWN, told, NOW_MS + 900).status.clock == ClockLag(7, NOW_MS + 900)
    assert after(known, told).status.clock == ClockLag(3, NOW_MS - 60_000, 2_000), "it learns from what it knew"
    for silent in (uplink(21, CHECKIN), uplink(21, PRESS, time=seconds - 7), bare(21)):
        assert clock_after(known, silent, NOW_MS) == known.clock
        assert clock_after(None, silent, NOW_MS) is None
    without = Uplink(Suite.ES256, CHECKIN, ID, 21, b"", b"", b"")
    assert clock_after(known, without, NOW_MS) == known.clock
