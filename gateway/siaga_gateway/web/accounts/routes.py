"""The page of accounts, for administrators, and everybody's own page. Names stand in forms, never in addresses."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.domain.limits import LONGEST_PASSWORD, SHORTEST_PASSWORD
from siaga_gateway.web.accounts.views import Key, Name, accounts_page, after, after_own, own_account
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotUnderstood

router = APIRouter()

Typed = Annotated[str, Form(max_length=2 * LONGEST_PASSWORD)]


@router.get("/accounts")
def page(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    return accounts_page(context, session, language)


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

    return await after(step, request, context, session, language, {"name": name, "role": role, "station": station})


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
    return await after(step, request, context, session, language)


@router.post("/accounts/password")
async def set_password(
    request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name, password: Typed = ""
) -> Response:
    async def step() -> None:
        hashed = await _hashed(context, password)
        own = session.token_hash if name == session.operator else None
        await run_in_threadpool(context.sessions.accounts.changes.set_password, name, hashed, session.operator, own)

    return await after(step, request, context, session, language)


@router.post("/accounts/disable")
async def disable(request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name) -> Response:
    step = partial(run_in_threadpool, context.sessions.accounts.changes.disable, name, session.operator)
    return await after(step, request, context, session, language)


@router.post("/accounts/enable")
async def enable(request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name) -> Response:
    step = partial(run_in_threadpool, context.sessions.accounts.changes.enable, name, session.operator)
    return await after(step, request, context, session, language)


@router.post("/accounts/sign-out")
async def sign_out(
    request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name, key: Key
) -> Response:
    """End one session. key: its hash, which opens nothing."""
    step = partial(run_in_threadpool, context.sessions.accounts.changes.sign_out, name, session.operator, key)
    return await after(step, request, context, session, language)


@router.get("/account")
def own_page(context: TheConsole, language: Language, session: SignedIn, done: bool = False) -> HTMLResponse:
    return own_account(context, session, language, done=done)


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

    return await after_own(step, request, context, session, language)


@router.post("/account/sign-out")
async def own_sign_out(
    request: Request, context: TheConsole, language: Language, session: SignedIn, key: Key
) -> Response:
    """End one of one's own sessions."""
    changes = context.sessions.accounts.changes
    step = partial(run_in_threadpool, changes.sign_out, session.operator, session.operator, key)
    return await after_own(step, request, context, session, language)


async def _hashed(context: ConsoleContext, password: str) -> str:
    """Raises: NotUnderstood for one that is too short; SignInRefused while too many are checked."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise NotUnderstood("accounts.length", shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    return await context.sign_in.hashed(password)
