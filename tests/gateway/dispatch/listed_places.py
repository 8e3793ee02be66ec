"""Stations and areas in memory, as the store keeps them, and an invented district to try them on.

The district is a square of four squares of a tenth of a degree, each a Polsek's, with a hole in the first; around them
is the Polres. Positions are in the sea off Lampung; nobody lives there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from siaga_gateway.domain.jurisdiction import Jurisdiction, Point, Polygon, packed
from siaga_gateway.domain.places import Contact, ContactWay, Station, StationKind

E7 = 10**7
WEST, SOUTH = 1_040_000_000, -70_000_000
SIDE = 1_000_000  # of a square
PHONE = (Contact(ContactWay.PHONE, "+62721000001"),)


class ListedPlaces:
    """service.store.places, both halves; what is read is what was put."""

    def __init__(self, stations: Collection[Station] = (), areas: Collection[Jurisdiction] = ()) -> None:
        self._stations = {station.key: station for station in stations}
        self._areas = {area.station_key: area for area in areas}
        self._homes: dict[int, str] = {}
        self._version = 0
        self.reads = 0
        self.failing: Exception | None = None

    @contextmanager
    def transaction(self) -> Iterator[ListedPlaces]:
        yield self

    def change_places(self) -> int:
        self._version += 1
        return self._version - 1

    def put_stations(self, stations: Collection[Station]) -> None:
        self._stations.update((station.key, station) for station in stations)

    def remove_stations(self, keys: Collection[str]) -> None:
        for key in keys:
            self._stations.pop(key, None)

    def put_areas(self, areas: Collection[Jurisdiction]) -> None:
        self._areas.update((area.station_key, area) for area in areas)

    def remove_areas(self, keys: Collection[str]) -> None:
        for key in keys:
            self._areas.pop(key, None)

    def set_home_station(self, owner_id: int, station_key: str | None) -> None:
        self._homes.pop(owner_id, None)
        if station_key is not None:
            self._homes[owner_id] = station_key

    def places_version(self) -> int:
        if self.failing is not None:
            raise self.failing
        return self._version

    def stations(self) -> Sequence[Station]:
        self.reads += 1
        return [self._stations[key] for key in sorted(self._stations)]

    def areas(self) -> Sequence[Jurisdiction]:
        return [self._areas[key] for key in sorted(self._areas)]

    def home_station(self, owner_id: int) -> str | None:
        return self._homes.get(owner_id)

    def home_stations(self) -> Mapping[str, int]:
        keys = list(self._homes.values())
        return {key: keys.count(key) for key in keys}


def at(east: float, north: float) -> Point:
    """A place, in squares from the south-western corner."""
    return SOUTH + round(north * SIDE), WEST + round(east * SIDE)


def square(east: float, north: float, side: float = 1.0, height: float | None = None) -> Polygon:
    up = side if height is None else height
    return (
        (at(east, north), at(east + side, north), at(east + side, north + up), at(east, north + up)),
    )  # fmt: skip


def area(key: str, *polygons: Polygon) -> Jurisdiction:
    return Jurisdiction(key, packed(polygons))


def station(
    key: str, place: Point, kind: StationKind = StationKind.POLSEK, parent: str | None = None, **more: object
) -> Station:
    values: dict[str, object] = {"contacts": PHONE, "verified_by": "Dewi", "verified_day": 739_950, **more}
    return Station(key, kind, key.replace("-", " ").title(), *place, parent, **values)  # type: ignore[arg-type]


HOLE = (at(0.4, 0.4), at(0.4, 0.6), at(0.6, 0.6), at(0.6, 0.4))
POLDA = station("polda", at(5, 5), StationKind.POLDA)
POLRES = station("polres", at(1, 1.2), StationKind.POLRES, "polda")
SW = station("polsek-sw", at(0.2, 0.2), parent="polres")
SE = station("polsek-se", at(1.5, 0.5), parent="polres")
NW = station("polsek-nw", at(0.5, 1.5), parent="polres")
NE = station("polsek-ne", at(1.5, 1.5), parent="polres")
DISTRICT = (POLDA, POLRES, SW, SE, NW, NE)
AREAS = (
    area("polsek-sw", (square(0, 0)[0], HOLE)),
    area("polsek-se", square(1, 0)),
    area("polsek-nw", square(0, 1)),
    area("polsek-ne", square(1, 1)),
    area("polres", square(0, 0, 2)),
)


def district() -> ListedPlaces:
    return ListedPlaces(DISTRICT, AREAS)
