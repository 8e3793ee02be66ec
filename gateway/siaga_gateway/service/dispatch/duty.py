"""Who can be called now: on duty, or available at home, near a place, of a station, or everyone on the list.

Only ways that their owner has proven count, so whoever has none is not here; `places check` names them. Each call reads
what has changed since the last one: a change of the list, a shift or somebody's word counts from the next contact.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from types import MappingProxyType
from typing import Final, Protocol

from siaga_gateway.domain.opening_hours import local_minute
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.responders import (
    FROM_HOME_S,
    OLDEST_MS,
    Responder,
    ResponderPosition,
    Transport,
    estimate_s,
    is_quiet,
)
from siaga_gateway.domain.shifts import (
    LONGEST_WORD_MS,
    DutyState,
    SelfDeclared,
    Shift,
    Standing,
    by_shifts,
    occurrences,
    with_word,
)
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.dispatch.reachable import Basis, Reachable, RoadTimes
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.service.store.places import PlaceReading
from siaga_gateway.service.store.responders import Box, ResponderReading

USUAL_DETOUR_PERCENT: Final = 140
USUAL_FRESH_S: Final = 1_800  # a phone that saves its battery tells every 15 min where it is
_TRIES: Final = 3
_HIDDEN_S: Final = 10.0
_BY_ROAD: Final = frozenset({Transport.CAR, Transport.MOTORCYCLE})
_ROAD_TIMES: Final = 25  # of so many people
_M_PER_DEGREE: Final = 111_195
_E7: Final = 10**7


class DutyStore(ResponderReading, PlaceReading, Protocol):
    pass


@record
class _Pattern:
    """What everybody with the same shifts is, for as long as that is sure."""

    standing: Standing
    from_ms: int


class _Lists:
    """What was read last."""

    def __init__(self, responders: Iterable[Responder], shifts: Iterable[Shift], stations: Mapping[str, Point]) -> None:
        self.responders = {each.key: each for each in responders}
        found: dict[str, list[Shift]] = {}
        for shift in shifts:
            found.setdefault(shift.responder, []).append(copied(shift, responder=""))
        self.shifts = {key: tuple(mine) for key, mine in found.items()}
        self.ways = {each.key: each.contacts for each in self.responders.values()}
        self.bases: list[tuple[int, int, str]] = []  # latitude, longitude and key: a station's, or a home; in order
        self.stations = stations
        self.patterns: dict[tuple[Shift, ...], _Pattern] = {}
        for each in self.responders.values():
            for place in {stations.get(each.station or ""), each.home} - {None}:
                assert place is not None
                self.bases.append((*place, each.key))
        self.bases.sort()


class Duty:
    """Thread-safe. detour_percent: how much longer roads are than the straight line; 140: by 40 %. fresh_s: how old a
    position may be for somebody to be sought there and not at his station."""

    def __init__(
        self,
        store: DutyStore,
        zone: tzinfo,
        *,
        detour_percent: int = USUAL_DETOUR_PERCENT,
        fresh_s: int = USUAL_FRESH_S,
        roads: RoadTimes | None = None,
    ) -> None:
        self._roads = roads
        self._store = store
        self._zone = zone
        self._detour_percent = detour_percent
        self._fresh_ms = fresh_s * 1000
        self._reading = threading.Lock()
        self._versions: tuple[int, int] | None = None
        self._duty_version: int | None = None
        self._again_at = math.inf  # monotonic
        self._lists = _Lists((), (), {})
        self._declared: Mapping[str, SelfDeclared] = {}

    def warm(self) -> None:
        """Read the lists now, so that the first press need not wait for it. Raises: StoreFailing."""
        self._current()

    def near(self, place: Point | None, now_ms: int, radius_m: int, limit: int | None = None) -> Sequence[Reachable]:
        """Return who is on duty or available within a radius, the soonest first; without a place everybody who is.

        Raises: StoreFailing, if the lists were never read.
        """
        lists, declared = self._current()
        if place is None:
            return self._all(lists, declared, lists.responders, now_ms, None, off=False)[:limit]
        box = _box(place, radius_m)
        (south, west), (north, east) = box
        band = lists.bases[bisect_left(lists.bases, (south,)) : bisect_left(lists.bases, (north + 1,))]
        keys = {key for _, across, key in band if west <= across <= east}
        keys |= (seen := self._seen(now_ms, box)).keys()
        found = self._all(lists, declared, keys & lists.responders.keys(), now_ms, place, off=False, seen=seen)
        within = [each for each in found if each.metres is not None and each.metres <= radius_m]
        return self._by_road(lists, within, place)[:limit]

    def of_station(self, keys: Collection[str], now_ms: int, place: Point | None = None) -> Sequence[Reachable]:
        """Return who of these stations is on duty or available, the soonest at the place first.

        Raises: StoreFailing.
        """
        lists, declared = self._current()
        mine = [key for key, each in lists.responders.items() if each.station in keys]
        return self._all(lists, declared, mine, now_ms, place, off=False)

    def everyone(self, now_ms: int, place: Point | None = None) -> Sequence[Reachable]:
        """Return everybody who has a way, also who is off: on duty first, then available, then the others.

        Raises: StoreFailing.
        """
        lists, declared = self._current()
        return self._all(lists, declared, lists.responders, now_ms, place, off=True)

    def standing(self, key: str, now_ms: int) -> Standing | None:
        """Return what somebody is now; None: there is nobody with this key (any more). Raises: StoreFailing."""
        lists, declared = self._current()
        return self._standing(lists, declared, key, now_ms, now_ms) if key in lists.responders else None

    @property
    def fresh_ms(self) -> int:
        """How old a position may be for somebody to be sought there."""
        return self._fresh_ms

    def upcoming(self, key: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """Return begin and end (Unix ms) of somebody's shifts under way between two times, the first one first.

        Raises: StoreFailing.
        """
        rules = self._current()[0].shifts.get(key, ())
        return sorted({each for shift in rules for each in occurrences(shift, from_ms, to_ms, self._zone)})

    def takes_position(self, key: str, at_ms: int, now_ms: int) -> bool:
        """Whether a position from then may be kept now: on duty or available at both times. Raises: StoreFailing."""
        lists, declared = self._current()
        return key in lists.responders and all(
            self._standing(lists, declared, key, each, now_ms).reachable for each in {at_ms, now_ms}
        )

    def responder(self, key: str) -> Responder | None:
        """Raises: StoreFailing."""
        return self._current()[0].responders.get(key)

    def travel_s(self, keys: Sequence[str], place: Point, now_ms: int, within_s: int) -> int | None:
        """Return in about how many seconds the soonest of these people, all under way, is at a place, from where their
        phones were within_s ago at most; None: that is known of nobody. Raises: StoreFailing."""
        people = self._current()[0].responders
        seen = [
            (people[key].transport, each.place)
            for key, each in self._store.positions_of(keys).items()
            if key in people and now_ms - each.fix_ms <= within_s * 1000
        ]
        driving = [where for transport, where in seen if transport in _BY_ROAD][:_ROAD_TIMES]
        by_road = self._roads.seconds(driving, place) if self._roads is not None and driving else None
        known = dict(zip(driving, by_road or (), strict=False))
        times = [
            known.get(where) or estimate_s(distance_m(where, place), transport, self._detour_percent)
            for transport, where in seen
        ]
        return min(times, default=None)

    def responders(self) -> Mapping[str, Responder]:
        """Return the list as it is now, by key. Raises: StoreFailing."""
        return self._current()[0].responders

    # How

    def _by_road(self, lists: _Lists, found: list[Reachable], place: Point) -> list[Reachable]:
        """Put the road's time in place of the straight line's, for the first of them who drive."""
        driving = [
            each for each in found if lists.responders[each.key].transport in _BY_ROAD and each.where is not None
        ]
        driving = driving[:_ROAD_TIMES]
        if self._roads is None or not driving:
            return found
        seconds = self._roads.seconds([each.where for each in driving if each.where is not None], place)
        if seconds is None:
            return found
        known = {each.key: time_s for each, time_s in zip(driving, seconds, strict=True) if time_s is not None}
        judged = [
            copied(each, estimate_s=known[each.key] + (0 if each.on_duty else FROM_HOME_S), by_road=True)
            if each.key in known
            else each
            for each in found
        ]
        return sorted(judged, key=lambda each: (each.estimate_s or 0, each.metres or 0, each.key))

    def _all(
        self,
        lists: _Lists,
        declared: Mapping[str, SelfDeclared],
        keys: Iterable[str],
        now_ms: int,
        place: Point | None,
        *,
        off: bool,
        seen: Mapping[str, ResponderPosition] = MappingProxyType({}),  # positions that have been read just now
    ) -> list[Reachable]:
        minute = local_minute(now_ms, self._zone)
        people = []
        for key in keys:
            if not lists.ways[key]:
                continue
            standing = self._standing(lists, declared, key, now_ms, now_ms)
            if off or standing.reachable:
                people.append((lists.responders[key], standing))
        positions = dict(seen)
        others = [responder.key for responder, _ in people if responder.key not in seen]
        if place is not None and others:
            with suppress(StoreFailing):  # then they are sought at their stations
                positions |= self._store.positions_of(others)
        found = [
            self._reachable(lists, responder, standing, positions.get(responder.key), place, now_ms, minute)
            for responder, standing in people
        ]
        ranks = {state: rank for rank, state in enumerate(DutyState)}
        return sorted(
            found,
            key=lambda each: (
                ranks[each.state] if off else 0,
                math.inf if each.estimate_s is None else each.estimate_s,
                each.metres or 0,
                ranks[each.state],
                each.key,
            ),
        )

    def _reachable(
        self,
        lists: _Lists,
        responder: Responder,
        standing: Standing,
        position: ResponderPosition | None,
        place: Point | None,
        now_ms: int,
        minute: int,
    ) -> Reachable:
        basis, where = self._where(lists, responder, standing, position, now_ms)
        metres = None if place is None or where is None else distance_m(where, place)
        at_home = standing.duty is not DutyState.ON_DUTY
        return Reachable(
            responder.key,
            responder.name,
            responder.language,
            lists.ways[responder.key],
            metres,
            None
            if metres is None
            else estimate_s(metres, responder.transport, self._detour_percent, from_home=at_home),
            not at_home,
            is_quiet(responder, standing, minute),
            standing.duty,
            basis,
            position.age_s(now_ms) if position is not None and basis in (Basis.POSITION, Basis.OLD_POSITION) else None,
            responder.station,
            responder.skills,
            where,
        )

    def _where(
        self,
        lists: _Lists,
        responder: Responder,
        standing: Standing,
        position: ResponderPosition | None,
        now_ms: int,
    ) -> tuple[Basis, Point | None]:
        if position is not None and now_ms - position.fix_ms <= self._fresh_ms:
            return Basis.POSITION, position.place
        station = lists.stations.get(responder.station or "")
        if standing.duty is not DutyState.ON_DUTY and responder.home is not None:
            return Basis.HOME, responder.home
        if station is not None:
            return Basis.STATION, station
        if position is not None and now_ms - position.fix_ms <= OLDEST_MS:
            return Basis.OLD_POSITION, position.place
        return (Basis.NOTHING, None) if responder.home is None else (Basis.HOME, responder.home)

    def _standing(
        self, lists: _Lists, declared: Mapping[str, SelfDeclared], key: str, at_ms: int, now_ms: int
    ) -> Standing:
        shifts = lists.shifts.get(key, ())
        known = lists.patterns.get(shifts)
        if known is None or not known.from_ms <= at_ms < (known.standing.until_ms or known.from_ms + self._fresh_ms):
            known = lists.patterns[shifts] = _Pattern(by_shifts(shifts, at_ms, self._zone), at_ms)
        said = declared.get(key)
        if said is not None and said.since_ms > now_ms:  # the clock was set back; by more than that it means nothing
            said = copied(said, since_ms=now_ms) if said.since_ms - now_ms < LONGEST_WORD_MS else None
        return with_word(known.standing, said, at_ms)

    def _seen(self, now_ms: int, box: Box) -> Mapping[str, ResponderPosition]:
        with suppress(StoreFailing):
            return {each.responder: each for each in self._store.positions(now_ms - OLDEST_MS, box)}
        return {}

    def _current(self) -> tuple[_Lists, Mapping[str, SelfDeclared]]:
        with self._reading:
            try:
                responders, places, duty = self._store.list_versions()
                versions = responders, places
                if versions != self._versions or time.monotonic() >= self._again_at:
                    self._read(versions)
                if duty != self._duty_version:
                    self._declared, self._duty_version = self._store.declared(), duty
            except StoreFailing:
                if self._versions is None:
                    raise
            return self._lists, self._declared

    def _read(self, versions: tuple[int, int]) -> None:
        for _ in range(_TRIES):
            stations = {station.key: station.place for station in self._store.stations()}
            self._lists = _Lists(self._store.responders(), self._store.shifts(), stations)
            after = self._store.list_versions()[:2]
            self._versions, versions = versions, after
            if after == self._versions:
                break
        # Rows that cannot be read now, for want of their key, are read once it is back: nothing else tells of that.
        hidden = len(self._lists.responders) < len(self._store.responder_keys())
        self._again_at = time.monotonic() + _HIDDEN_S if hidden else math.inf


def _box(place: Point, radius_m: int) -> Box:
    """Return a box that holds the circle, not across the antimeridian."""
    high = (radius_m + 1) * _E7 // _M_PER_DEGREE + 1  # distances are rounded to a metre
    narrow = math.cos(math.radians(min(89.9, (abs(place[0]) + high) / _E7)))
    wide = round(high / narrow) + 1
    return (place[0] - high, place[1] - wide), (place[0] + high, place[1] + wide)
