"""The wall's page, what it asks for every two seconds, and how a browser is let in by a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import text
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.web.console.timeline import broker_lost_ms
from siaga_gateway.web.session.bearer import BearerRefused
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.field_widths import WIDTHS
from siaga_gateway.web.session.walls import KEPT_S, PATH
from siaga_gateway.web.wall.board import MOST, Board, DutyCounts, wall_calls

router = APIRouter()

EVERY_MS: Final = 2_000
STALE_MS: Final = 10_000  # then the page says so


@router.get(PATH)
def wall(request: Request, context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    local, now_ms = context.site.local, context.clock.now_ms()
    answer = render(
        context,
        "wall.html",
        language,
        board=board_of(context, language),
        settings={
            "now": now_ms,
            "every": EVERY_MS,
            "stale": STALE_MS,
            "run": context.walls.run,
            "offset": local.spans(now_ms, now_ms)[-1].offset_s,
            "label": local.label(now_ms),
        },
    )
    if session.program:
        _let_in(request, answer, context, context.walls.value(session))  # kept on: browsers forget after 400 days
    return answer


@router.get(f"{PATH}/board")
def board(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    """Return what stands on the wall now."""
    local, now_ms = context.site.local, context.clock.now_ms()
    answer = render(context, "_wall_board.html", language, board=board_of(context, language))
    answer.headers["X-Siaga-Now"] = f"{now_ms} {local.spans(now_ms, now_ms)[-1].offset_s} {context.walls.run}"
    return answer


@router.post(PATH)
def let_in(
    request: Request,
    context: TheConsole,
    language: Language,
    token: Annotated[str, Form(min_length=1, max_length=WIDTHS["token"])],
) -> Response:
    """Take a token, once; the browser keeps a cookie that is good for the wall alone."""
    try:
        session = context.programs.session(token.strip(), request.client.host if request.client else "")
    except BearerRefused as error:
        answer: Response = ask(context, language, problem=error.say(language), status=429 if error.wait_s else 403)
        if error.wait_s:
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    if Permission.WALL_READ not in session.permissions:
        return ask(context, language, problem=_no_scope(language), status=403)
    answer = RedirectResponse(PATH, 303)
    _let_in(request, answer, context, context.walls.value(session))
    return answer


def ask(context: ConsoleContext, language: str, *, problem: str = "", status: int = 401) -> HTMLResponse:
    """Return the page that asks for a token."""
    return render(context, "wall_token.html", language, status=status, problem=problem)


def board_of(context: ConsoleContext, language: str) -> Board:
    opened = context.reader.open_incidents()
    memory = context.walls
    addresses = _addresses(context, opened) if context.wall_streets else {}
    calls = wall_calls(
        opened,
        context.reader.alarms([each.id for each in opened]),
        {each.id: memory.trigger(context.reader, each) for each in opened[: 4 * MOST]},
        addresses,
        {each.incident_id for each in context.reader.open_escalations() if each.phase is Phase.CALLING},
        lambda unit: bool(context.directory.people(unit)),
        language,
    )
    return Board(
        calls=tuple(calls[:MOST]),
        more=len(calls[MOST:]),
        unseen=sum(each.rings for each in calls),
        active=sum(not each.rings for each in calls),
        unreadable=len(context.reader.unreadable_calls({each.id for each in opened})),
        duty=memory.duty(lambda: _duty(context)),
        broker_lost=broker_lost_ms(context.reader) is not None,
        no_presses=bool(context.presses()),
    )


def _addresses(context: ConsoleContext, incidents: Sequence[Incident]) -> dict[int, str]:
    """Where buttons are mounted that called from there."""
    fixed = {
        each.id: each.device_id for each in incidents if each.position is None or each.position.source == "installed"
    }
    return {number: context.reader.mounting_address(device) or "" for number, device in fixed.items()}


def _duty(context: ConsoleContext) -> DutyCounts:
    now_ms = context.clock.now_ms()
    names = {each.name for each in context.sessions.accounts.reading.sessions() if each.left_ms(now_ms) > 0}
    if context.places is None:
        return DutyCounts(len(names))
    on_duty, available, next_ms, coming = context.places.duty_counts()
    return DutyCounts(len(names), on_duty, available, next_ms, coming)


def _no_scope(language: str) -> str:
    return text("console.error.no_scope", language, scope=Permission.WALL_READ.value)


def _let_in(request: Request, answer: Response, context: ConsoleContext, value: str) -> None:
    answer.set_cookie(
        context.walls.cookie,
        value,
        max_age=KEPT_S,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
