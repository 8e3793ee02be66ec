"""What the page calls: the live stream, cards, an incident's detail, and the operator's steps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Form, Header, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.sse import EventSourceResponse

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.service.ports import OperateError
from siaga_gateway.web.auth import Session
from siaga_gateway.web.desk import Desk, Language, SignedIn, TheDesk, render
from siaga_gateway.web.queue import read_queue, read_some
from siaga_gateway.web.timeline import feed, timeline
from siaga_gateway.web.views import view

log = logging.getLogger("siaga.console")
router = APIRouter()

CARDS_AT_ONCE: Final = 100
LONGEST_UNIT: Final = 60
LONGEST_NOTE: Final = 2000
LONGEST_ETA_MIN: Final = 254  # the button is told in one byte, 255 means unknown

# SQLite's largest row number; beyond it the store could not even be asked.
IncidentId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/live")
async def live(
    desk: TheDesk,
    session: SignedIn,
    after: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Server-sent events after Last-Event-ID (which a reconnecting browser sends) or else after `after`."""
    if last_event_id is not None and last_event_id.isdecimal() and len(last_event_id) < 20:
        after = int(last_event_id)
    return EventSourceResponse(
        desk.streams.stream(after, lambda: desk.sessions.counts(session)),
        headers={"X-Accel-Buffering": "no"},  # a reverse proxy must not hold rows back
    )


@router.get("/session")
def session_state(desk: TheDesk, session: SignedIn) -> JSONResponse:
    """Whether the session still counts: 200 with the milliseconds left, or 401."""
    return JSONResponse({"left_ms": session.left_ms(desk.clock.now_ms())})


@router.get("/incidents")
def incidents(
    desk: TheDesk, language: Language, session: SignedIn, ids: Annotated[str | None, Query(max_length=4000)] = None
) -> HTMLResponse:
    """Cards: all of the queue, or those of `ids` (at most 100, separated by commas)."""
    if ids is None:
        queue = read_queue(desk, language)
        desk.disclosures.listed(session.operator, [each.id for each in queue.incidents])
        return render("_cards.html", language, incidents=queue.incidents, last=queue.last)
    try:
        wanted = [int(one) for one in ids.split(",")]
    except ValueError as error:
        raise HTTPException(422, "ids are numbers, separated by commas") from error
    if len(wanted) > CARDS_AT_ONCE or not all(0 < one < 2**63 for one in wanted):
        raise HTTPException(422, f"at most {CARDS_AT_ONCE} ids at once")
    cards = read_some(desk, wanted, language)
    desk.disclosures.listed(session.operator, [card.id for card in cards])
    return render("_cards.html", language, incidents=cards, last=None)


@router.get("/incidents/{incident_id}")
def incident(desk: TheDesk, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """One incident in detail."""
    found = desk.reader.incident(incident_id)
    if found is None:
        return _refused(text("console.error.unknown_incident", language, id=incident_id), language, 404)
    return _detail(desk, session, found, language)


@router.get("/feed")
def other_entries(desk: TheDesk, language: Language, session: SignedIn) -> HTMLResponse:
    """What happened outside incidents: trials, tamper, refused frames, the gateway itself."""
    return render("_feed.html", language, feed=feed(desk.reader, language))


@router.post("/incidents/{incident_id}/nik")
def reveal_nik(desk: TheDesk, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """The owner's NIK in full. By POST, so that neither history nor cache nor a prefetch ever holds it."""
    found = desk.reader.incident(incident_id)
    if found is None or found.holder is None:
        return _refused(text("console.error.unknown_incident", language, id=incident_id), language, 404)
    desk.disclosures.shown(session.operator, incident_id, "nik")
    return render("_nik.html", language, nik=found.holder.nik)


@router.post("/incidents/{incident_id}/seen")
def seen(desk: TheDesk, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    return _step(desk, session, language, lambda: desk.operate.seen(incident_id, session.operator))


@router.post("/incidents/{incident_id}/assign")
def assign(
    desk: TheDesk,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    unit: Annotated[str, Form()] = "",
    eta: Annotated[str, Form()] = "",
) -> HTMLResponse:
    unit = " ".join(unit.split())
    if not 1 <= len(unit) <= LONGEST_UNIT:
        return _refused(text("console.error.unit", language, longest=LONGEST_UNIT), language, 422)
    eta = eta.strip()
    if eta and not (eta.isascii() and eta.isdecimal() and len(eta) < 4 and int(eta) <= LONGEST_ETA_MIN):
        return _refused(text("console.error.eta", language, longest=LONGEST_ETA_MIN), language, 422)
    minutes = int(eta) if eta else None
    return _step(desk, session, language, lambda: desk.operate.assign(incident_id, session.operator, unit, minutes))


@router.post("/incidents/{incident_id}/on-scene")
def on_scene(desk: TheDesk, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    return _step(desk, session, language, lambda: desk.operate.on_scene(incident_id, session.operator))


@router.post("/incidents/{incident_id}/dispatch")
def dispatch_held(desk: TheDesk, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    return _step(desk, session, language, lambda: desk.operate.dispatch_held(incident_id, session.operator))


@router.post("/incidents/{incident_id}/close")
def close(
    desk: TheDesk,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    disposition: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    presses: int | None = None,
    duress: bool | None = None,
) -> HTMLResponse:
    """presses, duress: what the page showed when it was sent."""
    if disposition not in {each.value for each in Disposition}:
        return _refused(text("console.error.disposition", language), language, 422)
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        return _refused(text("console.error.note", language, longest=LONGEST_NOTE), language, 422)

    def step() -> Incident:
        return desk.operate.close(incident_id, session.operator, disposition, note, presses=presses, duress=duress)

    return _step(desk, session, language, step)


@router.get("/health")
def health(request: Request, desk: TheDesk) -> JSONResponse:
    """For a supervisor, without a session and without personal data: 200 while the store can be read, else 503."""
    try:
        last = desk.reader.last_journal_id()
    except Exception:
        log.exception("health: the store cannot be read")
        return JSONResponse({"store": False}, 503)
    return JSONResponse({"store": True, "last": last, "now_ms": desk.clock.now_ms()})


def _step(desk: Desk, session: Session, language: str, step: Callable[[], Incident]) -> HTMLResponse:
    try:
        changed = step()
    except OperateError as error:
        return _refused(text("console.error.step", language, reason=error), language, 409)
    return _detail(desk, session, changed, language)


def _detail(desk: Desk, session: Session, found: Incident, language: str) -> HTMLResponse:
    desk.disclosures.shown(session.operator, found.id)
    lines = timeline(desk.reader.journal_of_incident(found.id), language)
    return render("_detail.html", language, incident=view(found, language, desk.mode), timeline=lines)


def _refused(problem: str, language: str, status: int) -> HTMLResponse:
    answer = render("_message.html", language, status=status, problem=problem)
    answer.headers["HX-Retarget"] = "#message"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer
