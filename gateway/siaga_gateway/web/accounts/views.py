"""What the pages of accounts show, and how a step on them ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Final

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.domain.accounts import Account, ConsoleSession
from siaga_gateway.domain.api_tokens import GRANTABLE, LONGEST_DAYS, USUAL_DAYS, ApiToken
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.limits import SHORTEST_PASSWORD
from siaga_gateway.domain.permissions import Role
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, render
from siaga_gateway.web.session.error_answers import answer_to
from siaga_gateway.web.session.sign_in import SignInRefused

_MOST_STATIONS: Final = 1_000

Name = Annotated[str, Form(max_length=200)]
Key = Annotated[str, Form(max_length=64)]


async def done(
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


async def after(
    step: Callable[[], Awaitable[object]],
    request: Request,
    context: ConsoleContext,
    session: Session,
    language: str,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Take a step on the page of accounts, and show the page. typed: of a new account, to be shown again."""
    problem, status = await done(step, request, context, language)
    if not problem:
        return RedirectResponse("/accounts", 303)
    return await run_in_threadpool(accounts_page, context, session, language, problem, status, typed)


async def after_own(
    step: Callable[[], Awaitable[object]], request: Request, context: ConsoleContext, session: Session, language: str
) -> Response:
    """Take a step on one's own page, and show it."""
    problem, status = await done(step, request, context, language)
    if not problem:
        return RedirectResponse("/account?done=1", 303)
    return await run_in_threadpool(own_account, context, session, language, problem, status)


def accounts_page(
    context: ConsoleContext,
    session: Session,
    language: str,
    problem: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    token: Mapping[str, object] | None = None,
) -> HTMLResponse:
    """Render the page of accounts. token: one that was made just now, `name` and `token`; nobody sees it again."""
    reading, now_ms = context.sessions.accounts.reading, context.clock.now_ms()
    signed_in = [each for each in reading.sessions() if each.left_ms(now_ms) > 0]
    return render(
        context,
        "accounts.html",
        language,
        status=status,
        operator=session.operator,
        languages=context.site.languages,
        now=context.site.local.moment(now_ms),
        accounts=[_account_line(each, context) for each in reading.accounts()],
        sessions=[_session_line(each, session, context) for each in signed_in],
        tokens=[_token_line(each, now_ms, context) for each in reading.tokens()],
        token=token,
        scopes=sorted(each.value for each in GRANTABLE),
        days=USUAL_DAYS,
        longest_days=LONGEST_DAYS,
        roles=tuple(Role),
        stations=context.directory.stations("", _MOST_STATIONS),
        typed=typed or {"name": "", "role": "operator", "station": ""},
        shortest=SHORTEST_PASSWORD,
        problem=problem,
    )


def own_account(
    context: ConsoleContext,
    session: Session,
    language: str,
    problem: str = "",
    status: int = 200,
    done: bool = False,
) -> HTMLResponse:
    """Render one's own page. done: a step has just been taken."""
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


def _token_line(each: ApiToken, now_ms: int, context: ConsoleContext) -> dict[str, object]:
    moment = context.site.local.moment
    return {
        "name": each.name,
        "scopes": each.scopes.split(),
        "serves": each.serves(now_ms),
        "expires": moment(each.expires_ms),
        "made_by": each.made_by,
        "used": None if each.used_ms is None else moment(each.used_ms),
        "revoked": None if each.revoked_ms is None else moment(each.revoked_ms),
        "revoked_by": each.revoked_by,
    }
