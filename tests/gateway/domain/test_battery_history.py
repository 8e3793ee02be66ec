"""A day of battery and signal in two bytes an hour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.battery_history import DAY_MS, HOUR_MS, HourValue, day_of, hours_of, with_hour
from siaga_gateway.domain.device_report import UNKNOWN_SIGNAL, Report, Status
from siaga_gateway.domain.device_status import step
from siaga_gateway.domain.frame import Kind, Suite, Uplink

DAY = 20_000


def report(battery: int) -> Report:
    return Report(0, -(2**31), -(2**31), 65535, 65535, battery, 0, 0)


def status(signal: int) -> Status:
    return Status((1, 0, 0), signal, 1, 0, 5, 0, 0)


@given(
    st.lists(
        st.tuples(st.integers(0, DAY_MS - 1), st.integers(0, 255), st.none() | st.integers(-128, 127)), max_size=60
    )
)
def test_each_hour_has_the_first_value_that_came_in_it(check_ins: list[tuple[int, int, int | None]]) -> None:
    expected: dict[int, HourValue] = {}
    hours = b""
    for at_ms, battery, signal in check_ins:
        hours = with_hour(hours, DAY * DAY_MS + at_ms, report(battery), None if signal is None else status(signal))
        told = HourValue(
            DAY * DAY_MS + at_ms // HOUR_MS * HOUR_MS,
            battery if battery <= 100 else None,
            None if signal in (None, UNKNOWN_SIGNAL) else signal,
        )
        if told.battery is not None or told.signal_dbm is not None:
            expected.setdefault(told.at_ms, told)
    found = {one.at_ms: one for one in hours_of(DAY, hours)}
    assert {at: (one.battery, one.signal_dbm) for at, one in found.items() if at in expected} == {
        at: (one.battery, one.signal_dbm) for at, one in expected.items()
    }
    assert len(hours) <= 48


def test_a_day_that_is_over_is_handed_on_once() -> None:
    before, finished = None, []
    for hour in range(60):
        told = {"report": report(90), "status": status(-80)}
        frame = Uplink(Suite.HS256_64, Kind.CHECKIN, bytes(8), hour, b"", b"", b"", **told)
        at_ms = DAY * DAY_MS + hour * HOUR_MS
        moved = step(before, frame, at_ms, at_ms)
        before = moved.status
        if moved.finished is not None:
            finished.append(moved.finished)
    assert [day for day, _ in finished] == [DAY, DAY + 1]
    assert [len(hours_of(*one)) for one in finished] == [24, 24]
    assert before is not None and before.day == day_of(DAY * DAY_MS + 2 * DAY_MS)
