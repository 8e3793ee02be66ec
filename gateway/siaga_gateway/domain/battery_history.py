"""A day of a button's battery and signal: one value of each an hour, in two bytes as a CHECKIN has them.

Days and hours are UTC. The value of an hour is that of its first check-in.
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.device_report import UNKNOWN_BATTERY, UNKNOWN_SIGNAL, Report, Status
from siaga_gateway.domain.value import record

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_NOTHING: Final = bytes([UNKNOWN_BATTERY, UNKNOWN_SIGNAL & 0xFF])


@record
class HourValue:
    """What was known in one hour."""

    at_ms: int  # its beginning, Unix ms
    battery: int | None  # percent
    signal_dbm: int | None


def day_of(at_ms: int) -> int:
    """Return the number of a day, from 1970 on."""
    return at_ms // DAY_MS


def with_hour(hours: bytes, at_ms: int, report: Report, status: Status | None) -> bytes:
    """Return a day's values with those of a check-in at at_ms, unless its hour has some."""
    hour = at_ms % DAY_MS // HOUR_MS
    if len(hours) > 2 * hour and hours[2 * hour : 2 * hour + 2] != _NOTHING:
        return hours
    battery = UNKNOWN_BATTERY if report.battery_percent is None else report.battery_percent
    signal = UNKNOWN_SIGNAL if status is None else status.signal
    padded = hours + _NOTHING * (hour - len(hours) // 2)
    return padded[: 2 * hour] + bytes([battery, signal & 0xFF]) + padded[2 * hour + 2 :]


def hours_of(day: int, hours: bytes) -> list[HourValue]:
    """Return the hours of a day of which something is known."""
    found = []
    for hour in range(len(hours) // 2):
        battery, signal = hours[2 * hour], hours[2 * hour + 1]
        signal = signal - 256 if signal > 127 else signal
        value = HourValue(
            day * DAY_MS + hour * HOUR_MS,
            battery if battery <= 100 else None,
            None if signal == UNKNOWN_SIGNAL else signal,
        )
        if value.battery is not None or value.signal_dbm is not None:
            found.append(value)
    return found
