"""Who could be at an incident soonest, each to be sent by one click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from siaga_gateway.catalogue import text
from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.limits import LONGEST_UNIT
from siaga_gateway.domain.sent_units import sent_units, under_way
from siaga_gateway.service.dispatch.reachable import Reachable
from siaga_gateway.web.console.incident_views import distance
from siaga_gateway.web.console.step_answers import IncidentId
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter()

MOST: Final = 8


@dataclass(frozen=True, slots=True)
class NearView:
    name: str  # as the unit is called when it is sent
    far: str  # `1,2 km`; empty: unknown
    minutes: int | None  # an estimate
    standing: str  # on duty, or available at home
    sent: bool  # it is on this incident already


@router.get("/incidents/{incident_id}/nearest")
def nearest(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return the soonest officers and patrols. Without lists or a position there are none."""
    found = context.reader.incident(incident_id)
    if found is None:
        raise NotThere("error.unknown_incident", id=incident_id)
    near: list[NearView] = []
    if context.places is not None and found.place is not None:
        sent = {each.name for each in under_way(found)}
        near = [_near(each, sent, language) for each in context.places.nearest(found.place[:2], MOST)]
    return render(
        context,
        "_nearest.html",
        language,
        number=incident_id,
        progress=found.progress,
        beside=bool(sent_units(found)),
        nearest=near,
    )


def _near(each: Reachable, sent: set[str], language: str) -> NearView:
    name = each.name[:LONGEST_UNIT].strip()
    minutes = None if each.estimate_s is None else min(LONGEST_ETA, max(1, -(-each.estimate_s // 60)))
    return NearView(
        name,
        "" if each.metres is None else distance(each.metres, language),
        minutes,
        text(f"console.nearest.{'on_duty' if each.on_duty else 'available'}", language),
        name in sent,
    )
