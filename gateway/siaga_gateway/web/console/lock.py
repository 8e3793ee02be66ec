"""The lock of the screen: it shows nothing of anybody, rings all the same, and opens by the password.

What a locked session may still ask for stands in `route_table.LOCKED_MAY`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.limits import LONGEST_ACTOR, LONGEST_PASSWORD
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.triage import CALL, Alarm
from siaga_gateway.web.console.base_map import page_texts
from siaga_gateway.web.console.incident_views import duration
from siaga_gateway.web.console.ladder_views import ringing_of
from siaga_gateway.web.console.live_settings import live_settings
from siaga_gateway.web.console.queue_cards import alarms_of
from siaga_gateway.web.console.timeline import broker_lost_ms
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, PageRefused, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_logging import log_failure
from siaga_gateway.web.session.sign_in import SignInRefused

router = APIRouter()

_SHOWN: Final = 3  # lines on the locked screen; the others are counted


@router.post("/lock")
def lock(context: TheConsole, session: SignedIn) -> Response:
    """Lock the session's screen, in every window. Raises: PageRefused where no password would open it again."""
    if session.role is None:
        raise PageRefused("lock.no_password")
    context.sessions.lock(session)
    return Response(status_code=204)


@router.get("/locked")
def locked_page(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    return _page(context, language, session)


@router.post("/unlock")
async def unlock(
    request: Request,
    context: TheConsole,
    language: Language,
    session: SignedIn,
    username: Annotated[str, Form(max_length=2 * LONGEST_ACTOR)] = "",
    password: Annotated[str, Form(max_length=2 * LONGEST_PASSWORD)] = "",
) -> Response:
    """Open the lock. In the event loop: no thread waits for a password's hash.

    username: whose page it is; another's is not uncovered, also where the password is right. Raises: PageRefused then.
    """
    from_page = "text/html" in request.headers.get("accept", "")
    if username not in ("", session.operator):
        if from_page:
            return RedirectResponse("/locked", 303)
        raise PageRefused("lock.another")
    try:
        await context.sign_in.unlock(session, password)
    except SignInRefused as refused:
        context.sign_ins.refused(session.operator, refused.why)
        told = text("console.lock.wrong", language) if refused.why == "wrong" else refused.say(language)
        if from_page:
            return await run_in_threadpool(_page, context, language, session, told, refused.status)
        return PlainTextResponse(told, refused.status)
    await run_in_threadpool(context.sessions.unlock, session)
    return RedirectResponse("/", 303) if from_page else Response(status_code=204)


@router.get("/ringing")
def ringing(context: TheConsole, language: Language, session: SignedIn) -> JSONResponse:
    """Return what rings, the most urgent first, without anything of anybody.

    `calls`: [{id, sound, level}], as of the cards (`sound` and `level` of static/js/sounds.js); `title`, `lines`: in
    words, for the locked screen; empty: nothing rings.
    """
    known = {each.incident_id: each for each in context.reader.open_escalations()}
    found = [(each, ringing_of(each, known.get(each.id))) for each in context.reader.open_incidents()]
    rings = [(each, how) for each, how in found if how.sound]
    alarms = alarms_of(context, [each for each, _ in rings])
    # As in the queue: duress, then the highest level, then who waits the longest.
    rings.sort(key=lambda one: (not one[0].duress, -_level(alarms, one[0]), one[0].opened_at_ms))
    now_ms = context.clock.now_ms()
    lines = [
        text(
            "console.lock.line",
            language,
            level=_level(alarms, each),
            age=duration((now_ms - each.opened_at_ms) // 1000, language),
        )
        for each, _ in rings[:_SHOWN]
    ]
    if (more := len(rings) - len(lines)) > 0:
        lines.append(text("console.lock.more", language, n=more))
    title = text("console.lock.rings", language, n=len(rings)) if rings else ""
    calls = [
        {"id": each.id, "sound": "duress" if each.duress else how.sound, "level": how.level} for each, how in rings
    ]
    return JSONResponse({"calls": calls, "title": title, "lines": lines})


def _level(alarms: Mapping[int, Alarm], incident: Incident) -> int:
    return alarms[incident.id].level if incident.id in alarms else CALL


def _page(
    context: ConsoleContext, language: str, session: Session, problem: str = "", status: int = 200
) -> HTMLResponse:
    try:
        broker_lost, store_failed = broker_lost_ms(context.reader), False
    except Exception as error:
        log_failure(Localized("log.console.no_store"), error)
        broker_lost, store_failed = None, True
    return render(
        context,
        "locked.html",
        language,
        status=status,
        operator=session.operator,
        problem=problem,
        store_failed=store_failed,
        settings={
            **live_settings(context, session, language),
            "broker_lost": broker_lost,
            "rings": context.may(Permission.INCIDENTS_READ),
            "texts": page_texts(context, language),
        },
    )
