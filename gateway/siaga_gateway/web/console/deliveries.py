"""The page of messages that outputs have not got, and what a person does about those given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.store import Delivery, Waiting
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to

router = APIRouter()


def _letters(context: TheConsole) -> DeadLetters:
    if context.deliveries is None:
        raise NotThere("error.nothing_here")
    return context.deliveries


TheDeadLetters = Annotated[DeadLetters, Depends(_letters)]


@router.get("/deliveries")
def page(context: TheConsole, letters: TheDeadLetters, language: Language, session: SignedIn) -> HTMLResponse:
    return _page(context, letters, language, session.operator)


@router.post("/deliveries/{delivery_id}/send-again")
def send_again(
    request: Request,
    context: TheConsole,
    letters: TheDeadLetters,
    language: Language,
    session: SignedIn,
    delivery_id: RowId,
) -> Response:
    return _after(letters.send_again, request, context, letters, language, session.operator, delivery_id)


@router.post("/deliveries/{delivery_id}/passed-on")
def passed_on(
    request: Request,
    context: TheConsole,
    letters: TheDeadLetters,
    language: Language,
    session: SignedIn,
    delivery_id: RowId,
) -> Response:
    return _after(letters.passed_on, request, context, letters, language, session.operator, delivery_id)


def _after(
    step: Callable[[int, str], None],
    request: Request,
    context: ConsoleContext,
    letters: DeadLetters,
    language: str,
    operator: str,
    delivery_id: int,
) -> Response:
    try:
        step(delivery_id, operator)
    except SiagaError as error:
        return _page(context, letters, language, operator, *answer_to(request, error))
    return RedirectResponse("/deliveries", 303)


def _page(
    context: ConsoleContext, letters: DeadLetters, language: str, operator: str, problem: str = "", status: int = 200
) -> HTMLResponse:
    found, local = letters.undelivered(), context.site.local
    return render(
        context,
        "deliveries.html",
        language,
        status=status,
        operator=operator,
        languages=LANGUAGES,
        problem=problem,
        now=local.moment(context.clock.now_ms()),
        failing=[_failing(output, waiting, local) for output, waiting in sorted(found.failing.items())],
        given_up=[_letter(delivery, local) for delivery in found.given_up],
    )


def _failing(output: str, waiting: Waiting, local: LocalTime) -> dict[str, Any]:
    return {
        "output": output,
        "count": waiting.deliveries,
        "since": local.moment(waiting.oldest_ms),
        "tried": None if waiting.attempted_ms is None else local.moment(waiting.attempted_ms),
        "detail": waiting.detail,
    }


def _letter(delivery: Delivery, local: LocalTime) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "output": delivery.output,
        "incident": delivery.incident_id,
        "key": delivery.key,
        "change": str(delivery.change),
        "made": local.moment(delivery.made_at_ms),
        "attempts": delivery.attempts,
        "detail": delivery.detail,
    }
