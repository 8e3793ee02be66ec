"""The page of drills: order one, end one, and what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.drill import AHEAD_MS, LONGEST_MS, Drill
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.dispatch.drill_choices import DrillChoices
from siaga_gateway.service.dispatch.drill_reports import ExerciseResult, silent_buttons
from siaga_gateway.service.dispatch.drills import Drills
from siaga_gateway.web.console.drill_form import (
    AREA_OF,
    BEGIN,
    TRY,
    DrillForm,
    TheForm,
    button_line,
    form_view,
    with_area,
)
from siaga_gateway.web.console.incident_views import duration
from siaga_gateway.web.console.ladder_views import rung_text
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to

router = APIRouter()

_LONGEST_MINUTES: Final = LONGEST_MS // 60_000


def _drills(context: TheConsole) -> Drills:
    if context.drills is None:
        raise NotThere("error.nothing_here")
    return context.drills


TheDrills = Annotated[Drills, Depends(_drills)]


def _choices(context: TheConsole) -> DrillChoices:
    if context.drill_choices is None:
        raise NotThere("error.nothing_here")
    return context.drill_choices


TheChoices = Annotated[DrillChoices, Depends(_choices)]


@router.get("/drills")
def page(
    context: TheConsole, drills: TheDrills, choices: TheChoices, language: Language, session: SignedIn
) -> HTMLResponse:
    # Said before somebody has filled in the form.
    problem = "" if context.mode is Mode.ACTUAL else Localized("errors.drill.exercise_gateway").say(language)
    return _page(context, drills, choices, language, session.operator, problem=problem)


@router.post("/drills")
def order(
    request: Request,
    context: TheConsole,
    drills: TheDrills,
    choices: TheChoices,
    language: Language,
    session: SignedIn,
    form: TheForm,
) -> Response:
    """Do what a button of the form says: look for something, tick the buttons of an area, try, or order the drill."""
    done, would = "", None
    try:
        if form.did.startswith(AREA_OF):
            form, done = with_area(form, choices, form.did.removeprefix(AREA_OF), language)
        elif form.did == TRY:
            would = drills.checked(form.wanted(context.site.local), session.operator)
        elif form.did == BEGIN:
            made = drills.order(form.wanted(context.site.local), session.operator)
            return RedirectResponse(f"/drills/{made.id}", 303)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _page(context, drills, choices, language, session.operator, form, problem=problem, status=status)
    return _page(context, drills, choices, language, session.operator, form, done=done, would=would)


@router.get("/drills/{drill_id}")
def report(
    context: TheConsole,
    drills: TheDrills,
    choices: TheChoices,
    language: Language,
    session: SignedIn,
    drill_id: RowId,
) -> HTMLResponse:
    drill = drills.known(drill_id)
    found = drills.report(drill)
    labels = dict(map(button_line, choices.listed(drill.buttons)))
    local = context.site.local
    return render(
        context,
        "drill.html",
        language,
        operator=session.operator,
        languages=LANGUAGES,
        now=local.moment(context.clock.now_ms()),
        drill=_told(context, drill, local),
        results=[_result(context, each, language, local) for each in found],
        sums=_sums(found),
        real=sum(each.real_ms is not None for each in found),
        labels=labels,
        silent=[labels.get(each.hex()) or each.hex() for each in silent_buttons(drill, found)],
    )


@router.post("/drills/{drill_id}/end")
def end(
    request: Request,
    context: TheConsole,
    drills: TheDrills,
    choices: TheChoices,
    language: Language,
    session: SignedIn,
    drill_id: RowId,
) -> Response:
    try:
        drills.end(drill_id, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _page(context, drills, choices, language, session.operator, problem=problem, status=status)
    return RedirectResponse(f"/drills/{drill_id}", 303)


def _page(
    context: ConsoleContext,
    drills: Drills,
    choices: DrillChoices,
    language: str,
    operator: str,
    form: DrillForm = DrillForm(),  # noqa: B008 - a value
    *,
    problem: str = "",
    done: str = "",
    status: int = 200,
    would: Drill | None = None,
) -> HTMLResponse:
    local, now_ms = context.site.local, context.clock.now_ms()
    return render(
        context,
        "drills.html",
        language,
        status=status,
        operator=operator,
        languages=LANGUAGES,
        problem=problem,
        done=done,
        now=local.moment(now_ms),
        zone=local.label(now_ms),
        soonest=_typed_time(local, now_ms + 60_000),
        latest=_typed_time(local, now_ms + AHEAD_MS),
        longest=_LONGEST_MINUTES,
        form=form_view(context, choices, form),
        would=None if would is None else _would(context, drills, choices, would, language),
        drills=[_told(context, each, local) for each in drills.all()],
    )


def _typed_time(local: LocalTime, unix_ms: int) -> str:
    return local.at(unix_ms).strftime("%Y-%m-%dT%H:%M")


def _would(
    context: ConsoleContext, drills: Drills, choices: DrillChoices, would: Drill, language: str
) -> dict[str, Any]:
    """Return what a drill would be: whom each rung would call, once for all buttons of which it calls the same."""
    labels = dict(map(button_line, choices.listed(would.buttons)))
    calls: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for device_id in would.buttons:
        rungs = tuple(
            (
                text("console.drills.rung", language, n=rung.after_s, rung=rung_text(rung.name, language)),
                ", ".join(context.directory.name(key) for key in keys),
            )
            for rung, keys in choices.calls(would, device_id)
        )
        calls.setdefault(rungs, []).append(labels[device_id.hex()])
    return {
        **_told(context, would, context.site.local),
        "doubted": [labels[each.hex()] for each in drills.doubted(would.buttons)],
        "calls": [{"buttons": buttons, "rungs": rungs} for rungs, buttons in calls.items()],
    }


def _told(context: ConsoleContext, drill: Drill, local: LocalTime) -> dict[str, Any]:
    return {
        "id": drill.id,
        "name": drill.name,
        "by": drill.ordered_by,
        "state": drill.state_at(context.clock.now_ms()).value,
        "begins": local.moment(drill.begins_ms),
        "ends": local.moment(drill.last_ms),
        "ended_by": drill.ended_by,
        "can_end": drill.ended_ms is None and context.clock.now_ms() < drill.ends_ms,
        "buttons": [each.hex() for each in drill.buttons],
        "contacts": [context.directory.name(each) for each in drill.contacts],
    }


def _sums(results: Sequence[ExerciseResult]) -> list[tuple[str, int]]:
    """Return how many presses got how far."""
    reached = {
        "called": [each.called_ms for each in results],
        "acknowledged": [each.acknowledged_ms for each in results],
        "accepted": [each.accepted_ms for each in results],
        "on_scene": [each.on_scene_ms for each in results],
    }
    steps = [(name, sum(at_ms is not None for at_ms in times)) for name, times in reached.items()]
    return [("pressed", len(results)), *steps]


def _result(context: ConsoleContext, each: ExerciseResult, language: str, local: LocalTime) -> dict[str, Any]:
    def after(at_ms: int | None) -> str:
        return "–" if at_ms is None else duration(round(at_ms / 1000), language)

    return {
        "id": each.incident_id,
        "identifier": each.identifier,
        "button": each.device_label,
        "pressed": local.moment(each.pressed_ms),
        "times": [
            after(at_ms)
            for at_ms in (
                each.called_ms,
                each.acknowledged_ms,
                each.accepted_ms,
                each.assigned_ms,
                each.on_scene_ms,
                each.closed_ms,
            )
        ],
        "acknowledged_by": each.acknowledged_by,
        "answered": [context.directory.name(who) for who in each.answered],
        "declined": [context.directory.name(who) for who in each.declined],
        "real": each.real_ms is not None,
    }
