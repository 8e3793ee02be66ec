"""Plots of figures: where each bar, point, square and label stands, for the template that draws them as SVG. Pure.

Coordinates are units of the drawing; y goes down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from siaga_gateway.domain.figures import BARS_S, BOUNDS_MIN, HOURS, Step
from siaga_gateway.domain.value import record

WIDTH: Final = 720
HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 26, 30
_LABELS: Final = 12  # along the bottom, at most
MOST_ROWS: Final = 20  # of a plot by name; the table has all of them
_ROW: Final = 36  # its height
_NAMES: Final = 250  # the room for names on the left
_NAME: Final = 32  # characters of one
_NUMBER: Final = 84  # the room for a number behind the longest bar
_SQUARE: Final = 27  # of the heat map; its height
_DARK: Final = 60  # per cent of the fullest, from which a square's number is dark


@record
class Rect:
    x: float
    y: float
    width: float
    height: float
    shown: str = ""  # what stands in or above it
    percent: int = 100  # of the fullest


@record
class Mark:
    """A label, and a line from it where there is one."""

    at: float
    shown: str


@record
class BarPlot:
    bars: tuple[Rect, ...]
    parts: tuple[Rect, ...]  # of the bars, from below
    below: tuple[Mark, ...]  # x
    beside: tuple[Mark, ...]  # y
    across: tuple[Mark, ...] = ()  # x: bounds
    width: int = WIDTH
    height: int = HEIGHT
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    floor: float = HEIGHT - _BOTTOM


@record
class LinePlot:
    lines: tuple[str, ...]  # `points` of a polyline: stretches without a gap
    points: tuple[Mark, ...]  # x
    heights: tuple[float, ...]  # y of the points
    below: tuple[Mark, ...]
    beside: tuple[Mark, ...]
    across: tuple[Mark, ...]  # y: bounds
    width: int = WIDTH
    height: int = HEIGHT
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    floor: float = HEIGHT - _BOTTOM


@record
class HeatPlot:
    squares: tuple[Rect, ...]
    rows: tuple[Mark, ...]  # y, weekdays
    columns: tuple[Mark, ...]  # x, hours
    width: int = WIDTH
    height: int = 7 * _SQUARE + _TOP + 4
    dark: int = _DARK


@record
class Line:
    """One name with one or two measures; None: not known."""

    name: str
    first: float | None
    first_shown: str = ""
    second: float | None = None
    second_shown: str = ""


@record
class RowPlot:
    bars: tuple[Rect, ...]  # the first measure
    parts: tuple[Rect, ...]  # the second
    names: tuple[Mark, ...]  # y
    below: tuple[Mark, ...]  # x
    height: int
    width: int = WIDTH
    left: float = _NAMES


def ceiling(most: int) -> int:
    """Return the end of an axis: the least 1, 2 or 5 with zeros that is not below; at least 4."""
    top = 1
    while top < max(4, most):
        top = top * 5 // 2 if str(top)[0] == "2" else top * 2
    return top


def histogram(bars: Sequence[int], shown: Sequence[str], numbers: Sequence[str]) -> BarPlot:
    """bars: counts, as figures.bars. shown: the labels of their bounds. numbers: what stands above each bar."""
    end = ceiling(max(bars, default=0))
    step = (WIDTH - _LEFT - _RIGHT) / len(bars)
    placed = [_bar(_LEFT + number * step, step, count, end) for number, count in enumerate(bars)]
    edges = [_LEFT + (number + 1) * step for number in range(len(BARS_S))]
    bounds = [edges[BARS_S.index(minutes * 60)] for minutes in BOUNDS_MIN]
    return BarPlot(
        bars=tuple(
            Rect(each.x, each.y, each.width, each.height, number if count else "")
            for each, number, count in zip(placed, numbers, bars, strict=True)
        ),
        parts=(),
        below=tuple(Mark(_r(x), label) for x, label in zip(edges, shown, strict=True)),
        beside=_beside(end),
        across=tuple(Mark(_r(x), "") for x in bounds),
    )


def trend(steps: Sequence[Step], shown: Sequence[str]) -> BarPlot:
    """Calls of each day or week, the false ones from below. shown: their labels."""
    end = ceiling(max((each.calls for each in steps), default=0))
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(steps))
    return BarPlot(
        bars=tuple(_bar(_LEFT + number * width, width, each.calls, end) for number, each in enumerate(steps)),
        parts=tuple(_bar(_LEFT + number * width, width, each.false, end) for number, each in enumerate(steps)),
        below=_below(width, shown),
        beside=_beside(end),
    )


def course(steps: Sequence[Step], shown: Sequence[str], unit: str) -> LinePlot:
    """The median of each day or week, in minutes, with the bounds across. unit: what `{n} min` is called."""
    most = max((each.median_ms for each in steps if each.median_ms is not None), default=0)
    end = ceiling(-(-most // 60_000))
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(steps))
    xs = [_r(_LEFT + (number + 0.5) * width) for number in range(len(steps))]
    ys = [None if each.median_ms is None else _y(each.median_ms / 60_000, end) for each in steps]
    lines: list[list[str]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if y is None:
            lines.append([])
        else:
            lines[-1].append(f"{x},{y}")
    there = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None]
    return LinePlot(
        lines=tuple(" ".join(each) for each in lines if len(each) > 1),
        points=tuple(Mark(x, "") for x, _ in there),
        heights=tuple(y for _, y in there),
        below=_below(width, shown),
        beside=_beside(end),
        across=tuple(Mark(_y(minutes, end), unit.format(n=minutes)) for minutes in BOUNDS_MIN if minutes <= end),
    )


def heat(hours: Sequence[int], weekdays: Sequence[str], numbers: Sequence[str]) -> HeatPlot:
    """hours: 7 x 24 counts. numbers: what stands in each square."""
    most = max(*hours, 1)
    width = (WIDTH - _LEFT - _RIGHT) / HOURS
    return HeatPlot(
        squares=tuple(
            Rect(
                _r(_LEFT + number % HOURS * width),
                _TOP + number // HOURS * _SQUARE,
                _r(width - 1.5),
                _SQUARE - 1.5,
                numbers[number] if count else "",
                100 * count // most,
            )
            for number, count in enumerate(hours)
        ),
        rows=tuple(Mark(_TOP + (day + 0.65) * _SQUARE, name) for day, name in enumerate(weekdays)),
        columns=tuple(Mark(_r(_LEFT + (hour + 0.45) * width), f"{hour:02d}") for hour in range(HOURS)),
    )


def by_name(lines: Sequence[Line], end: int | None = None) -> RowPlot:
    """A row for each name, its measures as bars below each other. end: of the axis; None: as long as is needed."""
    lines = lines[:MOST_ROWS]
    known = [value for each in lines for value in (each.first, each.second) if value is not None]
    end = ceiling(math.ceil(max(known, default=0))) if end is None else end
    wide = (WIDTH - _NAMES - _NUMBER) / end

    def bar(number: int, low: int, value: float | None, shown: str) -> list[Rect]:
        if value is None:
            return []
        return [Rect(_NAMES, number * _ROW + 6 + low, _r(max(1.0, value * wide)), 12, shown)]

    return RowPlot(
        bars=tuple(rect for number, each in enumerate(lines) for rect in bar(number, 0, each.first, each.first_shown)),
        parts=tuple(
            rect
            for number, each in enumerate(lines)
            for rect in bar(number, 13 if each.first is not None else 0, each.second, each.second_shown)
        ),
        names=tuple(Mark(number * _ROW + 22, _cut(each.name)) for number, each in enumerate(lines)),
        below=tuple(Mark(_r(_NAMES + end * part / 4 * wide), f"{end * part / 4:g}") for part in range(5)),
        height=len(lines) * _ROW + 30,
    )


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1].rstrip()}…"


def _bar(x: float, step: float, count: int, end: int) -> Rect:
    y = _y(count, end)
    return Rect(_r(x + step * 0.08), y, _r(step * 0.84), _r(HEIGHT - _BOTTOM - y))


def _y(value: float, end: int) -> float:
    return _r(HEIGHT - _BOTTOM - value * (HEIGHT - _TOP - _BOTTOM) / end)


def _beside(end: int) -> tuple[Mark, ...]:
    parts = 4 if end % 4 == 0 else 5
    return tuple(Mark(_y(end * part // parts, end), str(end * part // parts)) for part in range(parts + 1))


def _below(width: float, shown: Sequence[str]) -> tuple[Mark, ...]:
    each = max(1, -(-len(shown) // _LABELS))
    return tuple(
        Mark(_r(_LEFT + (number + 0.5) * width), label) for number, label in enumerate(shown) if number % each == 0
    )


def _r(value: float) -> float:
    return round(value, 1)
