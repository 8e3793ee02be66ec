"""Pages of owners: cases that wait for a decision, each owner's record, its table, and letters to print.

Every page with an owner's data is noted, see ports.Disclosures. Who decides is checked where the decision is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import text
from siaga_gateway.domain.call_back import LONGEST
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.owner_cases import OwnerCase
from siaga_gateway.formats.owner_record_csv import table
from siaga_gateway.service.downlink.longer_hold import Hold
from siaga_gateway.service.registry.owner_cases import OwnerCases, OwnerRecord
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.owners.letters import Letter, letter_view, letters_of
from siaga_gateway.web.owners.views import case_view, record_view, table_of
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to

router = APIRouter()

PAGE: Final = 50


def _owners(context: TheConsole) -> OwnerCases:
    if context.owners is None:
        raise NotThere("error.nothing_here")
    return context.owners


TheOwners = Annotated[OwnerCases, Depends(_owners)]
Reason = Annotated[str, Form()]


@router.get("/owners")
def cases(
    context: TheConsole,
    owners: TheOwners,
    language: Language,
    session: SignedIn,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> HTMLResponse:
    """Return open cases and suspensions in force. after: the last case of the previous page."""
    found = owners.cases(after=after, limit=PAGE)
    for case, owner in found:
        if owner is not None:
            context.disclosures.of_owner(session.operator, case.owner_id, "owner_case")
    now_ms, local = context.clock.now_ms(), context.site.local
    return render(
        context,
        "owners.html",
        language,
        operator=session.operator,
        languages=context.site.languages,
        now=local.moment(now_ms),
        cases=[case_view(case, owner, language, now_ms, local) for case, owner in found],
        next=found[-1][0].id if len(found) == PAGE else None,
        after=after,
        decides=owners.decides(session.operator),
    )


@router.get("/owners/{owner_id}")
def record(
    context: TheConsole, owners: TheOwners, language: Language, session: SignedIn, owner_id: RowId
) -> HTMLResponse:
    return _record(context, owners, language, session, _found(owners, owner_id))


@router.get("/owners/{owner_id}/record.csv")
def record_table(
    context: TheConsole, owners: TheOwners, language: Language, session: SignedIn, owner_id: RowId
) -> Response:
    found = _found(owners, owner_id)
    context.disclosures.of_owner(session.operator, owner_id, "record")
    header, rows = table_of(record_view(found, language, context.clock.now_ms(), context.site.local), language)
    named = {"Content-Disposition": f'attachment; filename="siaga-owner-{owner_id}.csv"'}
    return Response(table(header, rows), media_type="text/csv; charset=utf-8", headers=named)


@router.get("/owners/{owner_id}/letters/{case_id}/{letter}")
def print_letter(
    context: TheConsole,
    owners: TheOwners,
    language: Language,
    session: SignedIn,
    owner_id: RowId,
    case_id: RowId,
    letter: Annotated[Letter, Path()],
) -> HTMLResponse:
    """Return a letter in the owner's language, for paper."""
    found, now_ms = _found(owners, owner_id), context.clock.now_ms()
    case = next((each for each in found.cases if each.id == case_id), None)
    suspended = any(each.in_force(now_ms) for each in found.cases)
    if case is None or letter not in letters_of(case, now_ms, suspended=suspended) or found.owner.unreadable:
        raise NotThere("error.nothing_here")
    context.disclosures.of_owner(session.operator, owner_id, "letter")
    told = letter_view(
        letter,
        case,
        found.owner,
        site=context.site.name,
        emergency_number=context.site.emergency_number,
        objections=context.objections,
        days=owners.limits.days,
        now_ms=now_ms,
        local=context.site.local,
    )
    return render(context, "letter.html", told.language, letter=told)


@router.post("/owners/cases/{case_id}/suspend")
def suspend(
    request: Request,
    context: TheConsole,
    owners: TheOwners,
    language: Language,
    session: SignedIn,
    case_id: RowId,
    reason: Reason = "",
    until: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    def step() -> OwnerCase:
        return owners.suspend(case_id, session.operator, reason, until)

    return _after(step, request, context, owners, language, session, case_id, reason)


@router.post("/owners/cases/{case_id}/{step}")
def end_case(
    request: Request,
    context: TheConsole,
    owners: TheOwners,
    language: Language,
    session: SignedIn,
    case_id: RowId,
    step: Literal["dismiss", "advised", "lift"],
    reason: Reason = "",
) -> Response:
    steps = {"dismiss": owners.dismiss, "advised": owners.advised, "lift": owners.lift}

    def taken() -> OwnerCase:
        return steps[step](case_id, session.operator, reason)

    return _after(taken, request, context, owners, language, session, case_id, reason)


@router.post("/owners/{owner_id}/hold")
def ask_hold(
    request: Request,
    context: TheConsole,
    owners: TheOwners,
    language: Language,
    session: SignedIn,
    owner_id: RowId,
    hold: Annotated[Hold, Form()],
) -> HTMLResponse:
    """Ask all of the owner's buttons to be pressed in another way from now on."""
    found = _found(owners, owner_id)
    if context.longer_hold is None:
        raise NotThere("error.nothing_here")
    try:
        asked = context.longer_hold(owner_id, hold, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _record(context, owners, language, session, found, problem, status=status)
    return _record(context, owners, language, session, found, done=text("console.owners.asked", language, n=asked))


@router.post("/owners/{owner_id}/code-words")
def code_words(
    request: Request,
    context: TheConsole,
    owners: TheOwners,
    language: Language,
    session: SignedIn,
    owner_id: RowId,
    code: Annotated[str, Form(max_length=LONGEST)] = "",
    duress: Annotated[str, Form(max_length=LONGEST)] = "",
) -> HTMLResponse:
    """Replace the words for a call-back; neither is shown again."""
    found = _found(owners, owner_id)
    try:
        owners.set_code_words(owner_id, code, duress, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _record(context, owners, language, session, found, problem, status=status)
    return _record(context, owners, language, session, found, done=text("console.owners.words_set", language))


def _after(
    step: Callable[[], OwnerCase],
    request: Request,
    context: ConsoleContext,
    owners: OwnerCases,
    language: str,
    session: Session,
    case_id: int,
    reason: str,
) -> Response:
    """Take a decision; show the owner's record again, with what was wrong and what was typed."""
    try:
        decided = step()
    except SiagaError as error:
        problem, status = answer_to(request, error)
        case = owners.case(case_id)
        if case is None:
            raise
        found = _found(owners, case.owner_id)
        return _record(context, owners, language, session, found, problem, reason, status)
    return RedirectResponse(f"/owners/{decided.owner_id}", 303)


def _found(owners: OwnerCases, owner_id: int) -> OwnerRecord:
    found = owners.record(owner_id)
    if found is None:
        raise NotThere("owners.gone", id=owner_id)
    return found


def _record(
    context: ConsoleContext,
    owners: OwnerCases,
    language: str,
    session: Session,
    found: OwnerRecord,
    problem: str = "",
    typed: str = "",
    status: int = 200,
    done: str = "",
) -> HTMLResponse:
    context.disclosures.of_owner(session.operator, found.owner.id, "record")
    now_ms, local = context.clock.now_ms(), context.site.local
    words = context.reader.code_words(found.owner.id)
    return render(
        context,
        "owner.html",
        language,
        status=status,
        operator=session.operator,
        languages=context.site.languages,
        now=local.moment(now_ms),
        record=record_view(found, language, now_ms, local),
        limits_of_cases=owners.limits,
        decides=owners.decides(session.operator),
        problem=problem,
        done=done,
        holds=tuple(Hold) if context.longer_hold is not None else (),
        typed=typed.strip(),
        words_set=None if words is None else local.moment(words.set_at_ms),
        first_day=local.iso(now_ms)[:10],
    )
