"""The buttons of the fleet's list on a map, as GeoJSON: where each is mounted, and for who may see it, where those that
are carried last were. Many are mounted in homes: who may not read owners' records sees about where, to a kilometre."""

from __future__ import annotations

import gzip
from typing import Any, Final

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from siaga_gateway.catalogue import text
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.position import about
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.store.maintenance import PlacedDevice
from siaga_gateway.web.console.base_map import MEDIA_TYPE, ON_EVERY_MAP, map_settings
from siaga_gateway.web.console.incident_views import duration
from siaga_gateway.web.maintenance.console_cases import TheMaintenance
from siaga_gateway.web.maintenance.fleet_filter import Asked, TheAsked
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole

router = APIRouter()

MOST: Final = 20_000  # buttons; a browser draws so many at once
_ON_MAP: Final = ON_EVERY_MAP | {"no_fleet", "fleet_none", "fleet_most"}
_SERVING: Final = (RegistrationState.ACTIVE, RegistrationState.PENDING)
_E7: Final = 10**7


def fleet_map_settings(context: ConsoleContext, language: str, asked: Asked) -> dict[str, Any]:
    """Return what the page writes into itself for fleet-map.js."""
    query = asked.query
    return {
        **map_settings(context, language, _ON_MAP),
        "fleet": f"/maintenance/map.geojson?{query}" if query else "/maintenance/map.geojson",
    }


@router.get("/maintenance/map.geojson")
def fleet_map(
    context: TheConsole, maintenance: TheMaintenance, language: Language, session: SignedIn, asked: TheAsked
) -> Response:
    """Return the buttons that the list shows. Whose places are told exactly is noted as read. Browsers unpack gzip."""
    now_ms = context.clock.now_ms()
    exact = Permission.OWNERS_READ in session.permissions
    only = asked.filter(now_ms, maintenance.wanted, maintenance.stations_below)
    found = maintenance.placed(text=asked.q, troubled=asked.troubled, only=only, carried=exact, limit=MOST + 1)
    shown = found[:MOST]
    whose = sorted({each.owner_id for each in shown}) if exact else []
    if whose:
        context.disclosures.owners_listed(session.operator, whose, "fleet_map")
    told = {
        "type": "FeatureCollection",
        "features": [_feature(each, language, now_ms, exact) for each in shown],
        "more": len(found) > MOST,
    }
    return Response(
        gzip.compress(orjson.dumps(told), 1, mtime=0),
        media_type=MEDIA_TYPE,
        headers={"Content-Encoding": "gzip", "Cache-Control": "no-store"},
    )


def state_of(device: PlacedDevice, now_ms: int) -> str:
    """Return by what it is coloured: silent, trouble, well, or off, which nobody expects to hear."""
    lapsed = device.valid_until_ms is not None and device.valid_until_ms <= now_ms
    if device.state not in _SERVING or lapsed:
        return "off"
    return "silent" if device.silent else "trouble" if device.troubled else "well"


def _feature(device: PlacedDevice, language: str, now_ms: int, exact: bool) -> dict[str, Any]:
    state = state_of(device, now_ms)
    words = [device.label, text(f"console.fleet_map.{state}", language)]
    if device.last_seen_ms is None:
        words.append(text("console.maintenance.never", language))
    else:
        heard = duration(max(0, now_ms - device.last_seen_ms) // 1000, language)
        words.append(text("console.fleet_map.heard", language, age=heard))
    if device.at_ms is not None:
        there = duration(max(0, now_ms - device.at_ms) // 1000, language)
        words.append(text("console.fleet_map.was_there", language, age=there))
    latitude, longitude = device.place if exact else map(about, device.place)
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude / _E7, latitude / _E7]},
        "properties": {
            "id": device.device_id.hex(),
            "state": state,
            "mounted": device.at_ms is None,
            "words": " · ".join(words),
        },
    }
