"""Enrolments: an installer's tool sends a button's proof with who owns it, a registrar confirms."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from siaga_gateway.domain.limits import LONGEST_LABEL, LONGEST_NOTE
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.registry import state_at
from siaga_gateway.domain.sim_card import LONGEST_OPERATOR, MOST_QUOTA_MB
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.store import Enrolled, UnknownDevice
from siaga_gateway.web.api.answers import DeviceId, problems, there
from siaga_gateway.web.api.shapes import Body, Shape, at
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter(prefix=API, tags=["enrolments"])

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_LABEL)]
State = Literal["quarantined", "pending", "active", "suspended", "expired", "stolen", "removed"]


class EnrolmentShape(Shape):
    """How a button's enrolment stands; of its owner only the number."""

    device: str
    state: State = Field(
        description="quarantined: nobody has said whose it is; pending: it waits for a registrar, its presses are held."
    )
    label: str | None
    owner: int | None
    proven: bool = Field(description="Whether the button has shown that it has its key.")
    since: datetime = Field(description="When it was enrolled, or first heard.")


class EnrolmentList(Shape):
    items: list[EnrolmentShape]


class NewOwnerBody(Body):
    """A person, as on the identity card."""

    name: Text
    nik: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
    address: Text
    language: Literal["id", "en"] = "id"


class SimBody(Body):
    number: Annotated[str, Field(max_length=40)] | None = None
    operator: Annotated[str, Field(max_length=LONGEST_OPERATOR)] | None = None
    active_until: date | None = Field(None, description="The last day on which the card serves.")
    quota_mb: Annotated[int, Field(ge=0, le=MOST_QUOTA_MB)] | None = None
    quota_until: date | None = None


class EnrolmentBody(Body):
    """Without an owner the button goes into the quarantine, as if it had called by itself."""

    frame: Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{2,1000}$")] = Field(
        description="The ENROL message that the button prints and signs with its own key, hex."
    )
    owner: NewOwnerBody | None = None
    label: Text | None = Field(None, description="Needed with an owner.")
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = Field(None, description="Null: it is carried.")
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    sim: SimBody | None = None
    sure: bool = Field(False, description="A NIK, a number or a place that is asked about is as you say.")


class RefuseBody(Body):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE)] = Field(
        description="Why, not who: it stays in the journal."
    )


@router.post(
    "/enrolments",
    operation_id="post_enrolment",
    summary="Enrol a button by its own proof",
    responses={201: {"description": "It is new here.", "model": EnrolmentShape}, **problems(404, 409)},
)
def post_enrolment(context: TheConsole, session: SignedIn, response: Response, body: EnrolmentBody) -> EnrolmentShape:
    """It waits for a registrar then. Sent again, it answers with how the enrolment stands, and changes nothing."""
    device, fresh = _requested(context, session, body)
    response.status_code = 201 if fresh else 200
    return _shape(context, device)


_TELLING: Final = frozenset({"lists.other_name", "enrol.enrolled"})  # whose a NIK is, or is not


def _requested(context: ConsoleContext, session: Session, body: EnrolmentBody) -> tuple[str, bool]:
    """Raises: EnrolError, which tells who may not read owners nothing of one; BearerRefused."""
    changes, told = there(context.registry).changes, body.model_dump(mode="json")
    if Permission.OWNERS_READ in session.permissions:
        return changes.request_enrolment(told, session.operator)
    counted_ms: int | None = context.programs.guess(session.operator)
    try:
        return changes.request_enrolment(told, session.operator)
    except EnrolError as error:
        if error.key not in _TELLING:
            raise
        counted_ms = None
        raise EnrolError("enrol.registrar_looks") from None
    finally:
        if counted_ms is not None:
            context.programs.no_guess(session.operator, counted_ms)


@router.get(
    "/enrolments",
    operation_id="list_enrolments",
    summary="Enrolments that wait for a registrar, and the quarantine",
    responses=problems(404),
)
def list_enrolments(context: TheConsole, session: SignedIn) -> EnrolmentList:
    """The first 200 of each."""
    registry, now_ms = there(context.registry), context.clock.now_ms()
    waiting: list[Enrolled | UnknownDevice] = [*registry.pending(), *registry.strangers()]
    return EnrolmentList(items=[_of(each, now_ms) for each in waiting])


@router.get(
    "/enrolments/{device_id}",
    operation_id="get_enrolment",
    summary="How an enrolment stands",
    responses=problems(404),
)
def get_enrolment(context: TheConsole, session: SignedIn, device_id: DeviceId) -> EnrolmentShape:
    return _shape(context, device_id)


@router.post(
    "/enrolments/{device_id}/confirm",
    operation_id="confirm_enrolment",
    summary="Let a pending enrolment serve",
    responses=problems(404, 409),
)
def confirm_enrolment(context: TheConsole, session: SignedIn, device_id: DeviceId) -> EnrolmentShape:
    there(context.registry).changes.confirm(device_id, session.operator)
    return _shape(context, device_id)


@router.post(
    "/enrolments/{device_id}/refuse",
    operation_id="refuse_enrolment",
    summary="End a pending enrolment",
    responses=problems(404, 409),
)
def refuse_enrolment(context: TheConsole, session: SignedIn, device_id: DeviceId, body: RefuseBody) -> EnrolmentShape:
    there(context.registry).changes.refuse(device_id, body.reason, session.operator)
    return _shape(context, device_id)


def _shape(context: ConsoleContext, device: str) -> EnrolmentShape:
    found = there(context.registry).enrolment(device)
    if found is None:
        raise NotThere("error.nothing_here")
    return _of(found, context.clock.now_ms())


def _of(found: Enrolled | UnknownDevice, now_ms: int) -> EnrolmentShape:
    if isinstance(found, UnknownDevice):
        return EnrolmentShape(
            device=found.device_id.hex(),
            state="quarantined",
            label=None,
            owner=None,
            proven=found.enrol_frame is not None,
            since=at(found.first_seen_ms),
        )
    device = found.device
    return EnrolmentShape(
        device=device.device_id.hex(),
        state=state_at(device, now_ms).value,
        label=device.label,
        owner=device.owner_id,
        proven=True,
        since=at(device.enrolled_at_ms),
    )
