"""The operator's ringing the holder back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from siaga_gateway.domain.call_back import LONGEST, Said
from siaga_gateway.domain.incident import Incident
from siaga_gateway.web.console.step_answers import IncidentId, Shown, take_step
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotUnderstood

router = APIRouter()


@router.post("/incidents/{incident_id}/called-back")
def called_back(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    said: Annotated[str, Form()] = "",
    word: Annotated[str, Form()] = "",
    presses: int | None = None,
    shown: Shown = None,
) -> HTMLResponse:
    """Record what came of ringing the holder. word: as heard; it is compared, and kept nowhere. presses: as shown."""
    if said not in set(Said):
        raise NotUnderstood("error.form", fields="said")

    def step() -> Incident:
        return context.operate.called_back(
            incident_id, session.operator, said, word[:LONGEST], presses=presses, shown=shown
        )

    return take_step(context, session, language, incident_id, "called-back", step)
