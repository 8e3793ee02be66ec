"""A usual check-in does to a status what any frame does; whatever is unusual is left to the rule for all."""

from __future__ import annotations

import struct
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from pressing_button import report_body
from siaga_gateway.domain.battery_history import DAY_MS
from siaga_gateway.domain.device_status import DeviceStatus, clock_after, step
from siaga_gateway.domain.event import Timing, event_of
from siaga_gateway.domain.frame import Flags, Kind, Suite, Uplink, decode_uplink
from siaga_gateway.domain.usual_checkin import usual

ID = bytes(range(8))
NOW_MS = 1_790_000_000_000
TIMING = Timing()
WELL = bytes([0, 1, 0, 185, 0x40, 12, 0, 0])


def checkin(counter: int, body: bytes, suite: Suite = Suite.HS256_64, kind: Kind = Kind.CHECKIN) -> Uplink:
    tag = bytes(64 if suite is Suite.ES256 else 8)
    return decode_uplink(struct.pack(">BB8sI", 1 << 4 | suite, kind, ID, counter) + body + tag)


def by_the_rule(before: DeviceStatus, uplink: Uplink, received_ms: int, digest: bytes, narrow: bool) -> DeviceStatus:
    lag = None if before.clock is None else clock_after(before, uplink, received_ms)
    event = event_of(uplink, received_ms, TIMING, lag)
    moved = step(before, uplink, received_ms, event.at_ms, digest=digest, narrow=narrow)
    assert (moved.gap_after, moved.battery_fell_low, moved.jumped_over, moved.finished) == (None, False, 0, None)
    assert not moved.new_hour
    return moved.status


def known(count: int = 40) -> DeviceStatus:
    """After some check-ins a minute apart, the last one a minute ago."""
    status: DeviceStatus | None = None
    for number in range(count):
        at_ms = NOW_MS - (count - number) * 60_000
        uplink = checkin(5 + number, report_body(at_ms // 1000, battery=80) + WELL, Suite.ES256)
        status = step(status, uplink, at_ms, at_ms, digest=bytes([number]) * 32).status
    assert status is not None
    return status


KNOWN = known()
DIGEST = b"\xee" * 32
BODIES = st.builds(
    report_body,
    st.integers(NOW_MS // 1000 - 200, NOW_MS // 1000 + 200) | st.just(0),
    latitude=st.sampled_from([-54_000_000, 0, 900_000_001, -(2**31)]),
    longitude=st.sampled_from([1_052_600_000, 5, -(2**31)]),
    accuracy=st.sampled_from([0, 10, 65534, 65535]),
    fix_age=st.sampled_from([0, 65534, 65535]),
    battery=st.sampled_from([0, 80, 100, 101, 255]),
    flags=st.integers(0, 0xFFF).map(lambda flags: flags & 0xCFF),
    source=st.integers(0, 3),
)
STATUSES = st.just(b"") | st.just(WELL) | st.binary(min_size=8, max_size=8)


@given(
    BODIES,
    STATUSES,
    st.sampled_from([1, 1, 1, 1, 0, -3, 2, 40, 5000]),
    st.sampled_from([Suite.HS256_64, Suite.ES256]),
    st.booleans(),
    st.sampled_from([0, 1, 59_999, -60_000, 90_000_000]),
    st.sampled_from([None, NOW_MS - DAY_MS, NOW_MS + 5]),
    st.sampled_from([40, 1, 2]),
)
@example(report_body(NOW_MS // 1000, battery=80), WELL, 1, Suite.HS256_64, False, 0, None, 40)
def test_it_says_what_the_rule_for_all_frames_says_or_nothing(
    body: bytes, status: bytes, ahead: int, suite: Suite, narrow: bool, later_ms: int, since_ms: int | None, count: int
) -> None:
    before = replace(known(count) if count != 40 else KNOWN, mac_since_ms=since_ms, mac_until_ms=since_ms)
    counter = max(0, before.highest_counter + ahead)
    uplink = checkin(counter, body + status, suite)
    received_ms = NOW_MS + later_ms
    found = usual(before, uplink, received_ms, TIMING, DIGEST, narrow=narrow)
    if found is not None:
        assert found == by_the_rule(before, uplink, received_ms, DIGEST, narrow)


def test_a_usual_one_is_found_to_be_one_and_each_unusual_one_is_not() -> None:
    time_s = NOW_MS // 1000
    here = {"latitude": -54_000_000, "longitude": 1_052_600_000, "accuracy": 10, "fix_age": 1, "source": 1}
    body = report_body(time_s, battery=80, **here)
    after, next_counter = KNOWN, KNOWN.highest_counter + 1

    def found(body: bytes = body, status: bytes = WELL, counter: int = next_counter, **changes: object) -> bool:
        uplink = checkin(counter, body + status)
        return usual(replace(KNOWN, **changes), uplink, NOW_MS, TIMING, DIGEST, narrow=False) is not None  # type: ignore[arg-type]

    for number in range(3):
        after = usual(after, checkin(next_counter + number, body + WELL), NOW_MS, TIMING, DIGEST, narrow=False) or KNOWN
    assert after.highest_counter == next_counter + 2 and after.events == KNOWN.events + 3
    assert after.position is not None and after.mac_since_ms == after.mac_until_ms == NOW_MS
    assert found() and found(status=b"")
    for flag in (Flags.DURESS, Flags.RESTARTED, Flags.LOW_BATTERY):
        assert not found(report_body(time_s, battery=80, flags=int(flag), **here)), flag
    assert found(report_body(time_s, battery=80, flags=int(Flags.LOW_BATTERY)), low_battery=True)
    assert not found(report_body(time_s, battery=255, **here))
    assert not found(report_body(0, battery=80)) and not found(report_body(time_s - 121, battery=80))
    assert not found(report_body(time_s, battery=80, latitude=0, longitude=0, source=1)), "no place to be"
    assert not found(status=bytes([*WELL[:-1], 1])), "inputs were refused"
    assert not found(counter=next_counter - 1) and not found(counter=next_counter + 1)
    assert not found(checkins=None) and not found(checkins=b"") and not found(checkins=b"\0" * 7)
    assert not found(events=0) and not found(told_counter=next_counter) and not found(battery_counter=next_counter)
    assert not found(day=KNOWN.day - 1), "another day begins"
    assert not found(hours=None) and not found(hours=KNOWN.hours[:-2] if KNOWN.hours else None), "another hour begins"
    assert not found(last_seen_ms=NOW_MS + 1)
    press = checkin(next_counter, body, kind=Kind.PRESS)
    assert usual(KNOWN, press, NOW_MS, TIMING, DIGEST, narrow=False) is None
