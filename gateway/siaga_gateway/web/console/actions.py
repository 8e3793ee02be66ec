"""What the page requests: the live stream, cards, an incident's detail, and the operator's steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Form, Header, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.sse import EventSourceResponse

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState
from siaga_gateway.domain.limits import LONGEST_NOTE, LONGEST_UNIT
from siaga_gateway.service.ports import JournalEntry, Overtaken
from siaga_gateway.web.console.call_views import CallsView, calls_view
from siaga_gateway.web.console.incident_views import view
from siaga_gateway.web.console.queue_cards import read_queue, read_some
from siaga_gateway.web.console.timeline import feed, last_step, timeline
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import (
    ConsoleContext,
    Language,
    PageRefused,
    SignedIn,
    TheConsole,
    render,
    urgent_certificates,
)
from siaga_gateway.web.session.error_answers import NotThere, NotUnderstood, retargeted
from siaga_gateway.web.session.error_logging import log_failure

router = APIRouter()

CARDS_AT_ONCE: Final = 100

# SQLite's largest row number; a larger one could not even be queried.
IncidentId = Annotated[int, Path(ge=1, le=2**63 - 1)]
# What the page showed when the form was rendered: Incident.progress
Shown = Annotated[str | None, Query(max_length=16)]
# Steps that an overtaken operator may still take, by the incident's new state
ALL_THE_SAME: Final = {
    "assign": (IncidentState.SEEN, IncidentState.ASSIGNED),
    "on-scene": (IncidentState.ASSIGNED,),
    "close": (IncidentState.OPEN, IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.ON_SCENE),
}


@router.get("/live")
async def live(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    after: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream server-sent events after Last-Event-ID (which a reconnecting browser sends), else after `after`."""
    if last_event_id is not None and last_event_id.isdecimal() and len(last_event_id) < 20:
        after = int(last_event_id)
    if context.streams.full:
        return PlainTextResponse(text("console.refused.streams", language) + "\n", 503, {"Retry-After": "5"})
    return EventSourceResponse(
        context.streams.stream(after, lambda: context.sessions.counts(session)),
        headers={"X-Accel-Buffering": "no"},  # keeps a reverse proxy from buffering rows
    )


@router.get("/session")
def session_state(context: TheConsole, session: SignedIn) -> JSONResponse:
    """Whether the session is still valid: 200 with the milliseconds left, or 401."""
    return JSONResponse({"left_ms": session.left_ms(context.clock.now_ms())})


@router.get("/incidents")
def incidents(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    ids: Annotated[str | None, Query(max_length=4000)] = None,
) -> HTMLResponse:
    """Return cards: the whole queue, or those of `ids` (at most 100, comma-separated)."""
    if ids is None:
        queue = read_queue(context, language)
        context.disclosures.listed(session.operator, [each.id for each in queue.incidents])
        return render(context, "_cards.html", language, incidents=queue.incidents, last=queue.last)
    try:
        wanted = [int(one) for one in ids.split(",")]
    except ValueError as error:
        raise NotUnderstood("error.form", fields="ids") from error
    if len(wanted) > CARDS_AT_ONCE or not all(0 < one < 2**63 for one in wanted):
        raise NotUnderstood("error.form", fields="ids")
    cards = read_some(context, wanted, language)
    context.disclosures.listed(session.operator, [card.id for card in cards])
    return render(context, "_cards.html", language, incidents=cards, last=None)


