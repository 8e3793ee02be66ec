"""The page of protocols: what operators go through at each kind of call, and its change by a supervisor."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.protocol import LONGEST_STEP, MOST_STEPS, CallKind
from siaga_gateway.web.console.protocol_view import edited_protocols
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to

router = APIRouter()

_LONGEST_FIELD: Final = 2 * MOST_STEPS * LONGEST_STEP


@router.get("/protocols")
def page(context: TheConsole, language: Language, session: SignedIn) -> HTMLResponse:
    return _page(context, language, session.operator)


@router.post("/protocols/{kind}")
def save(
    request: Request,
    context: TheConsole,
    language: Language,
    session: SignedIn,
    kind: str,
    steps_id: Annotated[str, Form(max_length=_LONGEST_FIELD)] = "",
    steps_en: Annotated[str, Form(max_length=_LONGEST_FIELD)] = "",
    shown: Annotated[int, Form(ge=0, le=2**31)] = 0,
) -> Response:
    """Save another version. shown: the one that the page showed."""
    if context.protocols is None:
        raise NotThere("error.nothing_here")
    try:
        context.protocols.save(kind, steps_id, steps_en, shown, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        typed = (kind, steps_id, steps_en)
        return _page(context, language, session.operator, problem=problem, status=status, typed=typed)
    return RedirectResponse(f"/protocols#{kind}", 303)


def _page(
    context: ConsoleContext,
    language: str,
    operator: str,
    *,
    problem: str = "",
    status: int = 200,
    typed: tuple[str, str, str] = ("", "", ""),
) -> HTMLResponse:
    """typed: of which kind, and what: it is not lost over a mistake."""
    local, now_ms = context.site.local, context.clock.now_ms()
    kind, steps_id, steps_en = typed
    edited = [
        replace(each, typed_id=steps_id, typed_en=steps_en) if each.kind == kind else each
        for each in edited_protocols(context.reader.protocols(), language)
    ]
    return render(
        context,
        "protocols.html",
        language,
        status=status,
        operator=operator,
        languages=LANGUAGES,
        problem=problem,
        now=local.moment(now_ms),
        moment=local.moment,
        protocols=edited,
        typed_kind=kind if kind in tuple(CallKind) else "",
        may_change=context.protocols is not None and context.may("protocols.change"),
        longest=_LONGEST_FIELD,
    )
