"""Owners: one, a list for registrars, and a search whose words are in no address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.registry import Owner, RegistrationState, state_at
from siaga_gateway.web.api.answers import Limit, RowCursor, RowId, problems, there
from siaga_gateway.web.api.shapes import Body, Cursor, Shape
from siaga_gateway.web.console.incident_views import masked_nik
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotUnderstood

router = APIRouter(prefix=API, tags=["owners"])


class OwnerShape(Shape):
    """Who answers for buttons. Being shown him is noted."""

    id: int
    name: str
    phone: str
    address: str
    nik: str = Field(description="Masked but for the last four digits, unless you have `identity.read`.")
    language: str
    unreadable: bool = Field(description="Whether the key for personal data is missing.")
    devices: list[str] = Field(description="Ids of his buttons.")
    incidents: list[int] = Field(description="Ids of his calls that are still known, the newest first.")


class ListedOwner(Shape):
    """An owner in a list. Being shown him is noted."""

    id: int
    name: str
    phone: str
    address: str
    unreadable: bool = Field(description="Whether the key for personal data is missing.")

    @classmethod
    def of(cls, owner: Owner) -> ListedOwner:
        return cls(id=owner.id, name=owner.name, phone=owner.phone, address=owner.address, unreadable=owner.unreadable)


class OwnerPage(Shape):
    items: list[ListedOwner]
    next_cursor: Cursor


class FoundDevice(Shape):
    """A button that a search found."""

    id: str
    label: str
    owner: int
    registration: RegistrationState


class FoundOwners(Shape):
    """What a search found; of each at most 50."""

    owners: list[ListedOwner]
    devices: list[FoundDevice]
    more: bool = Field(description="Whether there are others: ask more exactly.")


class SearchBody(Body):
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_SEARCH)] = Field(
        description="A name or label (from three letters), a telephone number, a NIK, a button's or an owner's number."
    )


@router.get("/owners", operation_id="list_owners", summary="Owners by their number", responses=problems(404))
def list_owners(context: TheConsole, session: SignedIn, limit: Limit = 50, cursor: RowCursor = None) -> OwnerPage:
    """Those whose data was erased are left out."""
    found = there(context.registry).owners_after(int(cursor or 0), limit)
    context.disclosures.owners_listed(session.operator, [each.id for each in found], "list")
    following = str(found[-1].id) if len(found) == limit else None
    return OwnerPage(items=[ListedOwner.of(each) for each in found], next_cursor=following)


@router.post(
    "/owners/search",
    operation_id="search_owners",
    summary="Owners and buttons by what you know",
    responses=problems(404),
)
def search_owners(context: TheConsole, session: SignedIn, body: SearchBody) -> FoundOwners:
    """By POST, so that no name is in an address, which logs keep."""
    found, now_ms = there(context.registry).search(body.query), context.clock.now_ms()
    if found.short:
        raise NotUnderstood("registry.short")
    shown = {owner.id for owner in found.owners} | {each.device.owner_id for each in found.devices}
    context.disclosures.owners_listed(session.operator, sorted(shown), "search")
    return FoundOwners(
        owners=[ListedOwner.of(each) for each in found.owners],
        devices=[
            FoundDevice(
                id=each.device.device_id.hex(),
                label=each.device.label,
                owner=each.device.owner_id,
                registration=state_at(each.device, now_ms),
            )
            for each in found.devices
        ],
        more=found.more,
    )


@router.get("/owners/{owner_id}", operation_id="get_owner", summary="One owner", responses=problems(404))
def get_owner(context: TheConsole, session: SignedIn, owner_id: RowId) -> OwnerShape:
    found = there(there(context.owners).record(owner_id))
    full = Permission.IDENTITY_READ in session.permissions
    for what in ("record", *(("nik",) if full else ())):
        context.disclosures.of_owner(session.operator, owner_id, what)
    owner = found.owner
    return OwnerShape(
        id=owner_id,
        name=owner.name,
        phone=owner.phone,
        address=owner.address,
        nik=owner.nik if full else masked_nik(owner.nik),
        language=owner.language,
        unreadable=owner.unreadable,
        devices=[each.device.device_id.hex() for each in found.devices],
        incidents=[each.id for each in found.calls],
    )