@router.get("/incidents/{incident_id}")
def incident(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return one incident in detail."""
    found = context.reader.incident(incident_id)
    if found is None:
        raise NotThere("error.unknown_incident", id=incident_id)
    return _detail(context, session, found, language)


@router.get("/incidents/{incident_id}/calls")
def calls(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return who was told, without the owner's data: what comes of it changes without an entry in the journal."""
    entries = context.reader.journal_of_incident(incident_id)
    return render(context, "_called.html", language, calls=_calls(context, incident_id, entries, language))


@router.get("/feed")
def other_entries(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    """Return what happened outside incidents: test presses, tampering, refused frames, the gateway itself."""
    return render(context, "_feed.html", language, feed=feed(context.reader, language))


@router.get("/certificates")
def certificates(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    """Return certificates that expire soon, or have expired."""
    found = urgent_certificates(context)
    return render(context, "_certificates.html", language, shown=found["shown"], more=found["more"])


@router.post("/incidents/{incident_id}/nik")
def reveal_nik(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return the owner's NIK in full. By POST, so that no history, cache or prefetch ever holds it."""
    found = context.reader.incident(incident_id)
    if found is not None and found.unreadable:
        raise PageRefused("detail.unreadable")
    if found is None or found.holder is None:
        raise NotThere("error.unknown_incident", id=incident_id)
    context.disclosures.shown(session.operator, incident_id, "nik")
    return render(context, "_nik.html", language, nik=found.holder.nik)


@router.post("/incidents/{incident_id}/seen")
def seen(
    context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId, shown: Shown = None
) -> HTMLResponse:
    return _step(
        context, session, language, "seen", lambda: context.operate.seen(incident_id, session.operator, shown=shown)
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
    return _step(
        context,
        session,
        language,
        "acknowledge",
        lambda: context.operate.acknowledge(incident_id, session.operator, wave),
    )


@router.post("/incidents/{incident_id}/resume")
def resume(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Call again in an incident of which is asked whether it still matters."""
    return _step(context, session, language, "resume", lambda: context.operate.resume(incident_id, session.operator))


@router.post("/incidents/{incident_id}/assign")
def assign(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    unit: Annotated[str, Form()] = "",
    eta: Annotated[str, Form()] = "",
    shown: Shown = None,
) -> HTMLResponse:
    unit = " ".join(unit.split())
    if not 1 <= len(unit) <= LONGEST_UNIT:
        raise NotUnderstood("error.unit", longest=LONGEST_UNIT)
    eta = eta.strip()
    digits = eta.isascii() and eta.isdecimal() and len(eta) <= len(str(LONGEST_ETA))
    if eta and not (digits and int(eta) <= LONGEST_ETA):
        raise NotUnderstood("error.eta", longest=LONGEST_ETA)
    minutes = int(eta) if eta else None

    def step() -> Incident:
        return context.operate.assign(incident_id, session.operator, unit, minutes, shown=shown)

    return _step(context, session, language, "assign", step, {"unit": unit, "eta": eta})


@router.post("/incidents/{incident_id}/on-scene")
def on_scene(
    context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId, shown: Shown = None
) -> HTMLResponse:
    def step() -> Incident:
        return context.operate.on_scene(incident_id, session.operator, shown=shown)

    return _step(context, session, language, "on-scene", step)


@router.post("/incidents/{incident_id}/dispatch")
def dispatch_held(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    return _step(
        context, session, language, "dispatch", lambda: context.operate.dispatch_held(incident_id, session.operator)
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
    shown: Shown = None,
) -> HTMLResponse:
    """Close an incident. presses, duress: as the page showed them when the form was sent."""
    if disposition not in {each.value for each in Disposition}:
        raise NotUnderstood("error.disposition")
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise NotUnderstood("error.note", longest=LONGEST_NOTE)

    def step() -> Incident:
        return context.operate.close(
            incident_id, session.operator, disposition, note, presses=presses, duress=duress, shown=shown
        )

    return _step(context, session, language, "close", step, {"disposition": disposition, "note": note})


@router.post("/incidents/{incident_id}/note")
def add_note(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    note: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Append to the note of a closed incident, also by someone who did not close it."""
    note = note.strip()
    if not 1 <= len(note) <= LONGEST_NOTE:
        raise NotUnderstood("error.note", longest=LONGEST_NOTE)
    return _step(
        context,
        session,
        language,
        "note",
        lambda: context.operate.add_note(incident_id, session.operator, note),
        {"note": note},
    )


@router.get("/health")
def health(request: Request, context: TheConsole) -> JSONResponse:
    """Report health to a monitor, without session and personal data: 200 while presses are taken and the store can be
    read, else 503."""
    try:
        last = context.reader.last_journal_id()
    except Exception as error:
        log_failure(Localized("log.console.health"), error)
        return JSONResponse({"store": False}, 503)
    if why := context.presses():
        return JSONResponse({"store": True, "why": why}, 503)
    return JSONResponse({"store": True, "last": last, "now_ms": context.clock.now_ms()})


def _step(
    context: ConsoleContext,
    session: Session,
    language: str,
    action: str,
    step: Callable[[], Incident],
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Take a step and render the result. typed: what the operator entered, by form field."""
    try:
        changed = step()
    except Overtaken as overtaken:
        return _overtaken(context, language, action, overtaken, typed or {})
    return _detail(context, session, changed, language)


def _detail(context: ConsoleContext, session: Session, found: Incident, language: str) -> HTMLResponse:
    context.disclosures.shown(session.operator, found.id)
    entries = context.reader.journal_of_incident(found.id)
    known = context.reader.escalation_of(found.id)
    return render(
        context,
        "_detail.html",
        language,
        incident=view(found, language, context.mode, known, context.directory.name),
        timeline=timeline(entries, language, context.directory.name),
        calls=_calls(context, found.id, entries, language),
    )


def _calls(context: ConsoleContext, incident_id: int, entries: Sequence[JournalEntry], language: str) -> CallsView:
    return calls_view(
        context.reader.notifications_of(incident_id),
        entries,
        context.reader.escalation_of(incident_id),
        context.directory.find,
        language,
    )


def _overtaken(
    context: ConsoleContext, language: str, action: str, overtaken: Overtaken, typed: Mapping[str, str]
) -> HTMLResponse:
    """Show what the other operator did, what this one entered, and the step again if still possible."""
    incident = overtaken.incident
    entries = context.reader.journal_of_incident(incident.id)
    answer = render(
        context,
        "_overtaken.html",
        language,
        status=409,
        action=action,
        again=incident.state in ALL_THE_SAME.get(action, ()) and not (incident.held and action != "close"),
        add_note=incident.state is IncidentState.CLOSED and bool(typed.get("note")),
        called=overtaken.called,
        line=last_step(entries, language, called=overtaken.called),
        incident=view(incident, language, context.mode),
        typed=typed,
    )
    return retargeted(answer)
