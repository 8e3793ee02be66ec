"""Plots of a button's battery and signal, by the hour. Pure: the template only draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.domain.battery_history import DAY_MS, HOUR_MS, HourValue
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.web.reports.plots import LinePlot, Mark

DAYS: Final = 90
SPARK_DAYS: Final = 30  # of the small plot in the list
BATTERY: Final = (0, 100, 25)  # lowest and highest value shown, and the step of the labels
SIGNAL: Final = (-120, -40, 20)
_GAP_MS: Final = 26 * HOUR_MS  # no line across a longer silence: some buttons check in once a day
_LABELS: Final = 6


def spark(values: Sequence[HourValue], now_ms: int) -> str:
    """Return the battery of the last SPARK_DAYS as points of a polyline, 100 wide and 20 high; empty: too few."""
    points = [
        f"{100 - (now_ms - one.at_ms) * 100 / (SPARK_DAYS * DAY_MS):.0f},{20 - one.battery / 5:.0f}"
        for one in values
        if one.battery is not None and 0 <= now_ms - one.at_ms <= SPARK_DAYS * DAY_MS
    ]
    return " ".join(dict.fromkeys(points)) if len(set(points)) > 1 else ""


def plot(
    values: Sequence[HourValue],
    of: Callable[[HourValue], int | None],
    scale: tuple[int, int, int],
    now_ms: int,
    local: LocalTime,
) -> LinePlot | None:
    """Return the last DAYS of one value; None: nothing is known. scale: see BATTERY."""
    low, high, step = scale
    empty = LinePlot((), (), (), (), (), ())
    since_ms = now_ms - DAYS * DAY_MS

    def x(at_ms: int) -> float:
        return round(empty.left + (at_ms - since_ms) / (DAYS * DAY_MS) * (empty.right - empty.left), 1)

    def y(value: int) -> float:
        top = 26.0
        return round(empty.floor - (min(max(value, low), high) - low) / (high - low) * (empty.floor - top), 1)

    lines: list[list[str]] = []
    last: int | None = None
    for one in values:
        value = of(one)
        if value is None or not since_ms <= one.at_ms <= now_ms:
            continue
        if last is None or one.at_ms - last > _GAP_MS:
            lines.append([])
        lines[-1].append(f"{x(one.at_ms)},{y(value)}")
        last = one.at_ms
    if last is None:
        return None
    days = [since_ms + number * DAYS * DAY_MS // _LABELS for number in range(1, _LABELS)]
    alone = [each[0].split(",") for each in lines if len(each) == 1]
    return LinePlot(
        lines=tuple(" ".join(each) for each in lines if len(each) > 1),
        points=tuple(Mark(float(one[0]), "") for one in alone),
        heights=tuple(float(one[1]) for one in alone),
        below=tuple(Mark(x(at_ms), local.at(at_ms).strftime("%d/%m")) for at_ms in days),
        beside=tuple(Mark(y(value), str(value).replace("-", "−")) for value in range(low, high + 1, step)),
        across=(),
    )
