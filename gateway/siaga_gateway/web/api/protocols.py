"""Protocols: what operators go through at each kind of call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from siaga_gateway.domain.protocol import LONGEST_STEP, MOST_STEPS, CallKind, newest, number_of, steps_of
from siaga_gateway.web.api.answers import problems, there
from siaga_gateway.web.api.shapes import Body, Shape, at_or_none
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, SignedIn, TheConsole

router = APIRouter(prefix=API, tags=["protocols"])

Step = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_STEP, pattern=r"^[^\r\n]*$")
]


class ProtocolShape(Shape):
    """The steps of one kind of call, as they are now. A call keeps those that it was opened under."""

    kind: CallKind
    version: int = Field(description="0: as it comes with the gateway.")
    steps_id: list[str] = Field(description="Indonesian, in order.")
    steps_en: list[str]
    saved_at: datetime | None
    saved_by: str | None


class ProtocolList(Shape):
    items: list[ProtocolShape]


class ProtocolBody(Body):
    steps_id: Annotated[list[Step], Field(min_length=1, max_length=MOST_STEPS)] = Field(description="Indonesian.")
    steps_en: Annotated[list[Step], Field(max_length=MOST_STEPS)] = Field(
        [], description="As many; none: the Indonesian ones are shown."
    )
    version: Annotated[int, Field(ge=0, le=2**31)] = Field(
        description="The one that you saw; if there is a later, 409."
    )


@router.get(
    "/protocols", operation_id="list_protocols", summary="What operators go through at a call", responses=problems()
)
def list_protocols(context: TheConsole, session: SignedIn) -> ProtocolList:
    return ProtocolList(items=[_shape(context, kind) for kind in CallKind])


@router.post(
    "/protocols/{kind}", operation_id="save_protocol", summary="Save another version", responses=problems(404, 409)
)
def save_protocol(context: TheConsole, session: SignedIn, kind: CallKind, body: ProtocolBody) -> ProtocolShape:
    """The same steps again are no other version."""
    steps_id, steps_en = "\n".join(body.steps_id), "\n".join(body.steps_en)
    there(context.protocols).save(kind.value, steps_id, steps_en, body.version, session.operator)
    return _shape(context, kind)


def _shape(context: ConsoleContext, kind: CallKind) -> ProtocolShape:
    version = newest(context.reader.protocols(), kind)
    return ProtocolShape(
        kind=kind,
        version=number_of(version),
        steps_id=list(steps_of(version, kind, "id")),
        steps_en=list(steps_of(version, kind, "en")),
        saved_at=at_or_none(None if version is None else version.created_ms),
        saved_by=None if version is None else version.created_by,
    )
