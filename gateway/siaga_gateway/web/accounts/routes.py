"""The page of accounts, for administrators, and everybody's own page. Names stand in forms, never in addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.domain.accounts import Account, ConsoleSession
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.limits import LONGEST_PASSWORD, SHORTEST_PASSWORD
from siaga_gateway.domain.permissions import Role
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotUnderstood, answer_to
from siaga_gateway.web.session.sign_in import SignInRefused

router = APIRouter()

_MOST_STATIONS: Final = 1_000

Name = Annotated[str, Form(max_length=200)]
Typed = Annotated[str, Form(max_length=2 * LONGEST_PASSWORD)]
Key = Annotated[str, Form(max_length=64)]


@router.get("/accounts")
def page(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    return _page(context, session, language)


@router.post("/accounts")
async def add(
    request: Request,
    context: TheConsole,
    language: Language,
    session: SignedIn,
    name: Name = "",
    role: Name = "",
    station: Name = "",
    password: Typed = "",
) -> Response:
    """Add an account. In the event loop: no thread that reads the store waits for a password's hash."""

    async def step() -> None:
        hashed = await _hashed(context, password)
        changes = context.sessions.accounts.changes
        await run_in_threadpool(changes.add, name, role, hashed, station or None, session.operator)

    return await _after(step, request, context, session, language, {"name": name, "role": role, "station": station})


@router.post("/accounts/role")
async def set_role(
    request: Request,
    context: TheConsole,
    language: Language,
    session: SignedIn,
    name: Name,
    role: Name,
    station: Name = "",
) -> Response:
    changes = context.sessions.accounts.changes
    step = partial(run_in_threadpool, changes.set_role, name, role, station or None, session.operator)
    return await _after(step, request, context, session, language)


@router.post("/accounts/password")
async def set_password(
    request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name, password: Typed = ""
) -> Response:
    async def step() -> None:
        hashed = await _hashed(context, password)
        own = session.token_hash if name == session.operator else None
        await run_in_threadpool(context.sessions.accounts.changes.set_password, name, hashed, session.operator, own)

    return await _after(step, request, context, session, language)


@router.post("/accounts/disable")
async def disable(request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name) -> Response:
    step = partial(run_in_threadpool, context.sessions.accounts.changes.disable, name, session.operator)
    return await _after(step, request, context, session, language)


@router.post("/accounts/enable")
async def enable(request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name) -> Response:
    step = partial(run_in_threadpool, context.sessions.accounts.changes.enable, name, session.operator)
    return await _after(step, request, context, session, language)


@router.post("/accounts/sign-out")
async def sign_out(
    request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name, key: Key
) -> Response:
    """End one session. key: its hash, which opens nothing."""
    step = partial(run_in_threadpool, context.sessions.accounts.changes.sign_out, name, session.operator, key)
    return await _after(step, request, context, session, language)


@router.get("/account")
def own_page(context: TheConsole, language: Language, session: SignedIn, done: bool = False) -> HTMLResponse:
    return _own(context, session, language, done=done)


@router.post("/account/password")
async def own_password(
    request: Request,
    context: TheConsole,
    language: Language,
    session: SignedIn,
    before: Typed = "",
    password: Typed = "",
    again: Typed = "",
) -> Response:
    """Change one's own password; the present one is asked for, under the limits of a sign-in."""

    async def step() -> None:
        if password != again:
            raise NotUnderstood("accounts.not_alike")
        await context.sign_in.confirm(request, session.operator, before)
        hashed = await _hashed(context, password)
        changes = context.sessions.accounts.changes
        await run_in_threadpool(changes.set_password, session.operator, hashed, session.operator, session.token_hash)

    return await _after_own(step, request, context, session, language)


@router.post("/account/sign-out")
async def own_sign_out(
    request: Request, context: TheConsole, language: Language, session: SignedIn, key: Key
) -> Response:
    """End one of one's own sessions."""
    changes = context.sessions.accounts.changes
    step = partial(run_in_threadpool, changes.sign_out, session.operator, session.operator, key)
    return await _after_own(step, request, context, session, language)


async def _hashed(context: ConsoleContext, password: str) -> str:
    """Raises: NotUnderstood for one that is too short; SignInRefused while too many are checked."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise NotUnderstood("accounts.length", shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    return await context.sign_in.hashed(password)


async def _done(
    step: Callable[[], Awaitable[object]], request: Request, context: ConsoleContext, language: str
) -> tuple[str, int]:
    """Take a step. Returns what went wrong, and the status; an empty text: nothing."""
    try:
        await step()
        await run_in_threadpool(context.sessions.refresh)
    except SignInRefused as refused:
        return refused.say(language), 429 if refused.wait_s else 403
    except SiagaError as error:
        return answer_to(request, error)
    return "", 200


async def _after(
    step: Callable[[], Awaitable[object]],
    request: Request,
    context: ConsoleContext,
    session: Session,
    language: str,
    typed: dict[str, str] | None = None,
) -> Response:
    problem, status = await _done(step, request, context, language)
    if not problem:
        return RedirectResponse("/accounts", 303)
    return await run_in_threadpool(_page, context, session, language, problem, status, typed)


async def _after_own(
    step: Callable[[], Awaitable[object]], request: Request, context: ConsoleContext, session: Session, language: str
) -> Response:
    problem, status = await _done(step, request, context, language)
    if not problem:
        return RedirectResponse("/account?done=1", 303)
    return await run_in_threadpool(_own, context, session, language, problem, status)


def _page(
    context: ConsoleContext,
    session: Session,
    language: str,
    problem: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    reading, now_ms = context.sessions.accounts.reading, context.clock.now_ms()
    signed_in = [each for each in reading.sessions() if each.left_ms(now_ms) > 0]
    accounts = list(reading.accounts())
    return render(
        context,
        "accounts.html",
        language,
        status=status,
        operator=session.operator,
        languages=context.site.languages,
        now=context.site.local.moment(now_ms),
        accounts=[_account_line(each, context) for each in accounts],
        sessions=[_session_line(each, session, context) for each in signed_in],
        roles=tuple(Role),
        stations=context.directory.stations("", _MOST_STATIONS),
        typed=typed or {"name": "", "role": "operator", "station": ""},
        shortest=SHORTEST_PASSWORD,
        problem=problem,
    )


def _own(
    context: ConsoleContext, session: Session, language: str, problem: str = "", status: int = 200, done: bool = False
) -> HTMLResponse:
    now_ms = context.clock.now_ms()
    found = context.sessions.accounts.reading.sessions()
    mine = [each for each in found if each.name == session.operator and each.left_ms(now_ms) > 0]
    return render(
        context,
        "account.html",
        language,
        status=status,
        operator=session.operator,
        languages=context.site.languages,
        now=context.site.local.moment(now_ms),
        role=session.role,
        sessions=[_session_line(each, session, context) for each in mine],
        shortest=SHORTEST_PASSWORD,
        problem=problem,
        done=done,
    )


def _account_line(each: Account, context: ConsoleContext) -> dict[str, object]:
    station = each.jurisdiction
    return {
        "name": each.name,
        "role": each.role,
        "station": station,
        "station_name": None if station is None else context.directory.name(f"station:{station}"),
        "disabled": None if each.disabled_ms is None else context.site.local.moment(each.disabled_ms),
    }


def _session_line(each: ConsoleSession, session: Session, context: ConsoleContext) -> dict[str, object]:
    return {
        "name": each.name,
        "key": each.token_hash,
        "begun": context.site.local.moment(each.begun_ms),
        "address": each.address or "–",
        "this": each.token_hash == session.token_hash,
        "locked": each.locked_ms is not None,
    }
