"""What the console answers where something cannot be done, in the reader's language: one way for every SiagaError, for
what the framework refuses, and for a fault of the program.

| what | status | said |
|---|---|---|
| PageRefused, BearerRefused | its own | its own text |
| another Refused, Malformed | 409 | "not possible", and why |
| Failing | 503 | of a step that nobody knows whether it was taken; of anything else why |
| any other SiagaError | 500 | why; with a traceback in the log, for no page expects it |
| the framework's | its own | a text of ours by the status |
| a bug | 500 | that the gateway failed; with a traceback in the log |

A program at the API is told the same as `application/problem+json`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing, Malformed, Refused, SiagaError
from siaga_gateway.web.session.bearer import BearerRefused, is_api
from siaga_gateway.web.session.context import PageRefused, ScreenLocked, SignedOut, context_of, language_of, render
from siaga_gateway.web.session.error_logging import log_failure
from siaga_gateway.web.session.security_headers import SAFE_METHODS

log = logging.getLogger("siaga.console")

_OF_STATUS: Final = {404: "nothing_here", 405: "wrong_method"}


class NotUnderstood(PageRefused):
    """What was typed or requested is not valid."""

    STATUS = 422


class NotThere(PageRefused):
    STATUS = 404


def add_error_answers(app: FastAPI) -> None:
    @app.exception_handler(SiagaError)
    async def siaga_error(request: Request, error: SiagaError) -> Response:
        if isinstance(error, SignedOut) and request.url.path == "/wall":
            return render(context_of(request), "wall_token.html", language_of(request), status=401, problem="")
        if isinstance(error, SignedOut) and _is_page(request):
            return RedirectResponse("/sign-in", 303)
        if isinstance(error, ScreenLocked) and not is_api(request.url.path) and _reads_page(request):
            return RedirectResponse("/locked", 303)
        told, status = answer_to(request, error)
        if is_api(request.url.path):
            return api_problem(told, status, error.key, error.headers if isinstance(error, BearerRefused) else {})
        return problem(request, told, status, in_message=True)

    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(str(each["loc"][-1]) for each in error.errors())
        if is_api(request.url.path):
            return api_problem(text("console.error.form", language_of(request), fields=fields), 422, "error.form")
        return problem(request, text("console.error.form", language_of(request), fields=fields), 422)

    @app.exception_handler(HTTPException)
    async def refused_by_the_framework(request: Request, error: HTTPException) -> Response:
        key = _OF_STATUS.get(error.status_code, "refused")
        told = text(f"console.error.{key}", language_of(request), status=error.status_code)
        if is_api(request.url.path):
            return api_problem(told, error.status_code, f"error.{key}", error.headers or {})
        answer = problem(request, told, error.status_code)
        answer.headers.update(error.headers or {})
        return answer


def _is_page(request: Request) -> bool:
    path = request.url.path
    pages = ("/shift", "/owners", "/registry", "/drills", "/maintenance/buttons", "/account")
    deep = path.startswith(pages) and request.method in SAFE_METHODS
    return deep or path in ("/", "/maintenance", "/deliveries", "/figures", "/places", "/api/docs")


def _reads_page(request: Request) -> bool:
    """Whether a person follows a link or a form, and no script asks."""
    return "hx-request" not in request.headers and "text/html" in request.headers.get("accept", "")


def answer_to(request: Request, error: SiagaError) -> tuple[str, int]:
    """Return the text and the status; logs what an administrator must know."""
    language = language_of(request)
    match error:
        case PageRefused():
            return error.say(language), error.STATUS
        case BearerRefused():
            return error.say(language), error.status
        case Refused() | Malformed():
            return text("console.error.step", language, reason=error.say(language)), 409
        case Failing() if request.method not in SAFE_METHODS:
            # The step was requested, and no answer came.
            log.warning(Localized("log.console.unknown", action=request.url.path, why=error))
            return text("console.error.unknown", language, why=error.say(language)), 503
        case Failing():
            log_failure(Localized("log.console.failed", method=request.method, path=request.url.path), error)
            return text("console.error.step", language, reason=error.say(language)), 503
    log_failure(Localized("log.console.failed", method=request.method, path=request.url.path), error)
    return text("console.error.step", language, reason=error.say(language)), 500


def failed(request: Request) -> Response:
    """Return the answer after an internal error."""
    told = text("console.error.failed", language_of(request))
    return api_problem(told, 500, "error.failed") if is_api(request.url.path) else problem(request, told, 500)


def api_problem(
    told: str, status: int, key: str, headers: Mapping[str, str] = MappingProxyType({}), **more: object
) -> Response:
    """Return what a program is told (RFC 9457): the text is for people, `key` stays what it is in every language."""
    facts = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": told, "key": key}
    return JSONResponse({**facts, **more}, status, dict(headers), "application/problem+json")


def problem(request: Request, told: str, status: int, *, in_message: bool = False) -> HTMLResponse:
    """Return a page for a person who came by a link or a form; otherwise a fragment, with `in_message` above the
    operator's buttons, so that a form stays."""
    language = language_of(request)
    if _reads_page(request):
        return render(context_of(request), "error.html", language, status=status, problem=told)
    answer = render(context_of(request), "_message.html", language, status=status, problem=told)
    return retargeted(answer) if in_message else answer


def retargeted(answer: HTMLResponse) -> HTMLResponse:
    """Place the answer above the operator's buttons; the form stays."""
    answer.headers["HX-Retarget"] = "#message"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer
