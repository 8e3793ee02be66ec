"""Steps on several calls of a major incident at once, each call by a step of its own, as at the console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.domain.limits import LONGEST_NOTE, LONGEST_UNIT
from siaga_gateway.web.api.answers import problems
from siaga_gateway.web.api.shapes import Body, Shape
from siaga_gateway.web.console.majors import ShownCall, for_each
from siaga_gateway.web.console.readings import CARDS_AT_ONCE
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole
from siaga_gateway.web.session.own_calls import check_own_major

router = APIRouter(prefix=API, tags=["steps"])

_LARGEST = 2**31
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Of the major incident.")]
CallId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class CallAsSeen(Body):
    """A call as you saw it: if somebody has taken a step since, or it rang again, it is left."""

    id: CallId
    progress: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")] = Field(
        description="The part of its ETag before the dot."
    )
    wave: Annotated[int, Field(ge=0, le=_LARGEST)] | None = None
    presses: Annotated[int, Field(ge=0, le=_LARGEST)] = Field(description="How many you saw.")


Calls = Annotated[list[CallAsSeen], Field(min_length=1, max_length=CARDS_AT_ONCE)]


class SeenTogetherBody(Body):
    calls: Calls


class AssignTogetherBody(Body):
    calls: Calls
    unit: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_UNIT)]
    eta_minutes: Annotated[int, Field(ge=0, le=LONGEST_ETA)] | None = None


class CloseTogetherBody(Body):
    calls: Calls
    disposition: Disposition
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NOTE)] = ""


class MembersBody(Body):
    incidents: Annotated[list[CallId], Field(min_length=1, max_length=CARDS_AT_ONCE)]


class TogetherShape(Shape):
    """Which calls the step was taken for. `left`: somebody was faster, it is closed, rang anew, is in another major
    incident, cannot be read, or is none of yours."""

    done: list[int]
    left: list[int]


def _step(name: str, summary: str, operation_id: str) -> dict[str, Any]:
    return {
        "path": f"/majors/{{number}}/{name}",
        "summary": summary,
        "operation_id": operation_id,
        "responses": problems(404),
    }


@router.post(**_step("seen", "Say that a desk has seen several calls", "see_together"))
def seen(context: TheConsole, session: SignedIn, number: Number, body: SeenTogetherBody) -> TogetherShape:
    def step(call: ShownCall) -> Incident:
        return context.operate.seen(call.incident_id, session.operator, shown=call.progress, wave=call.wave)

    return _told(for_each(context, number, _shown(body.calls), step))


@router.post(**_step("assign", "Send one unit to several calls", "assign_together"))
def assign(context: TheConsole, session: SignedIn, number: Number, body: AssignTogetherBody) -> TogetherShape:
    unit = " ".join(body.unit.split())

    def step(call: ShownCall) -> Incident:
        return context.operate.assign(call.incident_id, session.operator, unit, body.eta_minutes, shown=call.progress)

    return _told(for_each(context, number, _shown(body.calls), step))


@router.post(**_step("close", "Close several calls, none of which anything is in doubt", "close_together"))
def close(context: TheConsole, session: SignedIn, number: Number, body: CloseTogetherBody) -> TogetherShape:
    def step(call: ShownCall) -> Incident:
        return context.operate.close(
            call.incident_id,
            session.operator,
            body.disposition,
            body.note,
            presses=call.presses,
            duress=False,
            wave=call.wave,
            together=True,
            shown=call.progress,
        )

    return _told(for_each(context, number, _shown(body.calls), step))


@router.post(**_step("join", "Put several calls into a major incident", "join_together"))
def join(context: TheConsole, session: SignedIn, number: Number, body: MembersBody) -> TogetherShape:
    check_own_major(context, number)

    def step(call: ShownCall) -> Incident:
        return context.operate.change_major(call.incident_id, session.operator, number)

    return _told(for_each(context, None, _by_number(body.incidents), step))


@router.post(**_step("leave", "Take several calls out of a major incident for good", "leave_together"))
def leave(context: TheConsole, session: SignedIn, number: Number, body: MembersBody) -> TogetherShape:
    def step(call: ShownCall) -> Incident:
        return context.operate.change_major(call.incident_id, session.operator, None)

    return _told(for_each(context, number, _by_number(body.incidents), step))


def _shown(calls: Sequence[CallAsSeen]) -> list[ShownCall]:
    return [ShownCall(each.id, each.progress, each.wave, each.presses) for each in calls]


def _by_number(incidents: Sequence[int]) -> list[ShownCall]:
    return [ShownCall(each, "", None, 0) for each in incidents]


def _told(found: tuple[list[int], list[int]]) -> TogetherShape:
    return TogetherShape(done=found[0], left=found[1])
