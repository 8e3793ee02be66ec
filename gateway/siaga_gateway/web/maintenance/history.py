"""Plots of a button's battery and signal, by the hour. Pure: the template only draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.domain.battery_history import DAY_MS, HOUR_MS, HourValue
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.web.reports.plots import LinePlot, Mark

DAYS: Final = 90
BATTERY: Final = (0, 100, 25)  # lowest and highest value shown, and the step of the labels
SIGNAL: Final = (-120, -40, 20)
_GAP_MS: Final = 26 * HOUR_MS  # no line across a longer silence: some buttons check in once a day
_LABELS: Final = 6


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
