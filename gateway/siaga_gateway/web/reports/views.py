"""A report of figures in words. Pure: the templates only place them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.availability import MILLION
from siaga_gateway.domain.call_record import FALSE
from siaga_gateway.domain.figure_report import Report, StationRow
from siaga_gateway.domain.figures import BARS_S, CallFigures, Spread
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.places import LEVELS, Station, ladder
from siaga_gateway.domain.report_period import day_of
from siaga_gateway.domain.value import record
from siaga_gateway.web.console.incident_views import duration
from siaga_gateway.web.reports import plots

NOTHING: Final = "–"
_STEPS: Final = ("transmission", "acknowledged", "assigned", "on_scene")
_MEASURED: Final = "transmission"
_PER_CENT: Final = 100
_MANY: Final = 500  # stations in the list to choose from
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


@record
class SpreadView:
    name: str
    what: str  # what it is, in a few words
    measured: str
    median: str
    p90: str
    p95: str
    mean: str
    most: str
    within: tuple[str, ...]


@record
class EndView:
    name: str
    count: str
    share: str
    false: bool


@record
class RowView:
    key: str | None
    name: str
    calls: str
    false: str
    unanswered: str
    bad: bool  # somebody was not answered
    median: str
    within: str  # a minute
    arrival: str
    arrived: str  # within ten minutes
    nobody: str


@record
class ReportView:
    title: str
    days: str
    as_of: str
    tiles: tuple[tuple[str, str, bool], ...]  # what, how much, bad
    spreads: tuple[SpreadView, ...]
    ends: tuple[EndView, ...]
    rows: tuple[RowView, ...]
    beside: str  # what was not counted, and what was timed
    histogram: plots.BarPlot
    trend: plots.BarPlot
    course: plots.LinePlot
    heat: plots.HeatPlot
    ended: plots.RowPlot  # what calls turned out to be, in calls
    times: plots.RowPlot  # by station: median until a desk had a call, and until somebody was there, in minutes
    unfounded: plots.RowPlot  # by station: how many per cent of those that ended were none
    by_week: bool
    availability: str
    worst: tuple[tuple[str, str], ...]  # device_id, how long
    empty: bool
    few: bool
    behind: bool
    exercise: bool


def report_view(report: Report, language: str, local: LocalTime) -> ReportView:
    total, found = report.total, report.availability
    first, last = _day(report.period.first), _day(report.period.last)
    shown = [_short(day_of(each.day)) for each in report.steps]
    return ReportView(
        title=text("figures.all", language) if report.station is None else report.station.name,
        days=first if first == last else f"{first} – {last}",
        as_of=local.moment(report.now_ms),
        tiles=_tiles(report, language),
        spreads=tuple(_spread(name, getattr(total, name), language) for name in _STEPS),
        ends=_ends(total, language),
        rows=tuple(_row(row, language) for row in report.rows),
        beside=text(
            "figures.beside",
            language,
            left_out=number(total.left_out, language),
            by_button=number(total.by_button, language),
            calls=number(total.calls, language),
            presses=number(total.presses, language),
            held=number(total.held, language),
            open=number(total.open, language),
        ),
        histogram=plots.histogram(
            total.bars,
            [_bound(seconds, language) for seconds in BARS_S],
            [number(count, language) for count in total.bars],
        ),
        trend=plots.trend(report.steps, shown),
        course=plots.course(report.steps, shown, text("console.unit_of_time.m", language, n="{n}")),
        heat=plots.heat(
            report.hours,
            [text(f"figures.weekday.d{day}", language) for day in range(7)],
            [number(count, language) for count in report.hours],
        ),
        ended=plots.by_name(_ended_lines(total, language)),
        times=plots.by_name([_times(row, language) for row in report.rows if row.figures.calls]),
        unfounded=plots.by_name([_unfounded(row, language) for row in report.rows if row.figures.ended], end=_PER_CENT),
        by_week=report.by_week,
        availability=""
        if found.ppm is None
        else text(
            "figures.available",
            language,
            share=_fine(found.ppm, language),
            buttons=number(found.buttons, language),
            silent=number(found.silent_buttons, language),
            time=took(found.silent_ms, language),
        ),
        worst=tuple((each.device_id.hex(), took(each.silent_ms, language)) for each in found.worst),
        empty=not total.calls,
        few=report.few,
        behind=report.behind,
        exercise=report.exercise,
    )


def _tiles(report: Report, language: str) -> tuple[tuple[str, str, bool], ...]:
    total, found = report.total, report.availability
    return (
        (text("figures.tile.calls", language), number(total.calls, language), False),
        (text("figures.tile.unanswered", language), number(total.unanswered, language), total.unanswered > 0),
        (text("figures.tile.acknowledged", language), took(total.acknowledged.median_ms, language), False),
        (text("figures.tile.on_scene", language), took(total.on_scene.median_ms, language), False),
        (text("figures.tile.false", language), share(total.false, total.ended), False),
        (
            text("figures.tile.available", language),
            NOTHING if found.ppm is None else f"{_fine(found.ppm, language)} %",
            False,
        ),
    )


def _spread(name: str, spread: Spread, language: str) -> SpreadView:
    return SpreadView(
        name=text(f"figures.step.{name}", language),
        what=text(f"figures.meaning.{name}", language),
        measured=text(
            "figures.of", language, count=number(spread.count, language), among=number(spread.among, language)
        ),
        median=took(spread.median_ms, language),
        p90=took(spread.p90_ms, language),
        p95=took(spread.p95_ms, language),
        mean=took(spread.mean_ms, language),
        most=took(spread.most_ms, language),
        # What cannot be measured has not been late.
        within=tuple(share(each, spread.count if name == _MEASURED else spread.among) for each in spread.within),
    )


def _ends(total: CallFigures, language: str) -> tuple[EndView, ...]:
    known = [each.value for each in Disposition]
    ended = [each for each in known if each in total.dispositions]
    views = [
        EndView(
            text(f"console.disposition.{each}", language),
            number(total.dispositions[each], language),
            share(total.dispositions[each], total.ended),
            each in FALSE,
        )
        for each in ended
    ]
    other = sum(count for each, count in total.dispositions.items() if each not in known)
    if other:  # of a later version
        views.append(
            EndView(text("figures.other_end", language), number(other, language), share(other, total.ended), False)
        )
    return tuple(views)


def _ended_lines(total: CallFigures, language: str) -> list[plots.Line]:
    found = []
    for each in Disposition:
        if (count := total.dispositions.get(each.value, 0)) and each in FALSE:
            found.append(plots.Line(_ending(each, language), None, second=count, second_shown=number(count, language)))
        elif count:
            found.append(plots.Line(_ending(each, language), count, number(count, language)))
    return found


def _ending(disposition: Disposition, language: str) -> str:
    return text(f"console.disposition.{disposition}", language)


def _times(row: StationRow, language: str) -> plots.Line:
    return timed(_named(row, language), row.figures.acknowledged.median_ms, row.figures.on_scene.median_ms, language)


def timed(name: str, first_ms: int | None, second_ms: int | None, language: str) -> plots.Line:
    """Return a line of two durations, in minutes."""
    return plots.Line(
        name,
        None if first_ms is None else first_ms / _MINUTE_MS,
        took(first_ms, language),
        None if second_ms is None else second_ms / _MINUTE_MS,
        took(second_ms, language),
    )


def _unfounded(row: StationRow, language: str) -> plots.Line:
    part = _PER_CENT * row.figures.false / row.figures.ended
    return plots.Line(
        _named(row, language), None, second=part, second_shown=share(row.figures.false, row.figures.ended)
    )


def _named(row: StationRow, language: str) -> str:
    return text("figures.no_station", language) if row.station is None else row.station.name


def _row(row: StationRow, language: str) -> RowView:
    figures = row.figures
    return RowView(
        key=None if row.station is None else row.station.key,
        name=_named(row, language),
        calls=number(figures.calls, language),
        false=share(figures.false, figures.ended),
        unanswered=number(figures.unanswered, language),
        bad=figures.unanswered > 0,
        median=took(figures.acknowledged.median_ms, language),
        within=share(figures.acknowledged.within[0], figures.acknowledged.among),
        arrival=took(figures.on_scene.median_ms, language),
        arrived=share(figures.on_scene.within[2], figures.on_scene.among),
        nobody=number(figures.nobody_came, language),
    )


def choices(stations: Sequence[Station], chosen: str | None) -> list[tuple[str, str, int]]:
    """Return the stations to choose from: key, name and how far below the highest, each under the one above it. Of very
    many only those above others, and the chosen one: the rest are reached by their rows."""
    known: Mapping[str, Station] = {each.key: each for each in stations}
    above = {each.key: ladder(known, each.key)[::-1] for each in stations}
    if len(stations) > _MANY:
        parents = {each.parent for each in stations}
        above = {
            key: keys
            for key, keys in above.items()
            if key == chosen or (key in parents and known[key].kind in LEVELS[1:])
        }
    order = sorted(above, key=lambda key: [(known[each].name, each) for each in above[key]])
    return [(key, known[key].name, len(above[key]) - 1) for key in order]


# Numbers


def number(count: int, language: str) -> str:
    """With a sign between thousands."""
    grouped = f"{count:,}"
    return grouped.replace(",", ".") if language == "id" else grouped


def share(part: int, whole: int) -> str:
    """Whole per cent, rounded half up."""
    return f"{(200 * part + whole) // (2 * whole)} %" if whole else NOTHING


def _fine(ppm: int, language: str) -> str:
    """Per cent with two digits, rounded down: 99.99 is not 100."""
    written = f"{ppm * 10_000 // MILLION // 100}.{ppm * 10_000 // MILLION % 100:02d}"
    return written.replace(".", ",") if language == "id" else written


def took(duration_ms: int | None, language: str) -> str:
    """A duration: to a tenth below ten seconds, to a second below an hour."""
    if duration_ms is None:
        return NOTHING
    if duration_ms < 10_000:
        tenths = f"{duration_ms // 1000}.{duration_ms // 100 % 10}"
        return text("console.unit_of_time.s", language, n=tenths.replace(".", ",") if language == "id" else tenths)
    if _MINUTE_MS <= duration_ms < _HOUR_MS:
        minutes, seconds = divmod(duration_ms // 1000, 60)
        whole = text("console.unit_of_time.m", language, n=minutes)
        return f"{whole} {text('console.unit_of_time.s', language, n=seconds)}" if seconds else whole
    return duration(duration_ms // 1000, language)


def _bound(seconds: int, language: str) -> str:
    return duration(seconds, language)


def _day(day: date) -> str:
    return day.strftime("%d-%m-%Y")


def _short(day: date) -> str:
    return day.strftime("%d-%m")
