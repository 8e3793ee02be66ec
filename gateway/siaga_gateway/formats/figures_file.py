"""A report of figures as a file: CSV for a spreadsheet, JSON for a program.

The CSV is what Excel in Indonesia opens by a double click: UTF-8 with a mark, semicolons, whole numbers. The JSON's
names are stable; times are Unix ms, durations ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from siaga_gateway.catalogue import text
from siaga_gateway.domain.figure_report import Report, StationRow
from siaga_gateway.domain.figures import BARS_S, BOUNDS_MIN, FEW, CallFigures, Spread
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.report_period import day_of
from siaga_gateway.formats.owner_record_csv import BOM, rows_of

_SPREADS: Final = ("transmission", "acknowledged", "assigned", "on_scene")
_COUNTS: Final = (
    "calls",
    "presses",
    "held",
    "open",
    "left_out",
    "real",
    "false",
    "unanswered",
    "nobody_came",
    "by_button",
)


def figures_csv(report: Report, language: str) -> bytes:
    """Return a line for each station and one for all of them; the last lines say what a reader has to know.

    A station with no calls but its own has one line: its own would be the same again.
    """
    own_alone = [row.station for row in report.rows] == [report.station] and report.station is not None
    rows = () if own_alone else report.rows
    told: list[Sequence[str | int | float]] = []
    for number, (row, figures) in enumerate([*((row, row.figures) for row in rows), (None, report.total)]):
        cells = list(_cells(row, report, figures, language))
        if number == 0:
            told.append([text(f"figures.column.{name}", language, **values) for name, values, _ in cells])
        told.append(["" if cell is None else cell for _, _, cell in cells])
    if report.exercise:
        told.append([text("figures.exercise", language)])
    if report.behind:
        told.append([text("figures.behind", language)])
    if report.few:
        told.append([text("figures.few", language, least=FEW)])
    return BOM + rows_of(told)


def _cells(
    row: StationRow | None, report: Report, figures: CallFigures, language: str
) -> Iterator[tuple[str, dict[str, Any], str | int | float | None]]:
    """Give each cell with the name of its column, and what that names."""
    station = report.station if row is None else row.station
    unknown = text("figures.all" if row is None else "figures.no_station", language)
    yield "from", {}, report.period.first.isoformat()
    yield "to", {}, report.period.last.isoformat()
    yield "key", {}, "" if station is None else station.key
    yield "name", {}, unknown if station is None else station.name
    for name in _COUNTS:
        yield name, {}, getattr(figures, name)
    for ended in Disposition:
        named = text(f"console.disposition.{ended}", language)
        yield "ended", {"ended": named}, figures.dispositions.get(ended.value, 0)
    for name in _SPREADS:
        spread: Spread = getattr(figures, name)
        what = {"what": text(f"figures.step.{name}", language)}
        yield "count", what, spread.count
        yield "among", what, spread.among
        yield "median_ms", what, spread.median_ms
        yield "p90_ms", what, spread.p90_ms
        if name == "transmission":
            yield "p95_ms", what, spread.p95_ms
            yield "mean_ms", what, spread.mean_ms
            yield "most_ms", what, spread.most_ms
        else:
            for minutes, within in zip(BOUNDS_MIN, spread.within, strict=True):
                yield "within", {**what, "minutes": minutes}, within


def figures_json(report: Report) -> bytes:
    """Return one JSON object."""
    found = report.availability
    return orjson.dumps(
        {
            "from": report.period.first.isoformat(),
            "to": report.period.last.isoformat(),
            "from_ms": report.from_ms,
            "to_ms": report.to_ms,
            "as_of_ms": report.now_ms,
            "station": None if report.station is None else report.station.key,
            "exercise": report.exercise,
            "behind": report.behind,
            "few": report.few,
            "total": _figures(report.total),
            "stations": [
                {
                    "station": None if row.station is None else row.station.key,
                    "name": None if row.station is None else row.station.name,
                    **_figures(row.figures),
                }
                for row in report.rows
            ],
            "trend": {
                "by": "week" if report.by_week else "day",
                "steps": [
                    {"from": day_of(each.day).isoformat(), "calls": each.calls, "false": each.false}
                    | {"acknowledged_median_ms": each.median_ms}
                    for each in report.steps
                ],
            },
            "hours": report.hours,
            "availability": {
                "buttons": found.buttons,
                "ppm": found.ppm,
                "silent_ms": found.silent_ms,
                "silent_buttons": found.silent_buttons,
                "worst": [{"device_id": each.device_id.hex(), "silent_ms": each.silent_ms} for each in found.worst],
            },
        }
    )


def _figures(figures: CallFigures) -> dict[str, Any]:
    return {
        **{name: getattr(figures, name) for name in _COUNTS},
        "dispositions": dict(figures.dispositions),
        **{name: _spread(getattr(figures, name)) for name in _SPREADS},
        "acknowledged_bars": [
            {"to_s": bound, "calls": calls} for bound, calls in zip((*BARS_S, None), figures.bars, strict=True)
        ],
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "count": spread.count,
        "among": spread.among,
        "median_ms": spread.median_ms,
        "p90_ms": spread.p90_ms,
        "p95_ms": spread.p95_ms,
        "mean_ms": spread.mean_ms,
        "most_ms": spread.most_ms,
        "within": {f"{minutes}_min": count for minutes, count in zip(BOUNDS_MIN, spread.within, strict=True)},
    }
