"""The operator's steps, as the page asks for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse

from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.web.console.step_answers import IncidentId, Shown, take_step
from siaga_gateway.web.console.typed_assignment import typed_assignment
from siaga_gateway.web.session.context import (
    Language,
    SignedIn,
    TheConsole,
)
from siaga_gateway.web.session.error_answers import NotUnderstood

router = APIRouter()


@router.post("/incidents/{incident_id}/seen")
def seen(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    shown: Shown = None,
    wave: Annotated[int | None, Query(ge=0, le=2**31)] = None,
) -> HTMLResponse:
    """wave: as the page showed it; None: it showed none yet."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "seen",
        lambda: context.operate.seen(incident_id, session.operator, shown=shown, wave=wave),
    )


@router.post("/incidents/{incident_id}/acknowledge")
def acknowledge(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    wave: Annotated[int, Query(ge=0, le=2**31)],
) -> HTMLResponse:
    """Take note of a call that rings again. wave: as the page showed it."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "acknowledge",
        lambda: context.operate.acknowledge(incident_id, session.operator, wave),
    )


@router.post("/incidents/{incident_id}/undo")
def undo(
    context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId, shown: Shown = None
) -> HTMLResponse:
    """Take one's own acknowledgement back."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "undo",
        lambda: context.operate.undo(incident_id, session.operator, shown=shown),
    )


@router.post("/incidents/{incident_id}/resume")
def resume(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Call again in an incident of which is asked whether it still matters."""
    return take_step(
        context, session, language, incident_id, "resume", lambda: context.operate.resume(incident_id, session.operator)
    )


@router.post("/incidents/{incident_id}/assign")
def assign(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    unit: Annotated[str, Form()] = "",
    eta: Annotated[str, Form()] = "",
    shown: Shown = None,
    beside: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """beside: the units that were sent before go on."""
    unit, minutes = typed_assignment(unit, eta)

    def step() -> Incident:
        return context.operate.assign(incident_id, session.operator, unit, minutes, beside=beside, shown=shown)

    typed = {"unit": unit, "eta": eta.strip(), **({"beside": "true"} if beside else {})}
    return take_step(context, session, language, incident_id, "assign", step, typed)


@router.post("/incidents/{incident_id}/stand-down")
def stand_down(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    unit: Annotated[str, Form()] = "",
    shown: Shown = None,
) -> HTMLResponse:
    """Take back one of the units."""
    unit, _ = typed_assignment(unit, "")

    def step() -> Incident:
        return context.operate.stand_down(incident_id, session.operator, unit, shown=shown)

    return take_step(context, session, language, incident_id, "stand-down", step)


@router.post("/incidents/{incident_id}/on-scene")
def on_scene(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    unit: Annotated[str, Form()] = "",
    shown: Shown = None,
) -> HTMLResponse:
    """unit: which of several; empty: the one that leads."""
    named = typed_assignment(unit, "")[0] if unit else None

    def step() -> Incident:
        return context.operate.on_scene(incident_id, session.operator, unit=named, shown=shown)

    return take_step(context, session, language, incident_id, "on-scene", step)


@router.post("/incidents/{incident_id}/dispatch")
def dispatch_held(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    return take_step(
        context,
        session,
        language,
        incident_id,
        "dispatch",
        lambda: context.operate.dispatch_held(incident_id, session.operator),
    )


@router.post("/incidents/{incident_id}/real")
def make_real(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Say that an exercise is none."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "real",
        lambda: context.operate.make_real(incident_id, session.operator),
    )


@router.post("/incidents/{incident_id}/close")
def close(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    disposition: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    presses: int | None = None,
    duress: bool | None = None,
    wave: Annotated[int | None, Query(ge=0, le=2**31)] = None,
    shown: Shown = None,
) -> HTMLResponse:
    """Close an incident. presses, duress, wave: as the page showed them when the form was sent."""
    if disposition not in {each.value for each in Disposition}:
        raise NotUnderstood("error.disposition")
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise NotUnderstood("error.note", longest=LONGEST_NOTE)

    def step() -> Incident:
        return context.operate.close(
            incident_id, session.operator, disposition, note, presses=presses, duress=duress, wave=wave, shown=shown
        )

    return take_step(context, session, language, incident_id, "close", step, {"disposition": disposition, "note": note})


@router.post("/incidents/{incident_id}/correct")
def correct(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    disposition: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    shown: Shown = None,
) -> HTMLResponse:
    """Give a closed incident another disposition, also by someone who did not close it."""
    if disposition not in {each.value for each in Disposition}:
        raise NotUnderstood("error.disposition")
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_NOTE:
        raise NotUnderstood("error.reason", longest=LONGEST_NOTE)

    def step() -> Incident:
        return context.operate.correct(incident_id, session.operator, disposition, reason, shown=shown)

    return take_step(
        context, session, language, incident_id, "correct", step, {"disposition": disposition, "reason": reason}
    )


@router.post("/incidents/{incident_id}/reopen")
def reopen(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    reason: Annotated[str, Form()] = "",
    shown: Shown = None,
) -> HTMLResponse:
    """Open an incident again that was closed a short time ago."""
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_NOTE:
        raise NotUnderstood("error.reason", longest=LONGEST_NOTE)

    def step() -> Incident:
        return context.operate.reopen(incident_id, session.operator, reason, shown=shown)

    return take_step(context, session, language, incident_id, "reopen", step, {"reason": reason})


@router.post("/incidents/{incident_id}/note")
def add_note(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    note: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Append to the note of an incident, open or closed, also by someone who has no other part in it."""
    note = note.strip()
    if not 1 <= len(note) <= LONGEST_NOTE:
        raise NotUnderstood("error.note", longest=LONGEST_NOTE)
    return take_step(
        context,
        session,
        language,
        incident_id,
        "note",
        lambda: context.operate.add_note(incident_id, session.operator, note),
        {"note": note},
    )


@router.post("/incidents/{incident_id}/protocol")
def tick_protocol(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    protocol: Annotated[str, Form(max_length=20)] = "",
    version: Annotated[int, Form(ge=0, le=2**31)] = 0,
    step: Annotated[int, Form(ge=0, le=1000)] = 0,
    done: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """Tick a step of the call's protocol, or take the tick back. protocol, version: as the page showed them."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "protocol",
        lambda: context.operate.tick(incident_id, session.operator, protocol, version, step, done),
    )
