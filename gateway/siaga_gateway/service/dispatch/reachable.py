"""Somebody who can be called, and how that is known."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from siaga_gateway.domain.places import Contact, Point
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.domain.value import record


class Basis(StrEnum):
    """Where the distance is measured from, the best first."""

    POSITION = "position"  # of the phone, fresh
    STATION = "station"
    HOME = "home"
    OLD_POSITION = "old_position"
    NOTHING = "nothing"


@record
class Reachable:
    """Somebody who can be called."""

    key: str
    name: str
    language: str
    ways: tuple[Contact, ...]  # proven ones, in the order of preference; never none
    metres: int | None  # straight line; None: nobody knows where he is, or the place
    estimate_s: int | None  # until he is there; an estimate, to be shown as one
    on_duty: bool
    quiet: bool  # his quiet hours: on a later rung, see domain/responders.py, rung_for
    state: DutyState = DutyState.ON_DUTY
    basis: Basis = Basis.NOTHING
    age_s: int | None = None  # of the position that the distance is measured from
    station: str | None = None  # the home station's key
    skills: tuple[str, ...] = ()
    where: Point | None = None  # where the distance is measured from
    by_road: bool = False  # the estimate is from the roads, not from the straight line


class RoadTimes(Protocol):
    """A server that knows the roads."""

    def seconds(self, origins: Sequence[Point], to: Point) -> Sequence[int | None] | None:
        """Return how long it takes by car from each of the origins, None where there is no road. None: not known, at
        the latest after 300 ms."""
        ...
