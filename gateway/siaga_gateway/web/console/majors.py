"""An operator's steps on a major incident: for several of its calls at once, and who belongs to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Form, Path
from fastapi.responses import HTMLResponse, JSONResponse

from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.service.operator_port import OperateError
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.console.readings import CARDS_AT_ONCE
from siaga_gateway.web.console.step_answers import IncidentId, take_step
from siaga_gateway.web.console.typed_assignment import typed_assignment
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotUnderstood
from siaga_gateway.web.session.own_calls import check_own_major

router = APIRouter()

# An incident as the page shows it: its id, Incident.progress, the newest wave (none: it showed none yet), its presses
_CALL: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{16}):([0-9]{0,9}):([0-9]{1,9})", re.ASCII)
Calls = Annotated[str, Form(max_length=8_000)]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class ShownCall(NamedTuple):
    """A call as the operator saw it: whatever came since is seen by nobody."""

    incident_id: int
    progress: str
    wave: int | None
    presses: int


@router.post("/majors/{number}/seen")
def seen(context: TheConsole, session: SignedIn, number: Number, calls: Calls = "") -> JSONResponse:
    """Mark several calls as seen, each by a step of its own."""

    def step(call: ShownCall) -> Incident:
        return context.operate.seen(call.incident_id, session.operator, shown=call.progress, wave=call.wave)

    return _for_each(context, number, calls, step)


@router.post("/majors/{number}/assign")
def assign(
    context: TheConsole,
    session: SignedIn,
    number: Number,
    calls: Calls = "",
    unit: Annotated[str, Form()] = "",
    eta: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Assign one unit to several calls, each by a step of its own."""
    name, minutes = typed_assignment(unit, eta)

    def step(call: ShownCall) -> Incident:
        return context.operate.assign(call.incident_id, session.operator, name, minutes, shown=call.progress)

    return _for_each(context, number, calls, step)


@router.post("/majors/{number}/close")
def close(
    context: TheConsole,
    session: SignedIn,
    number: Number,
    calls: Calls = "",
    disposition: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Close several calls with one disposition, each by a step of its own; none of which anything is in doubt."""
    if disposition not in {each.value for each in Disposition}:
        raise NotUnderstood("error.disposition")
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise NotUnderstood("error.note", longest=LONGEST_NOTE)

    def step(call: ShownCall) -> Incident:
        return context.operate.close(
            call.incident_id,
            session.operator,
            disposition,
            note,
            presses=call.presses,
            duress=False,
            wave=call.wave,
            together=True,
            shown=call.progress,
        )

    return _for_each(context, number, calls, step)


@router.post("/incidents/{incident_id}/major")
def join(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    incident_id: IncidentId,
    number: Annotated[int, Form(ge=1, le=2**63 - 1)],
) -> HTMLResponse:
    """Put a call into a major incident. number: that one's, of a call of it, or of another open call."""
    check_own_major(context, number)
    return take_step(
        context,
        session,
        language,
        incident_id,
        "major",
        lambda: context.operate.change_major(incident_id, session.operator, number),
    )


@router.post("/incidents/{incident_id}/leave-major")
def leave(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Take a call out of its major incident."""
    return take_step(
        context,
        session,
        language,
        incident_id,
        "leave-major",
        lambda: context.operate.change_major(incident_id, session.operator, None),
    )


def for_each(
    context: ConsoleContext, number: int | None, calls: Iterable[ShownCall], step: Callable[[ShownCall], Incident]
) -> tuple[list[int], list[int]]:
    """Return for which calls the step was taken, and for which not: taken by somebody else, closed, rung anew, in
    another major incident by now, or unreadable. number: of the major incident; None: they need not be in one. Raises:
    StoreFailing, with some steps taken."""
    done, left = [], []
    for call in calls:
        try:
            known = context.reader.incident(call.incident_id)
            if known is None or number not in (None, known.cluster):
                left.append(call.incident_id)
                continue
            step(call)
            done.append(call.incident_id)
        except (OperateError, StoreDamaged):
            left.append(call.incident_id)
    return done, left


def _for_each(context: ConsoleContext, number: int, calls: str, step: Callable[[ShownCall], Incident]) -> JSONResponse:
    """Raises: NotUnderstood."""
    done, left = for_each(context, number, _shown(calls), step)
    return JSONResponse({"done": done, "left": left})


def _shown(calls: str) -> list[ShownCall]:
    found = [_CALL.fullmatch(each) for each in calls.split(",")]
    if len(found) > CARDS_AT_ONCE or None in found:
        raise NotUnderstood("error.calls")
    return [ShownCall(int(each[1]), each[2], int(each[3]) if each[3] else None, int(each[4])) for each in found if each]
