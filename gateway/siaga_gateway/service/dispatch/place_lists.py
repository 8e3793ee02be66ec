"""Takes a list of stations: all of it or nothing, by key, and again without harm.

Every fault of every row is told, so that a list can be corrected in one go. Nothing is removed unless told to.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from siaga_gateway.domain.errors import Refused, SiagaError
from siaga_gateway.domain.installation_area import Area, Doubt, doubt, in_degrees, learnt
from siaga_gateway.domain.places import Point, Station, loops, may_be_under
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store

_SHIFTS: Final = tuple(10**digits for digits in range(1, 8))


class PlaceListError(Refused):
    """A list, or a row of it, cannot be taken; the text says what is wrong and how to mend it."""


class ListedStation(Protocol):
    """A row of a list, as far as it could be read."""

    @property
    def line(self) -> int: ...
    @property
    def key(self) -> str:
        """Empty: it has none."""
        ...

    @property
    def problems(self) -> Sequence[SiagaError]: ...
    def station(self, before: Station | None) -> Station:
        """Return the station of a row without problems. before: as it was."""
        ...


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row. line: None: with what the list leaves out."""

    line: int | None
    why: SiagaError
    column: str = ""  # empty: see `at`

    @property
    def at(self) -> str:
        """Return the column that it is about; empty: the whole row."""
        return self.column or str(self.why.values.get("column", ""))


@dataclass(slots=True)
class Taken:
    """What a list does, or did. With faults: nothing."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    remarks: list[RowFault] = field(default_factory=list)  # what was put right, or may be looked at
    version: int = 0  # of the lists that it was compared with

    @property
    def changes(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def fault(self, line: int | None, key: str, /, **values: object) -> None:
        self.faults.append(RowFault(line, PlaceListError(key, **values)))

    def facts(self) -> dict[str, int]:
        return {"added": len(self.added), "changed": len(self.changed), "removed": len(self.removed)}


def take_stations(
    store: Store,
    clock: Clock,
    rows: Sequence[ListedStation],
    *,
    actor: str,
    replace: bool = False,
    dry_run: bool = False,
    area: Area | None = None,
    sure: bool = False,
) -> Taken:
    """Add the stations of a list and change those that are there.

    replace: remove what the list does not have. area: where the site is, from the settings; None: it is learnt from
    what is there and from the list. sure: distant places are intended. Raises: PlaceListError if somebody else changed
    the lists meanwhile; StoreFailing.
    """
    version = store.places_version()
    before = {station.key: station for station in store.stations()}
    taken = Taken(version=version)
    if not rows:
        taken.fault(None, "places.no_stations")
    lines, listed = _listed(rows, before, taken)
    after = listed if replace else {**before, **listed}
    _check_hierarchy(after, lines, taken, unread={row.key for row in rows if row.problems})
    if not sure:
        known = [*store.installed_places(), *(each.place for each in [*before.values(), *listed.values()])]
        _check_places(listed, lines, area or learnt(known), taken)
    if replace and not any(row.problems for row in rows):
        _check_removed(store, before.keys() - listed.keys(), taken)
    taken.faults.sort(key=lambda fault: fault.line or 0)
    if taken.faults:
        return taken
    for key, station in listed.items():
        kind = taken.added if key not in before else taken.unchanged if before[key] == station else taken.changed
        kind.append(key)
    taken.removed = sorted(before.keys() - after.keys())
    if dry_run or not taken.changes:
        return taken
    with store.transaction() as transaction:
        if transaction.change_places() != version:
            raise PlaceListError("places.changed_meanwhile")
        transaction.remove_stations(taken.removed)
        transaction.put_stations([listed[key] for key in (*taken.added, *taken.changed)])
        transaction.note(journal.STATIONS_IMPORTED, clock.now_ms(), taken.facts(), actor=actor)
    return taken


def _listed(
    rows: Sequence[ListedStation], before: Mapping[str, Station], taken: Taken
) -> tuple[dict[str, int], dict[str, Station]]:
    """Return the lines and the stations by key, as far as they can be read."""
    lines: dict[str, int] = {}
    listed: dict[str, Station] = {}
    for row in rows:
        taken.faults += [RowFault(row.line, problem) for problem in row.problems]
        if row.key and row.key in lines:
            taken.fault(row.line, "places.twice", station=row.key, line=lines[row.key])
        elif row.key:
            lines[row.key] = row.line
            if not row.problems:
                listed[row.key] = row.station(before.get(row.key))
    return lines, listed


def _check_hierarchy(
    after: Mapping[str, Station], lines: Mapping[str, int], taken: Taken, unread: Collection[str]
) -> None:
    for key, station in after.items():
        if station.parent is None or station.parent in unread:
            continue
        parent = after.get(station.parent)
        if parent is None:
            taken.faults.append(RowFault(lines.get(key), _unknown_parent(key, station.parent, after)))
        elif not may_be_under(station.kind, parent.kind):
            taken.fault(
                lines.get(key), "places.level", station=key, kind=station.kind.value, parent=parent.key,
                above=parent.kind.value,
            )  # fmt: skip
    for loop in loops(after):
        line = min((lines[key] for key in loop if key in lines), default=None)
        taken.fault(line, "places.loop", loop=" > ".join((*loop, loop[0])))


def _unknown_parent(key: str, parent: str, known: Collection[str]) -> PlaceListError:
    if near := like(parent, known):
        return PlaceListError("places.unknown_parent_like", station=key, parent=parent, near=near)
    return PlaceListError("places.unknown_parent", station=key, parent=parent)


def _check_places(listed: Mapping[str, Station], lines: Mapping[str, int], area: Area | None, taken: Taken) -> None:
    for key, station in listed.items():
        found = doubt(station.place, area)
        if found is not None:
            taken.faults.append(RowFault(lines[key], doubted(station.place, found, area)))


def doubted(place: Point, found: Doubt, area: Area | None) -> PlaceListError:
    """Return why a place is probably a mistake, and what may have been meant."""
    if found.why == "zero":
        return PlaceListError("places.zero")
    meant = found.meant or (None if area is None else _shifted(place, area))
    if meant is None:
        return PlaceListError("places.far", place=in_degrees(place), km=found.km)
    return PlaceListError("places.meant", place=in_degrees(place), km=found.km, meant=in_degrees(meant))


def _shifted(place: Point, area: Area) -> Point | None:
    """Return the place with a decimal sign put where it may have been lost, if that lies within."""
    latitudes, longitudes = ([part, *(round(part / shift) for shift in _SHIFTS)] for part in place)
    inside = [(one, other) for one in latitudes for other in longitudes if area.holds((one, other))]
    return min(inside, key=area.distance_m) if inside else None


def _check_removed(store: Store, keys: Iterable[str], taken: Taken) -> None:
    areas = {area.station_key for area in store.areas()}
    homes = store.home_stations()
    for key in sorted(keys):
        if key in areas:
            taken.fault(None, "places.removed_area", station=key)
        if key in homes:
            taken.fault(None, "places.removed_home", station=key, count=homes[key])


def like(key: str, known: Collection[str]) -> str:
    """Return the known key that is most like this one; empty: none is."""
    return next(iter(difflib.get_close_matches(key, known, 1, 0.7)), "")
