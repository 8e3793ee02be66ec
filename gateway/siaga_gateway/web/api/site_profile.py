"""What installers' tools need of a site. No secret is in it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from siaga_gateway.domain.incident import Mode
from siaga_gateway.web.api.answers import problems
from siaga_gateway.web.api.shapes import Shape
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole

router = APIRouter(prefix=API, tags=["site"])


class SiteProfile(Shape):
    name: str = Field(description="As its people say it.", examples=["Polda Contoh"])
    mode: Mode
    languages: list[str] = Field(description="The first is what buttons speak.", examples=[["id", "en"]])
    zone: str = Field(description="Of the time at the site, now.")
    emergency_number: str = Field(description="Whom a holder calls where the button does not get through.")


@router.get(
    "/site-profile", operation_id="get_site_profile", summary="The site, for installers' tools", responses=problems()
)
def get_site_profile(context: TheConsole, session: SignedIn) -> SiteProfile:
    site = context.site
    return SiteProfile(
        name=site.name,
        mode=context.mode,
        languages=list(site.languages),
        zone=site.local.label(context.clock.now_ms()),
        emergency_number=site.emergency_number,
    )
