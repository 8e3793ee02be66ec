"""Whole pages: the console, signing in and out, language selection."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.catalogue import LANGUAGES, UnknownText, text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.accounts.account_changes import AccountError
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.console.base_map import map_settings
from siaga_gateway.web.console.live_settings import live_settings
from siaga_gateway.web.console.map_layers import layer_settings
from siaga_gateway.web.console.queue_cards import Queue, read_queue
from siaga_gateway.web.console.timeline import broker_lost_ms, feed
from siaga_gateway.web.session.auth import SESSION_MS, Session
from siaga_gateway.web.session.context import (
    LANGUAGE_COOKIE,
    ConsoleContext,
    Language,
    SignedIn,
    TheConsole,
    render,
    urgent_certificates,
)
from siaga_gateway.web.session.error_logging import log_failure
from siaga_gateway.web.session.known_browser import KEPT_MS
from siaga_gateway.web.session.route_guard import home_of
from siaga_gateway.web.session.sign_in import SignInRefused
from siaga_gateway.web.session.theme import COOKIE as THEME_COOKIE
from siaga_gateway.web.session.theme import Theme
from siaga_gateway.web.shift.routes import waiting_for

router = APIRouter()


@router.get("/")
def console(context: TheConsole, language: Language, session: SignedIn) -> Response:
    """Return the console. If the store cannot be read the page still loads, says so, and retries by itself. Who has no
    queue is sent to the page on which he begins."""
    if Permission.INCIDENTS_READ not in session.permissions:
        return RedirectResponse(home_of(session), 303)
    found: dict[str, Any]
    try:
        # The queue's last id is read first: what is committed meanwhile also comes through the stream.
        found = {
            "queue": read_queue(context, language),
            "feed": feed(context.reader, language),
            "broker_lost_ms": broker_lost_ms(context.reader),
            "owners_waiting": _owners_waiting(context),
            "store_failed": False,
        }
    except Exception as error:
        log_failure(Localized("log.console.no_store"), error)
        found = {"queue": Queue(), "feed": [], "broker_lost_ms": None, "owners_waiting": 0, "store_failed": True}
    context.disclosures.listed(session.operator, [each.id for each in found["queue"].incidents])
    now_ms = context.clock.now_ms()
    settings = {
        **live_settings(context, session, language),
        "last": found["queue"].last,
        "operator": session.operator,
        "tells_presence": context.may(Permission.INCIDENTS_STEP),
        "broker_lost": found["broker_lost_ms"],
        "store_failed": found["store_failed"],
        **map_settings(context, language),
        **layer_settings(context),
    }
    return render(
        context,
        "console.html",
        language,
        operator=session.operator,
        settings=settings,
        languages=context.site.languages,
        zone=_zone_name(context.site.local.label(now_ms), language),
        urgent=urgent_certificates(context),
        handover=_waiting(context, session, language),
        **found,
    )


def _waiting(context: ConsoleContext, session: Session, language: str) -> dict[str, Any] | None:
    try:
        return waiting_for(context, session, language)
    except StoreFailing:
        return None  # the page says so of the store


def _owners_waiting(context: ConsoleContext) -> int:
    return 0 if context.owners is None or not context.may("owners.read") else sum(context.owners.waiting().values())


def _zone_name(label: str, language: str) -> str:
    try:
        return text(f"console.zone.{label}", language)
    except UnknownText:
        return label


@router.get("/sign-in")
def sign_in_form(context: TheConsole, language: Language) -> HTMLResponse:
    return _sign_in_page(context, language, passwords=context.sessions.needs_password())


@router.post("/sign-in")
async def sign_in(
    request: Request,
    context: TheConsole,
    language: Language,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Runs in the event loop: the threads that read the store for others must not wait for a password hash."""
    address = request.client.host if request.client else ""
    known = request.cookies.get(context.sign_in.browsers.cookie)
    passwords = await run_in_threadpool(context.sessions.needs_password)
    try:
        proven = await context.sign_in.prove(name, password, address, known)
        operator, passwords = proven.name, proven.verified is not None
        begin = partial(context.sessions.begin, operator, verified=proven.verified, address=address)
        token = await run_in_threadpool(begin)
    except (SignInRefused, AccountError) as error:
        refused = error if isinstance(error, SignInRefused) else SignInRefused("wrong")
        if passwords:
            context.sign_ins.refused(refused.operator, refused.why)
        answer = _sign_in_page(context, language, name, refused.say(language), refused.status, passwords)
        if refused.wait_s:
            answer.headers["Retry-After"] = str(refused.wait_s)
        return answer
    context.sign_ins.signed_in(operator, passwords)
    done = RedirectResponse("/", 303)
    _set_cookie(request, done, context.sessions.cookie, token, SESSION_MS // 1000)
    if passwords:
        value = context.sign_in.known_from_now_on(known, operator)
        _set_cookie(request, done, context.sign_in.browsers.cookie, value, KEPT_MS // 1000)
    return done


@router.post("/sign-out")
def sign_out(request: Request, context: TheConsole) -> Response:
    session = context.sessions.read(request.cookies.get(context.sessions.cookie))
    if session is not None:
        context.sessions.end(session)
        context.sign_ins.signed_out(session.operator)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(context.sessions.cookie, httponly=True, samesite="strict")
    return answer


@router.post("/language")
def choose_language(request: Request, language: Annotated[str, Form()]) -> Response:
    answer = RedirectResponse("/", 303)
    if language in LANGUAGES:
        _set_cookie(request, answer, LANGUAGE_COOKIE, language, 400 * 24 * 3600)
    return answer


@router.post("/theme")
def choose_theme(request: Request, theme: Annotated[Theme, Form()]) -> Response:
    answer = RedirectResponse("/", 303)
    _set_cookie(request, answer, THEME_COOKIE, theme, 400 * 24 * 3600)
    return answer


def _sign_in_page(
    context: ConsoleContext,
    language: str,
    name: str = "",
    problem: str = "",
    status: int = 200,
    passwords: bool = True,
) -> HTMLResponse:
    return render(
        context,
        "sign_in.html",
        language,
        status=status,
        name=name,
        problem=problem,
        languages=context.site.languages,
        passwords=passwords,
        nobody=passwords and not context.sessions.has_accounts(),
    )


def _set_cookie(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
