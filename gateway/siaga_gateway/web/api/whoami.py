"""Who asks, and what he may do."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from siaga_gateway.web.api.answers import problems
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn

router = APIRouter(prefix=API)


class Whoami(BaseModel):
    """Who the gateway takes you for."""

    name: str = Field(description="As the journal names you in whatever you do.", examples=["API: CAD Contoh"])
    program: bool = Field(description="Whether you came with a token; else you are signed in at the console.")
    scopes: list[str] = Field(description="What you may do.", examples=[["incidents.read", "incidents.step"]])


@router.get(
    "/me", summary="Who you are, and what you may do", tags=["access"], operation_id="get_me", responses=problems()
)
def whoami(session: SignedIn) -> Whoami:
    scopes = sorted(each.value for each in session.permissions)
    return Whoami(name=session.operator, program=session.program, scopes=scopes)
