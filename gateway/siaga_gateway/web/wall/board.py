"""What the wall shows of open calls: level, age, kind, place, state and who is under way; nobody's name, telephone or
address. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Answered, Incident, IncidentState, Mode
from siaga_gateway.domain.protocol import kind_of
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.web.console.gazetteer import nearest

MOST: Final = 40  # calls; the others are counted
STREET_LONGEST: Final = 60
# A street, as Indonesian addresses begin it, up to whatever says which house it is.
_STREET: Final = re.compile(r"\b(?:jl|jln|jalan|gg|gang)\b\.?\s+(?P<name>[^\W\d_][^,;/#\n\d]*)", re.IGNORECASE)
_HOUSE: Final = re.compile(
    r"\b(?:no|nmr|nomor|nomer|blok|block|kav|kavling|rt|rw|lt|lantai|unit|lot|depan|samping|seberang|sebelah|belakang"
    r"|dekat|dkt|rumah|rmh|ruko|toko|warung|kios|kantor|masjid|gedung|komplek|kompleks|perum\w*|griya|bpk|bapak|ibu|pak"
    r"|bu|sdr|sdri|milik|km)\b.*",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 3  # of a street's name: what is longer says more than the street


@dataclass(frozen=True, slots=True)
class WallCall:
    """One open call."""

    id: int
    level: int | None
    since_ms: int
    kind: str
    place: str
    state: str  # of IncidentState: also its CSS class
    state_text: str
    unit: str
    exercise: bool
    rings: bool  # nobody has acknowledged it


@dataclass(frozen=True, slots=True)
class DutyCounts:
    """How many are on duty, and who comes next: stations and numbers, no names."""

    operators: int = 0
    on_duty: int = 0
    available: int = 0
    next_ms: int | None = None  # when the next shift begins
    next_people: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    calls: tuple[WallCall, ...] = ()
    more: int = 0
    unseen: int = 0
    active: int = 0
    unreadable: int = 0
    duty: DutyCounts = DutyCounts()
    broker_lost: bool = False
    no_presses: bool = False  # the gateway takes none now


Addresses = Mapping[int, str]  # by call: where its button is mounted


def wall_calls(
    incidents: Sequence[Incident],
    alarms: Mapping[int, Alarm],
    triggers: Mapping[int, object],
    addresses: Addresses,
    ringing: Collection[int],
    is_person: Callable[[str], bool],
    language: str,
) -> list[WallCall]:
    """Return the calls, the most urgent first. triggers: of what opened each. addresses: where streets are shown.
    ringing: those that a desk has seen, and whose call for help runs again.
    is_person: whether a unit is somebody on the lists, whose name is not shown."""
    found = [
        WallCall(
            each.id,
            alarms[each.id].level if each.id in alarms else None,
            each.opened_at_ms,
            text(f"console.protocol_kind.{kind_of(each, triggers.get(each.id))}", language),
            place_of(each, addresses.get(each.id), language),
            str(each.state),
            text(f"console.state.{each.state}", language),
            _unit(each, is_person, language),
            each.mode is Mode.EXERCISE,
            each.state is IncidentState.OPEN or each.id in ringing,
        )
        for each in incidents
        if each.mode is not Mode.TEST
    ]
    return sorted(found, key=lambda call: (not call.rings, call.exercise, -(call.level or 0), call.since_ms, call.id))


def place_of(incident: Incident, address: str | None, language: str) -> str:
    """Return about where it is: a street without its house, else a town, whole kilometres and a direction."""
    street = street_of(address or "")
    position = incident.position
    town = None if position is None else nearest(position.latitude, position.longitude)
    near = ""
    if town is not None and town.direction is None:
        near = text("console.wall.in_town", language, town=town.name)
    elif town is not None:
        where = text(f"console.compass.{town.direction}", language)
        near = text("console.wall.near", language, km=max(1, round(town.km)), direction=where, town=town.name)
    return ", ".join(filter(None, (street, near))) or text("console.wall.nowhere", language)


def street_of(address: str) -> str:
    """Return the street of an address, without house, block or neighbourhood; empty where none can be told for sure."""
    found = _STREET.search(address)
    if found is None:
        return ""
    name = _HOUSE.sub("", found["name"]).strip(" .-")
    known = 1 < len(name) <= STREET_LONGEST and len(name.split()) <= _MOST_WORDS
    return f"Jl. {name}" if known else ""


def _unit(incident: Incident, is_person: Callable[[str], bool], language: str) -> str:
    """Return who is under way; an officer or a crew on the lists is told without the name."""
    if incident.unit:
        shown = text("console.wall.officer", language) if is_person(incident.unit) else incident.unit
        if incident.state is IncidentState.ASSIGNED and incident.eta_minutes is not None:
            return f"{shown} · {text('console.detail.eta', language, n=incident.eta_minutes)}"
        return shown
    if incident.answered in (Answered.COMING, Answered.ON_SCENE):
        return text("console.wall.officer", language)
    return ""
