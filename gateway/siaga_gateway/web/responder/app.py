"""The responders' page as one ASGI application. It reads the store; what a responder says goes to the press process.

A GET changes nothing: chats fetch previews of links. The token in the address is the only key, and stands in no log. A
POST from a phone's notification, which is no browser, answers without binding the link to anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.errors import Failing, Refused
from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.limits import LARGEST_UPLOAD, LONGEST_NOTE
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.dispatch.responder_links import PATH, OpenedLink
from siaga_gateway.service.ports import Clock, ResponderActions, ResponderRefused
from siaga_gateway.web.responder.quotas import (
    GUESS_WINDOW_S,
    GUESSES,
    STEP_WINDOW_S,
    STEPS,
    SlidingWindow,
)
from siaga_gateway.web.responder.view import view
from siaga_gateway.web.session.client_network import network_of
from siaga_gateway.web.session.context import shown
from siaga_gateway.web.session.photograph_uploads import TooManyUploads, Uploads
from siaga_gateway.web.session.security_headers import LARGEST_BODY, SECURITY_HEADERS, RequestGuard

_WEB: Final = Path(__file__).parents[1]
STATIC: Final = _WEB / "static" / "responder"
_FILES: Final = {
    "icon.svg": "image/svg+xml",
    "push.js": "text/javascript",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "duty.js": "text/javascript",
    "photo.js": "text/javascript",
}
COOKIE: Final = "siaga_browser"
_COOKIE_BYTES: Final = 16
_COOKIE_LENGTH: Final = 22
_COOKIE_S: Final = 14 * 24 * 3600
_SLOW_S: Final = 1.0  # whoever has guessed often waits so long for each answer
_MOST_SLOW: Final = 40
_REMEMBERED: Final = 20_000  # tokens
_STEPS: Final = {
    "accept": FactKind.ACCEPTED,
    "decline": FactKind.DECLINED,
    "withdraw": FactKind.WITHDREW,
    "arrived": FactKind.ARRIVED,
    "alive": FactKind.ALIVE,
    "backup": FactKind.BACKUP,
    "finished": FactKind.FINISHED,
}
HEADERS: Final = {
    **SECURITY_HEADERS,
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    # A person's own page shares the phone's position, once he has said so there and to the browser.
    "Permissions-Policy": SECURITY_HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)"),
}
_SECRET: Final = (PATH, "/me/")  # what follows stands in no log

_templates = Environment(
    loader=FileSystemLoader(_WEB / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=shown,
)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """The page's options from the settings."""

    site: str  # the site's name
    local: LocalTime
    language: str  # where nobody knows whose link it is
    hosts: tuple[str, ...]  # names by which phones open it, without port
    secure: bool  # reached by https
    show_holder: bool


_Found = TypeVar("_Found")


class Counts:
    """What has been asked of the page. For one event loop."""

    def __init__(self) -> None:
        self.shown = 0
        self.steps = 0
        self.nowhere = 0  # links that lead nowhere


