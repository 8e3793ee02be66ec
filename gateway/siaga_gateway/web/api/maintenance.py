"""Cases for installers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.web.api.answers import Limit, RowCursor, RowId, problems, there
from siaga_gateway.web.api.shapes import Cursor, Shape, at, at_or_none
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole

router = APIRouter(prefix=API)


class CaseShape(Shape):
    """Something that an installer should look at."""

    id: int
    device: str | None = Field(description="Null: it stands for many devices with one cause.")
    cause: Cause
    level: int = Field(description="How bad it is; of a case for many: how many.")
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    note: str | None

    @classmethod
    def of(cls, case: Case) -> CaseShape:
        return cls(
            id=case.id,
            device=None if case.device_id is None else case.device_id.hex(),
            cause=case.cause,
            level=case.level,
            opened_at=at(case.opened_ms),
            closed_at=at_or_none(case.closed_ms),
            closed_by=case.closed_by,
            note=case.note,
        )


class CasePage(Shape):
    items: list[CaseShape]
    next_cursor: Cursor


class CloseCaseBody(Shape):
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE)]
    level: Annotated[int | None, Field(ge=0, le=2**31, description="As you saw it; if it is worse now, 409.")] = None


@router.get(
    "/maintenance/cases",
    operation_id="list_cases",
    summary="What installers should look at, the oldest first",
    tags=["maintenance"],
    responses=problems(404),
)
def list_cases(
    context: TheConsole,
    session: SignedIn,
    fold: Annotated[int | None, Query(ge=1, le=2**62, description="Those that one case stands for.")] = None,
    limit: Limit = 50,
    cursor: RowCursor = None,
) -> CasePage:
    """The first page begins with the cases that stand for many devices."""
    maintenance, after = there(context.maintenance), int(cursor or 0)
    found = [case for case, _ in maintenance.cases(fold=fold, after=after, limit=limit)]
    folds = [case for case, _ in maintenance.folds()] if fold is None and cursor is None else []
    following = str(found[-1].id) if len(found) == limit else None
    return CasePage(items=[CaseShape.of(each) for each in (*folds, *found)], next_cursor=following)


@router.post(
    "/maintenance/cases/{case_id}/close",
    operation_id="close_case",
    summary="Close a case",
    tags=["maintenance"],
    responses=problems(404, 409),
)
def close_case(context: TheConsole, session: SignedIn, case_id: RowId, body: CloseCaseBody) -> CaseShape:
    return CaseShape.of(there(context.maintenance).close(case_id, session.operator, body.note, level=body.level))
