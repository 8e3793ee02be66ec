"""Drills and figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from siaga_gateway.domain.drill import DrillState
from siaga_gateway.domain.report_period import PeriodKind, free_period, period_of
from siaga_gateway.formats.figures_file import figures_json
from siaga_gateway.web.api.answers import problems, there
from siaga_gateway.web.api.shapes import Shape, at
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole

router = APIRouter(prefix=API)

_EXAMPLE: Final[dict[str, Any]] = {"from": "2026-12-01", "to": "2026-12-31", "station": None, "stations": []}


class DrillShape(Shape):
    id: int
    name: str
    ordered_by: str
    state: DrillState
    buttons: list[str]
    contacts: list[str]
    begins_at: datetime
    ends_at: datetime


class DrillList(Shape):
    items: list[DrillShape]


@router.get(
    "/drills", operation_id="list_drills", summary="The newest 50 drills", tags=["drills"], responses=problems(404)
)
def list_drills(context: TheConsole, session: SignedIn) -> DrillList:
    now_ms = context.clock.now_ms()
    items = [
        DrillShape(
            id=each.id,
            name=each.name,
            ordered_by=each.ordered_by,
            state=each.state_at(now_ms),
            buttons=[one.hex() for one in each.buttons],
            contacts=list(each.contacts),
            begins_at=at(each.begins_ms),
            ends_at=at(each.ends_ms),
        )
        for each in there(context.drills).all(50)
    ]
    return DrillList(items=items)


@router.get(
    "/figures",
    operation_id="get_figures",
    summary="A report of figures, as `siaga gateway figures --json` has it",
    tags=["figures"],
    response_class=Response,
    responses={
        200: {"content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}}},
        **problems(404, 409),
    },
)
def get_figures(
    context: TheConsole,
    session: SignedIn,
    station: Annotated[str, Query(max_length=40, description="A station's key; empty: all.")] = "",
    period: PeriodKind = PeriodKind.MONTH,
    day: Annotated[date | None, Query(description="Within the period; without it: today.")] = None,
    to: Annotated[date | None, Query(description="Then it is from `day` to this day.")] = None,
) -> Response:
    today = context.site.local.at(context.clock.now_ms()).date()
    found = period_of(period, day or today)
    wanted = free_period(found.first, found.last) if to is None else free_period(day or today, to)
    report = there(context.figures).report(station.strip() or None, wanted)
    return Response(figures_json(report), media_type="application/json")
