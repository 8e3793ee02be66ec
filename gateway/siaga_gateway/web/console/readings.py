"""What the page asks for: the live stream, cards, an incident's detail and photographs, certificates, health."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Header, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.sse import EventSourceResponse

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.console.incident_views import view
from siaga_gateway.web.console.messages_view import MessagesView
from siaga_gateway.web.console.queue_cards import read_queue, read_some
from siaga_gateway.web.console.step_answers import IncidentId, calls_of, detail, escalation_of, messages_of
from siaga_gateway.web.console.timeline import feed
from siaga_gateway.web.session.context import (
    ConsoleContext,
    Language,
    PageRefused,
    SignedIn,
    TheConsole,
    render,
    urgent_certificates,
)
from siaga_gateway.web.session.error_answers import NotThere, NotUnderstood
from siaga_gateway.web.session.error_logging import log_failure
from siaga_gateway.web.session.jurisdiction import JurisdictionReader
from siaga_gateway.web.session.own_calls import check_own

router = APIRouter()

CARDS_AT_ONCE: Final = 100


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
        context.streams.stream(after, lambda: context.sessions.counts(session), own_calls(context)),
        headers={"X-Accel-Buffering": "no"},  # keeps a reverse proxy from buffering rows
    )


def own_calls(context: ConsoleContext) -> JurisdictionReader | None:
    """Return whose calls who asks may be told of; None: all."""
    return context.reader if isinstance(context.reader, JurisdictionReader) else None


@router.post("/presence")
def presence(
    context: TheConsole,
    session: SignedIn,
    console: Annotated[str, Form(pattern="^[0-9a-z-]{8,40}$")],
    incident: Annotated[int | None, Form(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """Note which call a page shows. console: drawn by the page, for as long as it is open. incident: missing: none."""
    if incident is not None:
        check_own(context, incident)
    context.presence.shows(console, session.operator, incident)
    return Response(status_code=204)


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
    try:
        wanted = [] if ids is None else [int(one) for one in ids.split(",")]
    except ValueError as error:
        raise NotUnderstood("error.form", fields="ids") from error
    if len(wanted) > CARDS_AT_ONCE or not all(0 < one < 2**63 for one in wanted):
        raise NotUnderstood("error.form", fields="ids")
    queue = read_queue(context, language) if ids is None else read_some(context, wanted, language)
    context.disclosures.listed(session.operator, [each.id for each in queue.incidents])
    return render(context, "_cards.html", language, queue=queue, operator=session.operator)


@router.get("/incidents/{incident_id}")
def incident(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return one incident in detail."""
    try:
        found = context.reader.incident(incident_id)
    except StoreDamaged as error:
        log_failure(Localized("log.console.incident", incident=incident_id), error)
        raise NotThere("error.unreadable_incident", id=incident_id) from error
    if found is None:
        raise NotThere("error.unknown_incident", id=incident_id)
    return detail(context, session, found, language)


@router.get("/incidents/{incident_id}/calls")
def calls(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return who was told, without the owner's data: what comes of it changes without an entry in the journal."""
    entries = context.reader.journal_of_incident(incident_id)
    found = context.reader.incident(incident_id)
    calls = calls_of(context, incident_id, found, entries, language)
    sent, shown = MessagesView(), None
    if found is not None:
        known = escalation_of(context, incident_id)
        sent = messages_of(context, session.operator, found, known, language)
        shown = view(found, language, context.mode, known, context.directory.name)
    return render(context, "_called.html", language, calls=calls, messages=sent, incident=shown)


def _jpeg(picture: bytes) -> Response:
    return Response(picture, media_type="image/jpeg")


@router.get("/incidents/{incident_id}/photographs/{number}")
def photograph(
    context: TheConsole, session: SignedIn, incident_id: IncidentId, number: Annotated[int, Path(gt=0, lt=2**31)]
) -> Response:
    """Return a photograph of a responder's; who was shown it is noted, as with the incident."""
    picture = context.reader.picture(incident_id, number)
    if picture is None:
        raise NotThere("error.no_photograph", number=number)
    context.disclosures.shown(session.operator, incident_id)
    return _jpeg(picture)


@router.get("/incidents/{incident_id}/holder-photograph")
def holder_photograph(context: TheConsole, session: SignedIn, incident_id: IncidentId) -> Response:
    """Return the holder's own photograph; who was shown it is noted, as with the incident."""
    found = context.reader.incident(incident_id)
    may = found is not None and found.holder is not None and context.may(Permission.IDENTITY_READ)
    picture = context.reader.owner_photograph(found.holder.id) if may and found and found.holder else None
    if picture is None:
        raise NotThere("error.nothing_here")
    context.disclosures.shown(session.operator, incident_id)
    return _jpeg(picture)


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
