"""Tokens for programs, made and revoked on the page of accounts: as by the commands of cli/tokens.py."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.domain.api_tokens import DAY_MS, LONGEST_DAYS, hash_of
from siaga_gateway.service.accounts.token_changes import TokenError, new_token
from siaga_gateway.web.accounts.views import Name, accounts_page, after, done
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole

router = APIRouter()

Scopes = Annotated[list[str], Form(max_length=100, default_factory=list)]


@router.post("/accounts/tokens")
async def make(
    request: Request,
    context: TheConsole,
    language: Language,
    session: SignedIn,
    scopes: Scopes,
    name: Name = "",
    days: Name = "",
) -> Response:
    """Make a token, and show it in this answer alone: it stands in no address and in no history."""
    made, kept = new_token(), [""]

    async def step() -> None:
        expires_ms = context.clock.now_ms() + _days(days) * DAY_MS
        tokens = context.sessions.accounts.tokens
        kept[0] = await run_in_threadpool(tokens.make, name, hash_of(made) or "", scopes, expires_ms, session.operator)

    problem, status = await done(step, request, context, language)
    token = None if problem else {"name": kept[0], "token": made}
    return await run_in_threadpool(accounts_page, context, session, language, problem, status, token=token)


@router.post("/accounts/tokens/revoke")
async def revoke(request: Request, context: TheConsole, language: Language, session: SignedIn, name: Name) -> Response:
    step = partial(run_in_threadpool, context.sessions.accounts.tokens.revoke, name, session.operator)
    return await after(step, request, context, session, language)


def _days(typed: str) -> int:
    """Raises: TokenError."""
    if not (typed.isascii() and typed.isdecimal() and 0 < len(typed) < 6):
        raise TokenError("token.days", longest=LONGEST_DAYS)
    return int(typed)
