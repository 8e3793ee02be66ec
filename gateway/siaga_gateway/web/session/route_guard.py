"""Asks for every request whether who asks may: a dependency of the whole application, before any other."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import bearer_token
from siaga_gateway.web.session.context import ConsoleContext, NotPermitted, ScreenLocked, SignedOut
from siaga_gateway.web.session.route_table import LOCKED_MAY, ROUTES, Access
from siaga_gateway.web.session.walls import is_wall

# Where somebody begins who has no queue: the first of these that he may open.
_HOMES: Final = (
    (Permission.INCIDENTS_READ, "/"),
    (Permission.REGISTRY_READ, "/registry"),
    (Permission.OWNERS_READ, "/owners"),
    (Permission.MAINTENANCE_READ, "/maintenance"),
)


async def permitted(request: Request) -> None:
    """Let the request through, with the session in `request.state`. Raises: SignedOut, ScreenLocked, NotPermitted;
    StoreFailing."""
    needed = ROUTES.get((request.method, request.scope["route"].path))
    if needed is Access.PUBLIC:
        return
    context: ConsoleContext = request.app.state.context
    session = await run_in_threadpool(_session_of, request, context)
    request.state.session = session
    if session.locked and (request.method, request.scope["route"].path) not in LOCKED_MAY:
        raise ScreenLocked("lock.refused")
    if needed is Access.SIGNED_IN:
        return
    if needed is None or needed not in session.permissions:
        if session.program and needed is not None:
            raise NotPermitted("error.no_scope", scope=str(needed.value))
        raise NotPermitted("error.not_permitted", role=role_name(session))
    if session.jurisdiction is not None:
        await run_in_threadpool(_check_jurisdiction, request, session)


def _check_jurisdiction(request: Request, session: Session) -> None:
    """Raises: NotPermitted for the call of another jurisdiction, by whatever route; StoreFailing."""
    context: ConsoleContext = request.app.state.context
    number = request.path_params.get("incident_id")
    if session.jurisdiction is None or context.jurisdictions is None or number is None:
        return
    if not (number.isascii() and number.isdigit()):
        raise NotPermitted("error.not_yours")  # no call's address, though a route may read 17.0 as a number
    try:
        found = context.reader.incident(int(number)) if len(number) < 20 and 0 < int(number) < 2**63 else None
    except StoreDamaged:
        return  # he is told that the call cannot be read
    if found is not None and not context.jurisdictions.sees(session.jurisdiction, found):
        raise NotPermitted("error.not_yours")


def _session_of(request: Request, context: ConsoleContext) -> Session:
    """Of a program where it brings a token, which counts for the API alone; else of the browser's cookie. Raises:
    SignedOut, BearerRefused; StoreFailing."""
    if (token := bearer_token(request)) is not None:
        return context.programs.session(token, request.client.host if request.client else "")
    if is_wall(request.url.path) and (wall := context.walls.session(request.cookies.get(context.walls.cookie))):
        return wall
    session = context.sessions.read(request.cookies.get(context.sessions.cookie))
    if session is None:
        raise SignedOut("error.signed_out")
    return session


def home_of(session: Session) -> str:
    """Return the page on which somebody begins."""
    return next((path for permission, path in _HOMES if permission in session.permissions), "/")


def role_name(session: Session) -> Localized | str:
    return "–" if session.role is None else Localized(f"console.role.{session.role}")
