"""Takes lists of officers, patrols and shifts: all of a list or nothing, by key, and again without harm.

Every fault of every row is told, so that a list can be corrected in one go. Nothing is removed unless told to. Whoever
is removed is gone in the transaction that says so: his ways, shifts, positions, and what lets his phone in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.errors import Refused, SiagaError
from siaga_gateway.domain.installation_area import Area, doubt, learnt
from siaga_gateway.domain.places import Station
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.shifts import Shift
from siaga_gateway.service.dispatch.place_lists import RowFault, Taken, doubted, like
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store

# Keys and when they were added, for the list that survives the restoring of a backup. It is called before the commit:
# whoever cannot be put on that list stays.
Gone = Callable[[Mapping[str, int]], None]


class ResponderError(Refused):
    """A list of responders or shifts, a row of it, or what is asked of one cannot be done; the text says why."""


class ListedResponder(Protocol):
    """A row of a list, as far as it could be read."""

    @property
    def line(self) -> int: ...
    @property
    def key(self) -> str:
        """Empty: it has none."""
        ...

    @property
    def problems(self) -> Sequence[SiagaError]: ...
    def responder(self, before: Responder | None, now_ms: int) -> Responder:
        """Return the responder of a row without problems. before: as he was."""
        ...


class ListedShift(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def responder(self) -> str: ...
    @property
    def shift(self) -> Shift | None: ...
    @property
    def problems(self) -> Sequence[SiagaError]: ...


def take_responders(
    store: Store,
    clock: Clock,
    rows: Sequence[ListedResponder],
    *,
    actor: str,
    replace: bool = False,
    dry_run: bool = False,
    area: Area | None = None,
    sure: bool = False,
    gone: Gone = lambda added: None,
) -> Taken:
    """Add the people of a list and change those that are there.

    replace: remove who is not in the list. area: where the site is, from the settings; None: it is learnt from the
    stations. sure: distant homes are intended. Raises: ResponderError if somebody else changed the lists meanwhile;
    PersonalKeyError, StoreFailing.
    """
    version, now_ms = store.responders_version(), clock.now_ms()
    before = {each.key: each for each in store.responders()}
    stations = {station.key: station for station in store.stations()}
    taken = Taken(version=version)
    if not rows:
        _fault(taken, None, "responders.empty")
    lines, listed = _listed(rows, before, now_ms, taken)
    for key, each in listed.items():
        _check(each, lines[key], stations, taken)
    if not sure:
        _check_homes(listed, lines, area or learnt([station.place for station in stations.values()]), taken)
    taken.faults.sort(key=lambda fault: fault.line or 0)
    if taken.faults:
        return taken
    for key, each in listed.items():
        kind = taken.added if key not in before else taken.unchanged if before[key] == each else taken.changed
        kind.append(key)
    taken.removed = sorted(before.keys() - listed.keys()) if replace else []
    if dry_run or not taken.changes:
        return taken
    with store.transaction() as transaction:
        if transaction.change_responders() != version:
            raise ResponderError("responders.changed_meanwhile")
        transaction.remove_responders(taken.removed)
        transaction.put_responders([listed[key] for key in (*taken.added, *taken.changed)])
        transaction.note(journal.RESPONDERS_IMPORTED, now_ms, taken.facts(), actor=actor)
        for key in taken.changed:
            for change, way in _changed_ways(before[key], listed[key]):
                transaction.note(change, now_ms, {"responder": key, "way": way}, actor=actor)
        for key in taken.removed:
            transaction.note(journal.RESPONDER_REMOVED, now_ms, {"responder": key, "reason": "list"}, actor=actor)
        if taken.removed:
            gone({key: before[key].added_ms for key in taken.removed})
    if taken.removed:
        store.scrub()
    return taken


def _changed_ways(before: Responder, after: Responder) -> Iterator[tuple[str, str]]:
    """Yield kinds of journal entries, and the kind of way that each is about."""
    old, new = ({way.contact for way in each.ways} for each in (before, after))
    for kind, changed in ((journal.WAY_ADDED, new - old), (journal.WAY_REMOVED, old - new)):
        for way in sorted({contact.way.value for contact in changed}):
            yield kind, way


def _listed(
    rows: Sequence[ListedResponder], before: Mapping[str, Responder], now_ms: int, taken: Taken
) -> tuple[dict[str, int], dict[str, Responder]]:
    lines: dict[str, int] = {}
    listed: dict[str, Responder] = {}
    for row in rows:
        taken.faults += [RowFault(row.line, problem) for problem in row.problems]
        if row.key and row.key in lines:
            _fault(taken, row.line, "responders.twice", responder=row.key, line=lines[row.key])
        elif row.key:
            lines[row.key] = row.line
            if not row.problems:
                listed[row.key] = row.responder(before.get(row.key), now_ms)
    return lines, listed


def _check(each: Responder, line: int, stations: Mapping[str, Station], taken: Taken) -> None:
    if each.key in stations:
        _fault(taken, line, "responders.station_s_key", responder=each.key)
    if each.station is not None and each.station not in stations:
        if near := like(each.station, stations):
            _fault(taken, line, "responders.no_station_like", responder=each.key, station=each.station, near=near)
        else:
            _fault(taken, line, "responders.no_station", responder=each.key, station=each.station)
    if not each.ways:
        taken.remarks.append(RowFault(line, ResponderError("responders.no_way", responder=each.key)))


def _check_homes(listed: Mapping[str, Responder], lines: Mapping[str, int], area: Area | None, taken: Taken) -> None:
    for key, each in listed.items():
        if each.home is not None and (found := doubt(each.home, area)) is not None:
            taken.faults.append(RowFault(lines[key], doubted(each.home, found, area)))


def take_shifts(
    store: Store, clock: Clock, rows: Sequence[ListedShift], *, actor: str, replace: bool = False, dry_run: bool = False
) -> Taken:
    """Set the shifts of everybody whom a list names: theirs are those of the list, and no others.

    replace: whoever is not in the list has none any more. Raises: ResponderError if somebody else changed the lists
    meanwhile; StoreFailing.
    """
    version = store.responders_version()
    people = {each.key for each in store.responders()}
    before: dict[str, list[Shift]] = {}
    for shift in store.shifts():
        before.setdefault(shift.responder, []).append(shift)
    taken = Taken(version=version)
    if not rows:
        _fault(taken, None, "responders.no_shifts")
    after: dict[str, list[Shift]] = {}
    for row in rows:
        taken.faults += [RowFault(row.line, problem) for problem in row.problems]
        if row.responder and row.responder not in people:
            taken.faults.append(RowFault(row.line, unknown(row.responder, people)))
        elif row.shift is not None:
            mine = after.setdefault(row.responder, [])
            if row.shift in mine:
                _fault(taken, row.line, "responders.shift_twice", responder=row.responder)
            mine.append(row.shift)
    if taken.faults:
        return taken
    for key, shifts in after.items():
        there = before.get(key, [])
        (taken.unchanged if there == shifts else taken.changed if there else taken.added).append(key)
    taken.removed = sorted(before.keys() - after.keys()) if replace else []
    if dry_run or not taken.changes:
        return taken
    with store.transaction() as transaction:
        if transaction.change_responders() != version:
            raise ResponderError("responders.changed_meanwhile")
        for key in (*taken.added, *taken.changed, *taken.removed):
            transaction.set_shifts(key, after.get(key, []))
        transaction.note(journal.SHIFTS_IMPORTED, clock.now_ms(), taken.facts(), actor=actor)
    return taken


def remove_responder(
    store: Store,
    clock: Clock,
    key: str,
    *,
    actor: str,
    reason: str,
    gone: Gone = lambda added: None,
) -> None:
    """Erase somebody who leaves, now. Raises: ResponderError if there is no such person; StoreFailing."""
    if not reason.strip():
        raise ResponderError("responders.no_reason")
    with store.transaction() as transaction:
        transaction.change_responders()
        there = store.responder_keys()  # nobody else changes them now
        if not transaction.remove_responders([key]):
            raise unknown(key, there)
        facts = {"responder": key, "reason": reason}
        transaction.note(journal.RESPONDER_REMOVED, clock.now_ms(), facts, actor=actor)
        gone({key: there[key]})
    store.scrub()


def unknown(key: str, known: Collection[str]) -> ResponderError:
    if near := like(key, known):
        return ResponderError("responders.unknown_like", responder=key, near=near)
    return ResponderError("responders.unknown", responder=key)


def _fault(taken: Taken, line: int | None, key: str, /, **values: object) -> None:
    taken.faults.append(RowFault(line, ResponderError(key, **values)))
