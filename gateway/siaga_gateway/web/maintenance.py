"""The page for installers: open maintenance cases, and the state of every device at a glance.

It is read when it is opened and has no alarm; the console in its own window keeps that.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import LANGUAGES, clock_time, text
from siaga_gateway.service.maintenance_desk import MaintenanceDesk, MaintenanceError
from siaga_gateway.web.api import IncidentId as RowId
from siaga_gateway.web.desk import Desk, Language, SignedIn, TheDesk, render
from siaga_gateway.web.fleet import case_view, devices_view

router = APIRouter()

PAGE: Final = 50
LONGEST_TEXT: Final = 100
LONGEST_NOTE: Final = 2000


def _maintenance(desk: TheDesk) -> MaintenanceDesk:
    if desk.maintenance is None:
        raise HTTPException(404, "this console has no maintenance page")
    return desk.maintenance


TheMaintenance = Annotated[MaintenanceDesk, Depends(_maintenance)]
Text = Annotated[str, Query(max_length=LONGEST_TEXT)]
Number = Annotated[int, Query(ge=0, le=2**62)]


@router.get("/maintenance")
def page(
    desk: TheDesk,
    maintenance: TheMaintenance,
    language: Language,
    session: SignedIn,
    q: Text = "",
    open_only: Annotated[bool, Query(alias="open")] = False,
    after: Annotated[str, Query(max_length=16, pattern="^([0-9a-f]{16})?$")] = "",
    label: Annotated[str, Query(max_length=250)] = "",
    fold: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    cases_after: Number = 0,
) -> HTMLResponse:
    """q: in a label, or how a device_id begins. open: only devices with a case. after, label: the device that a page of
    devices comes after. fold: the cases of one fold. cases_after: the case that a page of cases comes after."""
    place = None if not after else (label, bytes.fromhex(after))
    return _page(desk, maintenance, language, session.operator, q.strip(), open_only, place, fold, cases_after)


@router.post("/maintenance/cases/{case_id}/close")
def close(
    desk: TheDesk,
    maintenance: TheMaintenance,
    language: Language,
    session: SignedIn,
    case_id: RowId,
    note: Annotated[str, Form()] = "",
) -> Response:
    if not 1 <= len(note.strip()) <= LONGEST_NOTE:
        problem = text("console.maintenance.note_needed", language, longest=LONGEST_NOTE)
        return _page(desk, maintenance, language, session.operator, problem=problem, status=422)
    try:
        maintenance.close(case_id, session.operator, note)
    except MaintenanceError:
        problem = text("console.maintenance.closed_already", language, id=case_id)
        return _page(desk, maintenance, language, session.operator, problem=problem, status=409)
    return RedirectResponse("/maintenance", 303)


def _page(
    desk: Desk,
    maintenance: MaintenanceDesk,
    language: str,
    operator: str,
    q: str = "",
    open_only: bool = False,
    place: tuple[str, bytes] | None = None,
    fold: int | None = None,
    cases_after: int = 0,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    now_ms = desk.clock.now_ms()
    folds = maintenance.folds()
    cases = maintenance.cases(fold=fold, after=cases_after, limit=PAGE)
    devices = maintenance.devices(text=q, troubled=open_only, after=place, limit=PAGE + 1)
    return render(
        "maintenance.html",
        language,
        status=status,
        desk=desk,
        operator=operator,
        languages=LANGUAGES,
        problem=problem,
        now=clock_time(now_ms, date=True),
        folds=[case_view(case, None, members, language, now_ms) for case, members in folds],
        cases=[case_view(case, watched, 0, language, now_ms) for case, watched in cases],
        cases_next=cases[-1][0].id if len(cases) == PAGE else None,
        cases_after=cases_after,
        fold=fold,
        devices=devices_view(devices[:PAGE], maintenance.wanted, language, now_ms),
        more=devices[PAGE - 1].device if len(devices) > PAGE else None,
        census=maintenance.census(),
        q=q,
        open_only=open_only,
        paged=place is not None,
    )
