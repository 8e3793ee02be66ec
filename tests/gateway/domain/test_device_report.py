"""What each field of a report and of a status is worth (domain/device_report.py), at its borders; a bit at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressing_button import report_body
from siaga_gateway.domain import device_report as module
from siaga_gateway.domain.device_report import NO_POSITION, Bearer, Flags, PositionSource, Report, Status, Trigger

MEANINGS = (
    "test", "silent", "duress", "external_power", "moving", "tamper_open", "low_battery", "restarted"
)  # fmt: skip


def report(**fields: int) -> Report:
    return Report.from_body(report_body(**fields))


def flags_of(word: int) -> dict[str, bool]:
    return {name: getattr(report(flags=word), name) for name in MEANINGS}


def test_each_bit_of_the_flags_is_one_thing_and_nothing_else() -> None:
    for bit, name in enumerate(MEANINGS):
        assert flags_of(1 << bit) == {other: other == name for other in MEANINGS}, name
        assert Flags[name.upper()] == 1 << bit
    assert not any(flags_of(0xFF00).values())
    everything = flags_of(0xFF)
    assert everything == {name: name != "test" for name in MEANINGS}, "under threat nobody exercises"


def test_all_fields_are_as_they_were_sent() -> None:
    body = report_body(1, latitude=-2, longitude=3, accuracy=4, fix_age=5, battery=6, flags=0xF007, opening=8)
    assert Report.from_body(body) == Report(1, -2, 3, 4, 5, 6, 0xF007, 8)


@pytest.mark.parametrize(
    ("latitude", "longitude", "there"),
    [
        (900_000_000, 1_800_000_000, True),
        (-900_000_000, -1_800_000_000, True),
        (900_000_001, 0, False),
        (-900_000_001, 0, False),
        (0, 1_800_000_001, False),
        (0, -1_800_000_001, False),
        (NO_POSITION, 1, False),
        (1, NO_POSITION, False),
        (NO_POSITION, NO_POSITION, False),
    ],
)
def test_a_place_is_one_that_is_on_the_globe(latitude: int, longitude: int, there: bool) -> None:
    made = report(latitude=latitude, longitude=longitude, accuracy=7, fix_age=8, source=2)
    assert made.has_position is there
    degrees = (made.latitude_degrees, made.longitude_degrees)
    assert degrees == ((latitude / 10_000_000, longitude / 10_000_000) if there else (None, None))
    assert (made.accuracy_m, made.fix_age_s) == ((7, 8) if there else (None, None))
    assert made.position_source is (PositionSource.NETWORK if there else PositionSource.NONE)


def test_what_is_unknown_is_not_a_number() -> None:
    unknown = (module.UNKNOWN_ACCURACY, module.UNKNOWN_FIX_AGE, module.UNKNOWN_BATTERY, module.UNKNOWN_SIGNAL)
    assert (NO_POSITION, *unknown) == (-(2**31), 65_535, 65_535, 255, -128), "as the wire has it"
    here = {"latitude": 1, "longitude": 1}
    assert [report(**here, accuracy=metres).accuracy_m for metres in (0, 65_534, 65_535)] == [0, 65_534, None]
    assert [report(**here, fix_age=age).fix_age_s for age in (0, 65_534, 65_535)] == [0, 65_534, None]
    assert [report(battery=percent).battery_percent for percent in (0, 100, 101, 254, 255)] == [0, 100, *[None] * 3]
    assert [report(time=time).clock_set for time in (0, 1, 2**32 - 1)] == [False, True, True]


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 255), st.integers(0, 15))
def test_source_and_trigger_are_where_they_are_whatever_stands_beside_them(
    source: int, trigger: int, low: int, high: int
) -> None:
    made = report(flags=low | source << 8 | trigger << 10 | high << 12, latitude=1, longitude=1)
    assert (made.position_source, made.trigger) == (PositionSource(source), Trigger(trigger))


@given(st.binary(min_size=8, max_size=8))
def test_the_status_of_a_check_in(body: bytes) -> None:
    made = Status.from_body(body)
    signal = body[3] - 256 * (body[3] > 127)
    values: tuple[Any, ...] = (tuple(body[:3]), signal, body[4] // 16, body[4] % 16, *body[5:])
    assert made == Status(*values)
    assert made.signal_dbm == (None if signal == -128 else signal)


def test_signal_and_bearer_at_their_borders() -> None:
    def status(signal: int, bearer: int) -> Status:
        return Status((1, 2, 3), signal, bearer, 0, 0, 0, 0)

    assert [status(dbm, 0).signal_dbm for dbm in (-128, -127, 0, 127)] == [None, -127, 0, 127]
    named = [status(0, bearer).bearer_in_use for bearer in range(16)]
    assert named == [Bearer.UNKNOWN, Bearer.LTE, Bearer.SMS, Bearer.LORAWAN, Bearer.WIFI] + [Bearer.UNKNOWN] * 11