class ResponderPage:
    """The routes, and what they share."""

    def __init__(
        self,
        open_link: Callable[[str, int], OpenedLink | None],
        actions: ResponderActions,
        disclosed: Callable[[str, int], None],
        clock: Clock,
        options: PageOptions,
        converted: Callable[[bytes], bytes],
        opened: Callable[[str], None] = lambda token: None,
    ) -> None:
        """open_link: what a token leads to now; blocking; may raise StoreFailing. disclosed: who was shown whose data;
        never raises. converted: makes a small JPEG of what somebody uploads; blocking; may raise Refused. opened: told
        once of each token whose page a browser shows; neither blocks nor raises."""
        self._open = open_link
        self._actions = actions
        self._disclosed = disclosed
        self._clock = clock
        self._options = options
        self._uploads = Uploads(converted)
        self._guesses = SlidingWindow(GUESSES, GUESS_WINDOW_S)
        self._stepped = SlidingWindow(STEPS, STEP_WINDOW_S)
        self._waiting = 0
        self._tell_opened = opened
        self._opened_before: OrderedDict[str, None] = OrderedDict()
        self.counts = Counts()

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route(PATH + "{token}", self.page, response_class=HTMLResponse)
        app.add_api_route(PATH + "{token}/live", self.live, response_class=HTMLResponse)
        app.add_api_route(PATH + "{token}/note", self.note_page, response_class=HTMLResponse)
        app.add_api_route(PATH + "{token}/photo", self.photo_page, response_class=HTMLResponse)
        app.add_api_route(PATH + "{token}/{step}", self.step, methods=["POST"], response_class=HTMLResponse)
        app.add_api_route("/static/{name}", self.file)
        app.add_api_route("/robots.txt", self.robots)

    # Reading

    async def page(self, request: Request, token: str) -> Response:
        opened = await self.link(request, token)
        if opened is None:
            return self.problem("nothing", 404)
        if request.headers.get("sec-fetch-dest") == "document":  # what fetches previews does not say so
            self._shown_in_browser(token, opened)
        main = self._main(request, token, opened)
        language = opened.found.language
        live = not opened.over
        shares = opened.may_share_from(_browser(request))
        return self.render(
            "responder.html", language, main=main, tag=_tag(main), live=live, may_share=shares, token=token
        )

    async def live(self, request: Request, token: str) -> Response:
        """Return the page's changing part, or 304 where the browser has it (RFC 9110, 13.1.2)."""
        opened = await self.link(request, token)
        if opened is None:
            return self.problem("nothing", 404)
        self._shown_in_browser(token, opened)  # a script asks for it
        main = self._main(request, token, opened)
        headers = {"ETag": _tag(main)}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(main, headers=headers)

    async def note_page(self, request: Request, token: str) -> Response:
        opened = await self.link(request, token)
        if opened is None:
            return self.problem("nothing", 404)
        if opened.over or not opened.is_bound_to(_browser(request)):
            return RedirectResponse(PATH + token, 303)
        return self.render("responder_note.html", opened.found.language, token=token, longest=LONGEST_NOTE)

    async def photo_page(self, request: Request, token: str) -> Response:
        opened = await self.link(request, token)
        if opened is None:
            return self.problem("nothing", 404)
        if opened.over or not opened.is_bound_to(_browser(request)) or not opened.may_photograph:
            return RedirectResponse(PATH + token, 303)
        return self.render("responder_photo.html", opened.found.language, token=token, megabytes=LARGEST_UPLOAD >> 20)

    async def file(self, name: str) -> Response:
        if name not in _FILES:
            return self.problem("nothing", 404)
        folder = STATIC.parent if name == "icon.svg" else STATIC  # the console's
        return FileResponse(folder / name, media_type=_FILES[name])

    async def robots(self) -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    async def link(self, request: Request, token: str) -> OpenedLink | None:
        return await self.looked_up(request, lambda: self._open(token, self._clock.now_ms()))

    async def looked_up(self, request: Request, look: Callable[[], _Found | None]) -> _Found | None:
        """Return what a token leads to, by `look`, which may block; whoever guesses is counted, and slowed."""
        stranger = network_of(request.client.host if request.client else "")
        if self._guesses.is_full(stranger, time.monotonic()):
            await self._slow_down()  # also for his neighbours behind one address: slow, but not shut out
        found = await run_in_threadpool(look)
        if found is None:
            self.counts.nowhere += 1
            self._guesses.add(stranger, time.monotonic())
        return found

    def _shown_in_browser(self, token: str, opened: OpenedLink) -> None:
        if opened.over or opened.found.link.opened_ms is not None or token in self._opened_before:
            return
        self._opened_before[token] = None
        while len(self._opened_before) > _REMEMBERED:
            self._opened_before.popitem(last=False)
        self._tell_opened(token)

    async def _slow_down(self) -> None:
        """Wait; of very many only some, or they would take all places for connections from those who have links."""
        if self._waiting >= _MOST_SLOW:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(_SLOW_S)
        finally:
            self._waiting -= 1

    def _main(self, request: Request, token: str, opened: OpenedLink) -> str:
        language, now_ms = opened.found.language, self._clock.now_ms()
        bound = opened.is_bound_to(_browser(request))
        told = view(opened, language, self._options.local, now_ms, bound=bound, show_holder=self._options.show_holder)
        if bound and not opened.over:
            self._disclosed(opened.who, opened.incident.id)
        self.counts.shown += 1
        page = _templates.get_template("_responder_main.html")
        return page.render(t=partial(_text, language), path=PATH, token=token, **told)

    # Answering

    async def step(self, request: Request, token: str, step: str) -> Response:
        """Take a step, and show the page again. It is taken under the token alone."""
        opened = await self.link(request, token)
        if opened is None or step not in (*_STEPS, "enter", "note", "photo", "real"):
            return self.problem("nothing", 404)
        language = opened.found.language
        exercise = "exercise" in request.query_params
        if exercise and opened.incident.mode is Mode.ACTUAL:
            # An answer to the exercise, from a page or a message of before.
            return self.problem("refused", 409, language, text("responder.made_real", language), token)
        if self._stepped.is_full(opened.who, time.monotonic()):
            return self.problem("refused", 429, language, text("responder.too_many", language), token)
        self._stepped.add(opened.who, time.monotonic())
        if step == "photo" and opened.over:
            return RedirectResponse(PATH + token, 303)
        known = _browser(request)
        browser = known or ("" if _is_no_browser(request) else secrets.token_urlsafe(_COOKIE_BYTES))
        try:
            typed = await self._photograph(request, opened) if step == "photo" else await _typed(request)
            await run_in_threadpool(self._take, token, browser, step, typed, exercise)
        except Refused as error:
            return self.problem("refused", 409, language, error.say(language), token)
        except TooManyUploads:
            return self.problem("refused", 503, language, text("responder.photo.busy", language), token)
        except Failing:
            return self.problem("failing", 503, language, text("responder.unknown", language), token)
        self.counts.steps += 1
        if not browser:
            return PlainTextResponse(text("responder.answered", language))
        answer = RedirectResponse(PATH + token, 303)
        answer.set_cookie(
            COOKIE,
            browser,
            max_age=_COOKIE_S,
            path=PATH,
            secure=self._options.secure,
            httponly=True,
            samesite="lax",  # a link in a chat is another site's, and shows what this browser has answered
        )
        return answer

    async def _photograph(self, request: Request, opened: OpenedLink) -> dict[str, str]:
        """Nothing is read, nor decoded, from who may send none. Raises: Refused, TooManyUploads."""
        if not opened.may_photograph:
            raise ResponderRefused("responder.photo_first")
        return {"photo": await self._uploads.taken(request, opened.who)}

    def _take(self, token: str, browser: str, step: str, typed: Mapping[str, str], exercise: bool) -> None:
        if step == "enter":
            self._actions.enter(token, browser)
        elif step == "real":
            self._actions.make_real(token, browser)
        elif step == "note":
            self._actions.add_note(token, browser, typed.get("note", ""))
        elif step == "photo":
            self._actions.add_photograph(token, browser, typed["photo"])
        else:
            minutes = typed.get("minutes", "")
            known = int(minutes) if minutes.isdecimal() and len(minutes) <= 4 else None
            self._actions.say(token, browser, str(_STEPS[step]), known, exercise)

    # Pages

    def problem(
        self,
        name: str,
        status: int,
        language: str | None = None,
        why: str | None = None,
        token: str = "",
        *,
        path: str = PATH,
        back: str = "back",
    ) -> HTMLResponse:
        """Return a page that says what is not possible; why: if not the usual. path, back: where it leads on to, with
        the token, and the name of that text."""
        language = language or self._options.language
        told = why or text(f"responder.{name}", language)
        title = text(f"responder.{name}_title", language)
        more = {"title": title, "why": told, "token": token, "path": path, "back": back}
        return self.render("responder_problem.html", language, status, **more)

    def render(self, template: str, language: str, status: int = 200, **told: Any) -> HTMLResponse:
        page = _templates.get_template(template)
        known = {"t": partial(_text, language), "language": language, "site": self._options.site, "path": PATH}
        return HTMLResponse(page.render({**known, **told}), status)


