"""The shift: who is on duty, what there is to hand over, its handover, and those before."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.handover import ShiftFacts
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.reports.shift_book import LONGEST_FORM, LONGEST_REMARKS, ShiftDirectory
from siaga_gateway.web.console.step_answers import IncidentId
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to
from siaga_gateway.web.shift.views import FactsView, by_station, facts_view, handover_view, operators

router = APIRouter()

PAGE: Final = 30
PEOPLE: Final = 500  # of the lists, shown by station
_LAST: Final = 2**62
Day = Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
HandoverId = IncidentId  # the same pattern of digits


def shifts_of(context: TheConsole) -> ShiftDirectory:
    if context.shifts is None:
        raise NotThere("error.nothing_here")
    return context.shifts


TheShifts = Annotated[ShiftDirectory, Depends(shifts_of)]


@router.get("/shift")
def page(
    context: TheConsole,
    shifts: TheShifts,
    language: Language,
    session: SignedIn,
    since: Day = "",
    until: Day = "",
    before: Annotated[int, Query(ge=1, le=_LAST)] = _LAST,
) -> HTMLResponse:
    """Return the page. since, until: days of earlier handovers. before: the last of the page before."""
    return _page(context, shifts, language, session, since=since, until=until, before=before)


@router.get("/shift/waiting")
def waiting(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    """Return the banner for whoever is to take a shift; nothing where there is none."""
    return render(context, "_handover_waits.html", language, handover=waiting_for(context, session, language))


def waiting_for(context: ConsoleContext, session: Session, language: str) -> dict[str, Any] | None:
    """Return what waits for who asks: the newest handover, and how many more; None: nothing."""
    if context.shifts is None or not context.may("shift.step"):
        return None
    found = context.shifts.waiting(session.operator, session.jurisdiction)
    if not found:
        return None
    return {"newest": handover_view(found[0], (), context.site.local, language), "more": len(found) - 1}


@router.post("/shift/notes")
def add_note(
    request: Request,
    context: TheConsole,
    shifts: TheShifts,
    language: Language,
    session: SignedIn,
    note: Annotated[str, Form(max_length=LONGEST_REMARKS)] = "",
) -> Response:
    try:
        shifts.changes.add_note(note, session.operator, session.jurisdiction)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _page(context, shifts, language, session, problem=problem, status=status, note=note)
    return RedirectResponse("/shift#notes", 303)


@router.post("/shift/handovers")
def hand_over(
    request: Request,
    context: TheConsole,
    shifts: TheShifts,
    language: Language,
    session: SignedIn,
    form: Annotated[str, Form(max_length=LONGEST_FORM)],
    remarks: Annotated[str, Form(max_length=2 * LONGEST_REMARKS)] = "",
) -> Response:
    """Hand over. form: of the page, so that a second click is no second handover."""
    try:
        number = shifts.changes.hand_over(
            remarks, session.operator, session.signed_in_ms, session.jurisdiction, f"{session.token_hash[:24]}.{form}"
        )
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _page(context, shifts, language, session, problem=problem, status=status, remarks=remarks, form=form)
    return RedirectResponse(f"/shift/handovers/{number}", 303)


@router.get("/shift/handovers/{handover_id}")
def read(
    context: TheConsole, shifts: TheShifts, language: Language, session: SignedIn, handover_id: HandoverId
) -> HTMLResponse:
    return _handover(context, shifts, language, session, handover_id)


@router.post("/shift/handovers/{handover_id}/take")
def take(
    request: Request,
    context: TheConsole,
    shifts: TheShifts,
    language: Language,
    session: SignedIn,
    handover_id: HandoverId,
) -> Response:
    try:
        shifts.changes.take(handover_id, session.operator, session.jurisdiction)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _handover(context, shifts, language, session, handover_id, problem=problem, status=status)
    return RedirectResponse(f"/shift/handovers/{handover_id}", 303)


def worded(context: ConsoleContext, shifts: ShiftDirectory, facts: ShiftFacts, language: str) -> FactsView:
    return facts_view(
        facts, shifts.calls(facts), shifts.notes(facts), shifts.drills(facts), context.site.local, language
    )


def _handover(
    context: ConsoleContext,
    shifts: ShiftDirectory,
    language: str,
    session: Session,
    handover_id: int,
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    found = shifts.handover(handover_id, session.jurisdiction)
    if found is None:
        raise NotThere("error.no_handover", number=handover_id)
    taken = shifts.receipts([found]).get(found.id, ())
    return render(
        context,
        "handover.html",
        language,
        status=status,
        operator=session.operator,
        problem=problem,
        handover=handover_view(found, taken, context.site.local, language),
        facts=worded(context, shifts, found.facts, language),
        printed=context.site.local.moment(context.clock.now_ms()),
        may_take=context.may("shift.step")
        and found.made_by != session.operator
        and session.operator not in {each.name for each in taken},
    )


def _page(
    context: ConsoleContext,
    shifts: ShiftDirectory,
    language: str,
    session: Session,
    *,
    since: str = "",
    until: str = "",
    before: int = _LAST,
    problem: str = "",
    status: int = 200,
    note: str = "",
    remarks: str = "",
    form: str = "",
) -> HTMLResponse:
    """note, remarks, form: as typed: nothing is lost over a mistake."""
    local, station = context.site.local, session.jurisdiction
    now_ms = context.clock.now_ms()
    from_ms = shifts.begins_ms(session.signed_in_ms, station)
    found = shifts.handovers(station, before, PAGE + 1, _day(since, local, 0), _day(until, local, 1))
    taken = shifts.receipts(found[:PAGE])
    given = {name: value for name, value in (("since", since), ("until", until)) if value}
    return render(
        context,
        "shift.html",
        language,
        status=status,
        operator=session.operator,
        languages=context.site.languages,
        now=local.moment(now_ms),
        begins=local.moment(from_ms),
        problem=problem,
        facts=worded(context, shifts, shifts.facts(station, from_ms), language),
        waiting=[handover_view(each, (), local, language) for each in shifts.waiting(session.operator, station)],
        operators=_operators(context, language, now_ms),
        stations=_stations(context, language),
        may_step=context.may("shift.step"),
        form=form or secrets.token_hex(12),
        note=note,
        remarks=remarks,
        longest_remarks=LONGEST_REMARKS,
        given={"since": since, "until": until},
        earlier=[handover_view(each, taken.get(each.id, ()), local, language) for each in found[:PAGE]],
        query=urlencode(given),
        more=found[PAGE - 1].id if len(found) > PAGE else None,
        paged=before != _LAST,
    )


def _operators(context: ConsoleContext, language: str, now_ms: int) -> list[Any]:
    reading = context.sessions.accounts.reading
    accounts = {each.name: each for each in reading.accounts()}
    return list(operators(reading.sessions(), accounts, context.site.local, now_ms, language))


def _stations(context: ConsoleContext, language: str) -> list[Any] | None:
    """Return who can be called, by station; None: that is not for who asks."""
    if context.places is None or not context.may("places.read"):
        return None
    people = context.places.reachable(PEOPLE)
    names = {each.station.key: each.station.name for each in context.places.stations("", 0, 10**6)[0]}
    return list(by_station(people, names, context.site.local, language))


def _day(typed: str, local: LocalTime, after: int) -> int | None:
    """Return the beginning of a day, or its end (after = 1), Unix ms; None: it is none."""
    try:
        day = date.fromisoformat(typed)
        return local.end_of(day) if after else local.end_of(date.fromordinal(day.toordinal() - 1))
    except (ValueError, OverflowError):
        return None
