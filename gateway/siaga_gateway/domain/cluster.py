"""Major incidents: which of the calls close together in place and time belong to one. Pure.

A call that has `presses` calls within `metres` and the time around it, itself among them, makes them one major
incident. It is named after its first call, and every later call near a member joins it. Each member stays an incident
of its own: nothing that happens to it depends on the others.

Calls are counted by button, not by owner: the buttons of a market belong to one company. A chain of calls does not grow
without bound: members lie within REACH times `metres` of the first one, so that an earthquake becomes many major
incidents, each of a size that one person can lead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import record

WIDEST_M: Final = 2_000
LONGEST_MINUTES: Final = 60
REACH: Final = 5
_M_PER_DEGREE: Final = 111_195
_E7: Final = 10**7

Place = tuple[int, int]  # degrees x 10^7


@record
class ClusterLimits:
    presses: int = 3  # so many calls are a major incident; 0: none ever is
    metres: int = 300
    within_ms: int = 5 * 60_000


@record
class OpenCall:
    """What is to know of an open call in earnest that has a place."""

    incident_id: int
    place: Place
    opened_ms: int
    cluster: int | None = None  # its major incident: the number of that one's first call
    alone: bool = False  # a person took it out of its major incident

    @property
    def is_free(self) -> bool:
        return self.cluster is None and not self.alone


def grouped(calls: Collection[OpenCall], firsts: Mapping[int, Place], limits: ClusterLimits) -> dict[int, int]:
    """Return the calls that come to belong to a major incident, and to which: incident ids.

    calls: all, in any order. firsts: where the first call of each major incident is that calls belong to; without it
    nothing joins that one.
    """
    if not limits.presses:
        return {}
    work = _Grouping(calls, firsts, limits)
    while work.join() or work.form():
        pass
    return work.found


class _Grouping:
    def __init__(self, calls: Collection[OpenCall], firsts: Mapping[int, Place], limits: ClusterLimits) -> None:
        self.found: dict[int, int] = {}
        self._limits = limits
        self._firsts = dict(firsts)
        self._free = sorted((each for each in calls if each.is_free), key=_age)
        self._near = _Neighbours(calls, limits)
        self._lonely: set[int] = set()  # free calls with too few around them: there will never be more

    def join(self) -> bool:
        """Add the free calls that are near a member. Returns whether there were any."""
        before = len(self.found)
        for call in self._free:
            groups = self._near.groups_around(call)
            reached = (group for group in groups if self._reaches(group, call.place))
            nearest = next((group for group in sorted(reached) if self._near.has_member(group, call)), None)
            if nearest is not None:
                self._put(call, nearest)
        self._drop_grouped()
        return len(self.found) > before

    def form(self) -> bool:
        """Make one new major incident of free calls. Returns whether there was one."""
        for call in self._free:
            if call.incident_id in self._lonely:
                continue
            around = list(self._near.free(call))
            if len(around) < self._limits.presses:
                self._lonely.add(call.incident_id)
                continue
            first = min(around, key=_age)
            self._firsts[first.incident_id] = first.place
            for each in around:
                self._put(each, first.incident_id)
            self._drop_grouped()
            return True
        return False

    def _put(self, call: OpenCall, group: int) -> None:
        self.found[call.incident_id] = group
        self._near.put(call, group)

    def _reaches(self, group: int, place: Place) -> bool:
        first = self._firsts.get(group)
        return first is not None and distance_m(first, place) <= REACH * self._limits.metres

    def _drop_grouped(self) -> None:
        self._free = [each for each in self._free if each.incident_id not in self.found]


class _Neighbours:
    """Finds calls nearby, by cells that are at least as wide as what is near: thousands at one place cost no more than
    that many looks."""

    def __init__(self, calls: Collection[OpenCall], limits: ClusterLimits) -> None:
        self._limits = limits
        widest = max((abs(each.place[0]) for each in calls), default=0)
        self._up = math.ceil(limits.metres * _E7 / _M_PER_DEGREE) + 1
        self._across = math.ceil(self._up / max(0.01, math.cos(math.radians(widest / _E7)))) + 1
        self._free: dict[Place, dict[int, OpenCall]] = {}  # by cell and incident
        self._members: dict[Place, dict[int, list[OpenCall]]] = {}  # by cell and group
        for each in calls:
            if each.cluster is not None:
                self._add(each, each.cluster)
            elif each.is_free:
                self._free.setdefault(self._cell(each.place), {})[each.incident_id] = each

    def free(self, call: OpenCall) -> Iterator[OpenCall]:
        """Yield the free calls near this one, itself too."""
        for cell in self._around(call):
            yield from (other for other in self._free.get(cell, {}).values() if self._is_near(call, other))

    def groups_around(self, call: OpenCall) -> set[int]:
        """Return the groups with members that may be near."""
        return {group for cell in self._around(call) for group in self._members.get(cell, ())}

    def has_member(self, group: int, call: OpenCall) -> bool:
        """Whether a member of the group is near."""
        members = (self._members.get(cell, {}).get(group, ()) for cell in self._around(call))
        return any(self._is_near(call, each) for some in members for each in some)

    def put(self, call: OpenCall, group: int) -> None:
        """A free call is one no more."""
        self._free[self._cell(call.place)].pop(call.incident_id)
        self._add(call, group)

    def _add(self, call: OpenCall, group: int) -> None:
        self._members.setdefault(self._cell(call.place), {}).setdefault(group, []).append(call)

    def _is_near(self, call: OpenCall, other: OpenCall) -> bool:
        return (
            abs(other.opened_ms - call.opened_ms) <= self._limits.within_ms
            and distance_m(call.place, other.place) <= self._limits.metres
        )

    def _around(self, call: OpenCall) -> Iterator[Place]:
        row, column = self._cell(call.place)
        return ((row + up, column + across) for up in (-1, 0, 1) for across in (-1, 0, 1))

    def _cell(self, place: Place) -> Place:
        return place[0] // self._up, place[1] // self._across


def _age(call: OpenCall) -> tuple[int, int]:
    return call.opened_ms, call.incident_id
