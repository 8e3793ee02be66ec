"""The routes of a person's own page: on duty or not, the codes that prove his ways, his position, a new link."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.catalogue import text
from siaga_gateway.domain.errors import Failing, Refused
from siaga_gateway.domain.way_proof import LONGEST_TYPED
from siaga_gateway.service.dispatch.duty_links import IDLE_MS, PATH, OpenedDuty
from siaga_gateway.service.dispatch.duty_page import DutyPage
from siaga_gateway.service.dispatch.responder_links import PATH as CALL_PATH
from siaga_gateway.service.dispatch.responder_links import is_token
from siaga_gateway.service.ports import Clock, ResponderRefused
from siaga_gateway.web.responder.app import COOKIE as BROWSER_COOKIE
from siaga_gateway.web.responder.app import STATIC, PageOptions, ResponderPage
from siaga_gateway.web.responder.duty_view import duty_view
from siaga_gateway.web.responder.quotas import (
    ASK_WINDOW_S,
    ASKS,
    STEP_WINDOW_S,
    STEPS,
    SlidingWindow,
)
from siaga_gateway.web.session.client_network import network_of

COOKIE: Final = "siaga_me"
_DEGREES: Final = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
_METRES: Final = re.compile(r"([0-9]{1,9})(\.[0-9]{1,20})?")
_MS: Final = re.compile(r"[0-9]{1,15}")
_LONGEST_KEY: Final = 40
_STEPS: Final = ("duty", "code", "renew", "push", "unpush")


class DutyRoutes:
    """Like the links to incidents: a GET changes nothing, and the token in the address is the only key."""

    def __init__(
        self,
        page: ResponderPage,
        open_duty: Callable[[str, int], OpenedDuty | None],
        actions: DutyPage,
        clock: Clock,
        options: PageOptions,
    ) -> None:
        """page: whose limits for strangers hold here too. open_duty: what a token leads to now; blocking; may raise
        StoreFailing."""
        self._page = page
        self._open = open_duty
        self._actions = actions
        self._clock = clock
        self._options = options
        self._stepped = SlidingWindow(STEPS, STEP_WINDOW_S)
        self._push_key: str | None = None
        self._asked = SlidingWindow(ASKS, ASK_WINDOW_S)

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/sw.js", self.worker)
        app.add_api_route("/manifest.webmanifest", self.manifest)
        app.add_api_route(PATH + "/{token}/manifest.webmanifest", self.manifest)
        app.add_api_route(PATH, self.door, response_class=HTMLResponse)
        app.add_api_route(PATH, self.ask, methods=["POST"], response_class=HTMLResponse)
        app.add_api_route(PATH + "/{token}", self.own, response_class=HTMLResponse)
        app.add_api_route(PATH + "/{token}/position", self.position, methods=["POST"])
        # Under the path of incidents, where the browser shows the cookie by which it has answered.
        app.add_api_route(CALL_PATH + "{token}/position/share", self.position_on_call, methods=["POST"])
        app.add_api_route(PATH + "/{token}/{step}", self.step, methods=["POST"], response_class=HTMLResponse)

    async def door(self, request: Request) -> Response:
        """Lead on to the page that this browser has answered on, or offer to send a link."""
        token = request.cookies.get(COOKIE, "")
        if is_token(token):
            return RedirectResponse(f"{PATH}/{token}", 303)
        return self._page.render("duty_ask.html", self._options.language, sent=False, longest_key=_LONGEST_KEY)

    async def ask(self, request: Request) -> Response:
        """Have a link sent to somebody's proven way. Nobody is told whether there is such a person."""
        language = self._options.language
        stranger = network_of(request.client.host if request.client else "")
        if self._asked.is_full(stranger, time.monotonic()):
            return self._page.problem("refused", 429, language, text("responder.too_many_links", language))
        self._asked.add(stranger, time.monotonic())
        form = await request.form()
        key = form.get("key")
        if isinstance(key, str) and 0 < len(key.strip()) <= _LONGEST_KEY:
            try:
                await run_in_threadpool(self._actions.ask, key.strip().lower())
            except Failing:
                return self._page.problem("failing", 503, language)
        return self._page.render("duty_ask.html", language, sent=True, longest_key=_LONGEST_KEY)

    async def own(self, request: Request, token: str) -> Response:
        opened = await self._opened(request, token)
        if opened is None:
            other = request.cookies.get(COOKIE, "")
            if is_token(other) and other != token:  # an app that was installed from a link that is void now
                return RedirectResponse(f"{PATH}/{other}", 303)
            return self._nothing(request, token)
        language, now_ms = opened.responder.language, self._clock.now_ms()
        told = duty_view(opened, language, self._options.local, now_ms)
        told["push_key"] = await run_in_threadpool(self._known_push_key)
        return self._page.render(
            "duty.html", language, path=f"{PATH}/", token=token, longest_code=LONGEST_TYPED, **told
        )

    async def step(self, request: Request, token: str, step: str) -> Response:
        opened = await self._opened(request, token)
        if opened is None or step not in _STEPS:
            return self._nothing(request, token)
        language = opened.responder.language
        if self._hammers(opened.responder.key):
            return self._problem("refused", 429, language, text("responder.too_many", language), token)
        form = await request.form()
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            there = await run_in_threadpool(self._take, token, step, typed)
        except Refused as error:
            return self._problem("refused", 409, language, error.say(language), token)
        except Failing:
            return self._problem("failing", 503, language, text("responder.unknown", language), token)
        answer = RedirectResponse(f"{PATH}/{there}", 303)
        answer.set_cookie(
            COOKIE,
            there,
            max_age=IDLE_MS // 1_000,
            path=PATH,
            secure=self._options.secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    def _take(self, token: str, step: str, typed: Mapping[str, str]) -> str:
        """Return the token of the page that is shown next."""
        if step == "duty":
            self._actions.declare(token, typed.get("said", ""), typed.get("until", ""))
        elif step == "code":
            self._actions.answer(token, typed.get("code", ""))
        elif step == "push":
            self._actions.subscribe(token, typed.get("subscription", ""))
        elif step == "unpush":
            self._actions.unsubscribe(token, typed.get("endpoint", ""))
        else:
            return self._actions.renew(token)
        return token

    def _known_push_key(self) -> str:
        """Return it as long as the gateway runs; empty too while it does not answer: the rest of the page goes on."""
        if self._push_key is None:
            try:
                self._push_key = self._actions.push_key()
            except Failing:
                return ""
        return self._push_key

    async def worker(self) -> Response:
        """From the root: a worker serves what lies below it."""
        return FileResponse(STATIC / "sw.js", media_type="text/javascript")

    async def manifest(self, token: str = "") -> Response:
        """An app begins with the page that it was installed from: on an iPhone it has none of the browser's cookies."""
        return JSONResponse(
            {
                "name": f"Siaga · {self._options.site}",
                "short_name": "Siaga",
                "lang": self._options.language,
                "start_url": f"{PATH}/{token}" if is_token(token) else PATH,
                "scope": "/",
                "display": "standalone",
                "icons": [{"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
            },
            media_type="application/manifest+json",
        )

    async def position(self, request: Request, token: str) -> Response:
        """Take a position from the page's script. The answer is what became of it."""
        opened = await self._opened(request, token)
        if opened is None:
            return PlainTextResponse("gone", 404)
        return await self._position(
            request, opened.responder.key, opened.responder.language, self._actions.share, token
        )

    async def position_on_call(self, request: Request, token: str) -> Response:
        """The same from the page of an incident."""
        opened = await self._page.link(request, token)
        if opened is None:
            return PlainTextResponse("gone", 404)
        link, browser = opened.found, request.cookies.get(BROWSER_COOKIE, "")
        if not opened.may_share_from(browser):  # costs him none of his own steps
            return PlainTextResponse(ResponderRefused("duty_page.not_coming").say(link.language), 409)
        share = partial(self._actions.share_on_call, browser)
        return await self._position(request, link.link.responder, link.language, share, token)

    async def _position(
        self, request: Request, key: str, language: str, share: Callable[..., str], token: str
    ) -> Response:
        if self._hammers(key):
            return PlainTextResponse("too_many", 429)
        form = await request.form()
        told = [str(form.get(name, "")) for name in ("latitude", "longitude", "accuracy", "age")]
        try:
            outcome = await run_in_threadpool(lambda: share(token, *_place(*told)))
        except Refused as error:
            return PlainTextResponse(error.say(language), 409)
        except Failing:
            return PlainTextResponse("failing", 503)
        return PlainTextResponse(outcome)

    async def _opened(self, request: Request, token: str) -> OpenedDuty | None:
        return await self._page.looked_up(request, lambda: self._open(token, self._clock.now_ms()))

    def _hammers(self, key: str) -> bool:
        now_s = time.monotonic()
        full = self._stepped.is_full(key, now_s)
        if not full:
            self._stepped.add(key, now_s)
        return full

    def _nothing(self, request: Request, token: str) -> Response:
        answer = self._problem("nothing", 404, self._options.language, None, "")
        if request.cookies.get(COOKIE) == token:
            answer.delete_cookie(COOKIE, path=PATH)  # so that the next look offers a new link
        return answer

    def _problem(self, name: str, status: int, language: str, why: str | None, token: str) -> HTMLResponse:
        return self._page.problem(name, status, language, why, token, path=f"{PATH}/", back="duty.back")


def _place(latitude: str, longitude: str, accuracy: str, age: str) -> tuple[int, int, int | None, int]:
    """Return latitude and longitude in degrees x 10^7, the accuracy in metres and the age in ms. Raises:
    ResponderRefused."""
    radius = _METRES.fullmatch(accuracy)
    if _DEGREES.fullmatch(latitude) is None or _DEGREES.fullmatch(longitude) is None or _MS.fullmatch(age) is None:
        raise ResponderRefused("duty_page.place")
    place = round(Decimal(latitude) * 10**7), round(Decimal(longitude) * 10**7)
    return *place, None if radius is None else int(radius[1]), int(age)
