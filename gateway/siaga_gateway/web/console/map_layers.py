"""What moves on the console's map, as GeoJSON: units that can be sent, and where an incident's button has been."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Any, Final

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.limits import LONGEST_UNIT
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.responders import ResponderPosition
from siaga_gateway.domain.sent_units import under_way
from siaga_gateway.domain.track import TrackPoint
from siaga_gateway.service.dispatch.place_directory import UnitPlace
from siaga_gateway.service.incidents.positions import track_of
from siaga_gateway.web.console.base_map import MEDIA_TYPE
from siaga_gateway.web.console.incident_views import distance
from siaga_gateway.web.console.places import TheDesk
from siaga_gateway.web.console.step_answers import IncidentId
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter()

_E7: Final = 10**7
_MONTHS: Final = 3  # of check-ins, as the page of the signal begins with


def layer_settings(context: ConsoleContext) -> dict[str, Any]:
    """Return what a page writes into itself for map.js: which layers whoever asks has, and where they come from."""
    return {
        "units": None if context.places is None else {"old_ms": context.places.fresh_ms},
        "coverage": f"/signal.geojson?months={_MONTHS}"
        if context.signal is not None and context.may(Permission.MAINTENANCE_READ)
        else None,
    }


@router.get("/map/units.geojson")
def units(context: TheConsole, desk: TheDesk, language: Language, session: SignedIn) -> Response:
    """Return who can be sent or is under way, where, and when he was there. Each browser unpacks gzip."""
    sent = {each.name for incident in context.reader.open_incidents() for each in under_way(incident)}
    features = [_unit(each, sent, language) for each in desk.whereabouts(sent)]
    return Response(
        gzip.compress(_collection(features), 1, mtime=0),
        media_type=MEDIA_TYPE,
        headers={"Content-Encoding": "gzip", "Cache-Control": "no-store"},
    )


@router.get("/incidents/{incident_id}/track.geojson")
def track(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> Response:
    """Return where the button has been, the oldest first, and the line between those fixes."""
    found = context.reader.incident(incident_id)
    if found is None:
        raise NotThere("error.unknown_incident", id=incident_id)
    context.disclosures.shown(session.operator, incident_id)
    points = track_of(context.reader, found)
    features = [_fix(number, each, len(points), context, language) for number, each in enumerate(points, 1)]
    if len(points) > 1:
        line = {"type": "LineString", "coordinates": [_at(each.position) for each in points]}
        features.append({"type": "Feature", "geometry": line, "properties": {"what": "line"}})
    return Response(_collection(features), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _unit(each: UnitPlace, sent: set[str], language: str) -> dict[str, Any]:
    name = each.person.name[:LONGEST_UNIT].strip()
    state = "sent" if name in sent else str(each.standing.duty)
    told = {
        "key": each.person.key,
        "name": name,
        "kind": text(f"console.unit_on_map.{each.person.kind}", language),
        "state": state,
        "state_text": text(f"console.unit_on_map.{state}", language),
        "fix_ms": each.position.fix_ms,
        "sure": each.position.fix_known,
    }
    if each.position.accuracy_m is not None:
        told["accuracy"] = distance(each.position.accuracy_m, language)
    return _point(each.position, told)


def _fix(number: int, each: TrackPoint, count: int, context: ConsoleContext, language: str) -> dict[str, Any]:
    local, now_ms, position = context.site.local, context.clock.now_ms(), each.position
    if each.timed:
        when = local.clock(each.fix_ms, now_ms)
    else:
        when = text("console.track.untimed", language, received=local.clock(each.received_ms, now_ms))
    accuracy = (
        text("console.position.accuracy_unknown", language)
        if position.accuracy_m is None
        else f"± {distance(position.accuracy_m, language)}"
    )
    words = " · ".join((f"{number}/{count}", when, accuracy, text(f"console.source.{position.source}", language)))
    return _point(position, {"what": "fix", "number": number, "last": number == count, "when": when, "words": words})


def _point(position: Position | ResponderPosition, told: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": _at(position)}, "properties": told}


def _at(position: Position | ResponderPosition) -> tuple[float, float]:
    return position.longitude / _E7, position.latitude / _E7


def _collection(features: Iterable[dict[str, Any]]) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": list(features)})
