"""Shifts: who is signed in, what there is to hand over, notes, handovers and who took them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from siaga_gateway.domain.handover import Handover, Receipt, ShiftFacts, ShiftNote
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.service.reports.shift_book import LONGEST_FORM, LONGEST_REMARKS, ShiftDirectory
from siaga_gateway.web.api.answers import Limit, RowCursor, RowId, problems, there
from siaga_gateway.web.api.shapes import Cursor, Shape, at, at_or_none, unix_ms
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, SignedIn, TheConsole

router = APIRouter(prefix=API, tags=["shifts"])

_LAST: Final = 2**62


class OpenCallShape(Shape):
    """An open call as it was; `incidents.read` tells of it as it is now."""

    incident: int
    state: str
    level: int | None = Field(description="Of alarm, 0 to 4; null: not judged yet.")
    last_step: str = Field(description="A kind of the journal.")
    last_step_at: datetime
    waits_for: str = Field(description="rings, held, asked, late, unassigned, promised; empty: for nothing.")
    due_at: datetime | None


class ClosedCallShape(Shape):
    incident: int
    disposition: str
    closed_at: datetime


class NoteShape(Shape):
    id: int
    at: datetime
    author: str
    text: str | None = Field(description="Null: forgotten; empty: it cannot be read now.")

    @classmethod
    def of(cls, note: ShiftNote) -> NoteShape:
        return cls(id=note.id, at=at(note.at_ms), author=note.author, text=note.text)


class ShiftShape(Shape):
    """What the gateway knows of a shift: numbers, states and times, without persons."""

    open: list[OpenCallShape]
    closed: list[ClosedCallShape]
    drills: list[int]
    cases: list[int] = Field(description="Maintenance cases that are open.")
    lines: list[str] = Field(description="Lines that are cut: a kind of the journal, and which.")
    notes: list[NoteShape]
    unreadable: list[int] = Field(description="Open calls that cannot be read.")
    more: int = Field(description="Open and closed calls and cases beyond those listed.")

    @classmethod
    def of(cls, facts: ShiftFacts, shifts: ShiftDirectory) -> ShiftShape:
        return cls(
            open=[
                OpenCallShape(
                    incident=each.incident_id,
                    state=each.state,
                    level=each.level,
                    last_step=each.last_kind,
                    last_step_at=at(each.last_ms),
                    waits_for=each.waits,
                    due_at=at_or_none(each.due_ms),
                )
                for each in facts.open
            ],
            closed=[
                ClosedCallShape(incident=each.incident_id, disposition=each.disposition, closed_at=at(each.closed_ms))
                for each in facts.closed
            ],
            drills=[each.drill_id for each in facts.drills],
            cases=[each.case_id for each in facts.cases],
            lines=[f"{each.kind} {each.about}".strip() for each in facts.lines],
            notes=[NoteShape.of(each) for each in shifts.notes(facts)],
            unreadable=list(facts.unreadable),
            more=facts.more_open + facts.more_closed + facts.more_cases,
        )


class TakenShape(Shape):
    name: str
    at: datetime


class HandoverLineShape(Shape):
    id: int
    since: datetime
    made_at: datetime
    made_by: str
    open_calls: int
    taken: list[TakenShape] = Field(description="Empty: nobody has taken it yet.")


class HandoverShape(HandoverLineShape):
    """Never changed; what was typed is forgotten with the notes of calls."""

    remarks: str | None
    shift: ShiftShape


class HandoverPage(Shape):
    items: list[HandoverLineShape]
    next_cursor: Cursor


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ShiftNoteBody(_Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "Radio channel 2 is noisy."}]})

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE)] = Field(
        description="No person's name, address or telephone."
    )


class HandoverBody(_Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"remarks": "17 waits for its owner."}]})

    remarks: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REMARKS)] = ""


class MadeShape(Shape):
    id: int


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_FORM // 2,
        pattern="^[A-Za-z0-9_.-]+$",
        description="With the same key a second request is the same handover.",
    ),
]


@router.get("/shift", operation_id="get_shift", summary="What there is to hand over now", responses=problems(404))
def get_shift(context: TheConsole, session: SignedIn) -> ShiftShape:
    shifts = _shifts(context)
    from_ms = shifts.begins_ms(session.signed_in_ms, session.jurisdiction)
    return ShiftShape.of(shifts.facts(session.jurisdiction, from_ms), shifts)


@router.post(
    "/shift/notes", operation_id="add_shift_note", summary="Add a note of the shift", responses=problems(404, 409)
)
def add_shift_note(context: TheConsole, session: SignedIn, body: ShiftNoteBody) -> MadeShape:
    """A note is added each time; it is never changed."""
    return MadeShape(id=_shifts(context).changes.add_note(body.text, session.operator, session.jurisdiction))


@router.get("/handovers", operation_id="list_handovers", summary="Handovers, the newest first", responses=problems(404))
def list_handovers(
    context: TheConsole,
    session: SignedIn,
    made_from: Annotated[datetime | None, Query(description="Made at or after this time.")] = None,
    made_before: Annotated[datetime | None, Query(description="Made before this time.")] = None,
    limit: Limit = 50,
    cursor: RowCursor = None,
) -> HandoverPage:
    shifts = _shifts(context)
    before = _LAST if cursor is None else int(cursor)
    found = shifts.handovers(session.jurisdiction, before, limit, unix_ms(made_from), unix_ms(made_before))
    taken = shifts.receipts(found)
    return HandoverPage(
        items=[_line(each, taken.get(each.id, ())) for each in found],
        next_cursor=str(found[-1].id) if len(found) == limit else None,
    )


@router.post("/handovers", operation_id="hand_over", summary="Hand the shift over", responses=problems(404, 409))
def hand_over(context: TheConsole, session: SignedIn, body: HandoverBody, key: Key = None) -> MadeShape:
    """All that `GET /shift` tells is kept with it. Without `Idempotency-Key` each request is another handover."""
    form = f"{session.token_hash[:24]}.{key or secrets.token_hex(12)}"
    number = _shifts(context).changes.hand_over(
        body.remarks, session.operator, session.signed_in_ms, session.jurisdiction, form
    )
    return MadeShape(id=number)


@router.get("/handovers/{handover_id}", operation_id="get_handover", summary="One handover", responses=problems(404))
def get_handover(context: TheConsole, session: SignedIn, handover_id: RowId) -> HandoverShape:
    return _whole(context, session, handover_id)


@router.post(
    "/handovers/{handover_id}/take",
    operation_id="take_handover",
    summary="Say that you have read it and take the shift",
    responses=problems(404, 409),
)
def take_handover(context: TheConsole, session: SignedIn, handover_id: RowId) -> HandoverShape:
    """Not whoever handed it over. Again: nothing."""
    _whole(context, session, handover_id)
    _shifts(context).changes.take(handover_id, session.operator, session.jurisdiction)
    return _whole(context, session, handover_id)


def _whole(context: ConsoleContext, session: Session, handover_id: int) -> HandoverShape:
    shifts = _shifts(context)
    found = there(shifts.handover(handover_id, session.jurisdiction), "error.no_handover", number=handover_id)
    line = _line(found, shifts.receipts([found]).get(found.id, ()))
    return HandoverShape(**dict(line), remarks=found.remarks, shift=ShiftShape.of(found.facts, shifts))


def _line(found: Handover, receipts: Sequence[Receipt]) -> HandoverLineShape:
    return HandoverLineShape(
        id=found.id,
        since=at(found.from_ms),
        made_at=at(found.made_ms),
        made_by=found.made_by,
        open_calls=len(found.facts.open) + found.facts.more_open,
        taken=[TakenShape(name=each.name, at=at(each.at_ms)) for each in receipts],
    )


def _shifts(context: ConsoleContext) -> ShiftDirectory:
    return there(context.shifts)
