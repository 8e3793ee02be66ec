"""Whole pages: the console, signing in and out, the language."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from siaga_gateway.catalogue import LANGUAGES, text, texts
from siaga_gateway.web.auth import SESSION_MS, SESSION_WARNING_MS, SignInRefused
from siaga_gateway.web.desk import LANGUAGE_COOKIE, Desk, Language, SignedIn, SignedOut, TheDesk, language_of, render
from siaga_gateway.web.queue import Queue, read_queue
from siaga_gateway.web.timeline import broker_lost_ms, feed

log = logging.getLogger("siaga.console")
router = APIRouter()


@router.get("/")
def console(desk: TheDesk, language: Language, session: SignedIn) -> HTMLResponse:
    """The one page. Where the store cannot be read it still comes, says so and tries again by itself."""
    found: dict[str, Any]
    try:
        # The queue's last id is read first: what is committed meanwhile comes again by the stream.
        found = {
            "queue": read_queue(desk, language),
            "feed": feed(desk.reader, language),
            "broker_lost_ms": broker_lost_ms(desk.reader),
            "store_failed": False,
        }
    except Exception:
        log.exception("the console cannot read the store")
        found = {"queue": Queue(), "feed": [], "broker_lost_ms": None, "store_failed": True}
    desk.disclosures.listed(session.operator, [each.id for each in found["queue"].incidents])
    now_ms = desk.clock.now_ms()
    settings = {
        "language": language,
        "last": found["queue"].last,
        "now": now_ms,
        "watchdog": desk.watchdog_ms,
        "session_ends": session.signed_in_ms + SESSION_MS,
        "session_warning": SESSION_WARNING_MS,
        "broker_lost": found["broker_lost_ms"],
        "store_failed": found["store_failed"],
        "texts": {
            key.removeprefix("console.js."): value
            for key, value in texts("console", language).items()
            if key.startswith("console.js.")
        },
    }
    return render(
        "console.html",
        language,
        desk=desk,
        operator=session.operator,
        settings=settings,
        languages=LANGUAGES,
        **found,
    )


@router.get("/sign-in")
def sign_in_form(desk: TheDesk, language: Language) -> HTMLResponse:
    return _sign_in_page(desk, language)


@router.post("/sign-in")
def sign_in(
    request: Request,
    desk: TheDesk,
    language: Language,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    address = request.client.host if request.client else ""
    try:
        operator = desk.sign_in.check(name, password, address)
    except SignInRefused as refused:
        if desk.passwords:
            desk.sign_ins.refused(refused.operator, "wait" if refused.wait_s else "wrong")
        problem = text(refused.key, language, seconds=refused.wait_s)
        return _sign_in_page(desk, language, name, problem, 429 if refused.wait_s else 403)
    desk.sign_ins.signed_in(operator, desk.passwords)
    answer = RedirectResponse("/", 303)
    _set_cookie(request, answer, desk.sessions.cookie, desk.sessions.issue(operator), SESSION_MS // 1000)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, desk: TheDesk) -> Response:
    session = desk.sessions.read(request.cookies.get(desk.sessions.cookie))
    if session is not None:
        desk.sign_ins.signed_out(session.operator)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(desk.sessions.cookie, httponly=True, samesite="strict")
    return answer


@router.post("/language")
def choose_language(request: Request, language: Annotated[str, Form()]) -> Response:
    answer = RedirectResponse("/", 303)
    if language in LANGUAGES:
        _set_cookie(request, answer, LANGUAGE_COOKIE, language, 400 * 24 * 3600)
    return answer


def add_refusals(app: FastAPI) -> None:
    """How the console says no: signed out, not found, not understood."""

    @app.exception_handler(SignedOut)
    async def signed_out(request: Request, _: SignedOut) -> Response:
        if request.url.path in ("/", "/maintenance"):
            return RedirectResponse("/sign-in", 303)
        return PlainTextResponse(text("console.error.signed_out", language_of(request)), 401)

    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(str(problem["loc"][-1]) for problem in error.errors())
        return _message(text("console.error.form", language_of(request), fields=fields), language_of(request), 422)

    @app.exception_handler(HTTPException)
    async def not_found(request: Request, error: HTTPException) -> Response:
        return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=error.headers)


def failed(request: Request) -> Response:
    """The answer where the console itself broke."""
    return _message(text("console.error.failed", language_of(request)), language_of(request), 500)


def _message(problem: str, language: str, status: int) -> HTMLResponse:
    return render("_message.html", language, status=status, problem=problem)


def _sign_in_page(desk: Desk, language: str, name: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    return render("sign_in.html", language, status=status, desk=desk, name=name, problem=problem, languages=LANGUAGES)


def _set_cookie(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
