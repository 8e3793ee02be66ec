"""What an owner tells for those who come to help, and a photograph of him: on his page of the registry.

Both are only for those who may see an identity in full. Nothing of them stands in an address.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.domain.limits import LARGEST_UPLOAD
from siaga_gateway.domain.owner_profile import LONGEST_TEXT
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.ports import ResponderRefused
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.owners.profile_view import ProfileForm
from siaga_gateway.web.owners.registry_routes import Sure, TheRegistry, after_step
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import Language, PageRefused, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotThere
from siaga_gateway.web.session.photograph_uploads import TooManyUploads
from siaga_gateway.web.session.security_headers import LARGEST_BODY

_UPLOAD: Final = re.compile(r"/registry/owners/[0-9]{1,19}/photograph")


def is_upload(path: str) -> bool:
    return _UPLOAD.fullmatch(path) is not None


def largest_body(path: str) -> int:
    """Return how many bytes a POST to this path of the console may have."""
    return LARGEST_UPLOAD + LARGEST_BODY if is_upload(path) else LARGEST_BODY


def _identified(session: SignedIn) -> Session:
    """Raises: NotThere for who may not see it."""
    if Permission.IDENTITY_READ not in session.permissions:
        raise NotThere("profile.hidden")
    return session


Reader = Annotated[Session, Depends(_identified)]
Text = Annotated[str, Form(max_length=2 * LONGEST_TEXT)]
Line = Annotated[str, Form(max_length=200)]
Lines = Annotated[list[Annotated[str, Form(max_length=200)]], Form(max_length=20)]

router = APIRouter(prefix="/registry/owners/{owner_id}")


def _typed(
    hazard_note: Text = "",
    medical_note: Text = "",
    people: Line = "",
    children: Line = "",
    cannot_walk: Line = "",
    household_note: Text = "",
    languages: Line = "",
    hazards: Lines = [],  # noqa: B006 - never changed
    conditions: Lines = [],  # noqa: B006
    contact_name: Lines = [],  # noqa: B006
    contact_relation: Lines = [],  # noqa: B006
    contact_phone: Lines = [],  # noqa: B006
) -> dict[str, Any]:
    """Return the fields of OwnerProfile, as typed."""
    contacts = zip(contact_name, contact_relation, contact_phone, strict=False)
    return {
        "hazards": hazards,
        "hazard_note": hazard_note,
        "conditions": conditions,
        "medical_note": medical_note,
        "people": people,
        "children": children,
        "cannot_walk": cannot_walk,
        "household_note": household_note,
        "languages": languages,
        "contacts": [{"name": name, "relation": relation, "phone": phone} for name, relation, phone in contacts],
    }


@router.post("/profile")
def change_profile(
    request: Request,
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: Reader,
    owner_id: RowId,
    typed: Annotated[dict[str, Any], Depends(_typed)],
    seen: Annotated[str, Form(max_length=16)] = "",
    sure: Sure = False,
) -> Response:
    def step() -> None:
        registry.changes.change_profile(owner_id, seen, typed, sure, session.operator)

    return after_step(step, request, context, registry, language, session, owner_id, told=ProfileForm(typed, seen))


@router.post("/photograph")
async def set_photograph(
    request: Request, context: TheConsole, registry: TheRegistry, language: Language, session: Reader, owner_id: RowId
) -> Response:
    """Take the photograph that is sent as the field `photo`. Nothing of its name counts, and its type by its bytes."""
    if context.photographs is None:
        raise NotThere("error.nothing_here")
    try:
        image = await context.photographs.taken(request, session.operator)
    except TooManyUploads:
        raise PageRefused("profile.photograph_busy") from None
    except ResponderRefused as error:
        refused = error

        def step() -> None:
            raise refused
    else:

        def step() -> None:
            registry.changes.set_photograph(owner_id, image, session.operator)

    return await run_in_threadpool(after_step, step, request, context, registry, language, session, owner_id)


@router.post("/photograph/remove")
def remove_photograph(
    request: Request, context: TheConsole, registry: TheRegistry, language: Language, session: Reader, owner_id: RowId
) -> Response:
    def step() -> None:
        registry.changes.remove_photograph(owner_id, session.operator)

    return after_step(step, request, context, registry, language, session, owner_id)


@router.get("/photograph")
def photograph(context: TheConsole, registry: TheRegistry, session: Reader, owner_id: RowId) -> Response:
    picture = registry.photograph(owner_id)
    if picture is None:
        raise NotThere("error.nothing_here")
    context.disclosures.of_owner(session.operator, owner_id, "photograph")
    return Response(picture, media_type="image/jpeg")
