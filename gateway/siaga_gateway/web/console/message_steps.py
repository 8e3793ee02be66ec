"""A desk's message to those who were sent, or to the holder."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from siaga_gateway.domain.operator_message import LONGEST_KEY, LONGEST_MESSAGE
from siaga_gateway.service.dispatch.message_recipients import MOST
from siaga_gateway.web.console.step_answers import IncidentId, take_step
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole

router = APIRouter()


@router.post("/incidents/{incident_id}/message")
def send_message(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    to: Annotated[list[Annotated[str, Form(max_length=100)]], Form(max_length=MOST + 1)] = [],  # noqa: B006
    text: Annotated[str, Form(max_length=4 * LONGEST_MESSAGE)] = "",
    template: Annotated[str, Form(max_length=LONGEST_KEY)] = "",
    key: Annotated[str, Form(max_length=LONGEST_KEY)] = "",
    sure: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """Send it. key: of the form; the same one again is no second message."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "message",
        lambda: context.operate.send_message(incident_id, session.operator, to, text, template, key, sure=sure),
    )
