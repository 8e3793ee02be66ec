"""The alarm level of each incident, and what it is judged from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.cluster import OpenCall
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.domain.value import record


@record
class NearCall:
    """An open call near another."""

    incident_id: int
    holder: int | bytes  # the owner's id; the device's, where there is none
    place: tuple[int, int]  # degrees x 10^7
    opened_ms: int


class AlarmWriting(Protocol):
    def put_alarm(self, incident_id: int, alarm: Alarm) -> None:
        """Write what was judged last."""
        ...

    def has_members(self, cluster: int) -> bool:
        """Whether an incident belongs to the major incident of that number."""
        ...


class AlarmReading(Protocol):
    def alarms(self, incident_ids: Collection[int]) -> Mapping[int, Alarm]:
        """Return what was judged last, by incident, of those that were."""
        ...

    def ended_calls(self, owner_id: int, since_ms: int) -> Sequence[tuple[Disposition, int]]:
        """Return how an owner's calls ended since then, and when; no tests, no exercises of a drill."""
        ...

    def calls_within(self, south_west: tuple[int, int], north_east: tuple[int, int]) -> Sequence[NearCall]:
        """Return open calls in a rectangle, degrees x 10^7; no tests, no exercises of a drill."""
        ...

    def open_calls(self) -> Sequence[OpenCall]:
        """Return all open calls that have a place; no tests, no exercises of a drill."""
        ...
