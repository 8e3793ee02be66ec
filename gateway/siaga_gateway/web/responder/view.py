"""What a link leads to, in words for its page. Before the person has answered in this browser: place and time only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.incident import Incident, IncidentState, Mode, Position
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.plus_code import plus_code
from siaga_gateway.domain.position import is_zero
from siaga_gateway.service.dispatch.responder_links import OpenedLink
from siaga_gateway.web.owners.profile_view import profile_view

MINUTES: Final = (5, 10, 15, 20, 30, 45)  # what can be promised by one tap


@dataclass(frozen=True, slots=True)
class PlaceView:
    shown: str  # decimal degrees
    plain: str  # for a link
    code: str
    radius: str
    age: str


def place_view(position: Position, language: str, local: LocalTime, now_ms: int) -> PlaceView:
    latitude, longitude = (_degrees(part) for part in (position.latitude, position.longitude))
    known = position.accuracy_m is not None
    radius = text(f"responder.where.radius{'' if known else '_unknown'}", language, metres=position.accuracy_m)
    at = local.clock(position.at_ms, now_ms)
    if position.source == "installed":
        age = text("responder.where.installed", language)
    elif position.fix_age_s is None:
        age = text("responder.where.age_unknown", language, time=at)
    else:
        age = text("responder.where.age", language, age=duration(position.fix_age_s, language), time=at)
    shown = text("responder.where.place", language, latitude=latitude, longitude=longitude)
    code = plus_code(position.latitude, position.longitude)
    return PlaceView(shown, f"{latitude},{longitude}", code, radius, age)


def duration(seconds: int, language: str) -> str:
    """Return a duration in its largest unit, rounded down."""
    for size, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return text(f"responder.age.{name}", language, n=seconds // size)
    return text("responder.age.seconds", language, n=max(0, seconds))


def view(
    opened: OpenedLink, language: str, local: LocalTime, now_ms: int, *, bound: bool, show_holder: bool
) -> dict[str, Any]:
    """Return what the template shows. bound: this browser has answered, or was the last to go on."""
    incident, mine = opened.incident, opened.mine
    position = incident.position
    there = position is not None and not is_zero(position.latitude, position.longitude)
    told = {
        "over": opened.over,
        "bound": bound,
        "elsewhere": mine.browser_hash is not None and not bound,
        "exercise": incident.mode is not Mode.ACTUAL,
        "in_drill": is_exercise(incident),
        "made_real": incident.drill is not None and not is_exercise(incident),
        "pressed": local.clock(incident.pressed_at_ms or incident.opened_at_ms, now_ms),
        "place": place_view(position, language, local, now_ms) if position is not None and there else None,
        "presses": incident.presses,
        "as_of": f"{local.at(now_ms):%H:%M} {local.label(now_ms)}",
        "state": str(mine.state),
        "comes": mine.comes,
        "minutes": MINUTES,
        "thanked": opened.thanked,
        "again": opened.again,
    }
    if not bound or opened.over:
        return told
    desk = incident.unit if incident.state in (IncidentState.ASSIGNED, IncidentState.ON_SCENE) else None
    return {
        **told,
        "asked": opened.asked,
        "promised": mine.minutes,
        "since": local.clock(mine.since_ms, now_ms),
        "others": opened.others,
        "unit": desk,
        "eta": incident.eta_minutes if incident.state is IncidentState.ASSIGNED else None,
        "warnings": _warnings(incident),
        "who": _who(incident) if show_holder else None,
        "told": profile_view(opened.profile, language),  # what endangers him he reads whatever else is hidden
        "unreadable": show_holder and incident.unreadable,
        "notes": incident.note or "",
        "may_photograph": opened.may_photograph,
    }


def _warnings(incident: Incident) -> list[str]:
    found = ["duress"] if incident.duress else ["silent"] if incident.silent else []
    if incident.cancelled_by_holder:
        found.append("cancelled")
    if incident.key_copied:
        found.append("copied")
    return found


def _who(incident: Incident) -> dict[str, str | None]:
    """Never the identity number; and no telephone where its ringing would endanger somebody."""
    holder = incident.holder
    phone = None if holder is None or incident.silent or incident.duress else holder.phone
    return {
        "name": None if holder is None else holder.name,
        "address": None if holder is None else holder.address,
        "phone": phone,
        "label": incident.device_label,
    }


def _degrees(degrees_e7: int) -> str:
    """Format as map programs read it, to the metre."""
    rounded = (abs(degrees_e7) + 50) // 100
    sign = "-" if degrees_e7 < 0 and rounded else ""
    return f"{sign}{rounded // 100_000}.{rounded % 100_000:05d}"
