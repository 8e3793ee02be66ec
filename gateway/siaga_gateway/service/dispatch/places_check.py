"""What is wrong with stations and areas, also by geometry: stations outside, gaps and overlaps. For people to mend."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.domain.geodesic import geodesic_m
from siaga_gateway.domain.jurisdiction import Jurisdiction, ShapeError, ring_sizes
from siaga_gateway.domain.places import Finding, FindingKind, Listed, Station, findings, in_order, ladder
from siaga_gateway.service.store.places import PlaceReading

_LEAST_KM2: Final = 0.01


def check_places(store: PlaceReading, *, today: int, verified_within_days: int, tolerance_m: int) -> list[Finding]:
    """Return all that is wrong, the worst first.

    today: as date.toordinal. tolerance_m: slivers between areas that are no wider come from simplified borders. Raises:
    StoreFailing.
    """
    stations = {station.key: station for station in store.stations()}
    areas = store.areas()
    known = {area.station_key for area in areas}
    listed = Listed(stations, known, store.home_stations(), today, verified_within_days)
    return in_order([*findings(listed), *_of_geometry(stations, areas, tolerance_m)])


def _of_geometry(stations: Mapping[str, Station], areas: Sequence[Jurisdiction], tolerance_m: int) -> Iterator[Finding]:
    if not areas:
        return
    # Imported late: a list without areas need not wait for the library.
    from siaga_gateway.service.dispatch.place_index import geometry_of

    geometries: dict[str, Any] = {}
    for area in areas:
        try:
            ring_sizes(area.shape)
        except ShapeError:
            yield Finding(FindingKind.AREA_DAMAGED, (area.station_key,))
        else:
            if area.station_key in stations:
                geometries[area.station_key] = geometry_of(area.shape)
    yield from _outside(stations, geometries, tolerance_m)
    yield from _overlaps(stations, geometries, tolerance_m)
    yield from _gaps(stations, geometries, tolerance_m)


def _outside(stations: Mapping[str, Station], geometries: Mapping[str, Any], tolerance_m: int) -> Iterator[Finding]:
    import shapely  # type: ignore[import-untyped]

    for key, geometry in geometries.items():
        station = stations[key]
        place = shapely.Point(station.longitude, station.latitude)
        if shapely.intersects(geometry, place):
            continue
        nearest = shapely.get_coordinates(shapely.shortest_line(place, geometry))[-1]
        metres = geodesic_m(station.place, (round(nearest[1]), round(nearest[0])))
        if metres > tolerance_m:
            yield Finding(FindingKind.OUTSIDE_OWN_AREA, (key,), metres, station.place)


def _overlaps(stations: Mapping[str, Station], geometries: Mapping[str, Any], tolerance_m: int) -> Iterator[Finding]:
    """Of stations of one kind: a Polres's area lies over those of its Polsek."""
    import shapely

    keys = list(geometries)
    tree = shapely.STRtree([geometries[key] for key in keys])
    for one, key in enumerate(keys):
        for other in tree.query(geometries[key], predicate="intersects"):
            beside = keys[other]
            if other <= one or stations[key].kind is not stations[beside].kind:
                continue
            if beside in ladder(stations, key) or key in ladder(stations, beside):
                continue
            for finding in _pieces(shapely.intersection(geometries[key], geometries[beside]), tolerance_m):
                yield Finding(FindingKind.OVERLAP, (key, beside), *finding)


def _gaps(stations: Mapping[str, Station], geometries: Mapping[str, Any], tolerance_m: int) -> Iterator[Finding]:
    """What of a station's area belongs to none of those below it; and what lies enclosed in nobody's."""
    import shapely

    if not geometries:
        return
    for key, geometry in geometries.items():
        below = [geometries[each] for each in geometries if stations[each].parent == key]
        if below:
            for finding in _pieces(shapely.difference(geometry, shapely.union_all(below)), tolerance_m):
                yield Finding(FindingKind.GAP, (key,), *finding)
    covered = shapely.union_all(list(geometries.values()))
    holes = [shapely.Polygon(hole) for part in shapely.get_parts(covered) for hole in part.interiors]
    for hole in holes:
        for finding in _pieces(shapely.difference(hole, covered), tolerance_m):
            yield Finding(FindingKind.GAP, (), *finding)


def _pieces(geometry: Any, tolerance_m: int) -> Collection[tuple[int, tuple[int, int]]]:
    """Return the surface, in hundredths of km2, and a place, of each piece that is wider than borders are off."""
    import shapely

    from siaga_gateway.service.dispatch.area_geometry import km2, point_in, width_m

    pieces = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon" and (surface := km2(part)) >= _LEAST_KM2 and width_m(part) > tolerance_m:
            pieces.append((round(surface * 100), point_in(part)))
    return pieces
