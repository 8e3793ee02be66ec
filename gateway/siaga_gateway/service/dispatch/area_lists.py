"""Takes a file of areas: all of it or nothing, an area for each station, again without harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.geodesic import geodesic_m
from siaga_gateway.domain.installation_area import Area, in_degrees, learnt
from siaga_gateway.domain.jurisdiction import Jurisdiction, Point, Polygon, packed
from siaga_gateway.service.dispatch.place_lists import PlaceListError, RowFault, Taken, like
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store

if TYPE_CHECKING:
    from siaga_gateway.service.dispatch.area_geometry import Sound

# An edge as long as that has a digit too many, or was drawn over the sea.
_LONGEST_EDGE_M: Final = 100_000
_MOST_NAMED: Final = 12


class ListedArea(Protocol):
    """A feature of a file, as far as it could be read."""

    @property
    def line(self) -> int: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def polygons(self) -> Sequence[Polygon]: ...
    @property
    def turned(self) -> int:
        """Rings that were wound the other way."""
        ...

    @property
    def problem(self) -> SiagaError | None: ...


def take_areas(
    store: Store,
    clock: Clock,
    features: Sequence[ListedArea],
    *,
    actor: str,
    named_by: str | None = None,
    station: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    area: Area | None = None,
    sure: bool = False,
) -> Taken:
    """Set the areas of a file; several features of one station are one area.

    named_by: the property that holds the station's key; station: the key, where all of the file is one station's.
    replace: remove the areas of stations that the file does not name. sure: distant areas and long edges are intended.
    Raises: PlaceListError if somebody else changed the lists meanwhile; StoreFailing.
    """
    version = store.places_version()
    known = {each.key for each in store.stations()}
    before = {each.station_key: each.shape for each in store.areas()}
    area = area or learnt([*store.installed_places(), *(each.place for each in store.stations())])
    taken = Taken()
    parts: dict[str, list[Sound]] = {}
    for feature in features:
        try:
            key = _key(feature, known, named_by, station)
            if not sure:
                _check(feature.polygons, area)
            parts.setdefault(key, []).append(_sound(feature, taken))
        except SiagaError as error:
            taken.faults.append(RowFault(feature.line, error))
    if not features:
        taken.fault(None, "places.no_areas")
    if taken.faults:
        return taken
    shapes = {key: _shape(each) for key, each in sorted(parts.items())}
    for key, shape in shapes.items():
        kind = taken.added if key not in before else taken.unchanged if before[key] == shape else taken.changed
        kind.append(key)
    if replace:
        taken.removed = sorted(before.keys() - shapes.keys())
    if dry_run or not taken.changes:
        return taken
    with store.transaction() as transaction:
        if transaction.change_places() != version:
            raise PlaceListError("places.changed_meanwhile")
        transaction.remove_areas(taken.removed)
        transaction.put_areas([Jurisdiction(key, shapes[key]) for key in (*taken.added, *taken.changed)])
        transaction.note(journal.AREAS_IMPORTED, clock.now_ms(), taken.facts(), actor=actor)
    return taken


def _key(feature: ListedArea, known: set[str], named_by: str | None, station: str | None) -> str:
    """Raises: SiagaError: the feature's own problem, or that it names no station."""
    if feature.problem is not None:
        raise feature.problem
    key = station if station is not None else _named(feature.properties, named_by or "station_key")
    if key in known:
        return key
    if near := like(key, known):
        raise PlaceListError("places.no_station_like", station=key, near=near)
    raise PlaceListError("places.no_station", station=key)


def _named(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    if value is None:
        names = ", ".join(list(map(str, properties))[:_MOST_NAMED]) or "-"
        raise PlaceListError("places.no_property", name=name, names=names)
    return str(value).strip()


def _check(polygons: Sequence[Polygon], area: Area | None) -> None:
    """Raises: PlaceListError for an area that lies elsewhere, or for a point that does."""
    for polygon in polygons:
        outer = polygon[0]
        for one, other in zip(outer, (*outer[1:], outer[0]), strict=True):
            # Most edges are short: only what may be long is measured.
            if max(abs(one[0] - other[0]), abs(one[1] - other[1])) > 5_000_000 and (
                (metres := geodesic_m(one, other)) > _LONGEST_EDGE_M
            ):
                raise PlaceListError(
                    "places.long_edge", one=in_degrees(one), other=in_degrees(other), km=metres // 1_000
                )
    corners = [point for polygon in polygons for point in polygon[0]]
    if area is not None and not any(area.holds(corner) for corner in corners):
        nearest: Point = min(corners, key=area.distance_m)
        raise PlaceListError("places.far", place=in_degrees(nearest), km=round(area.distance_m(nearest) / 1_000))


def _sound(feature: ListedArea, taken: Taken) -> Sound:
    # Imported late: a list of stations need not wait for the library.
    from siaga_gateway.service.dispatch.area_geometry import sound

    made = sound(feature.polygons)
    if made.repaired is not None:
        taken.remarks.append(RowFault(feature.line, PlaceListError("places.repaired", place=in_degrees(made.repaired))))
    if feature.turned:
        taken.remarks.append(RowFault(feature.line, PlaceListError("places.turned", count=feature.turned)))
    return made


def _shape(parts: Sequence[Sound]) -> bytes:
    from siaga_gateway.service.dispatch.area_geometry import joined, polygons_of_geometry

    return packed(polygons_of_geometry(joined(part.geometry for part in parts)))