async def _typed(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def largest_body(path: str) -> int:
    """Return how many bytes a POST to this path may have."""
    return LARGEST_UPLOAD + LARGEST_BODY if is_upload(path) else LARGEST_BODY


def is_upload(path: str) -> bool:
    return path.startswith(PATH) and path.endswith("/photo")


def create_responder_app(page: ResponderPage, options: PageOptions) -> FastAPI:
    app = FastAPI(title="Siaga", docs_url=None, redoc_url=None, openapi_url=None)
    page.add_to(app)

    @app.exception_handler(Failing)
    async def failing(request: Request, error: Failing) -> Response:
        return page.problem("failing", 503)

    @app.exception_handler(HTTPException)
    async def refused_by_the_framework(request: Request, error: HTTPException) -> Response:
        return page.problem("nothing", error.status_code)

    app.add_middleware(
        RequestGuard,
        hosts=options.hosts,
        failed=lambda request: page.problem("failing", 500),
        headers=HEADERS,
        logged=lambda path: next((secret for secret in _SECRET if path.startswith(secret)), path),
        from_anywhere=True,
        largest=largest_body,
    )
    return app


def _browser(request: Request) -> str | None:
    """Return the browser's cookie, if it can be one of ours."""
    cookie = request.cookies.get(COOKIE, "")
    return cookie if len(cookie) == _COOKIE_LENGTH else None


def _is_no_browser(request: Request) -> bool:
    return "origin" not in request.headers and "sec-fetch-site" not in request.headers


def _tag(main: str) -> str:
    return f'"{hashlib.sha256(main.encode()).hexdigest()[:16]}"'


def _text(language: str, key: str, **values: object) -> str:
    return text(f"responder.{key}", language if language in LANGUAGES else LANGUAGES[0], **values)
