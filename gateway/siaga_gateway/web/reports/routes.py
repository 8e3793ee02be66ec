"""The chief's page, and the same as CSV. Whoever may read the console may read them: they name no person, so nothing is
noted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.figure_report import Report
from siaga_gateway.domain.report_period import Period, PeriodKind, free_period, parsed_day, period_of
from siaga_gateway.formats.figures_file import figures_csv
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.web.reports.plots import MOST_ROWS, Line, RowPlot, by_name
from siaga_gateway.web.reports.views import choices, report_view, timed
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter()

FREE: Final = "free"
_KINDS: Final = (*(each.value for each in PeriodKind), FREE)
Text = Annotated[str, Query(max_length=40)]


def _figures(context: TheConsole) -> FigureReports:
    if context.figures is None:
        raise NotThere("error.nothing_here")
    return context.figures


class Asked(NamedTuple):
    """What somebody asked for, as it stands in the address."""

    station: str
    period: str
    day: str
    to: str

    def given(self, today: date) -> Period:
        """Raises: PeriodError."""
        first = parsed_day(self.day) if self.day.strip() else today
        if self.period == FREE:
            return free_period(first, parsed_day(self.to) if self.to.strip() else today)
        found = period_of(PeriodKind(self.period), first)
        return free_period(found.first, found.last)


def _asked(
    station: Text = "",
    period: Annotated[str, Query(pattern=f"^({'|'.join(_KINDS)})$")] = PeriodKind.MONTH.value,
    day: Text = "",
    to: Text = "",
) -> Asked:
    """station: a key; empty: all. day: within the period, or the first of a free one; empty: today. to: its last."""
    return Asked(station.strip(), period, day, to)


TheFigures = Annotated[FigureReports, Depends(_figures)]
TheAsked = Annotated[Asked, Depends(_asked)]


@router.get("/figures")
def page(
    context: TheConsole, figures: TheFigures, language: Language, session: SignedIn, asked: TheAsked
) -> HTMLResponse:
    """Return the page. What cannot be reported is told on it, above the form."""
    problem, report = "", None
    try:
        report = _report(context, figures, asked)
    except Refused as error:
        problem = error.say(language)
    local = context.site.local
    period = Period(*[_today(context)] * 2) if report is None else report.period
    return render(
        context,
        "figures.html",
        language,
        status=422 if problem else 200,
        operator=session.operator,
        languages=context.site.languages,
        problem=problem,
        asked=asked,
        kinds=_KINDS,
        stations=choices(figures.stations(), asked.station or None),
        first=period.first.isoformat(),
        last=period.last.isoformat(),
        before=(period.first - timedelta(days=1)).isoformat(),
        after=(period.last + timedelta(days=1)).isoformat(),
        view=None if report is None else report_view(report, language, local),
        drills=None if report is None else _drills(context, report, language),
    )


def _drills(context: ConsoleContext, report: Report, language: str) -> RowPlot | None:
    """Return how fast exercises of each drill of these days were answered; None: there was none, or it is not for who
    asks, or of one station."""
    if context.drills is None or report.station is not None or not context.may("drills.read"):
        return None
    lines = list[Line]()
    for drill in context.drills.all():
        if not report.from_ms <= drill.begins_ms < report.to_ms or len(lines) == MOST_ROWS:
            continue
        results = context.drills.report(drill)
        seen = [each.acknowledged_ms for each in results if each.acknowledged_ms is not None]
        there = [each.on_scene_ms for each in results if each.on_scene_ms is not None]
        if seen or there:
            lines.append(timed(drill.name, _median(seen), _median(there), language))
    return by_name(lines) if lines else None


def _median(durations: list[int]) -> int | None:
    return sorted(durations)[(len(durations) - 1) // 2] if durations else None


@router.get("/figures.csv")
def sheet(context: TheConsole, figures: TheFigures, language: Language, session: SignedIn, asked: TheAsked) -> Response:
    """Return a file for a spreadsheet."""
    report = _report(context, figures, asked)
    days = f"{report.period.first.isoformat()}-{report.period.last.isoformat()}"
    name = f"siaga-{'all' if report.station is None else report.station.key}-{days}.csv"
    return Response(
        figures_csv(report, language),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _report(context: ConsoleContext, figures: FigureReports, asked: Asked) -> Report:
    return figures.report(asked.station or None, asked.given(_today(context)))


def _today(context: ConsoleContext) -> date:
    return context.site.local.at(context.clock.now_ms()).date()
