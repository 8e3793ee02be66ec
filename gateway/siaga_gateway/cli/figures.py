"""For chiefs and for cron: how many calls there were, how they ended, and how long each step took."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import complain, say
from siaga_gateway.domain.figures import FEW
from siaga_gateway.domain.report_period import Period, PeriodKind, free_period, parsed_day, period_of


@click.command()
@config_option
@click.option("--station")
@click.option("--period", "kind", type=click.Choice([each.value for each in PeriodKind]), default="month")
@click.option("--from", "first")
@click.option("--to", "last")
@click.option("--csv/--json", "as_csv", default=True)
@told_plainly
def figures(config: Path, station: str | None, kind: str, first: str | None, last: str | None, as_csv: bool) -> None:
    from siaga_gateway.formats.figures_file import figures_csv, figures_json
    from siaga_gateway.service.reports.figure_reports import FigureReports

    if (first is None) is not (last is None):
        raise click.UsageError(say("figures.both_days"))
    clock = WallClock()
    with opened(config) as (settings, store):
        today = settings.local.at(clock.now_ms()).date()
        period = _last(PeriodKind(kind), today) if first is None or last is None else _between(first, last)
        report = FigureReports(store, clock, settings.local, settings.mode).report(station, period)
    written = figures_csv(report, reader_language(os.environ)) if as_csv else figures_json(report) + b"\n"
    click.echo(written, nl=False)
    if report.exercise:
        complain("figures.exercise")
    if report.behind:
        complain("figures.behind")
    if report.few:
        complain("figures.few", least=FEW)


def _between(first: str, last: str) -> Period:
    return free_period(parsed_day(first), parsed_day(last))


def _last(kind: PeriodKind, today: date) -> Period:
    """Return the last period that is over."""
    return period_of(kind, period_of(kind, today).first - timedelta(days=1))
