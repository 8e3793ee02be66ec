"""The installers' page: open maintenance cases, and every device's state at a glance.

It is a snapshot without alarms; those are in the console's own window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from siaga_gateway.catalogue import text
from siaga_gateway.domain.battery_history import DAY_MS
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.limits import LONGEST_LABEL, LONGEST_NOTE
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.supervision import Case
from siaga_gateway.formats.fleet_csv import header, lines
from siaga_gateway.service.fleet.maintenance_cases import CaseOvertaken, MaintenanceCases
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.maintenance.console_cases import TheMaintenance
from siaga_gateway.web.maintenance.fleet_filter import BATTERIES, SILENT_HOURS, SIMS, Asked, TheAsked
from siaga_gateway.web.maintenance.fleet_map import fleet_map_settings
from siaga_gateway.web.maintenance.history import SPARK_DAYS
from siaga_gateway.web.maintenance.views import case_view, devices_view
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import answer_to

router = APIRouter()

PAGE: Final = 50
FILE_PAGE: Final = 500
EVERYTHING: Final = Asked()


Number = Annotated[int, Query(ge=0, le=2**62)]


@router.get("/maintenance")
def page(
    context: TheConsole,
    maintenance: TheMaintenance,
    language: Language,
    session: SignedIn,
    asked: TheAsked,
    after: Annotated[str, Query(max_length=16, pattern="^([0-9a-f]{16})?$")] = "",
    label: Annotated[str, Query(max_length=2 * LONGEST_LABEL)] = "",
    fold: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    cases_after: Number = 0,
) -> HTMLResponse:
    """Return the page.

    after, label: the last device of the previous page. fold: show this fold's cases. cases_after: the last case of the
    previous page.
    """
    place = None if not after else (label, bytes.fromhex(after))
    return _page(context, maintenance, language, session.operator, asked, place, fold, cases_after)


@router.get("/maintenance.csv")
def sheet(
    context: TheConsole, maintenance: TheMaintenance, language: Language, session: SignedIn, asked: TheAsked
) -> StreamingResponse:
    """Return the same list as a file, read and sent part by part."""
    now_ms = context.clock.now_ms()
    only = asked.filter(now_ms, maintenance.wanted, maintenance.stations_below)

    def parts() -> Iterator[bytes]:
        yield header(language)
        after: tuple[str, bytes] | None = None
        while found := maintenance.devices(
            text=asked.q, troubled=asked.troubled, only=only, after=after, limit=FILE_PAGE
        ):
            told = ((each.device, each.status, [case.cause for case in each.standing]) for each in found)
            yield lines(told, language, now_ms)
            after = found[-1].device.label, found[-1].device.device_id

    return StreamingResponse(
        parts(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="siaga-buttons.csv"'},
    )


@router.post("/maintenance/cases/{case_id}/close")
def close(
    request: Request,
    context: TheConsole,
    maintenance: TheMaintenance,
    language: Language,
    session: SignedIn,
    case_id: RowId,
    note: Annotated[str, Form()] = "",
    level: Annotated[int | None, Query(ge=0, le=2**31)] = None,
) -> Response:
    """Close a case. level: how bad the page showed it to be."""
    if not 1 <= len(note.strip()) <= LONGEST_NOTE:
        problem = text("console.maintenance.note_needed", language, longest=LONGEST_NOTE)
        return _page(context, maintenance, language, session.operator, problem=problem, note=note, status=422)
    try:
        maintenance.close(case_id, session.operator, note, level=level)
    except CaseOvertaken as overtaken:
        told = _overtaken(overtaken.case, language, context.site.local)
        return _page(context, maintenance, language, session.operator, problem=told, note=note, status=409)
    except SiagaError as error:
        told, status = answer_to(request, error)
        return _page(context, maintenance, language, session.operator, problem=told, note=note, status=status)
    return RedirectResponse("/maintenance", 303)


def _overtaken(case: Case, language: str, local: LocalTime) -> str:
    if case.closed_ms is None:
        return text("console.maintenance.worse", language, id=case.id)
    when = local.moment(case.closed_ms)
    who = case.closed_by or text("console.maintenance.by_itself", language)
    return text("console.maintenance.closed_already", language, id=case.id, who=who, time=when, note=case.note or "–")


def _page(
    context: ConsoleContext,
    maintenance: MaintenanceCases,
    language: str,
    operator: str,
    asked: Asked = EVERYTHING,
    place: tuple[str, bytes] | None = None,
    fold: int | None = None,
    cases_after: int = 0,
    *,
    problem: str = "",
    note: str = "",
    status: int = 200,
) -> HTMLResponse:
    now_ms = context.clock.now_ms()
    folds = maintenance.folds()
    cases = maintenance.cases(fold=fold, after=cases_after, limit=PAGE)
    only = asked.filter(now_ms, maintenance.wanted, maintenance.stations_below)
    devices = maintenance.devices(text=asked.q, troubled=asked.troubled, only=only, after=place, limit=PAGE + 1)
    batteries = maintenance.batteries(devices[:PAGE], now_ms - SPARK_DAYS * DAY_MS)
    local = context.site.local
    return render(
        context,
        "maintenance.html",
        language,
        status=status,
        operator=operator,
        languages=context.site.languages,
        problem=problem,
        note=note.strip(),
        now=local.moment(now_ms),
        folds=[case_view(case, None, members, language, now_ms, local) for case, members in folds],
        cases=[case_view(case, watched, 0, language, now_ms, local) for case, watched in cases],
        cases_next=cases[-1][0].id if len(cases) == PAGE else None,
        cases_after=cases_after,
        fold=fold,
        devices=devices_view(devices[:PAGE], batteries, maintenance.wanted, language, now_ms, local),
        more=devices[PAGE - 1].device if len(devices) > PAGE else None,
        census=maintenance.census(),
        asked=asked,
        states=tuple(RegistrationState),
        choices={"battery": BATTERIES, "silent": SILENT_HOURS, "sim": SIMS},
        paged=place is not None,
        settings=fleet_map_settings(context, language, asked),
    )
