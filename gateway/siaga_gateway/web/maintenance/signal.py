"""The survey map: where the signal is weak, without anybody's button; the same as CSV and for the map."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response

from siaga_gateway.catalogue import text
from siaga_gateway.domain.coverage import CELL_E7, LEAST
from siaga_gateway.domain.coverage_map import CoverageCell, Network
from siaga_gateway.domain.value import record
from siaga_gateway.formats.coverage_file import coverage_csv, coverage_geojson
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.web.console.base_map import MEDIA_TYPE, ON_EVERY_MAP, map_settings
from siaga_gateway.web.console.gazetteer import nearest
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter()

MONTHS: Final = (1, 3, 13)
LISTED: Final = 50  # cells on the page; all of them are in the file
_ON_MAP: Final = ON_EVERY_MAP | {"no_cells"}
_BAD: Final = 50  # per cent weak


class Asked(NamedTuple):
    """What somebody asked for, as it stands in the address."""

    network: Network
    months: int


def _asked(network: Network = Network.MOBILE, months: Annotated[int, Query(ge=1, le=120)] = MONTHS[1]) -> Asked:
    """months: with the present one."""
    return Asked(network, months)


def _report(context: TheConsole) -> CoverageReport:
    if context.signal is None:
        raise NotThere("error.nothing_here")
    return context.signal


TheReport = Annotated[CoverageReport, Depends(_report)]
TheAsked = Annotated[Asked, Depends(_asked)]


@record
class CellView:
    """A line of the page."""

    where: str
    near: str
    large: bool  # a square: too few reported from its cells
    checkins: str
    dbm: str
    weak: str
    bad: bool
    by_sms: str


@router.get("/signal")
def page(
    context: TheConsole, report: TheReport, language: Language, session: SignedIn, asked: TheAsked
) -> HTMLResponse:
    """Return the page."""
    cells = report.cells(asked.network, asked.months)
    return render(
        context,
        "signal.html",
        language,
        operator=session.operator,
        languages=context.site.languages,
        asked=asked,
        networks=list(Network),
        periods=sorted({*MONTHS, asked.months}),
        least=LEAST,
        total=len(cells),
        weak=sum(each.weak >= _BAD for each in cells),
        cells=[_view(each, language) for each in cells[:LISTED]],
        now=context.site.local.moment(context.clock.now_ms()),
        settings={**map_settings(context, language, _ON_MAP), "cells": f"/signal.geojson?{_query(asked)}"},
    )


@router.get("/signal.csv")
def sheet(context: TheConsole, report: TheReport, language: Language, session: SignedIn, asked: TheAsked) -> Response:
    """Return a file for a spreadsheet or a GIS."""
    return Response(
        coverage_csv(report.cells(*asked), language),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="siaga-signal-{asked.network}-{asked.months}.csv"'},
    )


@router.get("/signal.geojson")
def cells(report: TheReport, session: SignedIn, asked: TheAsked) -> Response:
    """Return the cells for the map."""
    return Response(coverage_geojson(report.cells(*asked)), media_type=MEDIA_TYPE)


def _query(asked: Asked) -> str:
    return f"network={asked.network}&months={asked.months}"


def _view(each: CoverageCell, language: str) -> CellView:
    latitude, longitude = each.middle
    town, near = nearest(latitude, longitude), ""
    if town is not None:
        direction = text(f"console.compass.{town.direction}", language) if town.direction else ""
        key = "console.position.near" if town.direction else "console.position.inside"
        near = text(key, language, km=round(town.km), direction=direction, town=town.name)
    return CellView(
        where=f"{latitude / 1e7:.3f}, {longitude / 1e7:.3f}",
        near=near,
        large=each.size_e7 > CELL_E7,
        checkins=str(each.checkins) if each.checkins else text("console.signal.few", language),
        dbm=f"{each.dbm} dBm".replace("-", "−"),
        weak=f"{each.weak} %",
        bad=each.weak >= _BAD,
        by_sms=f"{each.by_sms} %",
    )
