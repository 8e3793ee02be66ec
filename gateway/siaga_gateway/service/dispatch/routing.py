"""Who is called for a press: the stations whose area it is, with those above them, and the nearest that can come.

Where nothing is known of the place, whoever is above all: never nobody, as long as there is a station at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from datetime import tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.jurisdiction import Jurisdiction, Point, ShapeError, ring_sizes
from siaga_gateway.domain.opening_hours import local_minute
from siaga_gateway.domain.places import POLICE, Station, StationKind, ladder, level, lowest_only, tops
from siaga_gateway.domain.value import record
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.service.store.places import PlaceReading

if TYPE_CHECKING:
    from siaga_gateway.service.dispatch.place_index import PlaceIndex

log = logging.getLogger(__name__)

NEAREST: Final = 3
_REMEMBERED: Final = 5_000  # routes of this minute
_TRIES: Final = 3  # to read a list that nobody changes meanwhile


class Basis(StrEnum):
    """What a route rests on, the best first."""

    POSITION = "position"
    MOUNTING_PLACE = "mounting_place"
    REGISTERED_AREA = "registered_area"
    TOP_LEVEL = "top_level"


class Claim(StrEnum):
    """Why a station is responsible."""

    AREA = "area"  # the place is in its area
    BORDER = "border"  # just outside: borders are simplified
    NEAREST = "nearest"  # nobody's area
    REGISTERED = "registered"
    TOP = "top"


@record
class Responsible:
    """A station, those above it, upwards, and why."""

    ladder: tuple[Station, ...]
    claim: Claim
    metres: int = 0  # to the border, or to the station

    @property
    def station(self) -> Station:
        return self.ladder[0]


@record
class Near:
    station: Station
    metres: int
    is_open: bool


@record
class Route:
    basis: Basis
    place: Point | None
    responsible: tuple[Responsible, ...]
    nearest: tuple[Near, ...]

    @property
    def station(self) -> str | None:
        """The key of the station that answers for the call: the first of the police, else the first."""
        keys = [(each.station.kind not in POLICE, number) for number, each in enumerate(self.responsible)]
        return self.responsible[min(keys)[1]].station.key if keys else None


@record
class PressOrigin:
    """What is known of where a press is from."""

    position: Point | None = None
    mounted: Point | None = None
    registered: str | None = None  # the key of the station in whose area the owner lives


class Router:
    """Thread-safe. It reads the lists when it is first asked, and again when they have changed."""

    def __init__(self, store: PlaceReading, zone: tzinfo, tolerance_m: int) -> None:
        """zone: of the site; hours are local. tolerance_m: how far borders may be wrong."""
        self._store = store
        self._zone = zone
        self._tolerance_m = tolerance_m
        self._reading = threading.Lock()
        self._version: int | None = None
        self._index: PlaceIndex | None = None
        self._routing = threading.Lock()
        self._routed: dict[tuple[PressOrigin, int, tuple[StationKind, ...]], Route] = {}
        self._routed_by: PlaceIndex | None = None

    def warm(self) -> None:
        """Read the lists now, so that the first press need not wait for it. Raises: StoreFailing."""
        self._current()

    def stations(self) -> Mapping[str, Station]:
        """Return the list as it is now, by key. Raises: StoreFailing."""
        return self._current().stations

    def route(self, known: PressOrigin, now_ms: int, kinds: Collection[StationKind] = POLICE) -> Route:
        """Return who is called now.

        kinds: of the nearest. Raises: StoreFailing, if the lists were never read.
        """
        index = self._current()
        minute = local_minute(now_ms, self._zone)
        wanted = known, minute, tuple(kinds)
        with self._routing:
            # A press is routed for its ladder, its calls and its messages, all within a moment.
            if self._routed_by is not index or len(self._routed) >= _REMEMBERED:
                self._routed_by, self._routed = index, {}
            found = self._routed.get(wanted)
        if found is None:
            found = self._route(index, known, minute, kinds)
            with self._routing:
                if self._routed_by is index:
                    self._routed[wanted] = found
        return found

    def answering(self, place: Point, now_ms: int) -> frozenset[str]:
        """Return the keys of the stations whose area it is, or of the nearest where it is nobody's, and of all above
        them. Faster than `route`, for a list of places. Raises: StoreFailing, if the lists were never read."""
        index = self._current()
        keys = frozenset(each for key in index.holding(place, 0) for each in ladder(index.stations, key))
        if any(index.stations[key].kind in POLICE for key in keys):
            return keys
        route = self.route(PressOrigin(place), now_ms)
        return frozenset(station.key for each in route.responsible for station in each.ladder)

    def _route(self, index: PlaceIndex, known: PressOrigin, minute: int, kinds: Collection[StationKind]) -> Route:
        for basis, place in ((Basis.POSITION, known.position), (Basis.MOUNTING_PLACE, known.mounted)):
            if place is not None and index.stations:
                nearest = _nearest(index, place, minute, kinds)
                return Route(basis, place, self._responsible(index, place, minute, nearest), nearest)
        if (home := index.stations.get(known.registered or "")) is not None:
            responsible = Responsible(_ladder(index.stations, home.key), Claim.REGISTERED)
            return Route(Basis.REGISTERED_AREA, None, (responsible,), _nearest(index, home.place, minute, kinds))
        highest = (Responsible(_ladder(index.stations, key), Claim.TOP) for key in tops(index.stations))
        # Without any station people near the place can be called all the same.
        place = None if index.stations else known.position or known.mounted
        return Route(Basis.TOP_LEVEL, place, tuple(highest), ())

    def _responsible(
        self, index: PlaceIndex, place: Point, minute: int, nearest: tuple[Near, ...]
    ) -> tuple[Responsible, ...]:
        holding = {key: away for key, away in index.holding(place, self._tolerance_m).items() if key in index.stations}
        inside = lowest_only(index.stations, [key for key, away in holding.items() if not away])
        beside = lowest_only(index.stations, [key for key, away in holding.items() if away])
        # Simplified borders may be meant either way; whoever is above is on a ladder already.
        above = {station.key for key in inside for station in _ladder(index.stations, key)}
        found = [Responsible(_ladder(index.stations, key), Claim.AREA) for key in inside]
        found += [
            Responsible(_ladder(index.stations, key), Claim.BORDER, holding[key]) for key in beside if key not in above
        ]
        if any(station.kind in POLICE for each in found for station in each.ladder):
            return tuple(found)
        # Where only an ambulance's or a firm's area is, nobody's ladder of the police would be climbed.
        near = _nearest(index, place, minute, POLICE) if found else nearest
        near = near or (() if found else _nearest(index, place, minute, tuple(StationKind)))
        lowest = sorted(near, key=lambda each: (level(each.station.kind) or 0, each.metres))[:1]
        found += [Responsible(_ladder(index.stations, each.station.key), Claim.NEAREST, each.metres) for each in lowest]
        return tuple(found)

    def _current(self) -> PlaceIndex:
        with self._reading:
            try:
                version = self._store.places_version()
                if self._index is None or version != self._version:
                    self._version, self._index = self._read(version)
            except StoreFailing:
                if self._index is None:
                    raise
            return self._index

    def _read(self, version: int) -> tuple[int, PlaceIndex]:
        # Imported late: what needs no routing need not wait for these libraries.
        from siaga_gateway.service.dispatch.place_index import PlaceIndex

        for _ in range(_TRIES):
            stations, areas = self._store.stations(), self._store.areas()
            after = self._store.places_version()
            if after == version:
                break
            version = after
        return version, PlaceIndex({station.key: station for station in stations}, _sound(areas))


def _sound(areas: Collection[Jurisdiction]) -> list[Jurisdiction]:
    """Leave out areas of which the store has lost something: the others still serve."""
    found = []
    for area in areas:
        try:
            ring_sizes(area.shape)
        except ShapeError as error:
            log.error(Localized("log.places.damaged", station=area.station_key, why=error))
        else:
            found.append(area)
    return found


def _nearest(index: PlaceIndex, place: Point, minute: int, kinds: Collection[StationKind]) -> tuple[Near, ...]:
    """Return the nearest that are open and can be told; where there are fewer, the nearest of the others too."""

    def ready(station: Station) -> bool:
        return station.kind in kinds and bool(station.contacts) and station.open_at(minute)

    def other(station: Station) -> bool:
        return station.kind in kinds and not ready(station)

    found = index.nearest(place, ready, NEAREST)
    found += index.nearest(place, other, NEAREST - len(found))
    return tuple(Near(station, metres, station.open_at(minute)) for station, metres in found)


def _ladder(stations: Mapping[str, Station], key: str) -> tuple[Station, ...]:
    return tuple(stations[each] for each in ladder(stations, key))
