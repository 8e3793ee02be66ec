"""Stations and people as a desk looks them up, what is wrong with the lists, and the code that somebody reads out.

The lists are read when they have changed, and searched in memory: ten thousand stations take a page some milliseconds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from siaga_gateway.catalogue import texts
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing
from siaga_gateway.domain.installation_area import in_degrees
from siaga_gateway.domain.places import ContactWay, Finding, FindingKind, Point, Station, in_order
from siaga_gateway.domain.responders import OLDEST_MS, Responder, ResponderPosition
from siaga_gateway.domain.shifts import DutyState, Standing
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.duty import Duty, DutyStore
from siaga_gateway.service.dispatch.place_preview import PlacePreview
from siaga_gateway.service.dispatch.reachable import Reachable
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.turns import Turns

if TYPE_CHECKING:
    from siaga_gateway.service.dispatch.area_outlines import Outline

_OF_RUNGS: Final = frozenset({FindingKind.LADDER_NOBODY, FindingKind.RUNG_UNMANNED})
_OF_WAYS: Final = frozenset({FindingKind.UNPROVEN_WAY, FindingKind.UNANSWERED_WAY})
_LONGEST_S: Final = 20.0  # of the wait for the first check


NEAREST_M: Final = 50_000


class TakesCodes(Protocol):
    def __call__(self, key: str, answer: str, actor: str) -> tuple[ContactWay, ...]: ...


class ListsBusy(Failing):
    """The lists are being checked for the first time, and enough people wait for that."""


@record
class StationLine:
    station: Station
    above: str | None  # the name of the station above it, or its key where there is none
    has_area: bool


@record
class PersonLine:
    person: Responder
    standing: Standing | None
    position_age_s: int | None  # None: no phone has told one


@record
class UnitPlace:
    """Somebody who can be sent, and where he was last."""

    person: Responder
    standing: Standing
    position: ResponderPosition


@record
class _Lists:
    versions: tuple[int, int]
    stations: Mapping[str, Station]  # by name
    areas: frozenset[str]
    people: tuple[Responder, ...]  # by name


class PlaceDirectory:
    """Thread-safe. faults_of_places: returns what is wrong with stations and areas; asked again when their list or the
    day has changed, for that takes seconds. faults_of_people: likewise when any list has. codes: takes what somebody
    told. preview: tells whom a press would call. sends: on which kinds of ways a program sends. Each raises
    StoreFailing."""

    def __init__(
        self,
        store: DutyStore,
        clock: Clock,
        duty: Duty,
        faults_of_places: Callable[[], Sequence[Finding]],
        faults_of_people: Callable[[], Sequence[Finding]],
        today: Callable[[], object],
        codes: TakesCodes,
        preview: PlacePreview,
        sends: Callable[[], Collection[ContactWay]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._duty = duty
        self._check_places = faults_of_places
        self._check_people = faults_of_people
        self._today = today
        self._codes = codes
        self.preview = preview
        self.sends = sends
        self._reading = threading.Lock()
        self._lists: _Lists | None = None
        self._checking = Turns()
        self._drawing = threading.Lock()
        self._drawn: tuple[int, bytes] | None = None
        self._of_places: tuple[object, Sequence[Finding]] | None = None
        self._faults: tuple[object, Sequence[Finding]] | None = None

    def faults(self) -> Sequence[Finding]:
        """Return what is wrong, the worst first. Who comes while that is looked up sees what was known before. Raises:
        ListsBusy."""
        (places, people), today = self._versions(), self._today()
        seen, known = (places, people, today), self._faults
        if known is not None and known[0] == seen:
            return known[1]
        if not self._checking.take(_LONGEST_S if known is None else 0):
            if known is None:
                raise ListsBusy("places.busy")
            return known[1]
        try:
            if self._of_places is None or self._of_places[0] != (places, today):
                self._of_places = (places, today), self._check_places()
            if self._faults is None or self._faults[0] != seen:
                self._faults = seen, in_order([*self._of_places[1], *self._check_people()])
            return self._faults[1]
        finally:
            self._checking.give_back()

    def stations(self, text: str, begin: int, limit: int) -> tuple[Sequence[StationLine], int]:
        """Return a page of the stations whose name, key or address has the text, and how many there are of them."""
        lists = self._current()
        found = [each for each in lists.stations.values() if _has(text, each.name, each.key, each.address)]
        lines = [
            StationLine(each, _above(lists.stations, each), each.key in lists.areas)
            for each in found[begin : begin + limit]
        ]
        return lines, len(found)

    def people(self, text: str, begin: int, limit: int) -> tuple[Sequence[PersonLine], int]:
        """Return a page of the officers and patrols likewise, as they are now."""
        now_ms = self._clock.now_ms()
        found = [each for each in self._current().people if _has(text, each.name, each.key, each.station or "")]
        shown = found[begin : begin + limit]
        positions = self._store.positions_of([each.key for each in shown])
        lines = [
            PersonLine(
                each,
                self._duty.standing(each.key, now_ms),
                positions[each.key].age_s(now_ms) if each.key in positions else None,
            )
            for each in shown
        ]
        return lines, len(found)

    def reachable(self, limit: int) -> Sequence[PersonLine]:
        """Return who is on duty or available now, by name; at most `limit`. Raises: StoreFailing."""
        now_ms, found = self._clock.now_ms(), list[PersonLine]()
        for each in self._current().people:
            standing = self._duty.standing(each.key, now_ms)
            if standing is not None and standing.reachable:
                found.append(PersonLine(each, standing, None))
            if len(found) == limit:
                break
        return found

    def duty_counts(self, within_ms: int = 12 * 3_600_000) -> tuple[int, int, int | None, int]:
        """Return how many are on duty and available; when the next shift begins of somebody who is neither (None: not
        so soon), and of how many then. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        states, begins = Counter[DutyState](), Counter[int]()
        for each in self._current().people:
            standing = self._duty.standing(each.key, now_ms)
            state = DutyState.OFF if standing is None else standing.duty
            states[state] += 1
            if state is DutyState.OFF:
                upcoming = self._duty.upcoming(each.key, now_ms, now_ms + within_ms)
                begins.update(begin for begin, _ in upcoming[:1] if begin > now_ms)
        next_ms = min(begins, default=None)
        return states[DutyState.ON_DUTY], states[DutyState.AVAILABLE], next_ms, begins[next_ms] if next_ms else 0

    def nearest(self, place: Point, limit: int) -> Sequence[Reachable]:
        """Return who is on duty or available around a place, the soonest first. Raises: StoreFailing."""
        return self._duty.near(place, self._clock.now_ms(), NEAREST_M, limit)

    @property
    def fresh_ms(self) -> int:
        """How old a position may be for somebody to be sought there."""
        return self._duty.fresh_ms

    def whereabouts(self, sent: Collection[str] = ()) -> Sequence[UnitPlace]:
        """Return who is on duty or available, or among `sent` by name, and has told where he is within a day. Nobody
        else's place is anybody's business. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        people = {each.key: each for each in self._current().people}
        found = []
        for position in self._store.positions(now_ms - OLDEST_MS):
            person = people.get(position.responder)
            standing = None if person is None else self._duty.standing(person.key, now_ms)
            if person is not None and standing is not None and (standing.reachable or person.name in sent):
                found.append(UnitPlace(person, standing, position))
        return found

    def answer(self, key: str, code: str, actor: str) -> tuple[ContactWay, ...]:
        """Take a code, and return the ways that it proves. Raises: ResponderError too."""
        return self._codes(key, code, actor)

    def drawn(self, draw: Callable[[Mapping[str, Station], list[Outline]], bytes]) -> bytes:
        """Return what `draw` makes of the stations and the outlines of their areas: once for each state of the list."""
        # Imported late: no other page draws areas.
        from siaga_gateway.service.dispatch.area_outlines import outlines

        with self._drawing:
            version = self._store.places_version()
            if self._drawn is None or self._drawn[0] != version:
                self._drawn = version, draw(self._current().stations, outlines(self._store.areas()))
            return self._drawn[1]

    def _versions(self) -> tuple[int, int]:
        return self._store.places_version(), self._store.responders_version()

    def _current(self) -> _Lists:
        with self._reading:
            versions, last = self._versions(), self._lists
            if last is not None and last.versions == versions:
                return last
            if last is not None and last.versions[0] == versions[0]:  # areas are megabytes
                stations, areas = last.stations, last.areas
            else:
                by_name = sorted(self._store.stations(), key=lambda each: (each.name.casefold(), each.key))
                stations = {each.key: each for each in by_name}
                areas = frozenset(each.station_key for each in self._store.areas())
            people = sorted(self._store.responders(), key=lambda each: (each.name.casefold(), each.key))
            self._lists = _Lists(versions, stations, areas, tuple(people))
            return self._lists


def finding_values(finding: Finding) -> dict[str, Any]:
    """Return what the text of a finding, `commands.place_fault.<kind>`, names."""
    return {
        "station": finding.keys[0] if finding.keys else "-",
        "keys": ", ".join(finding.keys) or "-",
        "other": _other(finding),
        "number": finding.number,
        "km2": f"{finding.number / 100:.2f}",
        "place": "-" if finding.place is None else in_degrees(finding.place),
    }


def _other(finding: Finding) -> str | Localized:
    other = finding.keys[-1] if finding.keys else "-"
    if finding.kind in _OF_RUNGS:
        return rung_words(other)
    return Localized(f"console.contact_way.{other}") if finding.kind in _OF_WAYS else other


def rung_words(rung: str) -> str | Localized:
    """Return the rung's name in words; one of the settings is shown as it is there."""
    key = f"console.rung.{rung}"
    return Localized(key) if key in texts("console", "en") else rung


def _has(text: str, *fields: str) -> bool:
    wanted = text.casefold()
    return any(wanted in each.casefold() for each in fields)


def _above(stations: Mapping[str, Station], station: Station) -> str | None:
    above = stations.get(station.parent or "")
    return station.parent if above is None else above.name
