"""Stations of the police and of others: their hierarchy, who of them can be reached, and what is wrong with the list.

A station is named by its key, which the force chooses. Levels follow the parents: from a Polsek to its Polres to the
Polda. Where a station is responsible is in jurisdiction.py; who is called for a place in service/dispatch/routing.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, Final

from siaga_gateway.domain.opening_hours import Spans, is_open
from siaga_gateway.domain.value import record

Point = tuple[int, int]  # latitude, longitude; degrees x 10^7

_SHORTEST_NUMBER: Final = 7  # digits of a telephone that is somebody's
KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class StationKind(StrEnum):
    POLSEK = "polsek"
    POLRES = "polres"
    POLDA = "polda"
    AMBULANCE = "ambulance"
    FIRE = "fire"
    SECURITY = "security"  # a firm
    OTHER = "other"


# Of the police, from the lowest; a parent is of a higher level.
LEVELS: Final = (StationKind.POLSEK, StationKind.POLRES, StationKind.POLDA)
POLICE: Final = frozenset(LEVELS)


class ContactWay(StrEnum):
    PHONE = "phone"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    EMAIL = "email"
    NTFY = "ntfy"
    PUSH = "push"  # a browser's subscription
    APPRISE = "apprise"  # any service that Apprise knows, by its URL
    RADIO = "radio"


@record
class Contact:
    way: ContactWay
    address: str  # a number in E.164, a chat, a URL, a call sign, a subscription as JSON

    @property
    def for_programs(self) -> bool:
        """Whether a program may use it: emergency numbers are for people, who are asked there what has happened."""
        return self.way is not ContactWay.PHONE or sum(map(str.isdigit, self.address)) >= _SHORTEST_NUMBER


@record
class Station:
    """A place from which somebody comes, or which must know."""

    key: str
    kind: StationKind
    name: str
    latitude: int  # degrees x 10^7
    longitude: int
    parent: str | None = None  # the key of the station above it
    contacts: tuple[Contact, ...] = ()  # in the order in which they are tried
    hours: Spans = ()  # none: always open
    address: str = ""
    verified_by: str | None = None
    verified_day: int | None = None  # as date.toordinal

    @property
    def place(self) -> Point:
        return self.latitude, self.longitude

    def open_at(self, minute: int) -> bool:
        """minute: of the week, local."""
        return is_open(self.hours, minute)


def level(kind: StationKind) -> int | None:
    """Return how high a police station is, from 0; None: it is none of the police."""
    return LEVELS.index(kind) if kind in POLICE else None


def may_be_under(kind: StationKind, parent: StationKind) -> bool:
    """Whether a station of this kind may have a parent of that one."""
    below, above = level(kind), level(parent)
    return below is None or (above is not None and above > below)


def ladder(stations: Mapping[str, Station], key: str) -> tuple[str, ...]:
    """Return a station and those above it, upwards; it ends at a parent that is unknown or was there before."""
    keys: list[str] = []
    at: str | None = key
    while at is not None and at in stations and at not in keys:
        keys.append(at)
        at = stations[at].parent
    return tuple(keys)


def tops(stations: Mapping[str, Station]) -> tuple[str, ...]:
    """Return the site's top level, who is called where nothing else is known: the police stations without a parent, of
    the highest kind there is; where all have one (a loop), all of that kind; without police, whoever has no parent."""
    police = [station for station in stations.values() if station.kind in POLICE]
    free = [station for station in police if station.parent not in stations]
    if candidates := free or police:
        highest = max(_height(station) for station in candidates)
        return tuple(sorted(station.key for station in candidates if _height(station) == highest))
    return tuple(sorted(key for key, station in stations.items() if station.parent not in stations)) or tuple(
        sorted(stations)
    )


def _height(station: Station) -> int:
    return LEVELS.index(station.kind)


# What is wrong with the list


class FindingKind(StrEnum):
    """What a person should mend, the worst first."""

    NO_STATION = "no_station"  # none at all
    LOOP = "loop"  # keys: in the order of the loop
    NO_TOP = "no_top"  # no police station without a parent
    UNKNOWN_PARENT = "unknown_parent"  # keys: the station, its parent
    LEVEL = "level"  # the parent is not above it. keys: the station, its parent
    LADDER_ENDS = "ladder_ends"  # a police station below the highest level has no parent
    NO_WAY = "no_way"  # none is set up: whoever is not at the console is told by hand only
    LADDER_NOBODY = "ladder_nobody"  # its last rung reaches nobody by a program. keys: the desk, the rung
    RUNG_UNMANNED = "rung_unmanned"  # keys: the desk, the rung
    NO_CONTACT = "no_contact"
    UNREACHABLE = "unreachable"  # a responder without a proven way. keys: the responder
    UNKNOWN_HOME = "unknown_home"  # keys: the responder, the station
    AREA_WITHOUT_STATION = "area_without_station"
    OWNER_WITHOUT_STATION = "owner_without_station"  # owners are registered in it. number: of owners
    AREA_DAMAGED = "area_damaged"
    NO_AREA = "no_area"  # others of its kind have one
    OUTSIDE_OWN_AREA = "outside_own_area"  # number: metres
    GAP = "gap"  # number: hundredths of km2; place: in it. keys: the station around it, or none
    OVERLAP = "overlap"  # number: hundredths of km2; place: in it. keys: both
    NOWHERE = "nowhere"  # a responder with neither station nor home: found only by his phone
    NO_SHIFT = "no_shift"  # a responder without any: called only by his own word, and at the end of the ladder
    UNPROVEN_WAY = "unproven_way"  # he has others. keys: the responder, the way
    UNANSWERED_WAY = "unanswered_way"  # number: days since its last proof
    SAME_PLACE = "same_place"  # keys: two or more of one kind
    UNVERIFIED = "unverified"
    LONG_UNVERIFIED = "long_unverified"  # number: days


@record
class Finding:
    kind: FindingKind
    keys: tuple[str, ...] = ()
    number: int = 0
    place: Point | None = None


# With these somebody may not be called, or not the right one; the others are for office hours.
SERIOUS: Final = frozenset(list(FindingKind)[: list(FindingKind).index(FindingKind.GAP)]) - {FindingKind.NO_AREA}


@record
class Listed:
    """What the list is judged with."""

    stations: Mapping[str, Station]
    areas: Collection[str]  # keys of stations that have one
    owners: Mapping[str, int] = field(default_factory=dict)  # how many are registered in a station's area
    today: int = 0  # as date.toordinal
    verified_within_days: int = 180


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    kinds = list(FindingKind)
    return sorted(findings, key=lambda each: (kinds.index(each.kind), -each.number, each.keys))


def findings(listed: Listed) -> list[Finding]:
    """Return what is wrong with the list, as far as it can be told without geometry, the worst first."""
    stations = listed.stations
    if not stations:
        return [Finding(FindingKind.NO_STATION)]
    return in_order(
        [
            *_of_hierarchy(stations),
            *(finding for station in stations.values() for finding in _of_station(station, listed)),
            *_of_areas(listed),
            *_of_places(stations.values()),
        ]
    )


def _of_hierarchy(stations: Mapping[str, Station]) -> Iterable[Finding]:
    yield from (Finding(FindingKind.LOOP, loop) for loop in loops(stations))
    police = [station for station in stations.values() if station.kind in POLICE]
    if police and all(station.parent in stations for station in police):
        yield Finding(FindingKind.NO_TOP)
    highest = max((_height(station) for station in police), default=0)
    for station in stations.values():
        if station.parent is None:
            if station.kind in POLICE and _height(station) < highest:
                yield Finding(FindingKind.LADDER_ENDS, (station.key,))
        elif (parent := stations.get(station.parent)) is None:
            yield Finding(FindingKind.UNKNOWN_PARENT, (station.key, station.parent))
        elif not may_be_under(station.kind, parent.kind):
            yield Finding(FindingKind.LEVEL, (station.key, parent.key))


def loops(stations: Mapping[str, Station]) -> list[tuple[str, ...]]:
    """Return each loop of parents once, from its smallest key."""
    found: set[tuple[str, ...]] = set()
    done: set[str] = set()
    for key in stations:
        way = []
        at: str | None = key
        while at is not None and at in stations and at not in done and at not in way:
            way.append(at)
            at = stations[at].parent
        if at in way:
            loop = way[way.index(at) :]
            least = loop.index(min(loop))
            found.add((*loop[least:], *loop[:least]))
        done.update(way)
    return sorted(found)


def _of_station(station: Station, listed: Listed) -> Iterable[Finding]:
    if not station.contacts:
        yield Finding(FindingKind.NO_CONTACT, (station.key,))
    if station.verified_day is None:
        yield Finding(FindingKind.UNVERIFIED, (station.key,))
    elif (days := listed.today - station.verified_day) > listed.verified_within_days:
        yield Finding(FindingKind.LONG_UNVERIFIED, (station.key,), days)


def _of_areas(listed: Listed) -> Iterable[Finding]:
    stations, areas = listed.stations, listed.areas
    yield from (Finding(FindingKind.AREA_WITHOUT_STATION, (key,)) for key in areas if key not in stations)
    with_area = {stations[key].kind for key in areas if key in stations}
    for station in stations.values():
        if station.kind in with_area and station.key not in areas:
            yield Finding(FindingKind.NO_AREA, (station.key,))
    for key, count in listed.owners.items():
        if key not in stations:
            yield Finding(FindingKind.OWNER_WITHOUT_STATION, (key,), count)


def _of_places(stations: Iterable[Station]) -> Iterable[Finding]:
    """Two at one place are a line that was copied and not finished."""
    at: dict[tuple[Any, ...], list[str]] = {}
    for station in stations:
        at.setdefault((station.kind, station.place), []).append(station.key)
    yield from (Finding(FindingKind.SAME_PLACE, tuple(sorted(keys))) for keys in at.values() if len(keys) > 1)


def lowest_only(stations: Mapping[str, Station], keys: Sequence[str]) -> tuple[str, ...]:
    """Leave out stations that are above another one of these: their turn comes by its ladder. Of a loop none is above
    the others."""
    above = {key: set(ladder(stations, key)[1:]) for key in keys}
    return tuple(key for key in keys if not any(key in above[other] and other not in above[key] for other in keys))
